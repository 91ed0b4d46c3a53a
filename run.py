"""Makes a music video: `python run.py song=path/to/track.mp3 style=neon`; `--help` shows the rest."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while libraries load ends quietly; `launch` takes over

import hydra
from omegaconf import DictConfig

from qmv import app

if __name__ == "__main__":  # Hydra reads the config when `main` is called, so the plugins must be there before
    app.prepare(sys.argv[1:], Path(__file__).parent / "conf" / "config.yaml")


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: DictConfig) -> str:
    return app.run(cfg)


if __name__ == "__main__":
    app.launch(main)

"""How many pictures a second a model of diffusers paints on this machine, by device and batch.

    python -m benchmarks.local_pictures --model black-forest-labs/FLUX.1-schnell --batch 1 2 4 --json figures.json

Wall time, since a GPU works while its processor waits. Each line paints a batch before the clock starts, which also
loads the model where the device is another (`first_batch_s` in the JSON file). GPU MiB: the most that torch held. Where
memory does not hold a batch, it is halved as in a run, and the line is of what was left of it.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.measure import table, write_json

_COLUMNS = ("device", "batch", "pictures", "seconds", "pictures/s", "s/picture", "GPU MiB")
_PROMPT = "wide shot of a lighthouse at night, neon lights, rain"


def measured(options: argparse.Namespace, device: str, batch: int) -> dict[str, Any]:
    """The figures of one line; an error ends in `note`, with no figures."""
    from qmv.plugins.image.diffusers import Diffusers
    from qmv.testing import image_request

    made = Diffusers(
        model=options.model, steps=options.steps, guidance=options.guidance, dtype=options.dtype, device=device,
        batch=batch, offload=options.offload, offline=True if Path(options.model).is_dir() else options.offline,
    )  # fmt: skip
    count = max(batch, -(-options.count // batch) * batch)  # whole batches
    size = {"width_px": options.width, "height_px": options.height}
    requests = [image_request(index=n, seed=n, prompt=_PROMPT, **size) for n in range(count)]
    started = time.perf_counter()
    warm = list(made.render_all(requests[:batch]))
    first_s = time.perf_counter() - started
    if failed := [each.error for each in warm if each.error]:
        return {"device": device, "batch": batch, "note": str(failed[0])}
    _reset_peak()
    started = time.perf_counter()
    outcomes = list(made.render_all(requests))
    seconds = time.perf_counter() - started
    if failed := [each.error for each in outcomes if each.error]:
        return {"device": device, "batch": batch, "note": str(failed[0])}
    return {
        "device": device, "batch": batch, "pictures": count, "first_batch_s": first_s, "seconds": seconds,
        "pictures_per_s": count / seconds, "gpu_mib": _peak_mib(), "note": "",
    }  # fmt: skip


def _reset_peak() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak_mib() -> float | None:
    import torch

    return torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None


def _row(found: dict[str, Any]) -> list[str]:
    if found["note"]:
        return [found["device"], str(found["batch"]), *["failed"] * 4, ""]
    memory = "" if found["gpu_mib"] is None else f"{found['gpu_mib']:.0f}"
    speed = found["pictures_per_s"]
    figures = [f"{found['seconds']:.2f}", f"{speed:.3f}", f"{1 / speed:.2f}"]
    return [found["device"], str(found["batch"]), str(found["pictures"]), *figures, memory]


def _about() -> dict[str, Any]:
    import torch

    libraries = {name: metadata.version(name) for name in ("diffusers", "torch", "transformers")}
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"libraries": libraries, "gpu": gpu, "torch_threads": torch.get_num_threads()}


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.local_pictures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--model", required=True, help="a folder or an ID on huggingface.co")
    made.add_argument("--device", nargs="+", default=["auto"], choices=("auto", "cuda", "mps", "cpu"))
    made.add_argument("--batch", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    made.add_argument("--count", type=int, default=8, metavar="N", help="pictures a line at least (8)")
    made.add_argument("--width", type=int, default=1024)
    made.add_argument("--height", type=int, default=1024)
    made.add_argument("--steps", type=int, help="those of the provider where not given")
    made.add_argument("--guidance", type=float)
    made.add_argument("--dtype", default="auto", choices=("auto", "float32", "float16", "bfloat16"))
    made.add_argument("--offload", action="store_true")
    made.add_argument("--offline", action="store_true", help="take only what is on this machine")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    return made


def main() -> int:
    from qmv.errors import QmvError
    from qmv.plugins.image.diffusers import Diffusers

    parser = _parser()
    options = parser.parse_args()
    try:
        Diffusers(model=options.model, offline=options.offline).ready()
    except QmvError as error:
        parser.error(str(error))
    lines = []
    for device in options.device:
        for batch in options.batch:
            print(f"{device}: batches of {batch}", file=sys.stderr)
            lines.append(measured(options, device, batch))
            if lines[-1]["note"]:
                print(lines[-1]["note"], file=sys.stderr)
    title = f"{options.model}, {options.width}x{options.height}, {options.dtype}"
    table(title, _COLUMNS, [_row(each) for each in lines])
    settings = {name: value for name, value in vars(options).items() if name not in ("json", "device", "batch")}
    write_json(options.json, "local_pictures", {"settings": settings, "with": _about(), "lines": lines})
    return 0 if any(not each["note"] for each in lines) else 1


if __name__ == "__main__":
    sys.exit(main())

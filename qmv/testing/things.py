"""Small things to try plugins with: a style, a request, a shot, a click track, a frame, a context."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.api import Account, Context, ImageProvider, ImageRequest, Ledger, Purchase, Purchases
from qmv.artifacts import Shot, Style
from qmv.engine.cache import Cache, digest
from qmv.engine.parallel import Mapper
from qmv.events import Event

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.frame import Frame


def style(**changes: Any) -> Style:
    """A small style; `changes` are fields of it."""
    values: dict[str, Any] = {
        "name": "trial",
        "prompt": "{shot} of {subject}, {mood}",
        "negative_prompt": "text, watermark",
        "look": "neon",
        "palette": ("#07031a", "#1c0b4a", "#5a1899", "#ff2d95", "#1fe0ff"),
        "shots": ("wide shot", "close-up", "low angle"),
        "subjects": ("a lighthouse", "a night train", "an empty pier", "two dancers"),
        "moods": ("calm", "restless", "bright"),
    }
    return Style(**values | changes)


def image_request(**changes: Any) -> ImageRequest:
    """A request for a small picture; `changes` are fields of it."""
    values: dict[str, Any] = {
        "index": 0,
        "prompt": "wide shot of a lighthouse, calm",
        "negative_prompt": "text",
        "seed": 7,
        "framing": "wide shot",
        "subject": "a lighthouse",
        "look": "neon",
        "palette": style().palette,
        "width_px": 64,
        "height_px": 36,
    }
    return ImageRequest(**values | changes)


def song_shot(frames: int, *, start: int = 0, index: int = 0, **changes: Any) -> Shot:
    """A shot of `frames` frames; `changes` are fields of it."""
    values: dict[str, Any] = {
        "beat": None,
        "section": "A",
        "framing": "wide shot",
        "subject": "a lighthouse",
        "prompt": "a lighthouse",
        "negative_prompt": "",
        "seed": 11 + index,
    }
    return Shot(index=index, start=start, end=start + frames, **values | changes)


def click_track(bpm: float, first_s: float, duration_s: float, rate_hz: int = 22050) -> npt.NDArray[np.float32]:
    """A mono signal [n] of short 1 kHz clicks, one a beat from `first_s` on."""
    import numpy as np

    samples = np.zeros(round(duration_s * rate_hz), np.float32)
    t = np.arange(round(0.02 * rate_hz)) / rate_hz
    click = (0.8 * np.sin(math.tau * 1000 * t) * np.exp(-t / 0.004)).astype(np.float32)
    for beat in range(math.ceil((duration_s - first_s) * bpm / 60)):
        part = samples[round((first_s + beat * 60 / bpm) * rate_hz) :][: len(click)]
        part += click[: len(part)]
    return samples


def noise_frame(seed: int, width: int = 64, height: int = 36) -> Frame:
    """A frame of random samples in the legal range."""
    import numpy as np

    from qmv.media.frame import Frame

    random = np.random.default_rng(seed)
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    y, u, v = (random.integers(16, top, shape, np.uint8) for shape, top in zip(shapes, (236, 241, 241)))
    return Frame(y, u, v)


def trial_purchases(
    folder: Path, provider: ImageProvider, requests: Sequence[ImageRequest], *, cap: Decimal | None = None
) -> Purchases:
    """What `render_all` wants beside its requests, with the ledger in `folder`."""
    account = Account(ledger=Ledger(folder / "ledger.sqlite"), budget="trial", run="trial", cap=cap)
    wanted = {
        request: Purchase(
            key=digest({"provider": provider.identity(), "request": provider.request_identity(request)}),
            product=provider.product(request),
            price=provider.price(request),
        )
        for request in requests
    }
    return Purchases(account=account, wanted=wanted)


def stage_context(
    folder: Path, *, workers: int = 1, node: str = "trial", publish: Callable[[Event], None] | None = None
) -> Context:
    """A context below a folder: the stage's files go to `folder/work`, the cache is `folder/cache`."""
    (folder / "work").mkdir(parents=True, exist_ok=True)
    return Context(
        node=node,
        folder=folder / "work",
        cache=Cache(folder / "cache"),
        run_folder=folder,
        workers=workers,
        publish=publish or (lambda _: None),
        parallel=Mapper(()),
        account=Account(ledger=Ledger(folder / "ledger.sqlite"), budget="trial", run="trial"),
    )

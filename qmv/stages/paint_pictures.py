"""Gets a picture for each shot; each is checked, cropped and cached on its own, and made once for all runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from qmv.api import Cache, Context, ImageProvider, ImageRequest, Outcome, Stage, plugin, setting
from qmv.artifacts import File, Picture, Pictures, Storyboard, Style
from qmv.errors import PluginError, QmvError

__all__ = ["PaintPictures"]

_AREA = "pictures"
_FILE = "picture.png"
_AT_ONCE = 64  # locks held at a time: each is an open file, and systems allow about 1000


@plugin
class PaintPictures(Stage):
    """One picture a shot, cropped to the format."""

    name = "paint_pictures"
    libraries = ("opencv-python-headless", "pillow")
    image: ImageProvider
    width: int = setting(
        "width of the pictures and the video, even", default=1024, unit="px", at_least=16, at_most=8192, knob="width"
    )
    height: int = setting("height, even", default=1024, unit="px", at_least=16, at_most=8192, knob="height")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "height"):
            if getattr(self, name) % 2:
                raise ValueError(
                    f"{name} must be even (H.264 stores colour for 2 x 2 pixels), got {getattr(self, name)}"
                )

    def run(self, ctx: Context, style: Style, storyboard: Storyboard) -> Pictures:
        wanted = self._requests(style, storyboard)
        unique: dict[str, ImageRequest] = {}
        for key, request in wanted:
            unique.setdefault(key, request)
        reused = sum(ctx.cache.get(_AREA, key) is not None for key in unique)
        ctx.progress(reused, len(unique), "pictures", reused=reused)
        done = reused
        for made in self._paint(ctx.cache, unique):
            done, reused = done + 1, reused + (not made)
            ctx.progress(done, len(unique), "pictures", reused=reused)
        return Pictures(
            width_px=self.width,
            height_px=self.height,
            pictures=tuple(self._picture(ctx.cache, key, request) for key, request in wanted),
        )

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        if "storyboard" not in inputs:
            return ""
        keys = {key for key, _ in self._requests(inputs["style"], inputs["storyboard"])}
        cached = sum(ctx.cache.get(_AREA, key) is not None for key in keys)
        return f"{len(keys) - cached} pictures to make, {cached} cached"

    def _requests(self, style: Style, storyboard: Storyboard) -> list[tuple[str, ImageRequest]]:
        """(key, request) of each shot; shots that want the same picture have the same key."""
        provider = self.image.identity()
        requests = [
            ImageRequest(
                index=shot.index,
                prompt=shot.prompt,
                negative_prompt=shot.negative_prompt,
                seed=shot.seed,
                framing=shot.framing,
                subject=shot.subject,
                look=style.look,
                palette=style.palette,
                width_px=self.width,
                height_px=self.height,
            )
            for shot in storyboard.shots
        ]
        shape = {"width_px": self.width, "height_px": self.height, "version": self.version}
        return [
            (
                Cache.key({"provider": provider, "request": self.image.request_identity(request), "shape": shape}),
                request,
            )
            for request in requests
        ]

    def _paint(self, cache: Cache, wanted: dict[str, ImageRequest]) -> Iterator[bool]:
        """Makes what is missing; yields for each whether this run made it.

        A picture that another run is making is waited for while this run holds no lock, so that two runs can never
        wait for each other.
        """
        missing = {key: request for key, request in wanted.items() if cache.get(_AREA, key) is None}
        while missing:
            with ExitStack() as locks:
                mine: dict[str, ImageRequest] = {}
                for key in list(missing)[:_AT_ONCE]:
                    if locks.enter_context(cache.lock(_AREA, key, wait=False)):
                        mine[key] = missing.pop(key)
                found = [key for key in mine if cache.get(_AREA, key) is not None]
                yield from (False for _ in found)
                yield from self._make(cache, {key: mine[key] for key in mine if key not in found})
            if missing and not mine:
                with cache.lock(_AREA, next(iter(missing))):
                    pass  # the other run has made it, failed or died: look again

    def _make(self, cache: Cache, requests: dict[str, ImageRequest]) -> Iterator[bool]:
        """Asks the provider for all; what came is kept before the first failure is raised."""
        if not requests:
            return
        keys = {request: key for key, request in requests.items()}
        first_error: QmvError | None = None
        for outcome in self.image.render_all(list(requests.values())):
            try:
                self._keep(cache, keys.pop(outcome.request, None), outcome)
            except QmvError as error:
                first_error = first_error or error
            else:
                yield True
        if first_error is None and keys:
            first_error = PluginError(f"image ({self.image.name}): gave no outcome for {len(keys)} pictures.")
        if first_error is not None:
            raise first_error

    def _keep(self, cache: Cache, key: str | None, outcome: Outcome) -> None:
        from qmv.media.chunk import planes_beside
        from qmv.media.frame import Frame
        from qmv.media.picture import crop_to, png, read

        if key is None:
            raise PluginError(f"image ({self.image.name}): gave an outcome that was not asked for, or gave it twice.")
        if not isinstance(outcome.image, bytes):
            raise outcome.error or PluginError(f"image ({self.image.name}): gave neither a picture nor an error.")
        name = f"image ({self.image.name}): picture {outcome.request.index}"
        rgb = crop_to(read(outcome.image, name), self.width, self.height)

        def write(folder: Path) -> None:
            (folder / _FILE).write_bytes(png(rgb))
            Frame.from_rgb(rgb).save(planes_beside(folder / _FILE))

        cache.put(_AREA, key, write)

    def _picture(self, cache: Cache, key: str, request: ImageRequest) -> Picture:
        from qmv.media.chunk import planes_beside

        file = cache.folder(_AREA, key) / _FILE
        return Picture(
            file=File.of(file),
            planes=File.of(planes_beside(file)),
            width_px=self.width,
            height_px=self.height,
            provider=self.image.name,
            seed=request.seed,
            prompt=request.prompt,
        )

"""Procedural pictures from the style's palette, the prompt and the seed: no key, no network, no GPU."""

from __future__ import annotations

from qmv.api import ImageProvider, ImageRequest, plugin, setting
from qmv.errors import UnknownName
from qmv.plugins.image.canvas_looks import LOOKS

__all__ = ["Canvas"]


@plugin
class Canvas(ImageProvider):
    """Paints in the look of the style."""

    name = "canvas"
    version = 1
    libraries = ("numpy", "opencv-python-headless")
    source_type = "algorithmicMedia"
    threads = 2  # it computes, so more threads than cores only wait
    look: str = setting("how it paints: the style's own look, or another", default="style", choices=("style", *LOOKS))

    def render(self, request: ImageRequest) -> bytes:
        from qmv.media.picture import png
        from qmv.plugins.image.canvas_looks import paint
        from qmv.plugins.image.canvas_looks.scene import Scene

        look = request.look if self.look == "style" else self.look
        if look not in LOOKS:
            raise UnknownName("style: look", look, LOOKS)
        scene = Scene(
            seed=request.seed,
            width_px=request.width_px,
            height_px=request.height_px,
            palette=request.palette,
            framing=request.framing,
            subject=request.subject,
        )
        return png(paint(look, scene))

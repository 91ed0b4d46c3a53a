"""An image provider for QMV in one file: confetti in the style's colours."""

from __future__ import annotations

from qmv.api import ImageProvider, ImageRequest, plugin, setting
from qmv.hookspecs import hookimpl


@plugin
class Confetti(ImageProvider):
    """Confetti in the style's colours, thrown anew for every shot."""

    name = "confetti"
    pieces: int = setting("how many pieces", default=200, unit="pieces", at_least=1, at_most=5000)
    size: float = setting("their size, of the picture's shorter side", default=0.04, above=0, at_most=1)

    def render(self, request: ImageRequest) -> bytes:
        import io

        import numpy as np
        from PIL import Image, ImageDraw

        rng = np.random.default_rng(request.seed)
        picture = Image.new("RGB", (request.width_px, request.height_px), request.palette[0])
        draw = ImageDraw.Draw(picture)
        side_px = self.size * min(picture.size)
        for x, y, scale, turn in rng.random((self.pieces, 4)):
            place = (x * picture.width, y * picture.height, side_px * (0.3 + scale))
            colour = request.palette[1 + int(turn * 997) % (len(request.palette) - 1)]
            draw.regular_polygon(place, 4, rotation=int(turn * 90), fill=colour)
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()


@hookimpl
def qmv_image_providers() -> list[type[ImageProvider]]:
    return [Confetti]


@hookimpl
def qmv_config_paths() -> list[str]:
    return ["pkg://qmv_confetti.conf"]

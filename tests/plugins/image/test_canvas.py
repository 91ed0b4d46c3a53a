"""The procedural pictures, through their provider."""

from __future__ import annotations

import pytest

from qmv.errors import UnknownName
from qmv.media.picture import read
from qmv.plugins.image.canvas import Canvas
from qmv.plugins.image.canvas_looks import LOOKS
from qmv.testing import ImageProviderContract, image_request


class TestCanvas(ImageProviderContract):
    plugin = Canvas()
    seeded = True


@pytest.mark.parametrize("look", LOOKS)
def test_canvas_paints_each_look_in_the_size_asked_for(look: str) -> None:
    assert read(Canvas().render(image_request(look=look))).shape == (36, 64, 3)


def test_canvas_prefers_the_look_of_its_own_setting() -> None:
    other = Canvas(look="noir").render(image_request(look="neon"))
    assert other == Canvas().render(image_request(look="noir"))


def test_canvas_names_the_looks_where_the_style_has_an_unknown_one() -> None:
    with pytest.raises(UnknownName, match=r"style: look: 'neom' is not known. Did you mean 'neon'\? Known: cosmos"):
        Canvas().render(image_request(look="neom"))


def test_canvas_refuses_an_unknown_look_of_its_own() -> None:
    with pytest.raises(UnknownName, match="look: 'oil' is not known"):
        Canvas(look="oil")


def test_canvas_costs_nothing() -> None:
    assert Canvas().price(image_request()) is None

"""Pictures of styles: real ones of every style, kept while their style stays as it is, made anew when it changes."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qmv.errors import ConfigError
from qmv.service.intake.styles import looks
from qmv.service.web.previews import HEIGHT_PX, WIDTH_PX
from qmv.service.web.previews import preview as painted

ROOT = Path(__file__).parents[3]


def preview(program: Path, name: str, kept: Path) -> bytes:
    """As the web makes it, of the style as it is read at the start."""
    files = {file.stem: file for file in (program.parent / "conf" / "style").glob("*.yaml")}
    return painted(looks(files)[name], kept)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A run.py with styles of its own beside it."""
    shutil.copytree(ROOT / "conf" / "style", tmp_path / "program" / "conf" / "style")
    return tmp_path / "program" / "run.py"


def write(program: Path, name: str, text: str) -> None:
    (program.parent / "conf" / "style" / f"{name}.yaml").write_text(text, encoding="utf-8")


def picture(program: Path, name: str, kept: Path) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(preview(program, name, kept))), dtype=float)


def test_every_style_has_a_picture_of_its_own(program: Path, tmp_path: Path) -> None:
    names = [file.stem for file in (program.parent / "conf" / "style").glob("*.yaml")]
    made = {name: preview(program, name, tmp_path / "kept") for name in names}
    assert {"cosmos", "neon", "noir", "papercut", "watercolor"} <= {*names}
    assert len({*made.values()}) == len(names)
    for image in made.values():
        opened = Image.open(io.BytesIO(image))
        assert (opened.format, opened.size) == ("JPEG", (WIDTH_PX, HEIGHT_PX))
        assert len(image) < 30_000
        assert np.asarray(opened).std() > 10  # of 255: a plain colour has none


def test_a_picture_is_taken_from_the_folder_where_it_is_kept(program: Path, tmp_path: Path) -> None:
    preview(program, "neon", tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(b"kept")
    assert preview(program, "neon", tmp_path / "kept") == b"kept"


def test_an_edited_style_has_another_picture(program: Path, tmp_path: Path) -> None:
    style = program.parent / "conf" / "style" / "noir.yaml"
    before = preview(program, "noir", tmp_path / "kept")
    style.write_text(style.read_text(encoding="utf-8").replace("#d3122a", "#12d32a"), encoding="utf-8")
    assert preview(program, "noir", tmp_path / "kept") != before


def test_a_style_of_the_users_is_painted_in_its_own_colours(program: Path, tmp_path: Path) -> None:
    write(program, "moss", 'name: moss\nprompt: "{subject}"\nlook: papercut\npalette: ["#002000", "#00ff00"]\n')
    red, green, _ = picture(program, "moss", tmp_path / "kept").mean(axis=(0, 1))
    assert green > 2 * red


def test_a_style_that_starts_from_another_keeps_what_it_does_not_say(program: Path, tmp_path: Path) -> None:
    write(program, "sunset", 'defaults: [neon, _self_]\nname: sunset\npalette: ["#100000", "#ff4000"]\n')
    assert preview(program, "sunset", tmp_path / "kept") != preview(program, "neon", tmp_path / "kept")
    red, _, blue = picture(program, "sunset", tmp_path / "kept").mean(axis=(0, 1))
    assert red > 2 * blue


def test_a_look_that_the_canvas_does_not_know_still_shows_the_colours(program: Path, tmp_path: Path) -> None:
    write(program, "oil", 'name: oil\nprompt: "{subject}"\nlook: oil\npalette: ["#000020", "#0000ff"]\n')
    red, _, blue = picture(program, "oil", tmp_path / "kept").mean(axis=(0, 1))
    assert blue > 2 * red


def test_colours_that_are_none_are_told(program: Path, tmp_path: Path) -> None:
    write(program, "broken", 'prompt: x\npalette: ["white"]')
    with pytest.raises(ConfigError, match="'white'"):
        preview(program, "broken", tmp_path / "kept")


def test_a_folder_that_takes_nothing_stops_no_picture(program: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file", encoding="utf-8")
    assert picture(program, "neon", tmp_path / "kept").shape == (HEIGHT_PX, WIDTH_PX, 3)

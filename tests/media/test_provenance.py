"""What finished videos say of where their pictures came from: the packet, its box, and the words in players."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import av
import numpy as np
import pytest

from qmv.artifacts import File, Picture
from qmv.media.provenance import AI, add_xmp, ai_systems, comment, source_type, xmp
from tests.finished import Film
from tests.machine import program
from tests.stages.helpers import picture_file

Run = Callable[..., Any]

BOX = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "ext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
ALGORITHM = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"

MODEL_PLUGIN = '''
from qmv.api import plugin
from qmv.hookspecs import hookimpl
from qmv.plugins.image.canvas import Canvas


@plugin
class Model(Canvas):
    """Pictures that say that a model made them."""

    name = "model"
    source_type = "trainedAlgorithmicMedia"

    def model_name(self):
        return "runware:100@1"


@hookimpl
def qmv_image_providers():
    return [Model]
'''


def boxes(path: Path) -> Iterator[tuple[str, bytes]]:
    """The top level of an MP4; raises where a size does not fit."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at
        yield kind.decode(), data[at + 8 : at + size]
        at += size


def packet_of(path: Path) -> bytes:
    [packet] = [body[16:] for kind, body in boxes(path) if kind == "uuid" and body[:16] == BOX]
    return packet


def told(packet: bytes) -> dict[str, str]:
    """The packet's properties by their names, read by a parser of XML."""
    root = ET.fromstring(packet.decode("utf-8").partition("?>")[2])
    [about] = root.iter(f"{{{NAMES['rdf']}}}Description")
    return {one.tag.rpartition("}")[2]: "".join(one.itertext()).strip() for one in about}


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Picture]:
    plain = picture_file(tmp_path_factory.mktemp("picture") / "a.png", np.zeros((36, 64, 3), np.uint8))

    def made(term: str = "", model: str = "") -> Picture:
        return Picture(
            file=plain.file,
            width_px=64,
            height_px=36,
            provider="trial",
            seed=0,
            prompt="",
            model=model,
            source_type=term,
        )

    return made


# -- words and terms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "term"),
    [
        ([AI], "compositeWithTrainedAlgorithmicMedia"),
        ([AI, ""], "compositeWithTrainedAlgorithmicMedia"),
        ([AI, "algorithmicMedia"], "compositeWithTrainedAlgorithmicMedia"),
        (["algorithmicMedia"], "algorithmicMedia"),
        (["algorithmicMedia", ""], ""),
        ([""], ""),
        ([], ""),
    ],
)
def test_the_term_is_what_is_known_of_all_pictures(
    picture: Callable[..., Picture], terms: list[str], term: str
) -> None:
    assert source_type([picture(one) for one in terms]) == term


def test_the_comment_names_each_model_once(picture: Callable[..., Picture]) -> None:
    pictures = [picture(AI, "b"), picture(AI, "a"), picture(AI, "b"), picture(AI), picture("", "own")]
    assert ai_systems(pictures) == ("a", "b", "trial")
    assert comment(pictures) == "Pictures made by AI (a, b, trial)."


def test_nothing_is_said_of_pictures_without_ai(picture: Callable[..., Picture]) -> None:
    assert comment([picture("algorithmicMedia", "x"), picture()]) == ""


def test_the_packet_holds_what_was_given() -> None:
    packet = xmp(source_type="algorithmicMedia", title='<&> "Größe" \x00夜', creator="A & B", ai_systems=("m<1>", "n"))
    assert told(packet) == {
        "title": '<&> "Größe" 夜',
        "creator": "A & B",
        "CreatorTool": "QMV",
        "DigitalSourceType": ALGORITHM,
        "AISystemUsed": "m<1>, n",
    }
    assert packet.startswith(b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    assert packet.endswith(b'<?xpacket end="r"?>')


def test_the_packet_leaves_out_what_is_not_known() -> None:
    assert told(xmp()) == {"CreatorTool": "QMV"}


def test_the_packet_of_the_same_is_the_same() -> None:
    assert xmp(title="a", source_type=AI) == xmp(title="a", source_type=AI)


def test_a_picture_takes_the_packet_too(tmp_path: Path) -> None:
    from PIL import Image

    packet = xmp(title="Night", source_type=AI)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", xmp=packet)
    with Image.open(tmp_path / "a.jpg") as again:
        assert again.info["xmp"] == packet


def test_the_box_comes_behind_all_else(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(struct.pack(">I4s", 12, b"free") + b"1234")
    add_xmp(file, b"packet")
    assert list(boxes(file)) == [("free", b"1234"), ("uuid", BOX + b"packet")]


# -- finished videos -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_video_by_ai_says_so_to_people_and_machines(
    run_cli: Run, song: Path, clicks_plugin: Path, tmp_path: Path
) -> None:
    plugin = tmp_path / "model_plugin.py"
    plugin.write_text(MODEL_PLUGIN, encoding="utf-8")
    given = (
        f"song={song}",
        f"plugins=[{clicks_plugin},{plugin}]",
        "tracker=clicks",
        "image=model",
        'song.artist="A & B"',
    )
    ended = run_cli(*given)
    assert ended.rc == 0, ended.stderr
    kinds = [kind for kind, _ in boxes(ended.video)]
    assert kinds.index("moov") < kinds.index("mdat") < kinds.index("uuid") == len(kinds) - 1
    assert told(packet_of(ended.video)) == {
        "title": "song",
        "creator": "A & B",
        "CreatorTool": "QMV",
        "DigitalSourceType": COMPOSITE,
        "AISystemUsed": "runware:100@1",
    }
    asked = [program("ffprobe", "ffmpeg"), "-v", "warning", "-of", "json", "-show_format", "-export_xmp", "1"]
    done = subprocess.run([*asked, str(ended.video)], capture_output=True, text=True, check=True)
    tags = json.loads(done.stdout)["format"]["tags"]
    assert (done.stderr, tags["comment"]) == ("", "Pictures made by AI (runware:100@1).")
    assert told(tags["xmp"].encode())["DigitalSourceType"] == COMPOSITE
    again = run_cli(*given, outputs=tmp_path / "again")
    assert again.video.read_bytes() == ended.video.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "term"), [("stills", None), ("flash", ALGORITHM)])
def test_a_video_without_ai_claims_none(finished_film: Callable[[str], Film], name: str, term: str | None) -> None:
    film = finished_film(name)
    assert told(packet_of(film.path)).get("DigitalSourceType") == term
    with av.open(str(film.path)) as container:
        assert "comment" not in container.metadata


@pytest.mark.slow
def test_pictures_of_an_older_cache_are_told_anew_and_not_made_anew(
    run_cli: Run, song: Path, clicks_plugin: Path
) -> None:
    given = (f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=pictures")
    first = run_cli(*given)
    assert first.rc == 0, first.stderr
    [entry] = (first.outputs / "cache" / "paint_pictures").glob("*/*/sums.json")
    artifact = entry.with_name("artifact.json")
    data = json.loads(artifact.read_text(encoding="utf-8"))
    for one in data["pictures"]:
        assert (one.pop("source_type"), one.pop("model")) == ("algorithmicMedia", "")
    artifact.write_text(json.dumps(data), encoding="utf-8")
    sums = json.loads(entry.read_text(encoding="utf-8"))
    entry.write_text(json.dumps(sums | {"artifact.json": File.of(artifact).sha256}), encoding="utf-8")
    again = run_cli(*given)
    assert again.rc == 0, again.stderr
    manifest = json.loads(max(again.found("manifest.json")).read_text(encoding="utf-8"))
    [stage] = [stage for stage in manifest["stages"] if stage["node"] == "pictures"]
    assert (stage["cached"], stage["made"], stage["reused"]) == (False, 0, len(data["pictures"]))
    told_anew = json.loads(artifact.read_text(encoding="utf-8"))["pictures"]
    assert {one["source_type"] for one in told_anew} == {"algorithmicMedia"}

"""The sidecar: deterministic, and silent about the machine that made the video."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

from qmv.artifacts import File, Picture, Pictures, Song, Storyboard, Video
from qmv.companions.sidecar import metadata, sidecar
from qmv.testing import song_shot, style


def a_file(folder: Path, name: str) -> File:
    (folder / name).write_text(name, encoding="utf-8")
    return File.of(folder / name)


def a_song(folder: Path) -> Song:
    return Song(file=a_file(folder, "song"), title="Größe", artist="")


def a_video(folder: Path) -> Video:
    return Video(
        file=a_file(folder, "video"), width_px=64, height_px=36, fps=Fraction(24000, 1001), frames=48, title="Größe"
    )


def three_shots() -> Storyboard:
    shots = tuple(song_shot(16, start=16 * index, index=index) for index in range(3))
    return Storyboard(fps=Fraction(24000, 1001), frames=48, shots=shots)


def pictures(folder: Path, seeds: tuple[int, ...], missing: tuple[int, ...] = ()) -> Pictures:
    made = tuple(
        Picture(
            file=a_file(folder, f"{seed}.png"), width_px=64, height_px=36, provider="runware", model="runware:100@1",
            seed=seed, prompt=f"prompt {seed}", source_type="trainedAlgorithmicMedia",
        )
        for seed in seeds
    )  # fmt: skip
    return Pictures(width_px=64, height_px=36, pictures=made, missing=missing)


def test_a_video_alone_has_a_sidecar(tmp_path: Path) -> None:
    about = sidecar(a_song(tmp_path), style(), a_video(tmp_path), licence="CC0")
    assert set(about) == {"schema", "title", "artist", "style", "licence", "video", "song", "made_with"}
    assert about["video"]["duration_s"] == 2.002
    assert about["video"]["fps"] == "24000/1001"


def test_each_picture_has_its_prompt_seed_and_place(tmp_path: Path) -> None:
    about = sidecar(
        a_song(tmp_path), style(), a_video(tmp_path), storyboard=three_shots(), pictures=pictures(tmp_path, (4, 5, 6))
    )
    assert [(p["shot"], p["seed"], p["prompt"], p["start_s"]) for p in about["pictures"]] == [
        (1, 4, "prompt 4", 0.0), (2, 5, "prompt 5", 0.667333), (3, 6, "prompt 6", 1.334667),
    ]  # fmt: skip
    assert {p["source_type"] for p in about["pictures"]} == {"trainedAlgorithmicMedia"}


def test_a_shot_without_a_picture_of_its_own_is_left_out(tmp_path: Path) -> None:
    some = pictures(tmp_path, (4, 6), missing=(1,))
    about = sidecar(a_song(tmp_path), style(), a_video(tmp_path), storyboard=three_shots(), pictures=some)
    assert [(p["shot"], p["seed"]) for p in about["pictures"]] == [(1, 4), (3, 6)]


def test_the_same_values_have_the_same_sidecar_wherever_they_lie(tmp_path: Path) -> None:
    texts = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        about = sidecar(
            a_song(folder), style(), a_video(folder), storyboard=three_shots(), pictures=pictures(folder, (1, 2, 3))
        )
        texts.append(json.dumps(about))
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]


def test_the_object_s_own_metadata_is_short_text_without_gaps(tmp_path: Path) -> None:
    about = sidecar(
        a_song(tmp_path), style(), a_video(tmp_path), storyboard=three_shots(), pictures=pictures(tmp_path, (1, 2, 3))
    )
    found = metadata(about)
    assert found["title"] == "Größe"
    assert found["pictures"] == "3"
    assert found["sha256"] == a_video(tmp_path).file.sha256
    assert "artist" not in found
    assert all(isinstance(value, str) and value for value in found.values())

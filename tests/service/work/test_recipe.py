"""What run.py is told for a try."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qmv.service.queue.jobs import Claim, Order
from qmv.service.settings import ServiceSettings
from qmv.service.work.recipe import hidden, recipe

FOLDER = Path("/runs/1")


def words(order: Order | None = None, **settings: Any) -> dict[str, str]:
    order = order or Order(song="/songs/a.mp3", title="A", style="neon", settings={"fps": "30"})
    claim = Claim(session="spring", n=2, token="t", order=order, attempt=1, lease_s=15)
    line = recipe(claim, ServiceSettings(outputs="/out", **settings), FOLDER)
    parts = [word.partition("=") for word in line]
    assert len({key for key, _, _ in parts}) == len(parts)  # Hydra takes no choice twice
    return {key: value for key, _, value in parts}


def test_video_goes_below_the_outputs_unless_the_operator_names_a_place() -> None:
    usual = words()
    assert (usual["storage"], usual["storage.path"], usual["session"], usual["n"]) == (
        "folder",
        '"/out"',
        "spring",
        "2",
    )
    assert usual["storage.overwrite"] == "true"
    assert words(overrides=("storage.path=/films",))["storage.path"] == "/films"
    cloud = words(overrides=("storage=gcs", "storage.bucket=films", "storage.overwrite=false"))
    assert (cloud["storage"], cloud.get("storage.path"), cloud["storage.overwrite"]) == ("gcs", None, "false")


def test_order_wins_over_the_operator_and_the_service_over_both() -> None:
    order = Order(song="a.mp3", title="A", style="neon", settings={"fps": "30", "budget_usd": 99})
    told = words(order, overrides=("fps=25", "outputs=elsewhere", "run.dry=true", "seed=3"), budget_usd=1.5)
    assert (told["fps"], told["seed"], told["budget_usd"]) == ('"30"', "3", "1.5")
    assert (told["outputs"], told["run.dry"], told["hydra.run.dir"]) == ('"/out"', "false", '"/runs/1"')


def test_fetched_songs_are_bounded_as_uploads_are_at_the_time_of_the_try() -> None:
    """Whatever the order says, and a song of the web must be public."""
    bounds = ("song.most_mb", "song.most_minutes", "song.public_only")
    assert not {*bounds} & {*words()}
    for song, public in (("https://host.example/a.mp3", "true"), ("s3://bucket/a.mp3", None)):
        told = words(Order(song=song, title="A", style="neon", settings={"song.most_mb": 9999}), upload_mb=5)
        assert [told.get(key) for key in bounds] == ["5", "15.0", public]


def test_upload_is_found_below_the_services_folder_of_this_machine() -> None:
    assert words(Order(song="uploads/s/ab.mp3", title="A", style="neon"))["song.path"] == (
        '"/out/service/uploads/s/ab.mp3"'
    )
    assert words(Order(song="/srv/songs/ab.mp3", title="A", style="neon"))["song.path"] == '"/srv/songs/ab.mp3"'


def test_render_has_no_use_for_the_services_secrets(tmp_path: Path) -> None:
    """Redis is for the observers that the operator names: on the command line of `qmv serve`, or in conf/."""
    both = ("QMV_SERVICE_TOKEN", "REDIS_URL")
    assert hidden(ServiceSettings()) == both
    assert hidden(ServiceSettings(overrides=("observers=[redis]",))) == both[:1]
    (tmp_path / "conf").mkdir()
    (tmp_path / "run.py").touch()
    for observers, told in (("[redis]", both[:1]), ("[]", both)):
        (tmp_path / "conf" / "config.yaml").write_text(f"observers: {observers}\n", encoding="utf-8")
        assert hidden(ServiceSettings(program=str(tmp_path / "run.py"))) == told


def test_renders_of_one_machine_share_its_cores() -> None:
    assert "run.workers" not in words()
    assert int(words(workers=64)["run.workers"]) >= 1
    assert words(workers=64, overrides=("run.workers=2",))["run.workers"] == "2"

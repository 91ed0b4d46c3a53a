"""Runs of small made-up stages, dry runs, and mistakes that are found before any work."""

from __future__ import annotations

import pytest

from tests.engine.desk import Desk, Fails, HandOver, Listen, Watcher, events_of, manifest_of

# -- runs ------------------------------------------------------------------------------------------------------------


def test_run_names_the_stages_and_their_state(desk: Desk) -> None:
    stages = manifest_of(desk.run())["stages"]
    assert [(s["node"], s["stage"], s["status"], s["cached"]) for s in stages] == [
        ("beats", "listen", "finished", False),
        ("video", "film", "finished", False),
        ("delivery", "hand_over", "finished", False),
    ]


def test_run_shows_an_observer_what_it_writes_down(desk: Desk) -> None:
    watcher = Watcher()
    desk.registry.observe(watcher)
    run = desk.run()
    assert watcher.names() == [event["event"] for event in events_of(run)]


def test_failed_run_names_the_stage_that_failed(desk: Desk) -> None:
    run, _ = desk.refused({"beats": Listen(diary=str(desk.diary)), "video": Fails(), "delivery": HandOver()})
    assert [s["status"] for s in manifest_of(run)["stages"]] == ["finished", "failed", "waiting"]


def test_interrupted_run_is_cancelled_in_its_manifest(desk: Desk) -> None:
    run = desk.prepared({"beats": Listen(diary=str(desk.diary)), "video": Fails(kind_of_error="ctrl-c")})
    with pytest.raises(KeyboardInterrupt):
        run.execute()
    assert manifest_of(run)["status"] == "cancelled"


def test_missing_song_is_in_the_manifest(desk: Desk) -> None:
    desk.song = desk.folder / "nothing.mp3"
    run, error = desk.refused(desk.stages())
    assert (manifest_of(run)["status"], manifest_of(run)["error"]) == ("failed", str(error))


def test_mistake_in_the_graph_is_found_before_any_work(desk: Desk) -> None:
    _, error = desk.refused({"beats": Listen(diary=str(desk.diary)), "delivery": HandOver()})
    assert ("reads 'video', which nothing makes" in str(error), desk.worked()) == (True, [])


# -- dry runs --------------------------------------------------------------------------------------------------------


def test_forecast_makes_nothing(desk: Desk) -> None:
    desk.prepared(desk.stages(), dry=True).forecast()
    assert desk.worked() == []


def test_forecast_tells_what_is_cached(desk: Desk) -> None:
    desk.run()
    lines = desk.prepared(desk.stages(), dry=True).forecast()
    assert lines == ["beats (listen): cached", "video (film): cached", "delivery (hand_over): to do"]


def test_forecast_is_planned_in_its_manifest(desk: Desk) -> None:
    run = desk.prepared(desk.stages(), dry=True)
    run.forecast()
    assert manifest_of(run)["status"] == "planned"

"""Pictures bought from Runware while its service and the link to it break in every way that is known."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest

from qmv.errors import AccessError
from qmv.plugins.image import runware_link
from qmv.plugins.image.runware import Runware
from qmv.testing import trial_purchases
from tests.fakes.runware.process import FakeRunware
from tests.fakes.runware.script import FAULTS
from tests.plugins.image.buying import Bought, bought, wanted

ROOT = Path(__file__).resolve().parents[3]
PRICE = Decimal("0.0006")

CERTAIN = ("result_twice", "rate_limit", "timeout_provider", "internal_error", "http_500_once", "http_slow")
DROPPED = ("drop_abrupt", "drop_clean", "drop_1012", "drop_before", "error_without_uuid")
UNANSWERED = ("silent", "silent_lost", "freeze")
BROKEN = (
    "corrupt", "truncated", "html", "empty", "wrong_size", "blank", "missing", "http_404", "http_500", "http_reset",
)  # fmt: skip
REFUSED = {"content": 3, "unsupported": 3, "nsfw": 4}  # how many pictures are charged of four


def shop(fake: FakeRunware, folder: Path, count: int = 4, **settings: Any) -> Bought:
    """What the same user gets in one run; the ledger lies in the folder."""
    return bought(Runware(url=fake.url, **settings), wanted(count), folder / "money")


def twice(fake: FakeRunware) -> list[str]:
    """The pictures that were charged more than once."""
    return [prompt for prompt, times in Counter(charge.prompt for charge in fake.ledger()).items() if times > 1]


def orders(fake: FakeRunware) -> list[str]:
    """The prompts of the pictures that were ordered, refused ones too, in their order."""
    return [line["request"]["positivePrompt"] for line in fake.received() if line["taskType"] == "imageInference"]


def test_every_fault_of_the_fake_is_met_here() -> None:
    assert {*CERTAIN, *DROPPED, *UNANSWERED, *BROKEN, *REFUSED} == {*FAULTS}


# -- each fault ------------------------------------------------------------------------------------------------------


def test_what_certainly_failed_is_had_over_the_same_connection(
    runware: FakeRunware, tmp_path: Path, hurry: None
) -> None:
    runware.tell(by_prompt={f"picture {index}": [fault] for index, fault in enumerate(CERTAIN)}, slow_s=0.2)
    found = shop(runware, tmp_path, len(CERTAIN))
    assert found.had == [*range(len(CERTAIN))]
    assert len(runware.ledger()) == len(CERTAIN)
    assert runware.stats()["sockets_opened"] == 1
    assert (found.sums.spent, found.sums.open) == (len(CERTAIN) * PRICE, 0)


@pytest.mark.parametrize("fault", DROPPED)
def test_a_broken_connection_is_replaced_once_and_everybody_on_it_is_brought_home(
    runware: FakeRunware, tmp_path: Path, hurry: None, fault: str
) -> None:
    runware.tell(at={"3": fault}, service_s=0.3)  # the other three are in work
    found = shop(runware, tmp_path)
    assert found.had == [0, 1, 2, 3]
    assert len(runware.ledger()) == 4
    assert twice(runware) == []
    assert runware.stats()["sockets_opened"] == 2
    assert (found.sums.spent, found.sums.open) == (4 * PRICE, 0)


@pytest.mark.parametrize("fault", UNANSWERED)
def test_an_order_without_an_answer_is_asked_for_and_charged_once(
    runware: FakeRunware, tmp_path: Path, hurry: None, fault: str
) -> None:
    runware.tell(at={"1": fault})
    found = shop(runware, tmp_path, answer_s=1)
    assert found.had == [0, 1, 2, 3]
    assert len(runware.ledger()) == 4
    assert twice(runware) == []
    assert runware.stats()["get_response"] >= 1
    assert (found.sums.spent, found.sums.open) == (4 * PRICE, 0)


def test_a_link_that_answers_no_ping_is_given_up_long_before_an_answer_is_due(
    runware: FakeRunware, tmp_path: Path, hurry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runware_link, "_SILENCE_S", 1.0)
    runware.tell(at={"0": "freeze"})
    found = shop(runware, tmp_path, answer_s=600, deadline_s=600)
    assert found.had == [0, 1, 2, 3]
    assert twice(runware) == []


def test_a_broken_picture_is_fetched_again_then_bought_anew_and_both_are_booked(
    runware: FakeRunware, tmp_path: Path, hurry: None
) -> None:
    runware.tell(by_prompt={f"picture {index}": [fault] for index, fault in enumerate(BROKEN)})
    found = shop(runware, tmp_path, len(BROKEN), deadline_s=12)  # of which a file may take a quarter
    assert found.had == [*range(len(BROKEN))]
    assert Counter(charge.prompt for charge in runware.ledger()) == {request.prompt: 2 for request in wanted(10)}
    assert runware.stats()["sockets_opened"] == 1
    assert (found.sums.spent, found.sums.orders, found.sums.open) == (20 * PRICE, 20, 0)


def test_a_picture_that_is_always_broken_costs_its_tries_and_no_more(
    runware: FakeRunware, tmp_path: Path, hurry: None
) -> None:
    runware.tell(by_prompt={"picture 1": "corrupt"})
    found = shop(runware, tmp_path, tries=2)
    assert found.had == [0, 2, 3]
    assert len(runware.ledger()) == 5
    [sentence] = found.sentences
    assert sentence.startswith("image (runware): picture 2: a file of ")
    assert sentence.endswith("2 times, and each was paid for; try another seed, size or model.")


@pytest.mark.parametrize("fault", REFUSED)
def test_a_picture_that_is_refused_loses_no_other(runware: FakeRunware, tmp_path: Path, fault: str) -> None:
    runware.tell(by_prompt={"picture 1": fault})
    found = shop(runware, tmp_path, check_nsfw=fault == "nsfw")
    assert found.had == [0, 2, 3]
    assert orders(runware).count("picture 1") == 1
    assert (found.sums.spent, found.sums.open) == (REFUSED[fault] * PRICE, 0)
    assert found.sentences.pop().startswith("image (runware): picture 2: the ")


def test_a_service_that_is_away_for_a_while_is_waited_for(runware: FakeRunware, tmp_path: Path, hurry: None) -> None:
    runware.down(1.0)
    found = shop(runware, tmp_path)
    assert found.had == [0, 1, 2, 3]
    assert twice(runware) == []
    assert found.sums.open == 0


def test_pictures_over_the_socket_survive_a_broken_connection(
    runware: FakeRunware, tmp_path: Path, hurry: None
) -> None:
    runware.tell(at={"2": "drop_abrupt"}, service_s=0.2)
    found = shop(runware, tmp_path, transfer="base64")
    assert found.had == [0, 1, 2, 3]
    assert twice(runware) == []
    assert runware.stats()["images_fetched"] == 0


@pytest.mark.parametrize("lookup", ["limited_once", "failing_once"])
def test_a_question_that_fails_says_nothing_of_the_order(
    runware: FakeRunware, tmp_path: Path, hurry: None, lookup: str
) -> None:
    runware.tell(at={"1": "silent", "2": "drop_abrupt"}, lookup=lookup)
    found = shop(runware, tmp_path, answer_s=1)
    assert found.had == [0, 1, 2, 3]
    assert twice(runware) == []
    assert found.sums.spent == sum(charge.cost for charge in runware.ledger())


def test_an_order_that_the_service_keeps_no_longer_counts_as_spent(
    runware: FakeRunware, tmp_path: Path, hurry: None
) -> None:
    runware.tell(at={"1": "silent"}, lookup="expired")
    found = shop(runware, tmp_path, answer_s=1, price_usd=0.0006)
    assert found.had == [0, 1, 2, 3]
    assert (found.sums.orders, found.sums.spoiled) == (5, 1)
    assert found.sums.spent == sum(charge.cost for charge in runware.ledger())


def test_a_picture_whose_file_was_deleted_is_asked_for_and_not_bought(
    runware: FakeRunware, tmp_path: Path, hurry: None
) -> None:
    provider, requests = Runware(url=runware.url), wanted(2)
    purchases = trial_purchases(tmp_path / "money", provider, requests)
    for outcome in provider.render_all(requests, purchases):
        purchases.kept(outcome.order)
    again = shop(runware, tmp_path, count=2)
    assert again.had == [0, 1]
    assert len(runware.ledger()) == 2


# -- keys, money and models ------------------------------------------------------------------------------------------


def test_a_key_that_is_refused_once_on_a_new_connection_ends_nothing(
    runware: FakeRunware, tmp_path: Path, hurry: None
) -> None:
    runware.tell(at={"1": "drop_abrupt"}, auth="refuse_once_on_reconnect")
    found = shop(runware, tmp_path)
    assert found.had == [0, 1, 2, 3]
    assert twice(runware) == []
    assert runware.stats()["auth_refused"] == 1


@pytest.mark.parametrize("closes", [False, True])
def test_a_wrong_key_stops_everything_with_one_sentence_and_nothing_ordered(
    runware: FakeRunware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    runware.tell(refused_key_closes=closes)
    monkeypatch.setenv("MY_KEY", "not-the-key")
    found = shop(runware, tmp_path, key_env="MY_KEY")
    assert found.sentences == {
        "image (runware): the key is refused; put a valid one into MY_KEY, from https://my.runware.ai/keys."
    }
    assert len(found.errors) == 4
    assert runware.received() == []
    assert (found.sums.orders, found.sums.open) == (0, 0)


def test_an_authentication_that_is_never_answered_ends_by_the_deadline(
    runware: FakeRunware, tmp_path: Path, hurry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runware_link, "_CONNECT_S", 0.3)
    runware.tell(auth="never")
    found = shop(runware, tmp_path, deadline_s=1.5)
    assert len(found.errors) == 4
    assert all("did not come within 1.5 s (the service cannot be reached (no" in text for text in found.sentences)
    assert runware.received() == []
    assert found.sums.spent == 0


def test_credits_that_end_in_the_middle_stop_what_is_to_come_and_keep_what_is_paid(
    runware: FakeRunware, tmp_path: Path
) -> None:
    runware.tell(credits=str(2 * PRICE))
    found = shop(runware, tmp_path, count=8, concurrency=2)
    assert len(found.had) == 2
    assert all(isinstance(error, AccessError) for error in found.errors)
    [sentence] = found.sentences
    assert sentence.startswith("image (runware): the account has no credits left (insufficientCredits); top it up")
    assert len(orders(runware)) <= 4  # two that came, and the two places that asked before the first was refused
    assert (found.sums.spent, found.sums.orders, found.sums.open) == (2 * PRICE, 2, 0)


def test_credits_that_end_without_a_word_on_which_order_leave_the_doubtful_ones_to_the_next_run(
    runware: FakeRunware, tmp_path: Path, hurry: None
) -> None:
    runware.tell(credits=str(3 * PRICE), credits_error_has_task_uuid=False, service_s=0.2)
    found = shop(runware, tmp_path, count=8)
    assert len(found.sentences) == 1
    assert all(isinstance(error, AccessError) for error in found.errors)
    assert len(orders(runware)) <= 8
    asked = runware.stats()["get_response"]
    runware.tell(credits=None, service_s=0.02)
    again = shop(runware, tmp_path, count=8)
    assert again.had == [*range(8)]
    assert runware.stats()["get_response"] > asked
    # shop() keeps no picture, so the second run is owed those of the first one, too, and fetches them
    assert twice(runware) == []
    assert (again.sums.spent, again.sums.open) == (8 * PRICE, 0)


def test_an_unknown_model_is_one_sentence_for_all(runware: FakeRunware, tmp_path: Path) -> None:
    runware.tell(models=["runware:100@1"])
    found = shop(runware, tmp_path, count=6, model="civitai:1@2", concurrency=2)
    [sentence] = found.sentences
    assert sentence.startswith("image (runware): the model 'civitai:1@2' is not known to the service; set image.model")
    assert len(orders(runware)) <= 2
    assert (found.sums.orders, found.sums.open) == (0, 0)


def test_a_picture_of_the_user_that_is_gone_meanwhile_stops_what_is_to_come_and_leaves_no_order_open(
    runware: FakeRunware, tmp_path: Path
) -> None:
    provider, requests = Runware(url=runware.url, seed_image=str(tmp_path / "gone.png")), wanted(4)
    twin = Runware(url=runware.url)  # whose identity can be told
    purchases = trial_purchases(tmp_path / "money", twin, requests)
    errors = {str(outcome.error) for outcome in provider.render_all(requests, purchases)}
    assert [error.partition("gone.png ")[2] for error in errors] == [
        "cannot be read (No such file or directory); name another picture."
    ]
    assert purchases.account.sums().open == 0
    assert runware.received() == []


# -- from one run to the next ----------------------------------------------------------------------------------------


def test_what_an_earlier_run_ordered_is_fetched_and_not_bought(runware: FakeRunware, tmp_path: Path) -> None:
    first = shop(runware, tmp_path)
    again = shop(runware, tmp_path)
    assert again.had == [0, 1, 2, 3]
    assert {o.order for o in again.outcomes} == {o.order for o in first.outcomes}
    assert [o.image for o in again.outcomes] == [o.image for o in first.outcomes]
    assert (len(runware.ledger()), runware.stats()["get_response"]) == (4, 4)
    assert again.sums.spent == 4 * PRICE


def test_what_the_service_has_forgotten_is_bought_anew(runware: FakeRunware, tmp_path: Path, hurry: None) -> None:
    shop(runware, tmp_path, count=1)
    runware.tell(lookup="unknown")
    again = shop(runware, tmp_path, count=1)
    assert again.had == [0]
    assert (again.sums.spent, again.sums.orders) == (2 * PRICE, 2)


def test_whoever_stops_looking_leaves_no_thread_no_connection_and_no_lost_order(
    runware: FakeRunware, tmp_path: Path
) -> None:
    runware.tell(service_s=0.1)
    threads = {*threading.enumerate()}
    provider, requests = Runware(url=runware.url), wanted(30)
    outcomes = provider.render_all(requests, trial_purchases(tmp_path / "money", provider, requests))
    assert next(outcomes).image
    outcomes.close()  # type: ignore[attr-defined]
    assert [thread.name for thread in {*threading.enumerate()} - threads] == []
    held = [one for one in psutil.Process().net_connections() if one.status == psutil.CONN_ESTABLISHED]
    assert [one for one in held if one.raddr and one.raddr.port == int(runware.url.split(":")[2].split("/")[0])] == []
    assert len(orders(runware)) <= 10
    again = shop(runware, tmp_path, count=30, concurrency=16)
    assert again.had == [*range(30)]
    assert twice(runware) == []


# -- side by side ----------------------------------------------------------------------------------------------------


def test_two_providers_work_one_after_the_other_and_at_the_same_time(runware: FakeRunware, tmp_path: Path) -> None:
    assert shop(runware, tmp_path / "one", count=2).had == [0, 1]

    def work(name: str) -> list[int]:
        requests = [replace(request, prompt=f"{name} {request.index}") for request in wanted(4)]
        return bought(Runware(url=runware.url), requests, tmp_path / name).had

    before = loggers()
    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(work, ["two", "three", "four", "five"])] == [[0, 1, 2, 3]] * 4
    assert twice(runware) == []
    assert loggers() == before


def loggers() -> list[Any]:
    names = (None, "asyncio", "websockets", "websockets.client")
    return [(one.level, one.propagate, [*one.handlers]) for one in map(logging.getLogger, names)]


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_the_key_is_in_no_log_and_in_no_sentence(
    runware: FakeRunware, tmp_path: Path, hurry: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client"):  # whatever other tests of the SDK left behind
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        caplog.set_level(logging.DEBUG, name)
    runware.tell(key="the-secret-itself", at={"1": "drop_abrupt", "3": "content"})
    for key in ("the-secret-itself", "a-wrong-secret"):
        monkeypatch.setenv("RUNWARE_API_KEY", key)
        found = shop(runware, tmp_path)
        assert not [text for text in found.sentences if "secret" in text]
    with pytest.raises(AccessError) as told:
        Runware(url=runware.url).ready()
    assert "secret" not in str(told.value)
    assert "websockets.client" in caplog.text  # which is asked to tell all
    assert "secret" not in caplog.text


# -- in a process of its own, where nothing may be left --------------------------------------------------------------

SCRIPT = """
import gc, logging, sys
from pathlib import Path
names = (None, "asyncio", "websockets")
def loggers():
    return [(one.level, one.propagate, [*one.handlers]) for one in map(logging.getLogger, names)]
before = loggers()
from qmv.plugins.image.runware_sdk import client_class, sdk
client_class()
assert loggers() == before, loggers()
from qmv.plugins.image.runware import Runware
from qmv.testing import trial_purchases
from tests.plugins.image.buying import wanted
url, folder, count, leave = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
provider, requests = Runware(url=url, answer_s=1, deadline_s=60), wanted(count)
for number, outcome in enumerate(provider.render_all(requests, trial_purchases(folder, provider, requests))):
    print(outcome.request.index, bool(outcome.image))
    if number + 1 == leave:
        break
gc.collect()
assert loggers() == before, loggers()
"""


def apart(fake: FakeRunware, folder: Path, *, count: int = 6, leave: int = 0, key: str = "test-key") -> list[str]:
    """What a run in development mode prints; it must say nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-c", SCRIPT, fake.url, str(folder)]
        + [str(count), str(leave)],
        cwd=ROOT,
        env=os.environ | {"PYTHONASYNCIODEBUG": "1", "RUNWARE_API_KEY": key},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    slow = [line for line in done.stderr.splitlines() if not (line.startswith("Executing <") and "took" in line)]
    assert slow == []
    assert done.returncode == 0
    return done.stdout.splitlines()


def test_a_good_run_leaves_nothing(runware: FakeRunware, tmp_path: Path) -> None:
    assert len(apart(runware, tmp_path / "money")) == 6


@pytest.mark.parametrize("fault", ["drop_abrupt", "silent", "freeze"])
def test_a_fault_leaves_nothing(runware: FakeRunware, tmp_path: Path, fault: str) -> None:
    runware.tell(at={"2": fault}, service_s=0.1)
    assert len(apart(runware, tmp_path / "money")) == 6
    assert len(runware.ledger()) == 6


def test_a_wrong_key_leaves_nothing(runware: FakeRunware, tmp_path: Path) -> None:
    assert sorted(apart(runware, tmp_path / "money", key="wrong")) == [f"{index} False" for index in range(6)]


def test_leaving_early_leaves_nothing(runware: FakeRunware, tmp_path: Path) -> None:
    runware.tell(service_s=0.1)
    assert len(apart(runware, tmp_path / "money", count=30, leave=2)) == 2

"""Caches of two machines with a shared one between them: a folder, or a store that refuses or is away."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qmv.engine.cache import Cache, digest
from qmv.engine.outbox import SIGN
from qmv.engine.shared_cache import SharedCache, shared_cache, sharing
from qmv.errors import AccessError, ConfigError, OutputError, ProofError, QmvError, ServiceError
from qmv.objects.folder import FolderStore
from qmv.objects.store import ObjectStore, Standing, Upload

Start = Callable[..., contextlib.AbstractContextManager["Machine"]]

KEYS = [digest(number) for number in range(40)]
ANOTHER_KEY = "the key of nobody, but long"


def make(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "value.txt").write_text(text, encoding="utf-8")
        (folder / "empty").write_bytes(b"")

    return write


def anything(folder: Path) -> None:
    (folder / "value.txt").read_text(encoding="utf-8")


@dataclass
class Machine:
    """A local cache with the shared one behind it, in a run; `told` is what the user hears."""

    cache: Cache
    told: list[str] = field(default_factory=list)

    def made(self, key: str, text: str = "made here") -> bool:
        """Has the entry; whether it had to be made."""
        folder, found = self.cache.once("area", key, make(text), shared=anything)
        assert (folder / "value.txt").is_file()
        return not found

    def value(self, key: str) -> str | None:
        folder = self.cache.get("area", key)
        return None if folder is None else (folder / "value.txt").read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "shared"


@pytest.fixture
def machine(tmp_path: Path, place: Path) -> Start:
    """A machine by its name, in a run until the end of the block."""

    @contextlib.contextmanager
    def running(
        name: str,
        store: ObjectStore | None = None,
        *,
        sends: bool = True,
        results: Sequence[tuple[str, str]] = (),
        **patience: float,
    ) -> Iterator[Machine]:
        shared = shared_cache(str(place), sends=sends)
        if store is not None:
            shared = SharedCache(place=str(place), store=store, sends=sends, **patience)
        found = Machine(Cache(tmp_path / name, shared))
        with sharing(found.cache, found.told.append, lambda: results):
            yield found

    return running


def objects(place: Path) -> dict[str, bytes]:
    """All entries that stand in the shared folder."""
    return {path.stem: path.read_bytes() for path in place.glob("*/??/*.qmv1")}


def object_of(place: Path, key: str) -> Path:
    return place / "area" / key[:2] / f"{key}.qmv1"


# -- two machines ----------------------------------------------------------------------------------------------------


def test_entry_of_one_machine_comes_to_another(machine: Start, place: Path) -> None:
    with machine("a") as a:
        assert a.made(KEYS[0])
    with machine("b") as b:
        assert not b.made(KEYS[0], "made there")
        assert b.value(KEYS[0]) == "made here"
    assert (a.told, b.told) == ([], [])


def test_many_entries_come_side_by_side_and_absent_ones_stay_absent(machine: Start, place: Path) -> None:
    with machine("a") as a:
        for key in KEYS[::2]:
            a.made(key, key)
    with machine("b") as b:
        b.cache.bring("area", KEYS, anything)
        assert [b.value(key) for key in KEYS] == [key if n % 2 == 0 else None for n, key in enumerate(KEYS)]
    assert len(objects(place)) == 20
    assert not list(b.cache.root.rglob("*.part"))


def test_entries_that_were_here_before_there_was_a_shared_cache_are_sent(
    machine: Start, place: Path, tmp_path: Path
) -> None:
    Cache(tmp_path / "a").once("area", KEYS[0], make("old"))
    with machine("a") as a:
        assert not a.made(KEYS[0])
    assert list(objects(place)) == [KEYS[0]]


def test_machines_that_make_the_same_at_the_same_time_send_it_once(machine: Start, place: Path) -> None:
    with machine("a") as a, machine("b") as b:
        threads = [threading.Thread(target=each.made, args=(key, key)) for key in KEYS for each in (a, b)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (a.told, b.told) == ([], [])
    with machine("c") as c:
        c.cache.bring("area", KEYS, anything)
        assert [c.value(key) for key in KEYS] == KEYS
    assert len(objects(place)) == len(KEYS)


def test_entry_that_another_process_makes_is_not_waited_for(machine: Start, tmp_path: Path) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    with machine("b") as b, Cache(tmp_path / "b").lock("area", KEYS[0]):
        b.cache.bring("area", KEYS[:1], anything)
        assert b.value(KEYS[0]) is None


def test_worker_processes_have_the_local_cache_only(machine: Start) -> None:
    with machine("a") as a:
        there = pickle.loads(pickle.dumps(a.cache))
    assert (there, there.shared) == (a.cache, None)


def test_dry_run_takes_and_sends_nothing(machine: Start, place: Path) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    with machine("b", sends=False) as b:
        assert (b.made(KEYS[0]), b.made(KEYS[1])) == (False, True)
    assert list(objects(place)) == [KEYS[0]]


def test_nothing_is_fetched_or_sent_outside_of_a_run(machine: Start, place: Path) -> None:
    with machine("a") as a:
        pass
    assert a.made(KEYS[0])
    assert objects(place) == {}


# -- entries that are broken -----------------------------------------------------------------------------------------


def damage(kind: str, place: Path) -> None:
    """Breaks the object of KEYS[0]; that of KEYS[1] stays whole."""
    path, other = object_of(place, KEYS[0]), object_of(place, KEYS[1])
    data = path.read_bytes()
    line, _, rest = data.partition(b"\n")
    match kind:
        case "cut":
            path.write_bytes(data[:-3])
        case "flipped":
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "empty":
            path.write_bytes(b"")
        case "another entry's":
            path.write_bytes(other.read_bytes())
        case "sums edited":
            path.write_bytes(line.replace(b'"sha256":"', b'"sha256":"0', 1) + b"\n" + rest)
        case "traversal":
            path.write_bytes(line.replace(b'"value.txt"', b'"../../../../evil"') + b"\n" + rest)
        case "a link":
            path.unlink()
            path.symlink_to(other)
        case "10 GB":
            with path.open("wb") as stream:
                stream.truncate(10 * 2**30)
        case "10 GB, it says":
            path.write_bytes(line.replace(b'"size_bytes":9', b'"size_bytes":10737418240') + b"\n" + rest)


KINDS = ["cut", "flipped", "empty", "another entry's", "sums edited", "traversal", "10 GB", "10 GB, it says"]


@pytest.mark.parametrize("kind", KINDS)
def test_broken_entry_is_not_used_and_told_and_whole_again_afterwards(
    machine: Start, place: Path, tmp_path: Path, kind: str
) -> None:
    with machine("a") as a:
        for key in KEYS[:2]:
            a.made(key)
    whole = objects(place)
    damage(kind, place)
    with machine("b") as b:
        b.cache.bring("area", KEYS[:2], anything)
        assert [b.value(key) for key in KEYS[:2]] == [None, "made here"]
        assert b.made(KEYS[0])
    [words] = b.told
    assert "an entry is broken in the shared cache (area: " in words
    assert objects(place) == whole
    assert not list(tmp_path.rglob("evil"))
    with machine("c") as c:
        assert not c.made(KEYS[0])


def test_object_that_is_a_link_to_another_entry_is_not_used(machine: Start, place: Path) -> None:
    with machine("a") as a:
        for key in KEYS[:2]:
            a.made(key, key)
    damage("a link", place)
    with machine("b") as b:
        assert b.made(KEYS[0], "anew")
        assert b.value(KEYS[0]) == "anew"


def test_entry_of_another_form_is_not_used(machine: Start, place: Path) -> None:
    """Whole, and still nothing that the stage could read."""

    def other(folder: Path) -> None:
        (folder / "other.txt").write_text("other", encoding="utf-8")

    with machine("a") as a:
        a.cache.put("area", KEYS[0], other)
        a.cache.share("area", KEYS[:1])
    with machine("b") as b:
        assert b.made(KEYS[0])
    assert len(b.told) == 1
    assert b"value.txt" in object_of(place, KEYS[0]).read_bytes()


def test_entry_that_was_damaged_here_comes_from_there(machine: Start) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    (a.cache.folder("area", KEYS[0]) / "value.txt").write_text("damaged", encoding="utf-8")
    with machine("a") as a:
        assert not a.made(KEYS[0], "made anew")
        assert a.value(KEYS[0]) == "made here"


def test_entry_that_was_damaged_before_it_was_sent_does_not_go_there(machine: Start, place: Path) -> None:
    with machine("a", sends=False) as a:
        a.made(KEYS[0])
    (a.cache.folder("area", KEYS[0]) / "value.txt").write_text("damaged", encoding="utf-8")
    with machine("a") as a:
        a.cache.share("area", KEYS[:1])
    assert objects(place) == {}


def stand_in(kind: str, path: Path) -> None:
    path.unlink()
    match kind:
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "a loop":
            path.symlink_to(path.name)
        case "outside":
            path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a loop", "outside"])
def test_what_is_no_file_costs_its_own_entry_only(machine: Start, place: Path, kind: str) -> None:
    """Also where nothing can take its place."""
    with machine("a") as a:
        for key in KEYS[:3]:
            a.made(key)
    stand_in(kind, object_of(place, KEYS[0]))
    with machine("b") as b:
        b.cache.bring("area", KEYS[:3], anything)
        assert [b.value(key) for key in KEYS[:3]] == [None, "made here", "made here"]
        assert (b.made(KEYS[0]), b.made(KEYS[3])) == (True, True)
    assert b.told == ["an entry is broken in the shared cache (area: it cannot be read), not used and made anew"]
    assert object_of(place, KEYS[3]).is_file()
    with machine("b") as b:
        assert not b.made(KEYS[0])
    assert b.told == []


def test_check_that_raises_anything_finds_the_entry_broken(machine: Start) -> None:
    def deep(folder: Path) -> None:
        raise RecursionError

    with machine("a") as a:
        for key in KEYS[:2]:
            a.made(key)
    with machine("b") as b:
        b.cache.bring("area", KEYS[:1], deep)
        assert not b.made(KEYS[1])
    [words] = b.told
    assert "an entry is broken in the shared cache (area: it holds something else (RecursionError))" in words


# -- entries that make a video which is none -------------------------------------------------------------------------


WRONG = ProofError("stages.proof (prove_sync): the finished video is not what was planned")
RESULT = ("assemble", KEYS[30])


@dataclass
class Runs:
    """Runs of one machine that put a result together from pieces; `machine` starts them."""

    machine: Callable[..., contextlib.AbstractContextManager[Machine]]
    told: list[str] = field(default_factory=list)

    def once(self, error: BaseException | None = None, area: str = "chunks", pieces: int = 2) -> list[str]:
        """The values of the pieces in the result, which is made where it is not there; `error` ends the run."""
        with contextlib.suppress(type(error) if error else ()), self.machine("b", results=[RESULT]) as found:
            self.told = found.told

            def put_together(folder: Path) -> None:
                values = []
                for key in KEYS[:pieces]:
                    entry, _ = found.cache.once(area, key, make("made on b"), shared=anything)
                    values.append((entry / "value.txt").read_text(encoding="utf-8"))
                (folder / "video").write_text("\n".join(values), encoding="utf-8")

            folder, _ = found.cache.once(*RESULT, put_together)
            self.result = folder / "video"
            if error is not None:
                raise error
        return self.result.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def runs(machine: Start) -> Runs:
    with machine("a") as a:
        for area in ("chunks", "originals"):
            for key in KEYS[:2]:
                a.cache.once(area, key, make("made on a"), shared=anything)
    return Runs(machine)


@pytest.mark.parametrize("error", [WRONG, ValueError("a chunk that no decoder knows")], ids=repr)
def test_fetched_pieces_of_a_video_that_is_none_are_made_here_and_put_over_the_shared_ones(
    runs: Runs, place: Path, machine: Start, error: Exception
) -> None:
    assert runs.once(error) == ["made on a"] * 2  # and the result still lies where the error says
    assert runs.told == [
        "2 pieces of the video came from the shared cache and may be wrong; the same command makes them here"
    ]
    assert runs.once() == ["made on b"] * 2
    assert runs.told == []
    assert [b"made on b" in path.read_bytes() for path in sorted((place / "chunks").rglob("*.qmv1"))] == [True] * 2
    with machine("c") as c:
        folder, found = c.cache.once("chunks", KEYS[0], make("made on c"), shared=anything)
        assert (found, (folder / "value.txt").read_text(encoding="utf-8")) == (True, "made on b")


def test_pieces_that_were_fetched_by_an_earlier_run_are_found_too(runs: Runs) -> None:
    assert runs.once() == ["made on a"] * 2
    runs.once(WRONG)  # the result was there: which pieces are in it, the next run knows
    assert runs.told == ["pieces of the video came from the shared cache; the same command puts it together anew"]
    assert runs.once(WRONG) == ["made on a"] * 2
    assert runs.once() == ["made on b"] * 2


def test_doubt_that_comes_while_the_entry_is_looked_for_stays(machine: Start, runs: Runs, place: Path) -> None:
    class Late(FolderStore):
        def look(self, key: str) -> Standing | None:
            end = time.monotonic() + 60
            while not list(place.parent.glob("b/doubted/*/chunks/*")) and time.monotonic() < end:
                time.sleep(0.01)
            return super().look(key)

    runs.once(area="chunks")
    with contextlib.suppress(ProofError), machine("b", Late(where="w", folder=place, link=False)) as b:
        for key in KEYS[:2]:
            b.cache.once("chunks", key, make("made on b"), shared=anything)
        raise WRONG
    assert sorted(path.name for path in b.cache.root.glob("doubted/*/chunks/*")) == sorted(KEYS[:2])


def test_video_that_is_none_without_a_fetched_piece_is_left_alone(runs: Runs, machine: Start) -> None:
    with machine("b", sends=False) as b:
        for key in KEYS[:2]:
            b.cache.put("chunks", key, make("made on b"))
    assert runs.once(WRONG) == runs.once(WRONG) == ["made on b"] * 2
    assert runs.told == []


@pytest.mark.parametrize(
    "error",
    [OutputError("the disk is full"), AccessError("no permission"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()],
    ids=repr,
)
def test_failure_that_pieces_have_no_part_in_leaves_them(runs: Runs, error: BaseException) -> None:
    runs.once(error)
    assert runs.once() == ["made on a"] * 2


def test_paid_originals_are_never_bought_again_for_a_video_that_is_none(runs: Runs) -> None:
    runs.once(WRONG, area="originals")
    assert runs.once(area="originals") == ["made on a"] * 2


# -- signed entries --------------------------------------------------------------------------------------------------


def test_with_a_key_only_entries_of_its_holders_are_used(
    machine: Start, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's is whole in itself, and says something else."""
    with machine("stranger") as stranger:
        stranger.made(KEYS[0], "poison")
    monkeypatch.setenv("QMV_CACHE_KEY", "a key of thirty letters, or so")
    with machine("a") as a:
        assert a.made(KEYS[0], "good")
    assert "not signed with this QMV_CACHE_KEY" in a.told[0]
    with machine("b") as b:
        assert not b.made(KEYS[0])
        assert b.value(KEYS[0]) == "good"
    monkeypatch.setenv("QMV_CACHE_KEY", ANOTHER_KEY)
    with machine("c") as c:
        assert c.made(KEYS[0])


def test_key_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMV_CACHE_KEY", "short")
    with pytest.raises(ConfigError, match=r"QMV_CACHE_KEY: has 5 characters"):
        shared_cache("folder", sends=True)


def test_address_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"run\.cache_url: 'ftp://x' is of no known kind"):
        shared_cache("ftp://x", sends=True)


def test_no_address_is_no_shared_cache() -> None:
    assert shared_cache(" ", sends=True) is None


# -- a place that refuses or is away ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Odd(FolderStore):
    """A folder that fails at some things; `asked` counts what it was asked for."""

    at: tuple[str, ...]
    error: QmvError
    asked: list[str] = field(default_factory=list)

    def _maybe(self, name: str) -> None:
        self.asked.append(name)
        if name in self.at:
            raise self.error

    def check(self) -> None:
        self._maybe("check")

    def look(self, key: str) -> Standing | None:
        self._maybe("look")
        return super().look(key)

    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        self._maybe("fetch")
        return super().fetch(key, target, most_bytes)

    def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        self._maybe("send")
        super().send(upload, replaces, progress)


AWAY = ServiceError("run.cache_url: host cannot be reached, for 20 s now; look at the network.")
REFUSED = AccessError("run.cache_url: no permission for the bucket; the key needs more rights.")


@pytest.mark.parametrize(
    "at", [("check",), ("check", "look", "fetch", "send"), ("fetch",), ("send",), ("look",)], ids=str
)
def test_network_that_is_away_is_told_once_and_nothing_is_lost(
    machine: Start, place: Path, at: tuple[str, ...]
) -> None:
    store = Odd(where="run.cache_url", folder=place, link=False, at=at, error=AWAY)
    with machine("a", store) as a:
        assert [a.made(key) for key in KEYS] == [True] * len(KEYS)
    assert [words for words in a.told if "waiting" not in words] == [
        "the shared cache is away (host cannot be reached, for 20 s now); this run goes on without it"
    ]
    with machine("a") as a:
        pass
    assert sorted(objects(place)) == sorted(KEYS)


def test_network_that_is_away_is_not_asked_for_each_entry(machine: Start, place: Path) -> None:
    store = Odd(where="run.cache_url", folder=place, link=False, at=("look", "fetch", "send"), error=AWAY)
    with machine("a", store) as a:
        a.cache.bring("area", KEYS, anything)
        for key in KEYS:
            a.made(key)
    assert len(store.asked) <= 1 + 16  # as many as were on their way


@pytest.mark.parametrize("error", [REFUSED, OutputError("run.cache_url: the disk is full; free some.")], ids=repr)
def test_place_that_takes_nothing_is_told_once_and_still_read(machine: Start, place: Path, error: QmvError) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    store = Odd(where="run.cache_url", folder=place, link=False, at=("send",), error=error)
    with machine("b", store) as b:
        assert [b.made(key) for key in KEYS[1:]] == [True] * 39
        b.cache.shared._outbox.wait()  # type: ignore[union-attr]
        assert not b.made(KEYS[0])
    assert [words.partition("(")[0] for words in b.told] == ["the shared cache takes nothing "]
    assert store.asked.count("send") <= 4


def test_machine_that_may_only_read_takes_part(machine: Start, place: Path) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    store = Odd(where="run.cache_url", folder=place, link=False, at=("check", "send"), error=REFUSED)
    with machine("b", store) as b:
        assert (b.made(KEYS[0]), b.made(KEYS[1])) == (False, True)
    assert b.told == ["the shared cache takes nothing (no permission for the bucket); this run goes on without sending"]
    assert "send" not in store.asked


@pytest.mark.parametrize("at", [("check",), ("check", "look")], ids=str)
def test_place_that_can_be_neither_read_nor_written_stops_the_run(
    machine: Start, place: Path, at: tuple[str, ...]
) -> None:
    """A bucket that is not there, or one in which nobody has shared anything."""
    store = Odd(where="run.cache_url", folder=place, link=False, at=at, error=REFUSED)
    with pytest.raises(AccessError, match="no permission"), machine("a", store):
        raise AssertionError("the run began")


@dataclass(frozen=True, kw_only=True)
class Silent(FolderStore):
    """A folder that never answers some questions, while the test runs; others drip into the file."""

    over: threading.Event = field(default_factory=threading.Event)
    silent: tuple[str, ...] = ()

    def check(self) -> None:
        if "check" in self.silent:
            self.over.wait(60)

    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        for name in self.silent:
            while key.endswith(f"{name}.qmv1") and not self.over.is_set():
                with target.open("ab") as stream:
                    stream.write(b"x")
                self.over.wait(0.02)
        return super().fetch(key, target, most_bytes)


@pytest.fixture
def silent(place: Path) -> Iterator[Callable[..., Silent]]:
    over = threading.Event()
    yield lambda *names: Silent(where="run.cache_url", folder=place, link=False, silent=names, over=over)
    over.set()


def test_place_that_never_answers_is_left_before_the_run(machine: Start, silent: Callable[..., Silent]) -> None:
    with machine("a", silent("check"), answer_s=0.1) as a:
        assert [a.made(key) for key in KEYS] == [True] * len(KEYS)
    assert a.told == ["the shared cache is away (no answer for 0 s); this run goes on without it"]


def test_place_that_drips_is_left_once_and_what_came_before_is_used(
    machine: Start, silent: Callable[..., Silent]
) -> None:
    """And the entry that never came can be made at once."""
    with machine("a") as a:
        for key in KEYS[:20]:
            a.made(key)
    with machine("b", silent(KEYS[3]), silence_s=0.5) as b:
        b.cache.bring("area", KEYS[:20], anything)
        assert [b.value(key) is None for key in KEYS[:20]] == [n == 3 for n in range(20)]
        assert b.made(KEYS[3], "made on b")
        assert b.value(KEYS[3]) == "made on b"
    assert b.told == ["the shared cache is away (no answer for 0 s); this run goes on without it"]


def test_folder_that_is_a_file_is_told_once(machine: Start, place: Path) -> None:
    place.write_text("a file", encoding="utf-8")
    with machine("a") as a:
        assert [a.made(key) for key in KEYS] == [True] * len(KEYS)
    assert a.told == ["the shared cache is away (Not a directory); this run goes on without it"]


def test_place_that_goes_away_while_it_is_used_is_told_once(machine: Start, place: Path) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    with machine("b") as b:
        assert not b.made(KEYS[0])
        shutil.rmtree(place)
        place.write_text("a file", encoding="utf-8")
        assert [b.made(key) for key in KEYS[1:]] == [True] * len(KEYS[1:])
    assert b.told == ["the shared cache is away (Not a directory); this run goes on without it"]


def test_failed_run_still_sends_what_it_made(machine: Start, place: Path) -> None:
    with contextlib.suppress(OutputError), machine("a") as a:
        a.made(KEYS[0])
        raise OutputError("the run failed")
    assert list(objects(place)) == [KEYS[0]]


def test_cancelled_run_waits_for_nothing_and_the_next_one_sends_the_rest(machine: Start, place: Path) -> None:
    goes_on = threading.Event()

    class Slow(FolderStore):
        def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
            goes_on.wait(30)
            super().send(upload, replaces, progress)

    with contextlib.suppress(KeyboardInterrupt), machine("a", Slow(where="w", folder=place, link=False)) as a:
        for key in KEYS:
            a.made(key)
        raise KeyboardInterrupt
    assert objects(place) == {}
    goes_on.set()
    with machine("a"):
        pass
    assert sorted(objects(place)) == sorted(KEYS)
    assert not [path for path in (a.cache.root / "unshared").rglob("*") if path.is_file()]


def test_end_of_a_run_waits_for_what_is_sent_for_a_while_only_and_says_so_once(machine: Start, place: Path) -> None:
    goes_on = threading.Event()

    class Slow(FolderStore):
        def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
            if KEYS[0] not in upload.key:
                goes_on.wait(60)
            super().send(upload, replaces, progress)

    with machine("a", Slow(where="w", folder=place, link=False), sending_s=0.2) as a:
        for key in KEYS[:3]:
            a.made(key)
    [words] = a.told
    assert words.endswith("not in the shared cache yet; the next run sends what is missing")
    goes_on.set()
    with machine("a"):
        pass
    assert sorted(objects(place)) == sorted(KEYS[:3])


def test_first_entry_leaves_the_sign_by_which_readers_know_the_place(machine: Start, place: Path) -> None:
    with machine("a") as a:
        assert not (place / SIGN).exists()
        a.made(KEYS[0])
    assert (place / SIGN).is_file()

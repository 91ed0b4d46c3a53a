"""`python -m qmv deliver`: a run's video once more, elsewhere, after a crash; and one sentence for each mistake."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.__main__ import main
from qmv.artifacts import File
from tests.finished import Film

Deliver = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def film(finished_film: Callable[[str], Film]) -> Film:
    return finished_film("stills")


@pytest.fixture
def run(film: Film, tmp_path: Path) -> Path:
    """A copy of a finished run's folder, which a test may change."""
    return shutil.copytree(film.folder, tmp_path / "run")


@pytest.fixture
def deliver(capsys: pytest.CaptureFixture[str]) -> Deliver:
    """Runs the command: (exit code, stdout, stderr)."""

    def command(*arguments: object) -> tuple[int, str, str]:
        rc = main(["deliver", *map(str, arguments)])
        said = capsys.readouterr()
        return rc, said.out.strip(), said.err

    return command


def manifest(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "manifest.json").read_text(encoding="utf-8")))


def changed(run: Path, **values: Any) -> None:
    (run / "manifest.json").write_text(json.dumps(manifest(run) | values), encoding="utf-8")


def test_a_run_is_delivered_elsewhere(deliver: Deliver, run: Path, film: Film, tmp_path: Path) -> None:
    rc, url, err = deliver(run, f"storage.path={tmp_path / 'films'}", "session=spring", "n=3", "licence=CC0")
    assert rc == 0, err
    assert url == str(tmp_path / "films" / "videos" / "spring" / "video_3.mp4")
    assert Path(url).read_bytes() == film.path.read_bytes()
    assert json.loads(Path(url).with_suffix(".json").read_text(encoding="utf-8"))["licence"] == "CC0"
    assert manifest(run)["result"] == url
    assert [delivery["url"] for delivery in manifest(run)["deliveries"]][1:] == [url]


def test_a_template_needs_no_quotes(deliver: Deliver, run: Path, tmp_path: Path) -> None:
    rc, url, err = deliver(run, f"storage.path={tmp_path / 'films'}", "stages.delivery.key={style}/{n} {hash}.mp4")
    assert rc == 0, err
    assert Path(url).parent == tmp_path / "films" / "neon"


def test_the_same_delivery_again_sends_nothing(deliver: Deliver, run: Path, tmp_path: Path) -> None:
    first = deliver(run, f"storage.path={tmp_path / 'films'}")
    again = deliver(run, f"storage.path={tmp_path / 'films'}")
    assert again[:2] == first[:2]
    assert "holds the same bytes already; nothing was sent" in again[2]
    assert "nothing was sent" not in first[2]


def test_without_settings_it_goes_where_the_run_would_have_put_it(deliver: Deliver, run: Path) -> None:
    rc, url, err = deliver(run)
    assert (rc, Path(url).parent) == (0, run), err


def test_a_video_that_left_the_cache_is_taken_from_the_run_folder(
    deliver: Deliver, run: Path, film: Film, tmp_path: Path
) -> None:
    artifact = json.loads((run / "artifacts" / "video.json").read_text(encoding="utf-8"))
    artifact["file"]["path"] = str(tmp_path / "gone.mp4")
    (run / "artifacts" / "video.json").write_text(json.dumps(artifact), encoding="utf-8")
    rc, url, err = deliver(run, f"storage.path={tmp_path / 'films'}")
    assert rc == 0, err
    assert Path(url).read_bytes() == film.path.read_bytes()


def test_a_run_whose_delivery_failed_is_finished_by_it(deliver: Deliver, run: Path, tmp_path: Path) -> None:
    stages = manifest(run)["stages"]
    stages[-1] |= {"status": "failed", "error": "the network was away"}
    changed(run, status="failed", error="the network was away", stages=stages)
    assert deliver(run, f"storage.path={tmp_path / 'films'}")[0] == 0
    assert (manifest(run)["status"], manifest(run)["error"], manifest(run)["stages"][-1]["status"]) == (
        "finished", None, "finished",
    )  # fmt: skip


WITNESS = """
from pathlib import Path

from qmv.api import Observer, Watcher, plugin, setting
from qmv.events import as_mapping
from qmv.hookspecs import hookimpl


class Writes(Watcher):
    def __init__(self, path, about):
        self.path, self.lines = path, [f"{about.session} {about.n}"]

    def see(self, event):
        kinds = {"RunFinished": ("status", "error_kind")}
        values = as_mapping(event)
        self.lines.append(" ".join([values["event"], *(values[name] for name in kinds.get(values["event"], ()))]))

    def tell(self):
        self.path.write_text("\\n".join(self.lines))


@plugin
class Witness(Observer):
    \"\"\"Writes down what it sees.\"\"\"

    name = "witness"
    path: str = setting("the file")

    def watch(self, about):
        return Writes(Path(self.path), about)


@hookimpl
def qmv_observers():
    return [Witness]
"""


def test_observers_of_the_run_are_told_of_its_delivery(deliver: Deliver, run: Path, tmp_path: Path) -> None:
    (tmp_path / "witness.py").write_text(WITNESS, encoding="utf-8")
    config, seen = manifest(run)["config"], tmp_path / "seen.txt"
    observers = [{"name": "witness", "path": str(seen)}]
    plugins = [*config["plugins"], str(tmp_path / "witness.py")]
    changed(run, config=config | {"observers": observers, "plugins": plugins})
    where = (f"storage.path={tmp_path / 'films'}", "session=spring", "n=4")
    assert deliver(run, *where)[0] == 0
    lines = seen.read_text(encoding="utf-8").splitlines()
    assert (lines[:3], lines[-1]) == (["spring 4", "RunStarted", "StageStarted"], "RunFinished finished ")
    (tmp_path / "films" / "videos" / "spring" / "video_4.mp4").write_bytes(b"another film")
    assert deliver(run, *where)[0] == 1
    assert seen.read_text(encoding="utf-8").splitlines()[-1] == "RunFinished failed OutputError"
    seen.unlink()
    assert deliver(run, *where, "storage.overwrite=true", "observers=[]")[0] == 0
    assert not seen.exists()


def test_another_video_is_replaced_only_when_told_to(deliver: Deliver, run: Path, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").write_bytes(b"another")
    words = (run, f"storage.path={tmp_path / 'films'}", "stages.delivery.key=a.mp4")
    rc, _, err = deliver(*words)
    assert rc == 1
    assert "stands already with other content; set storage.overwrite=true" in err
    assert deliver(*words, "storage.overwrite=true")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["storage=foldr"], "storage: 'foldr' is not known. Did you mean 'folder'?"),
        (
            ["seed=2"],
            "seed: cannot be changed here; what can is session, n, licence, observers, storage, stages.delivery.",
        ),
        (["session=../x"], "session has letters"),
        (["n=many"], "n: must be a whole number, got 'many'"),
        (["storage.pat=x"], "pat"),
        (["storage=folder,gcs"], "needs one value"),
        (["~storage"], "needs one value"),
        (["storage"], "cannot be read as KEY=VALUE"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence(deliver: Deliver, run: Path, words: list[str], said: str) -> None:
    rc, out, err = deliver(run, *words)
    assert (rc, out) == (1, "")
    assert said in err
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
    assert "Traceback" not in err


def test_what_is_no_run_is_refused(deliver: Deliver, run: Path, tmp_path: Path) -> None:
    assert "there is none; name the folder of a run" in deliver(tmp_path / "nowhere")[2]
    (tmp_path / "empty").mkdir()
    assert "has no manifest.json; name the folder of a run" in deliver(tmp_path / "empty")[2]
    (run / "manifest.json").write_text("{", encoding="utf-8")
    assert "is no manifest of a run" in deliver(run)[2]
    (run / "manifest.json").write_text('{"schema": 1}', encoding="utf-8")
    assert "was written by another version of QMV" in deliver(run)[2]


def test_what_was_not_proven_is_not_delivered(deliver: Deliver, run: Path) -> None:
    stages = manifest(run)["stages"]
    proof = next(stage for stage in stages if stage["stage"] == "prove_sync")
    proof |= {"status": "failed", "error": "cut 3 is 4 frames late"}
    changed(run, stages=stages)
    rc, _, err = deliver(run)
    assert rc == 1
    assert "its video was not proven (cut 3 is 4 frames late)" in err


def test_a_run_that_made_no_video_says_so(deliver: Deliver, run: Path) -> None:
    (run / "artifacts" / "video.json").unlink()
    assert "its run made no video (it was ended); run its command again" in deliver(run)[2]


def test_a_run_that_failed_before_its_video_says_why(deliver: Deliver, run: Path) -> None:
    stages = manifest(run)["stages"]
    next(stage for stage in stages if stage["stage"] == "prove_sync")["status"] = "waiting"
    changed(run, stages=stages, video={}, error="image (folder): empty holds no pictures; put some in (png).")
    assert "its run made no video (image (folder): empty holds no pictures; put some in (png)); run" in deliver(run)[2]


def test_deliveries_at_the_same_time_are_all_written_down(run: Path, film: Film, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "qmv", "deliver", str(run)]
    started = [
        subprocess.Popen([*command, f"storage.path={tmp_path / 'films'}", f"session=s{number}"], stderr=subprocess.PIPE)
        for number in range(3)
    ]
    assert [process.wait() for process in started] == [0, 0, 0], [process.stderr for process in started]
    for process in started:
        process.stderr.close()  # type: ignore[union-attr]
    urls = [delivery["url"] for delivery in manifest(run)["deliveries"][1:]]
    assert sorted(urls) == [str(tmp_path / "films" / "videos" / f"s{number}" / "video_1.mp4") for number in range(3)]


def test_a_file_that_is_not_the_run_s_video_is_not_published(deliver: Deliver, run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not for anybody", encoding="utf-8")
    file = File.of(secret)
    artifact = json.loads((run / "artifacts" / "video.json").read_text(encoding="utf-8"))
    artifact["file"] = {"path": str(secret), "sha256": file.sha256, "size_bytes": file.size_bytes}
    (run / "artifacts" / "video.json").write_text(json.dumps(artifact), encoding="utf-8")
    rc, out, err = deliver(run, f"storage.path={tmp_path / 'films'}", "stages.delivery.companions=false")
    assert (rc, out) == (1, "")
    assert "artifacts/video.json is about another video than manifest.json" in err
    changed(run, video=manifest(run)["video"] | {"sha256": file.sha256})
    rc, out, err = deliver(run, f"storage.path={tmp_path / 'films'}", "stages.delivery.companions=false")
    assert (rc, out) == (1, "")
    assert "its video is gone" in err
    assert list((tmp_path / "films").iterdir()) == []


def test_a_relative_folder_of_the_run_is_where_the_run_was_started(
    deliver: Deliver, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = manifest(run)["config"]
    config["storage"]["path"] = "films"
    changed(run, config=config, made_in=str(tmp_path / "home"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "home").mkdir()
    artifact = json.loads((run / "artifacts" / "video.json").read_text(encoding="utf-8"))
    assert not Path(artifact["file"]["path"]).is_relative_to(tmp_path)  # the video is found though its cache is not
    rc, url, err = deliver(run)
    assert (rc, Path(url).parent) == (0, tmp_path / "home" / "films"), err


@pytest.mark.parametrize(
    "values",
    [
        {"config": "x"}, {"made_in": 5}, {"stages": [{}]}, {"stages": None}, {"deliveries": None}, {"song": 5},
        {"config": {}}, {"config": {"outputs": None}}, {"video": []},
    ],
)  # fmt: skip
def test_an_edited_manifest_is_told_in_one_sentence(deliver: Deliver, run: Path, values: dict[str, Any]) -> None:
    changed(run, **values)
    rc, out, err = deliver(run)
    assert (rc, out) == (1, "")
    assert err.count("error: ") == 1
    assert "it was edited, so run its command again" in err

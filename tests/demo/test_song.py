"""The demo song, heard through its samples."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from scipy import signal

from qmv.demo import song

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

RATE_HZ = song.RATE_HZ

# ITU-R BS.1770's two stages, which the standard gives as 48 kHz coefficients only.
K_WEIGHTING = [
    [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
    [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
]


@pytest.fixture(scope="module")
def mix() -> npt.NDArray[np.float32]:
    return song.compose()


def section_beats_s(name: str) -> list[float]:
    section = next(s for s in song.sections() if s.name == name)
    first = 4 * section.first_bar
    return list(song.beat_times_s()[first : first + 4 * len(section.chords)])


def loudness_lufs(mix: npt.NDArray[np.float32]) -> float:
    """Integrated loudness: blocks of 400 ms, four to each, gated at -70 LUFS and at 10 LU below the rest."""
    at_48_khz = signal.resample_poly(mix.astype(np.float64), 160, 147, axis=1)
    left, right = signal.sosfilt(np.array(K_WEIGHTING), at_48_khz)
    power = np.square(left) + np.square(right)
    blocks = np.lib.stride_tricks.sliding_window_view(power, 19_200)[::4_800].mean(axis=1)
    blocks = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    blocks = blocks[blocks > blocks.mean() / 10]
    return float(-0.691 + 10 * np.log10(blocks.mean()))


def section_loudness_lufs(mix: npt.NDArray[np.float32], name: str) -> float:
    beats_s = section_beats_s(name)
    return loudness_lufs(mix[:, round(beats_s[0] * RATE_HZ) : round(beats_s[-1] * RATE_HZ)])


def test_the_beats_are_a_steady_pulse_of_whole_bars_that_ends_on_a_first_beat() -> None:
    beats_s = np.array(song.beat_times_s())
    assert beats_s[0] == song.FIRST_BEAT_S
    np.testing.assert_allclose(np.diff(beats_s), 60 / song.TEMPO_BPM)
    assert song.bar_positions() == tuple((1, 2, 3, 4) * (beats_s.size // 4) + (1,))
    assert beats_s[-1] < song.DURATION_S


def test_every_chord_and_every_step_of_the_score_is_accounted_for() -> None:
    for section in song.sections():
        assert set(section.chords) <= set(song.CHORDS)
    for line in song.SCORE.splitlines():
        part, _, bars = line.strip().partition(" ")
        if bars and not part.endswith(":") and part != "pad":
            for bar in bars.split("|"):
                steps = bar.split() if " " in bar.strip() else bar.strip()
                assert len(steps) == 16, line


def test_it_is_a_stereo_song_of_a_sane_level(mix: npt.NDArray[np.float32]) -> None:
    assert mix.dtype == np.float32
    assert mix.shape == (2, round(song.DURATION_S * RATE_HZ))
    assert 40 <= song.DURATION_S <= 50
    assert np.abs(mix).max() <= 10 ** (-1 / 20)
    assert np.abs(mix.mean(axis=1)).max() < 1e-4
    assert loudness_lufs(mix) == pytest.approx(-14, abs=1.5)
    assert 0.3 < np.asarray(np.corrcoef(mix))[0, 1] < 0.95


def test_it_grows_to_the_chorus_and_then_leaves(mix: npt.NDArray[np.float32]) -> None:
    order = ["intro", "verse", "lift", "chorus"]
    rising = [section_loudness_lufs(mix, name) for name in order]
    assert rising == sorted(rising)
    assert section_loudness_lufs(mix, "outro") < rising[-1]


@pytest.mark.parametrize("name", ["verse", "chorus"])
def test_an_attack_sits_on_every_beat(mix: npt.NDArray[np.float32], name: str) -> None:
    """Above 3 kHz, where drums attack, the power of 3 ms leaps most over the 3 ms before at the beat."""
    above = signal.butter(4, 3000, "highpass", fs=RATE_HZ, output="sos")
    power = np.square(signal.sosfilt(above, mix[0].astype(np.float64) + mix[1]))
    total, span = np.concatenate(([0.0], np.cumsum(power))), round(0.003 * RATE_HZ)
    reach = round(0.040 * RATE_HZ)
    for beat_s in section_beats_s(name):
        near = np.arange(-reach, reach + 1) + round(beat_s * RATE_HZ)
        leap = (total[near + span] - total[near]) / (total[near] - total[near - span] + 1e-9)
        assert abs(near[np.argmax(leap)] / RATE_HZ - beat_s) < 0.005
        assert leap.max() > 4


def test_it_never_falls_silent_and_ends_softly(mix: npt.NDArray[np.float32]) -> None:
    window = round(0.1 * RATE_HZ)
    start, end = round(song.FIRST_BEAT_S * RATE_HZ), round((song.DURATION_S - 0.6) * RATE_HZ)
    body = mix[:, start:end].mean(axis=0)
    level = np.square(body[: body.size // window * window].reshape(-1, window)).mean(axis=1)
    assert 10 * np.log10(level.min()) > -50
    assert np.abs(mix[:, -20:]).max() < 1e-4
    assert np.abs(mix[:, :start]).max() < 1e-4


def test_the_same_bytes_every_time(mix: npt.NDArray[np.float32]) -> None:
    assert song.compose().tobytes() == mix.tobytes()


def test_writing_makes_one_tagged_flac(
    mix: npt.NDArray[np.float32], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song, "compose", lambda: mix)
    song.write(tmp_path / "song.flac")
    assert [path.name for path in tmp_path.iterdir()] == ["song.flac"]
    with soundfile.SoundFile(tmp_path / "song.flac") as file:
        assert (file.format, file.subtype, file.samplerate) == ("FLAC", "PCM_16", RATE_HZ)
        assert (file.title, file.artist) == (song.TITLE, song.ARTIST)
        np.testing.assert_allclose(file.read(dtype="float32").T, mix, atol=3 / 32768)


def test_song_that_finds_no_room_says_why(tmp_path: Path) -> None:
    """With the reason of the system, for the sentence that a user reads; and nothing is left of it."""
    code = """
import errno, resource, sys
from pathlib import Path
from qmv.demo import song
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    song.write(Path(sys.argv[1]))
except OSError as error:
    print(errno.errorcode[error.errno])
"""
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "song.flac")], capture_output=True, text=True)
    assert (ended.stdout, list(tmp_path.iterdir())) == ("EFBIG\n", []), ended.stderr


def test_importing_the_score_loads_no_numpy() -> None:
    code = "import sys, qmv.demo.song as s; s.beat_times_s(); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

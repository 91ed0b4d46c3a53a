"""The contract of beat trackers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, ClassVar

import pytest

from qmv.api import Hints, Tracker
from qmv.testing.base import PluginContract
from qmv.testing.things import click_track

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class TrackerContract(PluginContract):
    """Beats are reported where there are beats, and never invented."""

    rate_hz: ClassVar[int] = 22050

    @pytest.fixture
    def clicks(self) -> npt.NDArray[np.float32]:
        """Eight seconds at 120 beats a minute."""
        return click_track(120, 0.25, 8.0, self.rate_hz)

    def test_hears_no_beats_in_silence(self, subject: Tracker) -> None:
        import numpy as np

        beats = subject.track(np.zeros(4 * self.rate_hz, np.float32), self.rate_hz, Hints())
        assert (beats.times_s, beats.bar_position, beats.tempo_bpm) == ((), (), 0)

    @pytest.mark.parametrize("count", [1, 64, 2000])
    def test_takes_a_signal_too_short_for_a_beat(self, subject: Tracker, count: int) -> None:
        import numpy as np

        assert len(subject.track(np.full(count, 0.1, np.float32), self.rate_hz, Hints()).times_s) < 2

    def test_finds_beats_in_a_click_track_in_order(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        times = subject.track(clicks, self.rate_hz, Hints()).times_s
        assert len(times) >= 8
        assert all(a < b for a, b in itertools.pairwise(times)), "beats must be strictly increasing"
        assert times[0] >= 0
        assert times[-1] <= len(clicks) / self.rate_hz, "beats lie within the song"

    def test_gives_each_beat_a_place_in_the_bar(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        beats = subject.track(clicks, self.rate_hz, Hints())
        assert len(beats.bar_position) == len(beats.times_s)
        assert all(isinstance(place, int) and place >= 0 for place in beats.bar_position)

    def test_tells_tempo_and_confidence_in_their_ranges(
        self, subject: Tracker, clicks: npt.NDArray[np.float32]
    ) -> None:
        beats = subject.track(clicks, self.rate_hz, Hints())
        assert 20 < beats.tempo_bpm < 400
        assert 0 <= beats.confidence <= 1

    def test_finds_the_same_twice(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        assert subject.track(clicks, self.rate_hz, Hints()) == subject.track(clicks.copy(), self.rate_hz, Hints())

    def test_leaves_the_signal_as_it_was(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        before = clicks.copy()
        subject.track(clicks, self.rate_hz, Hints())
        assert (clicks == before).all()

    def test_keeps_sections_in_order_within_the_song(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        sections = subject.track(clicks, self.rate_hz, Hints()).sections
        edges = [edge for section in sections for edge in (section.start_s, section.end_s)]
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(clicks) / self.rate_hz for edge in edges)
        assert all(0 <= section.energy <= 1 for section in sections)

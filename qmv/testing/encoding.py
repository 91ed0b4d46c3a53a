"""The contract of encoders."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from qmv.api import Coding, Encoder
from qmv.api.encoder import Levels
from qmv.media.coding import refusal
from qmv.testing.base import PluginContract
from qmv.testing.things import noise_frame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.frame import Frame

_FPS = Fraction(24000, 1001)
_QUARTERS = ((60, 90, 200), (150, 160, 70), (200, 128, 128), (110, 60, 110))  # y, u, v of each quarter of a picture


class EncoderContract(PluginContract):
    """Each chunk is one closed GOP of exactly its frames, and chunks can be joined by stream copy.

    `size_px`: what is encoded. `lengths`: of the chunks, in frames. `same_bytes`: a chunk has the same bytes twice.
    Where the machine cannot encode like that, only what the encoder says is tried.
    """

    size_px: ClassVar[tuple[int, int]] = (128, 72)
    lengths: ClassVar[tuple[int, ...]] = (1, 2, 25)
    colour_error: ClassVar[float] = 3.0  # of 255, on flat patches
    same_bytes: ClassVar[bool] = True

    # -- what it says ------------------------------------------------------------------------------------------------

    def test_has_levels_that_it_can_do_itself(self, subject: Encoder) -> None:
        for preset, crf in subject.levels:
            assert preset in subject.presets
            assert subject.crfs[0] <= crf <= subject.crfs[1]

    def test_takes_more_time_and_bytes_for_a_higher_level(self, subject: Encoder) -> None:
        speeds = [subject.presets.index(preset) for preset, _ in subject.levels]
        crfs = [crf for _, crf in subject.levels]
        assert speeds == sorted(speeds), "presets go from the quickest on"
        assert crfs == sorted(crfs, reverse=True), "a lower crf is the better one"

    def test_says_what_ffmpeg_is_told(self, subject: Encoder) -> None:
        assert isinstance(subject.coding(), Coding)
        hash(subject.coding())

    @pytest.mark.parametrize("level", Levels._fields)
    def test_encodes_alike_whether_a_level_or_its_numbers_are_asked_for(self, subject: Encoder, level: str) -> None:
        asked = dataclasses.replace(subject, level=level, preset=None, crf=None)
        preset, crf = getattr(subject.levels, level)
        assert dataclasses.replace(subject, preset=preset, crf=crf).coding() == asked.coding()

    def test_tells_ffmpeg_of_each_crf_and_preset(self, subject: Encoder) -> None:
        low, high = subject.crfs
        crfs = [low, (low + high) // 2, high]
        assert len({subject.at(crf).coding() for crf in crfs}) == len(crfs)
        presets = {dataclasses.replace(subject, preset=preset).coding() for preset in subject.presets}
        assert len(presets) == len(subject.presets)

    # -- what it does ------------------------------------------------------------------------------------------------

    @pytest.fixture
    def encode(self, subject: Encoder, tmp_path: Path) -> Callable[..., Path]:
        """Encodes frames into a file of its own."""
        from qmv.media.encode import encode_chunk

        if reason := refusal(subject.coding()):
            pytest.skip(f"this machine cannot encode by {subject.name}: {reason}")
        numbers = itertools.count()

        def encoded(frames: Sequence[Frame]) -> Path:
            path = tmp_path / f"{next(numbers)}.mp4"
            assert encode_chunk(path, frames, _FPS, subject.coding()) == len(frames)
            return path

        return encoded

    def test_gives_each_chunk_its_frames_and_one_key_frame_at_its_start(self, encode: Callable[..., Path]) -> None:
        for length in self.lengths:
            path = encode(self._noise(length))
            assert [key for _, key in sorted(_packets(path))] == [True] + [False] * (length - 1)
            assert len(list(_pictures(path))) == length

    def test_gives_a_chunk_the_same_bytes_twice(self, encode: Callable[..., Path]) -> None:
        for length in self.lengths:
            once, again = (encode(self._noise(length)).read_bytes() for _ in range(2))
            assert once == again or not self.same_bytes

    def test_keeps_colours(self, encode: Callable[..., Path]) -> None:
        for planes in _pictures(encode([self._patches()] * max(self.lengths))):
            assert _in_the_middles(planes) == pytest.approx([*itertools.chain(*_QUARTERS)], abs=self.colour_error)

    def test_says_that_it_is_bt709_limited_range(self, encode: Callable[..., Path]) -> None:
        from qmv.media.probe import probe

        made = probe(encode([self._patches()] * 3))
        assert made.bt709
        assert (made.width_px, made.height_px) == self.size_px

    def test_gives_chunks_the_same_parameter_sets(self, encode: Callable[..., Path]) -> None:
        """A joined film has those of its first chunk."""
        contents = [kind(length) for length in self.lengths for kind in (self._noise, self._greys)]
        assert len({_parameter_sets(encode(frames)) for frames in contents}) == 1

    def test_makes_chunks_that_join_into_a_film(self, encode: Callable[..., Path], tmp_path: Path) -> None:
        """Every picture in its place, at exactly its time."""
        from qmv.media.mux import join

        firsts = [0, *itertools.accumulate(self.lengths)]
        frames = self._greys(firsts[-1])
        chunks = [(first, encode(frames[first:end])) for first, end in itertools.pairwise(firsts)]
        join(tmp_path / "film.mp4", chunks, None, _FPS, {})
        film = sorted(_packets(tmp_path / "film.mp4"))
        assert [time_s for time_s, _ in film] == [number / _FPS for number in range(len(frames))]
        assert {number for number, (_, key) in enumerate(film) if key} == set(firsts[:-1])
        shown = [float(planes[0].mean()) for planes in _pictures(tmp_path / "film.mp4")]
        assert shown == pytest.approx([float(frame.y.mean()) for frame in frames], abs=self.colour_error)

    # -- frames ------------------------------------------------------------------------------------------------------

    def _noise(self, count: int) -> list[Frame]:
        return [noise_frame(seed, *self.size_px) for seed in range(count)]

    def _greys(self, count: int) -> list[Frame]:
        """Each far from its neighbours, so that one in the wrong place shows."""
        from qmv.media.frame import Frame

        return [Frame.grey(*self.size_px, 20 + 37 * number % 211) for number in range(count)]

    def _patches(self) -> Frame:
        """Four flat quarters."""
        import numpy as np

        from qmv.media.frame import Frame

        width, height = self.size_px
        planes = []
        for channel, scale in zip(range(3), (1, 2, 2)):
            values = np.array([quarter[channel] for quarter in _QUARTERS], np.uint8).reshape(2, 2)
            # planes of odd quarters lose a line to their neighbours
            planes.append(np.kron(values, np.ones((-(-height // scale // 2), -(-width // scale // 2)), np.uint8)))
            planes[-1] = np.ascontiguousarray(planes[-1][: height // scale, : width // scale])
        return Frame(*planes)


def _packets(path: Path) -> list[tuple[Fraction, bool]]:
    """When each packet's picture is shown, in seconds, and whether it is a key frame."""
    import av

    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
        return [(packet.pts * Fraction(packet.time_base), packet.is_keyframe) for packet in packets]  # type: ignore[operator]


def _pictures(path: Path) -> Iterable[tuple[npt.NDArray[np.uint8], ...]]:
    """Planes y, u and v of each picture, as shown."""
    import av

    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            packed: Any = picture.reformat(format="yuv420p").to_ndarray()
            height, width = picture.height, picture.width
            y, chroma = packed[:height], packed[height:].reshape(2, height // 2, width // 2)
            yield y, chroma[0], chroma[1]


def _in_the_middles(planes: tuple[npt.NDArray[np.uint8], ...]) -> list[float]:
    """y, u and v in the middle of each quarter."""
    places = [(row, column) for row in (1, 3) for column in (1, 3)]
    return [float(p[row * p.shape[0] // 4, column * p.shape[1] // 4]) for row, column in places for p in planes]


def _parameter_sets(path: Path) -> bytes:
    import av

    with av.open(str(path)) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")

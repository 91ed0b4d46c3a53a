"""Contracts that plugin authors reuse: one class a kind; an author's whole test file is a subclass with a plugin.

    from qmv.testing import ImageProviderContract

    class TestSolid(ImageProviderContract):
        plugin = Solid(colour="#ff0000")

A plugin that needs a folder comes from a fixture of the same name instead:

    class TestShelf(StorageContract):
        @pytest.fixture
        def plugin(self, tmp_path):
            return Shelf(path=str(tmp_path / "shelf"))

What a plugin cannot promise is said by a flag (`deterministic = False`), never skipped by name. Imports pytest, and
numpy inside; nothing in QMV imports this module.
"""

from qmv.testing.base import HEAVY, PluginContract
from qmv.testing.delivery import StorageContract
from qmv.testing.encoding import EncoderContract
from qmv.testing.frames import EffectContract, MotionContract, TransitionContract
from qmv.testing.pictures import ImageProviderContract
from qmv.testing.sound import TrackerContract
from qmv.testing.stages import StageContract
from qmv.testing.things import click_track, image_request, noise_frame, song_shot, stage_context, style, trial_purchases
from qmv.testing.watching import ObserverContract
from qmv.testing.words import WriterContract

__all__ = [
    "HEAVY", "EffectContract", "EncoderContract", "ImageProviderContract", "MotionContract", "ObserverContract",
    "PluginContract", "StageContract", "StorageContract", "TrackerContract", "TransitionContract", "WriterContract",
    "click_track", "image_request", "noise_frame", "song_shot", "stage_context", "style", "trial_purchases",
]  # fmt: skip

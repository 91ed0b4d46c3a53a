"""What a plugin author sees: one base class a kind, and the `Context` that a stage works in.

    from qmv.api import ImageProvider, plugin, setting

    @plugin
    class Solid(ImageProvider):
        name = "solid"
        colour: str = setting("the fill", default="#336699")

        def render(self, request): ...

A plugin is a frozen dataclass: its fields are its settings, its equality is its identity in the cache. Heavy
libraries are imported inside methods. Secrets are never fields: keep the name of the environment variable.
"""

from __future__ import annotations

from qmv.api.encoder import Coding, Encoder, Levels
from qmv.api.frames import Effect, Motion, Transition
from qmv.api.image import ImageProvider
from qmv.api.observer import About, Observer, Watcher
from qmv.api.plugin import Plugin
from qmv.api.purchases import Purchase, Purchases
from qmv.api.request import ImageRequest, Outcome
from qmv.api.stage import Context, Stage
from qmv.api.storage import Storage
from qmv.api.tracker import Tracker
from qmv.api.writer import Brief, Prompt, Slot, Writer
from qmv.artifacts import Hints
from qmv.engine.cache import Cache
from qmv.engine.ledger import Account, Ledger
from qmv.media.camera import IDENTITY, Affine
from qmv.media.frame import Frame
from qmv.media.moments import Moment
from qmv.objects.delivery import Stored
from qmv.objects.store import ObjectStore, Standing, Upload
from qmv.settings import plugin, setting

__all__ = [
    "IDENTITY", "About", "Account", "Affine", "Brief", "Cache", "Coding", "Context", "Effect", "Encoder", "Frame",
    "Hints", "ImageProvider", "ImageRequest", "Ledger", "Levels", "Moment", "Motion", "ObjectStore", "Observer",
    "Outcome", "Plugin", "Prompt", "Purchase", "Purchases", "Slot", "Stage", "Standing", "Storage", "Stored",
    "Tracker", "Transition", "Upload", "Watcher", "Writer", "plugin", "setting",
]  # fmt: skip

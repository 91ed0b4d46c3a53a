"""Cameras, transitions and effects in the combinations that a proof must see through."""

from __future__ import annotations

from typing import Any

from qmv.plugins.effect.flash import Flash
from qmv.plugins.effect.grain import Grain
from qmv.plugins.effect.pulse import Pulse
from qmv.plugins.effect.vignette import Vignette
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.dip import Dip
from qmv.plugins.transition.wipe import Wipe

LOOKS: dict[str, dict[str, Any]] = {
    "cut, ken_burns": {},
    "cut, still": {"motion": Still()},
    "crossfade, ken_burns, flash": {"transition": Crossfade(duration_s=0.4), "effects": (Flash(strength=0.3),)},
}
MORE_LOOKS: dict[str, dict[str, Any]] = {
    "cut, vignette": {"effects": (Vignette(strength=0.8),)},
    "cut, still, pulse": {"effects": (Pulse(zoom=0.06),), "motion": Still()},
    "cut, pulse": {"effects": (Pulse(zoom=0.06),)},
    "cut, grain": {"effects": (Grain(strength=0.05),)},
    "dip": {"transition": Dip(duration_s=0.4)},
    "dip to white, still": {"transition": Dip(duration_s=0.5, colour="white"), "motion": Still()},
    "wipe": {"transition": Wipe(duration_s=0.4)},
    "soft wipe up, still": {"transition": Wipe(duration_s=0.6, softness=0.5, direction="up"), "motion": Still()},
    "dip, three effects": {
        "transition": Dip(duration_s=0.4), "effects": (Pulse(zoom=0.04), Vignette(), Grain()), "motion": KenBurns(),
    },
    "wipe, four effects": {
        "transition": Wipe(duration_s=0.4), "effects": (Flash(), Pulse(), Vignette(strength=0.7), Grain(strength=0.04)),
    },
    "crossfade, three effects": {
        "transition": Crossfade(duration_s=0.4), "effects": (Pulse(), Vignette(strength=0.7), Grain()),
    },
}  # fmt: skip

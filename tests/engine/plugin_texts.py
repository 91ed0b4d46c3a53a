"""Texts of plugin files, good ones and wrong ones."""

from __future__ import annotations

HEAD = """
from qmv.api import Effect, Stage, Tracker, plugin, setting
from qmv.artifacts import Beats, Song
from qmv.hookspecs import hookimpl
"""
TRACKER = (
    HEAD
    + """
@plugin
class Steady(Tracker):
    name = "steady"

    def track(self, samples, rate_hz, hints): ...

@hookimpl
def qmv_trackers():
    return [Steady]
"""
)


# what is wrong -> (what stands under HEAD, what is said of it)
WRONG = {
    "no name": (
        (
            "@plugin\nclass Nameless(Tracker):\n    def track(self, samples, rate_hz, hints): ...\n\n"
            "@hookimpl\ndef qmv_trackers():\n    return [Nameless]\n"
        ),
        "Nameless wants a `name`",
    ),
    "no decorator": (
        (
            "class Plain(Tracker):\n    name = 'plain'\n    def track(self, samples, rate_hz, hints): ...\n\n"
            "@hookimpl\ndef qmv_trackers():\n    return [Plain]\n"
        ),
        "@plugin decorator",
    ),
    "no method": (
        "@plugin\nclass Idle(Tracker):\n    name = 'idle'\n\n@hookimpl\ndef qmv_trackers():\n    return [Idle]\n",
        "Idle lacks track; a tracker has to define it",
    ),
    "another kind": (
        (
            "@plugin\nclass Steady(Tracker):\n    name = 'steady'\n"
            "    def track(self, samples, rate_hz, hints): ...\n\n"
            "@hookimpl\ndef qmv_effects():\n    return [Steady]\n"
        ),
        "is no Effect",
    ),
    "no class": ("@hookimpl\ndef qmv_trackers():\n    return ['steady']\n", "'steady' is no Tracker"),
    "misspelled hook": ("@hookimpl\ndef qmv_traker():\n    return []\n", "Did you mean 'qmv_trackers'"),
    "no annotation": (
        (
            "@plugin\nclass Step(Stage):\n    name = 'step'\n    def run(self, ctx, song) -> Beats: ...\n\n"
            "@hookimpl\ndef qmv_stages():\n    return [Step]\n"
        ),
        r"run\(\) has no annotation for song",
    ),
    "unknown annotation": (
        (
            "@plugin\nclass Step(Stage):\n    name = 'step'\n    def run(self, ctx, song: 'Sonk') -> Beats: ...\n\n"
            "@hookimpl\ndef qmv_stages():\n    return [Step]\n"
        ),
        "Sonk",
    ),
    "hook that raises": ("@hookimpl\ndef qmv_trackers():\n    raise RuntimeError('boom')\n", "boom"),
    "hook that gives nothing": ("@hookimpl\ndef qmv_trackers():\n    return None\n", "qmv_trackers"),
}

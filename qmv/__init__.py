"""Quick Music Video: a song and a style in, a video cut on the beat out.

The face that plugin authors see is `qmv.api`, `qmv.artifacts`, `qmv.events` and `qmv.errors`; nothing heavy is
imported before a run needs it.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"

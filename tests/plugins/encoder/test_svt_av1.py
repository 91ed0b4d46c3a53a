"""AV1 by SVT-AV1."""

from __future__ import annotations

from qmv.plugins.encoder.svt_av1 import SvtAv1
from qmv.testing import EncoderContract


class TestSvtAv1(EncoderContract):
    plugin = SvtAv1()


class TestSvtAv1Draft(EncoderContract):
    plugin = SvtAv1(level="draft")
    size_px = (38, 22)
    colour_error = 4.0

"""Runs the fake as a process: python -m tests.fakes.gcs FOLDER, with a line of JSON on stdin: its script."""

from __future__ import annotations

from tests.fakes.gcs.service import handler
from tests.fakes.serving import serve

serve(handler)

"""Runs the fake as a process: python -m tests.fakes.gemini FOLDER, with its script as a line of JSON on stdin."""

from __future__ import annotations

from tests.fakes.gemini.service import handler
from tests.fakes.serving import serve

serve(handler)

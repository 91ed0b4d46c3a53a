"""Runs the fake as a process: python -m tests.fakes.openai_images FOLDER, with a line of JSON on stdin: its script."""

from __future__ import annotations

from tests.fakes.openai_images.service import handler
from tests.fakes.serving import serve

serve(handler)

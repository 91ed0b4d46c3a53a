"""A page that plays a video: one file of HTML that needs nothing but the files beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from fractions import Fraction
from importlib import resources
from string import Template
from typing import Any
from urllib.parse import quote

__all__ = ["page"]

_AI = "trainedAlgorithmicMedia"


def page(about: Mapping[str, Any], stem: str, *, captions: str = "") -> str:
    """The page of a sidecar's video; `stem` is the name that the video and the files beside it share.

    `captions` is WebVTT; it goes into the page, since browsers read no captions beside a page that lies on a disk.
    """
    video, beats = about["video"], about.get("beats", {})
    template = Template(resources.files("qmv.companions").joinpath("page.html").read_text(encoding="utf-8"))
    name = html.escape(quote(stem))
    data = base64.b64encode(captions.encode()).decode()
    track = f'<track kind="captions" label="Lyrics" src="data:text/vtt;base64,{data}" default>' if captions else ""
    return template.substitute(
        title=html.escape(about["title"]),
        byline=html.escape(" · ".join(filter(None, (about["artist"], f"style {about['style']}")))),
        name=name,
        download=html.escape(f"{about['title']}.mp4"),
        ratio=f"{video['width_px']} / {video['height_px']}",
        wide=f"{video['width_px'] / video['height_px']:.4f}",
        track=track,
        facts="\n".join(_fact(term, value) for term, value in _facts(about, beats)),
        parts="\n".join(_part(section) for section in beats.get("sections", ())),
        parts_hidden="" if beats.get("sections") else " hidden",
        shots="\n".join(_shot(shot) for shot in about.get("pictures", ())),
        shots_hidden="" if about.get("pictures") else " hidden",
    )


def _facts(about: Mapping[str, Any], beats: Mapping[str, Any]) -> list[tuple[str, str]]:
    video, pictures = about["video"], about.get("pictures", ())
    facts = [("Length", _clock(video["duration_s"])), ("Picture", _size(video))]
    if beats.get("count"):
        meter = f", {beats['meter']}" if beats["meter"] else ""
        facts.append(("Beats", f"{beats['count']} at {beats['tempo_bpm']:.4g} a minute{meter}"))
    if about.get("sync"):
        facts.append(("Measured", about["sync"]["summary"]))
    if made := _made_by(pictures):
        facts.append(("Pictures", made))
    if about["licence"]:
        facts.append(("Licence", about["licence"]))
    return facts


def _size(video: Mapping[str, Any]) -> str:
    return f"{video['width_px']} x {video['height_px']}, {float(Fraction(video['fps'])):.5g} frames a second"


def _made_by(pictures: Any) -> str:
    if not pictures:
        return ""
    ai = sorted({shot["model"] or shot["provider"] for shot in pictures if shot["source_type"] == _AI})
    return f"{len(pictures)}" + (f", made by AI ({', '.join(ai)})" if ai else "")


def _fact(term: str, value: str) -> str:
    return f"<div><dt>{html.escape(term)}</dt><dd>{html.escape(value)}</dd></div>"


def _part(section: Mapping[str, Any]) -> str:
    start = section["start_s"]
    return f'<li><a href="#t={start:.3f}">{_clock(start)} <b>{html.escape(section["label"])}</b></a></li>'


def _shot(shot: Mapping[str, Any]) -> str:
    seen = ", ".join(filter(None, (shot["framing"], shot["subject"])))
    said = html.escape(shot["lyric"] or seen or shot["prompt"])
    words = html.escape(shot["prompt"])
    return f'<li><a href="#t={shot["start_s"]:.3f}" title="{words}">{_clock(shot["start_s"])}</a> {said}</li>'


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"

"""Files that clients fetch: finished videos with what lies beside them, previews of styles, the page itself."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from flask import Response, request, send_from_directory
from werkzeug.exceptions import NotFound

from qmv.service.intake.offer import Offer
from qmv.service.intake.orders import checked_session
from qmv.service.queue.board import Board
from qmv.service.queue.jobs import Session
from qmv.service.settings import ServiceSettings
from qmv.service.web.threads import Threads

__all__ = ["Files", "attachment"]

_TYPES = {
    "mp4": "video/mp4", "jpg": "image/jpeg", "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt", "html": "text/html", "json": "application/json",
}  # fmt: skip
_NAME = re.compile(rf"video_([1-9][0-9]{{0,5}})\.({'|'.join(_TYPES)})")
_STATIC = Path(__file__).parent / "static"
_LONGEST_NAME = 100
_PAINTERS = 1


class Files:
    """Names that come from outside are looked up, never joined to a path as they are."""

    def __init__(self, settings: ServiceSettings, board: Board, offer: Offer) -> None:
        self._board, self._offer = board, offer
        self._videos = settings.videos
        self._previews = settings.folder / "previews"
        self._painters = Threads(_PAINTERS)

    def has(self, session_id: str, name: str) -> bool:
        return self._lies_there(session_id, name)

    def video(self, session_id: str, file: str) -> Response:
        session_id = checked_session(session_id)
        found = _NAME.fullmatch(file)
        session = self._board.session(session_id) if found else None
        title = _title(session, int(found[1])) if found and session else None
        if found is None or title is None or self._videos is None or not self._lies_there(session_id, file):
            raise NotFound
        response = send_from_directory(self._videos / session_id, file, mimetype=_TYPES[found[2]], conditional=True)
        response.headers["Cache-Control"] = "private, no-cache"
        if found[2] == "html":
            response.headers["Content-Security-Policy"] = _page_policy()
        if request.args.get("download"):
            response.headers["Content-Disposition"] = attachment(title, found[2])
        return response

    def _lies_there(self, session_id: str, name: str) -> bool:
        """Whether there is such a file; a link to a place outside the videos is none."""
        if self._videos is None:
            return False
        path = (self._videos / session_id / name).resolve()
        return path.is_file() and path.is_relative_to(self._videos.resolve())

    def style(self, file: str) -> Response:
        from qmv.service.web.previews import preview

        name, _, end = file.rpartition(".")
        style = self._offer.styles.get(name)
        if end != "jpg" or style is None:
            raise NotFound
        image = self._painters.run(preview, style, self._previews)
        response = Response(image, content_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})
        response.add_etag()
        response.make_conditional(request)
        return response

    def page(self) -> Response:
        return self.static("index.html")

    def static(self, file: str) -> Response:
        response = send_from_directory(_STATIC, file, conditional=True)
        response.headers["Cache-Control"] = "no-cache"
        return response


def attachment(title: str, end: str) -> str:
    """The header Content-Disposition that saves a file under a title of any signs (RFC 6266)."""
    clean = "".join(sign if sign.isprintable() and sign not in '\\/:*?"<>|%' else " " for sign in title)
    name = " ".join(clean.encode("utf-8", "ignore").decode().split()).strip(". ")[:_LONGEST_NAME].strip() or "video"
    plain = " ".join(name.encode("ascii", "ignore").decode().replace(";", " ").split()).strip(". ") or "video"
    return f"attachment; filename=\"{plain}.{end}\"; filename*=UTF-8''{quote(f'{name}.{end}', safe='')}"


def _title(session: Session, n: int) -> str | None:
    return next((video.title for video in session.videos if video.n == n), None)


@functools.cache
def _page_policy() -> str:
    """A video's page runs its own script and nothing else, whatever a title has smuggled into it."""
    template = resources.files("qmv.companions").joinpath("page.html").read_text(encoding="utf-8").replace("$$", "$")
    scripts = re.findall(r"<script>(.*?)</script>", template, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    known = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {known}; "
        "style-src 'unsafe-inline'; img-src 'self'; media-src 'self' data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )

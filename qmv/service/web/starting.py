"""The way of a request for videos: read within bounds, checked, its songs kept, queued."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, NoReturn

import gevent
from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from qmv.engine.secrets import forget_old_texts
from qmv.errors import ConfigError, UnknownName
from qmv.service.intake import orders, uploads
from qmv.service.intake.knobs import checked, shown
from qmv.service.intake.offer import Offer
from qmv.service.queue import admission
from qmv.service.queue.board import Board
from qmv.service.queue.jobs import Order, Session
from qmv.service.settings import ServiceSettings
from qmv.service.web.arrivals import Arrivals, Songs
from qmv.service.web.problems import Problem, about
from qmv.service.web.threads import Threads

__all__ = ["Starter", "json_object", "most_bytes", "small_body"]

log = logging.getLogger("qmv.web")
_FORM_FIELDS = ("song_url", "style", "settings", "priority")
_FIELDS = ("songs", "style", "settings", "priority")
_TEXTS_BYTES = 1_000_000
_KEY_LENGTH = 255
_LOOKERS = 2
_HIDDEN_TEXTS = 200  # of signed addresses; an answer or a log line holds none that is older


def most_bytes(settings: ServiceSettings) -> int:
    """Of the body of one request."""
    return int(settings.songs * settings.upload_mb * 1e6) + _TEXTS_BYTES


class Starter:
    """`ring` tells the workers that there is work; it may fail, since they also look by themselves."""

    def __init__(self, settings: ServiceSettings, board: Board, offer: Offer, ring: Callable[[], object]) -> None:
        self._settings, self._board, self._offer, self._ring = settings, board, offer, ring
        self._threads, self._arrivals = Threads(_LOOKERS), Arrivals(settings)

    def start(self, session_id: str) -> tuple[Session, bool]:
        """The session as it is queued now, and whether this request did it."""
        with about("session_id"):
            session_id = orders.checked_session(session_id)
        forget_old_texts(_HIDDEN_TEXTS)
        key = _idempotency_key()
        told, files = self._asked()
        with about("priority"):
            priority = orders.checked_priority(told.get("priority"))
        self._check_early(session_id, told, len(files), key)
        with self._arrivals.of(session_id) as songs:
            made = self._ordered(session_id, told, files, songs)
            songs.may_be_queued = True
            session, fresh = self._board.submit(
                session_id, made, digest=orders.digest(made), key=key, priority=priority
            )
            if fresh:
                songs.replace = {self._settings.folder / order.song for order in made}
        if fresh:
            gevent.spawn(self._ring_once)
        return session, fresh

    def retry(self, session_id: str) -> tuple[Session, int] | None:
        """The session with what failed or was cancelled queued anew, and how many videos that are."""
        found = self._board.retry(session_id)
        if found and found[1]:
            gevent.spawn(self._ring_once)
        return found

    def _check_early(self, session_id: str, told: dict[str, Any], files: int, key: str) -> None:
        """What is cheap to know is looked at before songs are, which takes seconds."""
        with about("style"):
            style = self._offer.checked_style(told.get("style"))
        settings = told.get("settings")
        for name, value in settings.items() if isinstance(settings, dict) else ():
            with about(f"settings.{name}" if name in self._offer.knobs else "settings"):
                checked(self._offer.knobs, {name: value})
        with about("settings"):
            checked(self._offer.knobs, settings)
        if files > (most := self._settings.songs):
            with about("songs"):
                raise ConfigError(f"songs: {files} are given, a session may have {most}; start more sessions.")
        if files:
            self._check_session(session_id, [style] * (files + len(told["songs"])), key)

    def _check_session(self, session_id: str, styles: list[str], key: str) -> None:
        """Raises Refused where the session has videos that this request cannot stand for, whatever its songs are; one
        with a key may stand for what was asked before those."""
        there = None if key else self._board.session(session_id)
        if there and [video.style for video in there.videos] != styles:
            admission.stands(session_id, "this one", (there, "another"), None)

    def _ordered(
        self, session_id: str, told: dict[str, Any], files: list[FileStorage], songs: Songs
    ) -> list[Order]:  # fmt: skip
        with about("songs"):
            kept = []
            for file in files:
                kept.append(self._received(file, session_id))
                songs.paths.add(kept[-1].path)
            return orders.ordered(
                self._settings, self._offer,
                songs=told.get("songs"), uploads=kept, style=told.get("style"), knobs=told.get("settings"),
            )  # fmt: skip

    def _received(self, file: FileStorage, session_id: str) -> uploads.Upload:
        try:
            return self._threads.run(uploads.received, file.stream, file.filename or "", session_id, self._settings)
        finally:
            file.close()

    def _ring_once(self) -> None:
        try:
            self._ring()
        except Exception as error:
            log.warning("the workers could not be told of new work (%s); they will find it", type(error).__name__)

    # -- what was sent -----------------------------------------------------------------------------------------------

    def _asked(self) -> tuple[dict[str, Any], list[FileStorage]]:
        if request.mimetype == "application/json":
            return json_object(small_body(_TEXTS_BYTES), _FIELDS), []
        if request.mimetype != "multipart/form-data":
            raise Problem(415, "A start is sent as multipart/form-data with files, or as application/json.")
        return self._form()

    def _form(self) -> tuple[dict[str, Any], list[FileStorage]]:
        for name in (*request.form, *request.files):
            if name not in (*_FORM_FIELDS, "songs"):
                _unknown(name, ("songs", *_FORM_FIELDS))
        told: dict[str, Any] = {}
        for name in ("style", "settings", "priority"):
            values = request.form.getlist(name)
            if len(values) > 1:
                raise ConfigError(f"{name}: is given {len(values)} times; give it once.")
            told[name] = values[0] if values else None
        if told["settings"]:
            with about("settings"):
                told["settings"] = json_object(told["settings"].encode("utf-8", "surrogatepass"), None, "settings")
        else:
            told["settings"] = None
        told["songs"] = [*request.form.getlist("song_url"), *request.form.getlist("songs")]
        told["songs"] = [address for address in told["songs"] if address]  # an empty field of a form
        wrong = [name for name in request.files if name != "songs"]
        if wrong:
            raise ConfigError(f"{shown(wrong[0])}: is no field for files; send songs as 'songs'.")
        # a form without a chosen file sends one without a name
        return told, [file for file in request.files.getlist("songs") if file.filename]


def small_body(most: int) -> bytes:
    """The request's whole body. Raises for more than `most` bytes, before they are read where that is told."""
    request.max_content_length = most
    body = request.get_data(cache=False)
    if len(body) >= most:  # one without a length is cut off there
        raise RequestEntityTooLarge
    return body


def json_object(body: bytes, known: tuple[str, ...] | None, where: str = "body") -> dict[str, Any]:
    """The members of a JSON object. Raises ConfigError for anything else, and for a name that is not `known`."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # halves of signs cannot be written anywhere
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: is no JSON that can be read; send an object such as {{}}.") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: must be a JSON object, got {shown(value)}.")
    for name in value:
        if known is not None and name not in known:
            _unknown(name, known)
    return value


def _unknown(name: str | None, known: tuple[str, ...]) -> NoReturn:
    raise UnknownName("field", shown(name or ""), known)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise ConfigError(f"Idempotency-Key: is a text of at most {_KEY_LENGTH} plain signs; send a UUID.")
    return key

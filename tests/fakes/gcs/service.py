"""The JSON API of Google Cloud Storage as far as QMV uses it, with what emulators leave out."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.gcs.bucket import GRAIN_BYTES, Object, Uploading
from tests.fakes.gcs.script import EMAIL, TOKEN, Script
from tests.fakes.serving import Answering, append

__all__ = ["handler"]

_UNIFORM = "Cannot get legacy ACL for an object when uniform bucket-level access is enabled."

_PREVENTED = "The member bindings allUsers are not allowed since public access prevention is enforced."


def handler(folder: Path, script: dict[str, Any]) -> type[Answering]:
    """A service with books of its own."""
    made = Script(**{name: tuple(value) if isinstance(value, list) else value for name, value in script.items()})
    books = {"script": made, "log": folder / "requests.jsonl", "objects": {}, "uploads": {}, "met": Counter()}
    return type("Service", (_Service,), books)


class _Service(Answering):
    """One connection."""

    script: ClassVar[Script]
    log: ClassVar[Path]
    objects: ClassVar[dict[tuple[str, str], Object]]
    uploads: ClassVar[dict[str, Uploading]]
    met: ClassVar[Counter[str]]
    numbers = itertools.count(1)

    def do_POST(self) -> None:
        body = self.sent()
        self._note(len(body))
        url = urlsplit(self.path)
        if url.path == "/token":
            self._token()
        elif self._welcome():
            bucket = unquote(url.path.removeprefix("/upload/storage/v1/b/").removesuffix("/o"))
            self._begin(bucket, json.loads(body), parse_qs(url.query))

    def do_PUT(self) -> None:
        upload = self.uploads.get(parse_qs(urlsplit(self.path).query).get("upload_id", [""])[0])
        length, span = int(self.headers.get("Content-Length", 0)), self.headers["Content-Range"].removeprefix("bytes ")
        first = not span.startswith("*") and upload is not None
        fault = ""
        if first and self._meets("unauthorized"):
            fault = "401"
        elif upload is None or (upload.expires and upload.kept):
            fault = "410"
        at = int(span.partition("-")[0]) if first else 0
        came = self._take(upload if not fault else None, length, at)
        self._note(came)
        if fault or upload is None:
            return self._refuse(int(fault or 410), "Unauthorized" if fault == "401" else "The upload has ended.")
        if self._welcome():
            self._tell(upload)
        return None

    def do_GET(self) -> None:
        self._note(0)
        url = urlsplit(self.path)
        path, query = url.path.removeprefix("/download"), parse_qs(url.query)
        if not path.startswith("/storage/v1/"):
            return self._public(*unquote(path).lstrip("/").partition("/")[::2])
        if not self._welcome():
            return None
        parts = [unquote(part) for part in path.removeprefix("/storage/v1/").split("/")]
        if len(parts) == 1:
            return self.json({"items": [{"name": name} for name in self.script.buckets]})
        if parts[1] not in self.script.buckets:
            return self._refuse(404, "The specified bucket does not exist.", "notFound")
        if parts[2:] == ["iam", "testPermissions"]:
            return self._permissions(query["permissions"])
        if len(parts) == 2:
            return self.json({"name": parts[1], "iamConfiguration": self._rules()})
        if parts[2:] == ["iam"]:
            members = ["allUsers"] if self.script.public else ["user:somebody@example.org"]
            return self.json({"bindings": [{"role": "roles/storage.objectViewer", "members": members}]})
        if parts[4:] == ["acl"]:
            return self._refuse(400, _UNIFORM, "invalid") if self.script.uniform else self.json({"items": []})
        return self._object(parts[1], parts[3], query)

    def do_PATCH(self) -> None:
        sent = json.loads(self.sent() or b"{}")
        self._note(0)
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")]
        found = self.objects.get((parts[4], parts[6]))
        if not self._welcome():
            return
        if found is None:
            self._refuse(404, "No such object.", "notFound")
        elif self.script.uniform:
            self._refuse(400, _UNIFORM, "invalid")
        elif self.script.prevented:
            self._refuse(412, _PREVENTED, "conditionNotMet")
        else:
            found.public = any(entry.get("entity") == "allUsers" for entry in sent.get("acl", []))
            self.json(found.about | sent)

    def _rules(self) -> dict[str, Any]:
        prevention = "enforced" if self.script.prevented else "inherited"
        return {"uniformBucketLevelAccess": {"enabled": self.script.uniform}, "publicAccessPrevention": prevention}

    # -- the ways of one request -------------------------------------------------------------------------------------

    def _token(self) -> None:
        if self.script.token_error:
            said = {"error": "invalid_grant", "error_description": self.script.token_error}
            self.json(said, 400)
        else:
            self.json({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    def _begin(self, bucket: str, about: dict[str, Any], query: dict[str, list[str]]) -> None:
        name = query["name"][0] if "name" in query else about["name"]
        wanted = int(query["ifGenerationMatch"][0]) if "ifGenerationMatch" in query else None
        if bucket not in self.script.buckets:
            return self._refuse(404, "The specified bucket does not exist.", "notFound")
        if "storage.objects.create" in self.script.denied:
            return self._denied("storage.objects.create")
        if not self._as_wanted(bucket, name, wanted):
            return self._precondition()
        about |= {"bucket": bucket, "contentType": self.headers.get("X-Upload-Content-Type", "")}
        size = int(self.headers.get("X-Upload-Content-Length", -1))
        made = Uploading(name, about, size, wanted, forget=self.script.forget_bodies)
        made.expires, made.damages = self._meets("expire"), self._meets("damage")
        key = f"secret-session-{next(self.numbers)}"
        self.uploads[key] = made
        url = f"http://{self.headers['Host']}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={key}"
        return self.reply(b"", Location=url)

    def _take(self, upload: Uploading | None, length: int, at: int) -> int:
        """Reads a chunk; what breaks off is kept in whole grains. Without an upload it is read and forgotten."""
        came = 0
        fits = upload is not None and upload.done is None and at == upload.kept
        try:
            while came < length:
                grain = self.rfile.read(min(GRAIN_BYTES, length - came))
                came += len(grain)
                whole = len(grain) == GRAIN_BYTES or came == length
                if upload is not None and fits and grain and whole:
                    upload.keep(grain)
                if not grain:
                    break
        except ConnectionError:
            self.close_connection = True
        return came

    def _tell(self, upload: Uploading) -> None:
        """How much there is of an upload; the last piece makes an object of it, in one step with looking."""
        if upload.done is None and upload.kept == upload.size:
            with self.lock:
                bucket = upload.about["bucket"]
                if not self._as_wanted(bucket, upload.name, upload.generation):
                    return self._precondition()
                try:
                    upload.done = self.objects[bucket, upload.name] = upload.finished()
                except ValueError as error:
                    return self._refuse(400, str(error), "invalid")
            if self._meets("lose_last"):
                return self.reset()
        if upload.done is not None:
            return self.json(upload.done.about)
        more = {"Range": f"bytes=0-{upload.kept - 1}"} if upload.kept else {}
        return self.reply(b"", 308, **more)

    def _object(self, bucket: str, name: str, query: dict[str, list[str]]) -> None:
        found = self.objects.get((bucket, name))
        if "storage.objects.get" in self.script.denied:
            return self._denied("storage.objects.get")
        if found is None or query.get("generation", [found.about["generation"]])[0] != found.about["generation"]:
            return self._refuse(404, f"No such object: {bucket}/{name}", "notFound")
        if query.get("alt") != ["media"]:
            return self.json(found.about)
        if self._meets("replaced_while_read"):
            found.about = found.about | {"generation": str(int(found.about["generation"]) + 1)}
        return self._piece(found)

    def _public(self, bucket: str, name: str) -> None:
        found = self.objects.get((bucket, name))
        if found is None or not (found.public or self.script.public):
            return self.reply(b"<Error><Code>AccessDenied</Code></Error>", 403, "application/xml")
        return self._piece(found)

    def _piece(self, found: Object) -> None:
        low, _, high = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        piece = found.body[int(low or 0) : int(high) + 1 if high else None]
        kind = found.about.get("contentType") or "application/octet-stream"
        about = {"Accept_Ranges": "bytes", "Cache_Control": found.about.get("cacheControl", "")}
        if low:
            about["Content_Range"] = f"bytes {low}-{int(low) + len(piece) - 1}/{len(found.body)}"
        self.reply(piece, 206 if low else 200, kind, **about)

    def _permissions(self, asked: list[str]) -> None:
        if self.script.no_permissions_test:
            return self._refuse(501, "Not implemented.")
        return self.json({"permissions": [name for name in asked if name not in self.script.denied]})

    # -- refusals ----------------------------------------------------------------------------------------------------

    def _welcome(self) -> bool:
        """Whether the request may go on; what else it gets is answered."""
        if self._meets("busy"):
            self._refuse(429, "Slow down.", "rateLimitExceeded", Retry_After="1")
        elif not self.script.open and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(401, "Invalid Credentials", "authError")
        elif self.script.forbidden:
            self._refuse(403, self.script.forbidden, "forbidden")
        else:
            return True
        return False

    def _denied(self, permission: str) -> None:
        said = f"{EMAIL} does not have {permission} access to the Google Cloud Storage object."
        self._refuse(403, f"{said} Permission '{permission}' denied on resource (or it may not exist).", "forbidden")

    def _precondition(self) -> None:
        self._refuse(412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet")

    def _refuse(self, status: int, message: str, reason: str = "", **headers: str) -> None:
        error = {"code": status, "message": message, "errors": [{"message": message, "reason": reason}]}
        self.json({"error": error}, status, **headers)

    def _as_wanted(self, bucket: str, name: str, wanted: int | None) -> bool:
        found = self.objects.get((bucket, name))
        return wanted is None or wanted == (int(found.about["generation"]) if found else 0)

    def _meets(self, fault: str) -> bool:
        with self.lock:
            self.met[fault] += 1
            return bool(self.met[fault] <= getattr(self.script, fault))

    def _note(self, came: int) -> None:
        """The upload's own number stays out of the books, so that tests can look for it everywhere."""
        with self.lock:
            append(self.log, {"method": self.command, "path": self.path.partition("?")[0], "body_bytes": came})

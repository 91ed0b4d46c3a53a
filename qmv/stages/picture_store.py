"""Gets pictures of one provider into the cache: each made once, whichever run asks first.

What a provider that costs money sends is kept as it came, under what was asked of the service; so another format or
another crop of the same picture is not bought again. It is also what goes to the shared cache: other machines crop
it for themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from qmv.api import Account, Cache, ImageProvider, ImageRequest, Outcome, Purchase, Purchases
from qmv.artifacts import File, Picture
from qmv.errors import AccessError, BudgetError, PluginError, QmvError

__all__ = ["Made", "PictureStore", "Want"]

_PICTURES, _ORIGINALS = "pictures", "originals"
_FILE, _ORIGINAL, _ABOUT = "picture.png", "original", "about.json"
_AT_ONCE = 64  # locks held at a time: each is an open file, and systems allow about 1000


@dataclass(frozen=True, kw_only=True)
class Want:
    """A picture to have: its key, and the key of what the provider makes for it (the same one where that is free)."""

    key: str
    source: str
    request: ImageRequest


@dataclass(frozen=True, kw_only=True)
class Made:
    """What became of a source: whether this run made it, or the error that stopped it."""

    source: str
    new: bool = False
    error: QmvError | None = None


@dataclass(frozen=True, kw_only=True)
class PictureStore:
    """The pictures of one provider, cropped to width_px x height_px."""

    provider: ImageProvider
    cache: Cache
    account: Account
    width_px: int
    height_px: int
    version: int
    tell: Callable[[str], None]

    def wants(self, requests: Iterable[ImageRequest]) -> list[Want]:
        """Requests that ask for the same picture have the same keys."""
        provider = self.provider.identity()
        shape = {"width_px": self.width_px, "height_px": self.height_px, "version": self.version}
        found = []
        for request in requests:
            asked = {"provider": provider, "request": self.provider.request_identity(request)}
            key = Cache.key(asked | {"shape": shape})
            source = Cache.key(asked) if self.provider.paid else key
            found.append(Want(key=key, source=source, request=request))
        return found

    def has(self, source: str) -> bool:
        return self.cache.get(self._area, source) is not None

    def cost(self, want: Want) -> Decimal | None:
        """What the picture cost when it was bought; None where it was free, or nobody said."""
        if not self.provider.paid:
            return None
        about = json.loads((self.cache.folder(_ORIGINALS, want.source) / _ABOUT).read_text(encoding="utf-8"))
        return None if about["cost_usd"] is None else Decimal(about["cost_usd"])

    def price(self, request: ImageRequest) -> Decimal | None:
        """What it would cost: by the ledger where the service has sold the like, else by the provider's list."""
        if not self.provider.paid and self.provider.price(request) is None:
            return None
        usual = self.account.ledger.usual_cost(self.provider.product(request))
        return self.provider.price(request) if usual is None else usual

    def make(self, wants: Sequence[Want]) -> Iterator[Made]:
        """Makes what is missing; an outcome a source, and none is raised: what came is kept, whatever failed beside it.

        A picture that another run is making is waited for while this run holds no lock, so that two runs can never
        wait for each other.
        """
        missing = {want.source: want.request for want in wants if not self.has(want.source)}
        self.cache.share(self._area, [want.source for want in wants if want.source not in missing])
        yield from self._brought(missing)
        while missing:
            with ExitStack() as locks:
                mine: dict[str, ImageRequest] = {}
                for source in list(missing)[:_AT_ONCE]:
                    if locks.enter_context(self.cache.lock(self._area, source, wait=False)):
                        mine[source] = missing.pop(source)
                found = [source for source in mine if self.has(source)]
                self.cache.share(self._area, found)
                yield from (Made(source=source) for source in found)
                made = []
                for outcome in self._make({source: mine[source] for source in mine if source not in found}):
                    made.append(outcome)
                    yield outcome
            if hopeless := _hopeless(made):
                yield from (Made(source=source, error=hopeless) for source in missing)
                return
            if missing and not mine:
                with self.cache.lock(self._area, next(iter(missing))):
                    pass  # the other run has made it, failed or died: look again

    def file(self, want: Want) -> Path:
        """Where the picture of a want lies, or will."""
        return self.cache.folder(_PICTURES, want.key) / _FILE

    def cropped(self, want: Want) -> Path:
        """The picture's file, of a want whose source was made."""
        if self.provider.paid:
            original = self.cache.folder(_ORIGINALS, want.source) / _ORIGINAL
            self.cache.once(_PICTURES, want.key, lambda folder: self._crop(folder, original.read_bytes(), want.request))
        return self.file(want)

    def picture(self, want: Want) -> Picture:
        """The picture of a want that was made."""
        from qmv.media.chunk import planes_beside

        file = self.cropped(want)
        return Picture(
            file=File.of(file),
            planes=File.of(planes_beside(file)),
            width_px=self.width_px,
            height_px=self.height_px,
            provider=self.provider.name,
            seed=want.request.seed,
            prompt=want.request.prompt,
            model=self.provider.model_name(),
            source_type=self.provider.source_type,
            cost=self.cost(want),
        )

    @property
    def _area(self) -> str:
        return _ORIGINALS if self.provider.paid else _PICTURES

    def _brought(self, missing: dict[str, ImageRequest]) -> Iterator[Made]:
        """Takes out of `missing` what other machines have made."""
        self.cache.bring(self._area, list(missing), self._check_original if self.provider.paid else self._check_picture)
        for source in [source for source in missing if self.has(source)]:
            del missing[source]
            yield Made(source=source)

    def _check_original(self, folder: Path) -> None:
        """Raises where the rest of the run could not use it."""
        from qmv.media.picture import read

        read(folder / _ORIGINAL)
        cost = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))["cost_usd"]
        if cost is not None and not (isinstance(cost, str) and Decimal(cost).is_finite() and Decimal(cost) >= 0):
            raise ValueError("its cost is no amount of money")

    def _check_picture(self, folder: Path) -> None:
        """Raises where it is no picture of this size; that the planes show the same is left to who may write there."""
        from qmv.media.chunk import planes_beside
        from qmv.media.frame import Frame
        from qmv.media.picture import read

        if read(folder / _FILE).shape != (self.height_px, self.width_px, 3):
            raise ValueError(f"its picture has not {self.width_px} x {self.height_px} px")
        Frame.load(planes_beside(folder / _FILE), self.width_px, self.height_px)

    def _make(self, requests: Mapping[str, ImageRequest]) -> Iterator[Made]:
        if not requests:
            return
        sources = {request: source for source, request in requests.items()}
        purchases = self._purchases(sources)
        for outcome in self.provider.render_all(list(sources), purchases):
            source = sources.pop(outcome.request, None)
            if source is None:
                raise PluginError(
                    f"image ({self.provider.name}): gave an outcome that was not asked for, or gave it twice."
                )
            try:
                self._keep(source, outcome)
            except QmvError as error:
                yield Made(source=source, error=error)
                continue
            if outcome.order:
                purchases.kept(outcome.order)
            self.cache.share(self._area, [source])
            yield Made(source=source, new=True)
        if sources:
            lost = PluginError(f"image ({self.provider.name}): gave no outcome for {len(sources)} pictures.")
            yield from (Made(source=source, error=lost) for source in sources.values())

    def _purchases(self, sources: Mapping[ImageRequest, str]) -> Purchases:
        wanted = {
            request: Purchase(key=source, product=self.provider.product(request), price=self.price(request))
            for request, source in sources.items()
        }
        return Purchases(account=self.account, wanted=wanted, tell=self.tell)

    def _keep(self, source: str, outcome: Outcome) -> None:
        from qmv.media.picture import read

        image = outcome.image
        if not isinstance(image, bytes):
            raise outcome.error or PluginError(f"image ({self.provider.name}): gave neither a picture nor an error.")
        if not self.provider.paid:
            self.cache.put(_PICTURES, source, lambda folder: self._crop(folder, image, outcome.request))
            return
        read(image, f"image ({self.provider.name}): {outcome.request.place}")  # what is torn is not kept
        about = {
            "provider": self.provider.name,
            "product": self.provider.product(outcome.request),
            "prompt": outcome.request.prompt,
            "seed": outcome.request.seed,
            "order": outcome.order,
            "cost_usd": None if outcome.cost is None else str(outcome.cost),
        }

        def write(folder: Path) -> None:
            (folder / _ORIGINAL).write_bytes(image)
            text = json.dumps(about, indent=1, ensure_ascii=False)
            (folder / _ABOUT).write_text(text, encoding="utf-8", errors="backslashreplace")

        self.cache.put(_ORIGINALS, source, write)

    def _crop(self, folder: Path, image: bytes, request: ImageRequest) -> None:
        from qmv.media.chunk import planes_beside
        from qmv.media.frame import Frame
        from qmv.media.picture import crop_to, png, read

        name = f"image ({self.provider.name}): {request.place}"
        rgb = crop_to(read(image, name), self.width_px, self.height_px)
        (folder / _FILE).write_bytes(png(rgb))
        Frame.from_rgb(rgb).save(planes_beside(folder / _FILE))


def _hopeless(made: Sequence[Made]) -> QmvError | None:
    """The error after which the other pictures are not tried: it is about all of them, or nothing came at all."""
    errors = [outcome.error for outcome in made if outcome.error is not None]
    for error in errors:
        if isinstance(error, (AccessError, BudgetError)):
            return error
    return errors[0] if errors and len(errors) == len(made) == _AT_ONCE else None

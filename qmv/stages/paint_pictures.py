"""Gets a picture for each shot, and decides what becomes of a shot whose picture cannot be had."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qmv.api import Context, ImageProvider, ImageRequest, Stage, plugin, setting
from qmv.artifacts import Pictures, Storyboard, Style
from qmv.engine.ledger import dollars, over_budget
from qmv.errors import AccessError, BudgetError, ConfigError, QmvError, UnknownName
from qmv.stages.picture_store import PictureStore, Want
from qmv.stages.picture_words import left_out, quote
from qmv.stages.shown_pictures import Shown

__all__ = ["PaintPictures"]

log = logging.getLogger("qmv")


@plugin
class PaintPictures(Stage):
    """One picture a shot, cropped to the format."""

    name = "paint_pictures"
    libraries = ("opencv-python-headless", "pillow")
    image: ImageProvider
    fallback: ImageProvider | None = setting(
        "who makes what `image` did not", default=None, keyed=False, knob="fallback"
    )
    width: int = setting(
        "width of the pictures and the video, even", default=1024, unit="px", at_least=16, at_most=8192, knob="width"
    )
    height: int = setting("height, even", default=1024, unit="px", at_least=16, at_most=8192, knob="height")
    on_missing: str = setting(
        "a picture that cannot be had: fail, hold (its neighbour stays longer) or fallback (another provider's)",
        default="fail", choices=("fail", "hold", "fallback"), keyed=False, knob="on_missing",
    )  # fmt: skip
    budget_usd: float | None = setting(
        "the most that the run, or the whole sweep, may spend", default=None, unit="US dollars", at_least=0,
        keyed=False, knob="budget_usd",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "height"):
            if getattr(self, name) % 2:
                raise ValueError(
                    f"{name} must be even (H.264 stores colour for 2 x 2 pixels), got {getattr(self, name)}"
                )

    def ready(self, ctx: Context) -> None:
        providers = [self.image]
        if self.on_missing == "fallback" and self.fallback is not None:
            providers.append(self.fallback)
        for provider in providers:
            provider.ready()
            self._check_price(self._store(ctx, provider))

    def run(self, ctx: Context, style: Style, storyboard: Storyboard) -> Pictures:
        requests = self._requests(style, storyboard)
        store = self._store(ctx, self.image)
        wants = store.wants(requests)
        shown = Shown(ctx=ctx)
        failed = self._made(ctx, store, wants, shown)
        stand_ins: dict[int, Want] = {}
        if failed:
            self._judge(failed, len(wants))
            ctx.notice(f"{left_out(failed, wants)}: {self._consolation(failed, wants)}")
            if self.on_missing == "fallback":
                stand_ins = self._stand_ins(ctx, wants, failed)
        pictures, missing = [], []
        for index, want in enumerate(wants):
            if index in stand_ins:
                pictures.append(self._store(ctx, self.fallback or self.image).picture(stand_ins[index]))
            elif want.source in failed:
                missing.append(index)
                continue
            else:
                pictures.append(store.picture(want))
            shown.tell(index, pictures[-1].file.path)
        return Pictures(
            width_px=self.width,
            height_px=self.height,
            pictures=tuple(pictures),
            missing=tuple(missing),
            stand_ins=tuple(stand_ins),
        )

    def review(self, ctx: Context, made: Pictures, **inputs: Any) -> None:
        """Hands on what the providers have to say, also where the pictures were there already."""
        for provider in (self.image, self.fallback if made.stand_ins else None):
            for note in provider.notes() if provider else ():
                ctx.notice(note)

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        if "storyboard" not in inputs:
            return ""
        store = self._store(ctx, self.image)
        unique = {want.source: want for want in store.wants(self._requests(inputs["style"], inputs["storyboard"]))}
        missing = {source: want for source, want in unique.items() if not store.has(source)}
        text = f"{len(missing)} pictures to make, {len(unique) - len(missing)} cached"
        if not self.image.paid:
            return text
        ctx.offers.update({source: store.price(want.request) for source, want in missing.items()})
        return f"{text}; {quote(list(ctx.offers.values()))}{self._against_budget(ctx)}"

    # -- making ------------------------------------------------------------------------------------------------------

    def _made(self, ctx: Context, store: PictureStore, wants: Sequence[Want], shown: Shown) -> dict[str, QmvError]:
        """Makes what is missing and tells how far it is; gives the errors of the sources that failed."""
        unique = {want.source: want for want in wants}
        failed: dict[str, QmvError] = {}
        new: set[str] = set()
        there = {source for source in unique if store.has(source)}
        done = reused = len(there)
        ctx.progress(done, len(unique), "pictures", reused=reused)
        shown.cached(store, wants, there)
        for made in store.make(list(unique.values())):
            if made.error is not None:
                failed[made.source] = made.error
                continue
            done, reused = done + 1, reused + (not made.new)
            if made.new:
                new.add(made.source)
            ctx.progress(done, len(unique), "pictures", reused=reused)
            shown.came(store, wants, made.source)
        for want in unique.values():
            if want.source in failed:
                log.warning("%s: %s", want.request.place, failed[want.source])
        if failed:
            ctx.progress(done, len(unique), "pictures", reused=reused, detail=f"{len(failed)} missing")
            failed = {source: self._now(store, error, unique[source]) for source, error in failed.items()}
        saved = [store.cost(want) or 0 for source, want in unique.items() if source not in new and source not in failed]
        ctx.counts |= {"failed": len(failed), "saved_usd": str(sum(saved, Decimal(0)))}
        return failed

    def _now(self, store: PictureStore, error: QmvError, want: Want) -> QmvError:
        """A budget's error with the sums as they are when all is done, not when the first order had no room."""
        cap = store.account.cap
        if cap is None or not isinstance(error, BudgetError):
            return error
        sums = store.account.ledger.sums(budget=store.account.budget)
        return BudgetError(over_budget(sums, store.price(want.request), cap))

    def _judge(self, failed: Mapping[str, QmvError], count: int) -> None:
        """Raises the error that stands for all, where the run cannot go on."""
        errors = list(failed.values())
        stop = next((error for error in errors if isinstance(error, AccessError)), None)
        if stop is not None:
            raise stop
        if self.on_missing == "fail" or (self.on_missing == "hold" and len(failed) == count):
            worst = next((error for error in errors if isinstance(error, BudgetError)), errors[0])
            if len(failed) == count or isinstance(worst, UnknownName):
                raise worst
            text = f"{str(worst).rstrip('.')}; {len(failed)} of {count} pictures are missing, the others are kept"
            if self.on_missing == "fail":
                text += "; on_missing=hold or fallback makes the video without them"
            raise type(worst)(f"{text}.")

    def _stand_ins(self, ctx: Context, wants: Sequence[Want], failed: dict[str, QmvError]) -> dict[int, Want]:
        store = self._store(ctx, self.fallback or self.image)
        indexes = [index for index, want in enumerate(wants) if want.source in failed]
        twins = store.wants([wants[index].request for index in indexes])
        again = {made.source: made.error for made in store.make(twins) if made.error is not None}
        for error in again.values():
            raise error
        return dict(zip(indexes, twins))

    def _consolation(self, failed: dict[str, QmvError], wants: Sequence[Want]) -> str:
        if self.on_missing == "hold":
            return "their neighbours stay longer"
        return f"image ({(self.fallback or self.image).name}) makes them"

    # -- asking ------------------------------------------------------------------------------------------------------

    def _requests(self, style: Style, storyboard: Storyboard) -> list[ImageRequest]:
        return [
            ImageRequest(
                index=shot.index,
                prompt=shot.prompt,
                negative_prompt=shot.negative_prompt,
                seed=shot.seed,
                framing=shot.framing,
                subject=shot.subject,
                look=style.look,
                palette=style.palette,
                width_px=self.width,
                height_px=self.height,
            )
            for shot in storyboard.shots
        ]

    def _store(self, ctx: Context, provider: ImageProvider) -> PictureStore:
        cap = None if self.budget_usd is None else Decimal(str(self.budget_usd))
        return PictureStore(
            provider=provider,
            cache=ctx.cache,
            account=dataclasses.replace(ctx.account, cap=cap),
            width_px=self.width,
            height_px=self.height,
            version=self.version,
            tell=ctx.notice,
        )

    def _check_price(self, store: PictureStore) -> None:
        provider, request = store.provider, _any_request(self.width, self.height)
        if self.budget_usd is not None and provider.paid and store.price(request) is None:
            raise ConfigError(
                f"budget_usd: what a picture of {provider.product(request)} costs is not known, so no budget can be "
                "held; give it by image.price_usd=PRICE, or list it in conf/prices/usd.yaml."
            )

    def _against_budget(self, ctx: Context) -> str:
        if self.budget_usd is None:
            return ""
        total = sum((price or 0 for price in ctx.offers.values()), Decimal(0))
        cap = Decimal(str(self.budget_usd))
        return f", MORE than budget_usd ({dollars(cap)})" if total > cap else f", within budget_usd ({dollars(cap)})"


def _any_request(width_px: int, height_px: int) -> ImageRequest:
    """A request of the right size, to ask for a price before there are any."""
    return ImageRequest(
        index=0, prompt="", negative_prompt="", seed=0, framing="", subject="", look="", palette=(),
        width_px=width_px, height_px=height_px,
    )  # fmt: skip

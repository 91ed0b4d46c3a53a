"""The contract of image providers."""

from __future__ import annotations

import copy
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from qmv.api import (
    ImageProvider,
    ImageRequest,
)
from qmv.engine.cache import digest
from qmv.errors import QmvError
from qmv.testing.base import PluginContract
from qmv.testing.things import image_request, trial_purchases

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class ImageProviderContract(PluginContract):
    """`deterministic`: the same request gives the same bytes. `seeded`: another seed gives another picture."""

    deterministic: ClassVar[bool] = True
    seeded: ClassVar[bool] = False

    def request(self, **changes: Any) -> ImageRequest:
        """What the provider is asked; override it for one that wants special words."""
        return image_request(**changes)

    def test_gives_a_picture_that_is_not_blank(self, subject: ImageProvider) -> None:
        low, high = _pixels(subject.render(self.request())).min(), _pixels(subject.render(self.request())).max()
        assert (low, high) not in {(0, 0), (255, 255)}, "the picture is all black or all white"

    def test_gives_the_same_picture_twice(self, subject: ImageProvider) -> None:
        again = subject.render(self.request())
        assert subject.render(self.request()) == again or not self.deterministic

    def test_gives_another_picture_for_another_seed(self, subject: ImageProvider) -> None:
        if not self.seeded:
            pytest.skip("set seeded = True where the seed changes the picture")
        assert subject.render(self.request(seed=1)) != subject.render(self.request(seed=2))

    def test_identifies_requests_by_plain_values(self, subject: ImageProvider) -> None:
        assert digest(subject.request_identity(self.request())) == digest(subject.request_identity(self.request()))

    def test_gives_one_picture_for_requests_of_one_identity(self, subject: ImageProvider) -> None:
        """The cache holds one picture for both, so what the identity leaves out must not be seen."""
        one, other = self.request(index=0), self.request(index=5)
        if not self.deterministic or subject.request_identity(one) != subject.request_identity(other):
            return
        assert subject.render(one) == subject.render(other), "the picture depends on the index: add it to the identity"

    def test_tells_a_price_or_none(self, subject: ImageProvider) -> None:
        price = subject.price(self.request())
        assert price is None or (isinstance(price, Decimal) and price >= 0)

    def test_gives_one_outcome_for_each_request(self, subject: ImageProvider, tmp_path: Path) -> None:
        requests = [self.request(index=index, seed=index) for index in range(3)]
        outcomes = list(subject.render_all(requests, trial_purchases(tmp_path, subject, requests)))
        assert sorted(outcome.request.index for outcome in outcomes) == [0, 1, 2]
        assert all((outcome.image is None) != (outcome.error is None) for outcome in outcomes)

    def test_has_no_outcome_for_no_request(self, subject: ImageProvider, tmp_path: Path) -> None:
        assert list(subject.render_all([], trial_purchases(tmp_path, subject, []))) == []

    def test_turns_an_error_into_an_outcome(self, subject: ImageProvider, tmp_path: Path) -> None:
        if type(subject).render_all is not ImageProvider.render_all:
            pytest.skip("it brings its own render_all: test there that a failing request loses no other")
        requests = [self.request(index=index, seed=index) for index in range(3)]
        purchases = trial_purchases(tmp_path, subject, requests)
        outcomes = {outcome.request.index: outcome for outcome in _flaky(subject, 1).render_all(requests, purchases)}
        assert isinstance(outcomes[1].error, QmvError)
        assert outcomes[0].image
        assert outcomes[2].image


def _pixels(data: bytes) -> npt.NDArray[np.uint8]:
    from qmv.media.picture import read

    assert isinstance(data, bytes), "render() gives the bytes of an image file"
    return read(data, "the picture")


def _flaky(provider: ImageProvider, index: int) -> ImageProvider:
    """The same provider, failing for one request."""
    cls = type(provider)

    def render(self: ImageProvider, request: ImageRequest) -> bytes:
        if request.index == index:
            raise QmvError("trial: this one fails")
        return cls.render(self, request)

    twin = copy.copy(provider)
    object.__setattr__(twin, "__class__", type(cls.__name__, (cls,), {"render": render}))
    return twin

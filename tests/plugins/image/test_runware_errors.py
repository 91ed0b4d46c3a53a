"""What each of Runware's error codes means for an order."""

from __future__ import annotations

import pytest

from qmv.buying.seller import Busy, Doubt, Refused
from qmv.errors import AccessError
from qmv.plugins.image.runware_errors import meaning


def told(code: str, **more: str) -> Exception:
    return meaning({"code": code, "message": "As the service\n  words it."} | more, "civitai:1@2", "MY_KEY")


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (AccessError, "invalidApiKey missingApiKey unauthorized forbidden tokenExpired accountSuspended"),
        (
            AccessError,
            "insufficientCredits quotaExceeded paymentRequired notEnoughCredits lowBalance dailyQuotaReached",
        ),
        (AccessError, "modelNotFound unknownModel invalidModel"),
        (
            Refused,
            "invalidWidth missingPositivePrompt unsupportedParameter unknownParameter valueTooLarge arrayTooLong",
        ),
        (Refused, "maxLengthExceeded"),
        (Refused, "contentPolicyViolation providerContentPolicyViolation sensitiveContentDetected nsfwContentDetected"),
        (Refused, "promptBlocked imageBlocked moderationFailed"),
        (Doubt, "conflictTaskUUID duplicateTaskUUID"),
        (Busy, "rateLimitExceeded inferenceRateLimitExceeded providerRateLimitExceeded"),
        (Busy, "timeoutProvider providerTimeout timeout connectionTimeout providerError providerUnavailable"),
        (Busy, "inferenceError taskFailed noAvailableServer modelUnavailable modelNotReady"),
        (Busy, "internalServerError serviceUnavailable somethingThatNobodyKnowsYet"),
        (Busy, ""),
    ],
)
def test_each_code_is_of_the_kind_that_decides_what_is_done(kind: type[Exception], codes: str) -> None:
    assert {code: type(told(code)) for code in codes.split(" ")} == dict.fromkeys(codes.split(" "), kind)


def test_a_service_that_wants_fewer_orders_makes_all_of_them_wait() -> None:
    everyone = {code: getattr(told(code), "everyone") for code in ("rateLimitExceeded", "timeoutProvider")}  # noqa: B009
    assert everyone == {"rateLimitExceeded": True, "timeoutProvider": False}


def test_a_refused_key_names_the_variable_that_it_came_from() -> None:
    assert str(told("invalidApiKey")) == (
        "image (runware): the key is refused (invalidApiKey); put a valid one into MY_KEY, from "
        "https://my.runware.ai/keys."
    )


def test_an_empty_account_is_one_sentence() -> None:
    assert str(told("insufficientCredits")) == (
        "image (runware): the account has no credits left (insufficientCredits); top it up at https://my.runware.ai, "
        "then run the same command again: what was made is kept."
    )


@pytest.mark.parametrize("error", [{"code": "modelNotFound"}, {"code": "unsupportedParameter", "parameter": "model"}])
def test_an_unknown_model_is_named(error: dict[str, str]) -> None:
    assert str(told(**error)) == (
        "image (runware): the model 'civitai:1@2' is not known to the service; set image.model to an AIR id, such as "
        "runware:100@1."
    )


def test_a_refused_request_names_its_parameter_and_what_the_service_says_on_one_line() -> None:
    assert str(told("invalidSteps", parameter="steps")) == (
        "the service refuses the request (invalidSteps of steps: As the service words it.); change the image settings"
    )
    assert str(told("promptBlocked")) == (
        "the service will not draw it (promptBlocked: As the service words it.); change the prompt"
    )


def test_a_message_without_end_is_cut_and_one_without_anything_is_borne() -> None:
    assert len(str(told("invalidWidth", message="x" * 5000))) < 500
    assert isinstance(meaning({}, "m", "K"), Busy)
    assert isinstance(meaning({"code": None, "message": None}, "m", "K"), Busy)

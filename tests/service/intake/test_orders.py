"""From requests to orders: IDs, addresses, counts, and the digest that tells the same request again."""

from __future__ import annotations

import dataclasses

import pytest

from qmv.errors import ConfigError, UnknownName
from qmv.service.intake.knobs import overrides
from qmv.service.intake.offer import Offer
from qmv.service.intake.orders import checked_priority, checked_session, digest, ordered
from qmv.service.intake.uploads import Upload, folder_of
from qmv.service.settings import ServiceSettings

SETTINGS = ServiceSettings(buckets=("gs://songs/public", "s3://other"), songs=3)
ADDRESS = "https://example.com/a%20song.mp3"


@pytest.fixture(scope="module")
def offer() -> Offer:
    return Offer.read(SETTINGS)


def upload(
    sha256: str = "ab", session: str = "s", title: str = "Tide", artist: str = "",
    path_of: ServiceSettings = SETTINGS,
) -> Upload:  # fmt: skip
    return Upload(path=folder_of(session, path_of) / f"{sha256}.mp3", title=title, artist=artist)


# -- IDs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a", "0", "A-b_9", "a" * 64, "console", "com10", "lpt"])
def test_ids_are_taken_as_they_are(text: str) -> None:
    assert checked_session(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "-a", "_a", ".", "..", "a/b", "a\\b", "a b", "a.b", "a\n", "é", "a" * 65, "CON", "nul", "Com1", "LPT9", "aux",
     "\uff41", "a\x00", None, 5, ["a"]],
)  # fmt: skip
def test_other_ids_are_refused(text: object) -> None:
    with pytest.raises(ConfigError, match="session: an ID has 1 to 64 of the signs") as told:
        checked_session(text)
    assert str(told.value).isprintable()


def test_priorities() -> None:
    assert [checked_priority(value) for value in (None, "", 0, 9, "7")] == [5, 5, 0, 9, 7]
    for value in (10, -1, 1.5, True, "10", "x", [1]):
        with pytest.raises(ConfigError, match="priority: is a whole number from 0 to 9"):
            checked_priority(value)


# -- orders ----------------------------------------------------------------------------------------------------------


def test_each_song_is_an_order(offer: Offer) -> None:
    made = ordered(
        SETTINGS, offer, songs=[ADDRESS, "gs://songs/public/b.flac"], uploads=[upload(artist="Sea")], style="noir",
        knobs={"fps": 30},
    )  # fmt: skip
    assert [(order.title, order.style) for order in made] == [("Sea - Tide", "noir"), ("a song", "noir"), ("b", "noir")]
    assert [order.song.rpartition("/")[2] for order in made] == ["ab.mp3", "a%20song.mp3", "b.flac"]
    assert {order.settings["fps"] for order in made} == {"30"}
    assert {order.settings["image"] for order in made} == {"canvas"}


def test_an_uploads_names_are_told_in_place_of_its_tags(offer: Offer) -> None:
    [made] = ordered(SETTINGS, offer, uploads=[upload(title='5" of "rain\\', artist="")])
    assert overrides(made)[-2:] == [r'song.title="5\" of \"rain\\"', 'song.artist=""']


def test_uploads_are_told_below_the_services_folder(offer: Offer) -> None:
    """Which machines may have in different places."""
    [made] = ordered(SETTINGS, offer, uploads=[upload()])
    assert made.song == "uploads/s/ab.mp3"


def test_orders_hold_nothing_that_the_operator_decides(offer: Offer) -> None:
    """So that the same request is the same one after the operator has changed a limit."""
    made = [
        ordered(settings, offer, songs=[ADDRESS, "s3://other/b.mp3"], uploads=[upload(path_of=settings)])
        for settings in (SETTINGS, dataclasses.replace(SETTINGS, upload_mb=5, song_minutes=3, outputs="elsewhere"))
    ]
    assert digest(made[0]) == digest(made[1])
    assert {key for order in made[0] for key in order.settings} == {"image", "song.title", "song.artist"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "songs: there is none; send files as 'songs', or addresses"),
        ({"songs": []}, "songs: there is none"),
        ({"songs": [ADDRESS] * 4}, "songs: 4 are given, a session may have 3"),
        ({"songs": [ADDRESS] * 2, "uploads": [upload()] * 2}, "songs: 4 are given"),
        ({"songs": {"a": 1}}, "songs: are a list of addresses"),
        ({"songs": [ADDRESS], "style": "nior"}, "style: 'nior' is not known. Did you mean 'noir'"),
        ({"songs": [ADDRESS], "knobs": {"outputs": "/"}}, "settings: 'outputs' is not known"),
    ],
)
def test_wrong_requests_are_one_sentence(offer: Offer, given: dict[str, object], words: str) -> None:
    with pytest.raises((ConfigError, UnknownName), match=words):
        ordered(SETTINGS, offer, **given)  # type: ignore[arg-type]


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "/etc/passwd", "a.mp3", "demo", "", "~/a.mp3", "C:\\a.mp3", "\\\\host\\share\\a.mp3", "file:///etc/passwd",
        "FILE://localhost/etc/passwd", "http://example.com/a.mp3", "http://localhost/a.mp3", "ftp://example.com/a.mp3",
        "concat:a|b", "data:audio/mp3;base64,AAAA", "rtmp://example.com/a", "https://", "https:///a.mp3",
        "https://user:word@example.com/a.mp3", "https://user@example.com/a.mp3", "https://example.com:22/a.mp3",
        "https://127.0.0.1/a.mp3", "https://2130706433/a.mp3", "https://0x7f.1/a.mp3", "https://[::ffff:10.0.0.1]/a",
        "https://localhost/a.mp3", "https://db.internal/a.mp3", "https://printer.local/a.mp3", "https://intranet/a.mp3",
        "https://169.254.169.254/latest/meta-data", "https://youtube.com/watch", "https://example.com/${oc.env:HOME}",
        "https://example.com\\@127.0.0.1/a", "https://example.com/a\nb", "https://example.com/" + "a" * 5000,
        "gs://songs/private/a.mp3", "gs://songs/publicity/a.mp3", "gs://songs/public", "gs://songs/public/",
        "gs://songs/public/../private/a.mp3", "gs://songs/a.mp3", "gs://Songs/public/a.mp3", "s3://others/a.mp3",
        "s3://songs/public/a.mp3", "az://other/a.mp3", "gs://x@songs/public/a.mp3", 7, None, ["https://example.com/a"],
    ],
)  # fmt: skip
def test_addresses_that_strangers_may_not_name(offer: Offer, address: object) -> None:
    with pytest.raises(ConfigError, match=r"^songs?\b") as told:
        ordered(SETTINGS, offer, songs=[address])
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 700


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS, "HTTPS://Example.com/a.mp3", "https://example.com:443/a.mp3?X-Amz-Signature=0123456789abcdef0123",
        "https://8.8.8.8/a.mp3", "https://münchen.de/lied.mp3", "https://example.com/ä b.mp3", "gs://songs/public/a.mp3",
        "GS://songs/public/x/y.mp3", "s3://other/a.mp3",
    ],
)  # fmt: skip
def test_addresses_that_strangers_may_name(offer: Offer, address: str) -> None:
    assert len(ordered(SETTINGS, offer, songs=[address])) == 1


def test_the_operator_takes_files_only() -> None:
    settings = ServiceSettings(web_songs=False)
    with pytest.raises(ConfigError, match="https:// addresses are not taken here; allowed: none, so send files"):
        ordered(settings, Offer.read(settings), songs=[ADDRESS])


def test_a_signature_is_not_in_the_title_or_a_sentence(offer: Offer) -> None:
    secret = "c2lnbmF0dXJlLW9mLW1pbmU"
    [made] = ordered(SETTINGS, offer, songs=[f"{ADDRESS}?sig={secret}"])
    assert secret not in made.title
    with pytest.raises(ConfigError) as told:
        ordered(SETTINGS, offer, songs=[f"https://example.com:8443/a.mp3?sig={secret}"])
    assert secret not in str(told.value)


# -- the digest ------------------------------------------------------------------------------------------------------


def test_the_same_request_has_the_same_digest(offer: Offer) -> None:
    first, again = (
        ordered(SETTINGS, offer, songs=ADDRESS, uploads=[upload()], style=style, knobs={"seed": seed, "fps": fps})
        for style, seed, fps in (("neon", 1, "30"), (None, 1.0, 30))
    )
    assert digest(first) == digest(again)


def test_the_folder_of_an_upload_does_not_count(offer: Offer) -> None:
    here, there, other = (
        ordered(SETTINGS, offer, uploads=[upload(sha256, session)]) for sha256, session in
        (("ab", "s"), ("ab", "t"), ("cd", "s"))
    )  # fmt: skip
    assert digest(here) == digest(there) != digest(other)


def test_each_part_of_a_request_counts(offer: Offer) -> None:
    requests = [
        {"songs": [ADDRESS]}, {"songs": [ADDRESS, ADDRESS]}, {"songs": [ADDRESS + "?v=2"]}, {"uploads": [upload()]},
        {"songs": [ADDRESS], "style": "noir"}, {"songs": [ADDRESS], "knobs": {"seed": 1}},
        {"songs": [ADDRESS], "knobs": {"palette": "red"}}, {"uploads": [upload(title="Ebb")]},
    ]  # fmt: skip
    assert len({digest(ordered(SETTINGS, offer, **request)) for request in requests}) == len(requests)  # type: ignore[arg-type]

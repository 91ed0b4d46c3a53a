"""The words of one picture: the style's sentence, and around it what is known of the song and wanted by the user.

Written for image models that read English sentences (FLUX, SDXL, Imagen). What matters most comes first, since some of
them read only the beginning. Nothing is put into quotes, and lyrics are evoked, not cited: quoted words are painted as
lettering.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable

from qmv.api import Brief, Slot

__all__ = ["MOST", "character", "forbidden", "shown", "worded"]

MOST = 1890  # characters of a prompt: services take 2000 and more
_SUBJECT, _COLOURS, _LYRIC, _NAME, _STORY = 500, 200, 160, 80, 500  # the most of each
_CHARACTERS = {"calm": "calm and still, gentle light", "loud": "full of energy and movement, dramatic light"}
_HUE = (
    r"(?:black[- ]and[- ]white|red|green|blue|yellow|purple|violet|indigo|magenta|cyan|teal|turquoise|crimson|scarlet"
    r"|pink|orange|amber|golden)"
)
_HUES = re.compile(rf"(?<![\w-]){_HUE}(?:(?:,? and |, | or ){_HUE})*\s+(?=\w)(?!(?:and|or)\b)", re.IGNORECASE)
_PEOPLE = re.compile(r"\b(people|persons?|humans?|crowds?)\b", re.IGNORECASE)
_COLOUR = re.compile(r"\bcolou?r(s|ed|ful)?\b", re.IGNORECASE)
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_QUOTES = re.compile("[\"\u201c\u201d\u201e\u00ab\u00bb]|(?<!\\w)['\u2018\u2019]|['\u2018\u2019](?!\\w)")
_SYLLABLE = re.compile(
    r"(o+h*|a+h*|u+h*|e+h|h?m+|la+|na+|da+|doo*|sha|hey|yeah|yea|woah?|whoa|wo+|ho|uh|huh)", re.IGNORECASE
)
_NO_TITLE = re.compile(
    r"(track|audio|recording|untitled|unknown|song|mix|mixdown|bounce|master|demo|export|take|voice|memo|new|final|v)?"
    r"[\W\d_]*",
    re.IGNORECASE,
)


def shown(brief: Brief, motif: str) -> str:
    """Who or what is seen: the user's subject before the style's motif, where there is one."""
    subject = _plain(brief.subject, _SUBJECT)
    subject = re.sub(r"^(A|An|The|My|One|Two|Three|Some|Many)\b", lambda word: word[0].lower(), subject)
    return f"{subject}, in the background {motif}" if subject else motif


def character(level: str) -> str:
    """Light and motion of a section that is 'calm' or 'loud'."""
    return _CHARACTERS.get(level, "")


def worded(brief: Brief, slot: Slot, *, framing: str, subject: str, mood: str, light: str, names: str) -> str:
    """The prompt of one shot. What the style's sentence has a place for stands there, the rest behind it."""
    style = brief.style
    sentence = _HUES.sub("", style.prompt) if style.colours.strip() else style.prompt
    lyric, title = _evocable(slot.lyric), _title(brief.title) if names != "none" else ""
    artist = _plain(brief.artist, _NAME) if names == "both" else ""
    words = {
        "shot": f"{framing} shot" if framing.endswith("angle") else framing,
        "subject": subject,
        "mood": mood,
        "title": _plain(brief.title, _NAME),
        "artist": _plain(brief.artist, _NAME),
        "lyric": lyric,
        "section": slot.section.label if slot.section else "",
    }
    told = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
    parts = [
        subject if brief.subject.strip() and "subject" not in told else "",
        sentence.format_map(words),
        _coloured(style.colours),
        light,
        f"evoking the feeling of {lyric}" if lyric and "lyric" not in told else "",
        _spirit(title, artist) if title and not told & {"title", "artist"} else "",
        f"a moment from this story: {_plain(brief.idea, _STORY)}" if brief.idea.strip() else "",
    ]
    return _shortened(_joined(parts), MOST)


def forbidden(brief: Brief) -> str:
    """The style's negative prompt, without what forbids the user's own subject and colours."""
    wanted = set(re.findall(r"\w+", f"{brief.subject} {brief.style.colours}".lower()))
    if not wanted:
        return brief.style.negative_prompt
    kept = []
    for part in filter(None, map(str.strip, brief.style.negative_prompt.split(","))):
        asked_for = set(re.findall(r"\w+", part.lower())) <= wanted
        of_people = brief.subject.strip() and _PEOPLE.search(part)
        of_colours = brief.style.colours.strip() and _COLOUR.search(part)
        if not (asked_for or of_people or of_colours):
            kept.append(part)
    return ", ".join(kept)


# -- pieces ----------------------------------------------------------------------------------------------------------


def _coloured(colours: str) -> str:
    """Not 'palette', which some image models paint as swatches."""
    words = _plain(colours, _COLOURS)
    return words if not words or _COLOUR.search(words) else f"in tones of {words}"


def _spirit(title: str, artist: str) -> str:
    """Not 'by ARTIST', which image models take for the painter."""
    if not artist:
        return f"in the spirit of the song {title}"
    ending = "'" if artist.endswith("s") else "'s"
    return f"in the spirit of {artist}{ending} song {title}"


def _title(title: str) -> str:
    """The title less what tapes and shops add to it; '' for the name of a file that was never given one."""
    plain = _plain(_BRACKETS.sub(" ", title), _NAME)
    if "_" in plain or _NO_TITLE.fullmatch(plain):
        return ""
    return re.sub(r"^(0\d+[\s.-]*|\d+\s*[.-]\s+)(?=\w)", "", plain)


def _evocable(lyric: str) -> str:
    """A line of lyrics that names something, as part of a sentence; '' for ooh and la la la."""
    plain = _plain(_BRACKETS.sub(" ", lyric), _LYRIC)
    if all(_SYLLABLE.fullmatch(word) for word in re.findall(r"\w+", plain)):
        return ""
    if plain.isupper():
        return plain.lower()
    return plain if re.match(r"I\b|[A-Z]{2}", plain) else plain[:1].lower() + plain[1:]


def _plain(text: str, most: int) -> str:
    """One line without quotes and without marks at its ends."""
    return _shortened(" ".join(_QUOTES.sub("", text).split()).strip(" ,.;:"), most)


def _joined(parts: Iterable[str]) -> str:
    """The parts with a comma between them, and none where a placeholder was filled with nothing."""
    whole = ", ".join(part for part in (part.strip(" \t\r\n,.;") for part in parts) if part)
    whole = re.sub(r"\s+", " ", whole)
    whole = re.sub(r" ?(?:, ?)+(?=[.;:!?,])", "", whole)
    return re.sub(r" ?,(?: ?,)+ ?", ", ", whole).replace(" ,", ",").strip(" ,")


def _shortened(text: str, most: int) -> str:
    """At most so many characters, whole words of them where there are words."""
    if len(text) <= most:
        return text
    return (text[: most + 1].rpartition(" ")[0] or text[:most]).rstrip(" ,;:-")

"""YAML as people edit it: text, lists and mappings with the line of each, and text for it.

Nothing is guessed: `no`, `1:30` and `0123` are the text that they are. Plain nothing, `~` and `null` are ''. What could
make more of a file than it holds (anchors, deep nesting) is refused, and so is a key that comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from qmv.errors import InputError

__all__ = ["Node", "folded", "tree", "word"]

_DEEPEST = 6
_EMPTY = ("", "~", "null", "Null", "NULL")
_SAFE = re.compile(r"[^\W\d_](?:[\w ,.'()-]*[\w.)])?")
_OTHERS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}  # other readers take these for values
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(kw_only=True)
class Node:
    """`value` is text, a list of nodes or a mapping to them; `line` counts from 1."""

    value: Any
    line: int
    key: str | None = field(default=None, repr=False)  # of a mapping that is being read


def tree(text: str, where: str) -> Node:
    """The one document of a text; `where` begins the sentence of each InputError."""
    import yaml

    try:
        return _built(_events(text), where)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(
            f"{where}{line}: is no YAML ({error.problem or error.context}); indent with blanks as the lines above do, "
            "and put text that has a colon or begins with a sign into quotes."
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"{where}: is no YAML ({str(error).splitlines()[0]}); save it as UTF-8 text.") from error


def word(text: str) -> str:
    """A text as a value on one line."""
    return text if _SAFE.fullmatch(text) and text.lower() not in _OTHERS else _quoted(text)


def folded(text: str, indent: int, width: int = 100) -> str:
    """A text as a block that can be edited without a thought of quotes; quoted where blocks cannot hold it."""
    if not text or not text.isprintable() or text != text.strip():
        return _quoted(text)
    lines, line = [], ""
    for piece in re.split(r"(?<=[^ ]) (?=[^ ])", text):  # where a line ends, a reader sees one blank
        if line and len(line) + 1 + len(piece) > width:
            lines.append(line)
            line = piece
        else:
            line = f"{line} {piece}" if line else piece
    return ">-" + "".join(f"\n{' ' * indent}{line}" for line in [*lines, line])


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(sign) or (sign if sign.isprintable() else _escaped(sign)) for sign in text) + '"'


def _escaped(sign: str) -> str:
    if 0xD800 <= ord(sign) <= 0xDFFF:  # half a sign, which no file holds
        return "?"
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


# -- reading ---------------------------------------------------------------------------------------------------------


def _events(text: str) -> Iterator[Any]:
    """Events and no nodes: building those is left to libyaml by recursion without a limit."""
    import yaml

    yield from yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))


def _built(events: Iterator[Any], where: str) -> Node:
    import yaml

    open_nodes: list[Node] = []
    root: Node | None = None
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(
                f"{where}, line {line}: has an anchor or alias (& or *); write the values out, or quote it."
            )
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            open_nodes.pop()
            continue
        if isinstance(event, yaml.ScalarEvent):
            node = Node(value=_text(event), line=line)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            node = Node(value={} if isinstance(event, yaml.MappingStartEvent) else [], line=line)
        else:
            continue
        if open_nodes:
            is_key = _put(open_nodes[-1], node, where)
        elif root is not None:
            raise InputError(f"{where}, line {line}: a second document begins here; keep one, without lines of ---.")
        else:
            root, is_key = node, False
        if not isinstance(node.value, str) and not is_key:
            open_nodes.append(node)
        if len(open_nodes) > _DEEPEST:
            raise InputError(
                f"{where}, line {line}: lists and mappings lie too deep in each other; mind the indentation."
            )
    return root or Node(value="", line=1)


def _put(parent: Node, node: Node, where: str) -> bool:
    """Puts a node where it belongs; True where it is the key of what comes next."""
    if isinstance(parent.value, list):
        parent.value.append(node)
        return False
    if parent.key is not None:
        parent.value[parent.key] = node
        parent.key = None
        return False
    if not isinstance(node.value, str):
        raise InputError(
            f"{where}, line {node.line}: a list or mapping stands where a name should; quote braces in text."
        )
    if node.value in parent.value:
        raise InputError(f"{where}, line {node.line}: '{node.value:.40}' comes twice; keep one of them.")
    parent.key = node.value
    return True


def _text(event: Any) -> str:
    if event.style in ("|", ">"):
        return str(event.value).rstrip("\n")  # with | or > in place of >- the words are the same
    return "" if not event.style and event.value in _EMPTY else str(event.value)

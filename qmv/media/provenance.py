"""Says in a file's metadata where its pictures came from, for people and for machines.

Machines read the term of IPTC's Digital Source Type in an XMP packet; people read the same in plain words where players
show a comment. What is written hangs on the pictures and the song alone, so the same film has the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from qmv.artifacts import Picture
from qmv.media.legible import legible

__all__ = ["AI", "add_xmp", "ai_systems", "comment", "source_type", "xmp"]

AI = "trainedAlgorithmicMedia"
_AI_AND_OTHER = "compositeWithTrainedAlgorithmicMedia"
_ALGORITHM = "algorithmicMedia"
_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_XMP_BOX = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")  # XMP specification, part 3: storage in files
_PACKET = "W5M0MpCehiHzreSzNTczkc9d"  # by which scanners find a packet in any file
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def ai_systems(pictures: Iterable[Picture]) -> tuple[str, ...]:
    """The models that made pictures by AI, else their providers, each once."""
    return tuple(sorted({picture.model or picture.provider for picture in pictures if picture.source_type == AI}))


def source_type(pictures: Iterable[Picture]) -> str:
    """IPTC's term for a video of these pictures and a song; '' where nobody can know.

    With pictures by AI it is a composite: the vocabulary keeps `trainedAlgorithmicMedia` for what a model has made as a
    whole, and a song, cut and mixed with them, is other media, whoever made it.
    """
    found = {picture.source_type for picture in pictures}
    if AI in found:
        return _AI_AND_OTHER
    return _ALGORITHM if found == {_ALGORITHM} else ""


def comment(pictures: Iterable[Picture]) -> str:
    """The same in plain words; '' where no picture is made by AI."""
    systems = ai_systems(pictures)
    return f"Pictures made by AI ({', '.join(systems)})." if systems else ""


def xmp(*, source_type: str = "", title: str = "", creator: str = "", ai_systems: Iterable[str] = ()) -> bytes:
    """An XMP packet, to be put into a file of any kind; what is empty is left out. `source_type` is IPTC's term."""
    told = [
        ("dc:title", f'<rdf:Alt><rdf:li xml:lang="x-default">{_text(title)}</rdf:li></rdf:Alt>' if title else ""),
        ("dc:creator", f"<rdf:Seq><rdf:li>{_text(creator)}</rdf:li></rdf:Seq>" if creator else ""),
        ("xmp:CreatorTool", "QMV"),
        ("Iptc4xmpExt:DigitalSourceType", _VOCABULARY + source_type if source_type else ""),
        ("Iptc4xmpExt:AISystemUsed", _text(", ".join(ai_systems))),
    ]
    names = "".join(f' xmlns:{prefix}="{address}"' for prefix, address in _NAMESPACES.items())
    lines = "".join(f"   <{name}>{value}</{name}>\n" for name, value in told if value)
    return (
        f'<?xpacket begin="\ufeff" id="{_PACKET}"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'  <rdf:Description rdf:about=""{names}>\n{lines}  </rdf:Description>\n'
        " </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    ).encode()


def add_xmp(path: Path, packet: bytes) -> None:
    """Puts the packet behind all else in an MP4, so that no place in it moves."""
    with path.open("ab") as stream:
        stream.write(struct.pack(">I4s", 8 + len(_XMP_BOX) + len(packet), b"uuid") + _XMP_BOX + packet)


def _text(text: str) -> str:
    """Text as XML takes it."""
    return escape(legible(text))

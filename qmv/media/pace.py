"""How many beats a picture stays: one number for a whole song, or one for each of its energies or sections."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qmv.analysis.energy import LEVELS, level
from qmv.artifacts import Section
from qmv.errors import UnknownName

__all__ = ["Pace"]

_DEFAULT = "default"
_USUAL = 4  # beats, where a mapping has no default


@dataclass(frozen=True)
class Pace:
    """Beats a picture stays by section label, by energy level, and otherwise."""

    by_label: Mapping[str, int]
    by_level: Mapping[str, int]
    default: int

    @classmethod
    def of(cls, value: object, name: str = "beats_per_image") -> Pace:
        """From a whole number or a mapping such as {calm: 8, loud: 2, B: 6, default: 4}; raises ValueError for other
        values, UnknownName for a misspelled energy level.
        """
        if not isinstance(value, Mapping):
            return cls({}, {}, _beats(name, value))
        found = {str(key): _beats(f"{name}.{key}", beats) for key, beats in value.items()}
        known = (*LEVELS, _DEFAULT)
        for key in found:
            if key not in known and difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.7):
                raise UnknownName(f"{name} (an energy, or the label of a section)", key, known)
        levels = {key: beats for key, beats in found.items() if key in LEVELS}
        labels = {key: beats for key, beats in found.items() if key not in known}
        return cls(labels, levels, found.get(_DEFAULT, _USUAL))

    def beats(self, section: Section) -> int:
        """How many beats a picture stays in a section: what its label says, else what its energy says."""
        if section.label in self.by_label:
            return self.by_label[section.label]
        return self.by_level.get(level(section.energy), self.default)

    def halved(self) -> Pace:
        """Twice as quick where that leaves whole beats, at least two."""
        return Pace(
            {key: _half(beats) for key, beats in self.by_label.items()},
            {key: _half(beats) for key, beats in self.by_level.items()},
            _half(self.default),
        )

    def unused(self, sections: Iterable[Section]) -> list[str]:
        """The labels that no section has."""
        return sorted(set(self.by_label) - {section.label for section in sections})

    def unheard(self, sections: Iterable[Section]) -> list[str]:
        """The energies that no section has; none where there are no sections."""
        heard = {level(section.energy) for section in sections}
        return [name for name in self.by_level if heard and name not in heard]

    def counts(self, sections: Iterable[Section]) -> list[int]:
        """How many beats pictures stay somewhere in the song."""
        return sorted({self.beats(section) for section in sections} or {self.default})


def _half(beats: int) -> int:
    return beats // 2 if beats > 2 and beats % 2 == 0 else beats


def _beats(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        example = "{calm: 8, loud: 2, default: 4}"
        raise ValueError(f"{name} must be a whole number of beats, or a mapping such as {example}, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1 (beats), got {value}")
    return value

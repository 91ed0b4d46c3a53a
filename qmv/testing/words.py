"""The contract of prompt writers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest

from qmv.api import (
    Brief,
    Prompt,
    Slot,
    Writer,
)
from qmv.artifacts import Section
from qmv.testing.base import PluginContract
from qmv.testing.things import style


class WriterContract(PluginContract):
    """A prompt a slot. `deterministic = False` for a writer that asks a service."""

    deterministic: ClassVar[bool] = True

    def brief(self, slots: int, seed: int = 0) -> Brief:
        """What the writer is asked; override it for a writer that wants a special style."""
        section = Section(start_s=0.0, end_s=1000.0, label="A", energy=0.5)
        places = tuple(Slot(index=i, start_s=2.0 * i, end_s=2.0 * i + 2, section=section) for i in range(slots))
        return Brief(title="Trial", artist="Nobody", style=style(), slots=places, seed=seed)

    @pytest.mark.parametrize("slots", [1, 2, 9])
    def test_writes_a_prompt_for_each_slot(self, subject: Writer, slots: int) -> None:
        prompts = subject.write(self.brief(slots))
        assert len(prompts) == slots
        assert all(isinstance(prompt, Prompt) for prompt in prompts)

    def test_leaves_no_prompt_empty(self, subject: Writer) -> None:
        assert all(prompt.text.strip() for prompt in subject.write(self.brief(9)))

    def test_gives_seeds_that_every_provider_takes(self, subject: Writer) -> None:
        assert all(0 <= prompt.seed < 2**31 for prompt in subject.write(self.brief(9)))

    def test_writes_the_same_twice(self, subject: Writer) -> None:
        again = subject.write(self.brief(9))
        assert subject.write(self.brief(9)) == again or not self.deterministic

    def test_writes_for_a_user_who_tells_everything(self, subject: Writer) -> None:
        brief = self.brief(3)
        slots = tuple(dataclasses.replace(slot, lyric="Take me home") for slot in brief.slots)
        told = dataclasses.replace(
            brief, slots=slots, idea="Two meet.", subject="a girl", tempo_bpm=120.0, meter="4/4", duration_s=6.0
        )
        assert len(subject.write(told)) == 3

    def test_is_ready_where_it_is_free(self, subject: Writer) -> None:
        if subject.free:
            subject.ready()

    def test_has_a_free_stand_in_where_it_has_one(self, subject: Writer) -> None:
        stand_in = subject.stand_in()
        assert stand_in is None or stand_in.free
        assert stand_in is not None or not subject.gives_way(), "what gives way wants a stand-in"

    def test_writes_a_slot_that_lies_in_no_section(self, subject: Writer) -> None:
        brief = self.brief(2)
        slots = tuple(dataclasses.replace(slot, section=None) for slot in brief.slots)
        assert len(subject.write(dataclasses.replace(brief, slots=slots))) == 2

"""Verifies the effects of actions: compares the facts that they promise with the machine, and words the differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.failures import ActionFailed
from provision.planning.actions import Action, RunProgram, WaitForDevices, Wave
from provision.planning.facts import (
    BootStateFact,
    ContentFact,
    DeviceFact,
    Fact,
    FileFact,
    FreeSpaceFact,
    GroupFact,
    LuksHeaderFact,
    MountFact,
    SignatureFact,
    TableFact,
    UserFact,
)
from provision.planning.machine_view import Device, FileStatus, FileType, MachineView

HINT = "the tool did not do what it reported, or another program changed it at the same time; the log says more"

VERIFIED: dict[type, Sequence[str]] = {Device: ("name", "size", "sector")}
"""The fields of a value that are compared, if not all: the users of a device, for example, are not an effect."""


NOUNS: dict[type[Fact], str] = {
    DeviceFact: "device",
    TableFact: "partition table",
    SignatureFact: "signature",
    LuksHeaderFact: "LUKS header",
    FileFact: "file",
    ContentFact: "content",
    UserFact: "user",
    GroupFact: "group",
    MountFact: "mount",
    FreeSpaceFact: "free space",
    BootStateFact: "boot state",
}
"""What a fact is about, in messages."""


def verify(wave: Wave, system: MachineView) -> None:
    """Compare the effects of every action with the machine. Raises ActionFailed with the first action that differs."""
    for action in wave:
        for fact in _promised(action):
            found = fact.now(system)
            if not agrees(fact.value, found):
                raise ActionFailed(action.title, difference(fact, found), hint=HINT)


def _promised(action: Action) -> tuple[Fact, ...]:
    """The facts to verify: not that an awaited device is blank, and not facts that are only likely."""
    if isinstance(action, WaitForDevices):
        return ()
    return action.facts if isinstance(action, RunProgram) else action.effect()


def agrees(expected: object, found: object) -> bool:
    """Whether an observed value agrees with the value in a forecast."""
    return not any(_differences(expected, found))


def difference(fact: Fact, found: object) -> str:
    """The difference between a fact and the value found, in words; contents and secrets are never shown."""
    if isinstance(fact, BootStateFact):
        return "the state for later stages was not saved"
    if fact.value is None or found is None:
        return f"{fact.name}: expected {_noun(fact, fact.value)}, found {_noun(fact, found)}"
    differing = "; ".join(str(one) for one in _differences(fact.value, found) if one.part)
    return f"{fact.name}: {differing or f'the {NOUNS[type(fact)]} is not as expected'}"


class _Difference(NamedTuple):
    """One difference: a part of a value (`mode`, `partition 2 label`; or empty), what was expected, what was found."""

    part: str
    expected: object
    found: object

    def __str__(self) -> str:
        return f"expected {self.part} {_word(self.part, self.expected)}, found {_word(self.part, self.found)}"


def _differences(expected: object, found: object, whose: str = "") -> Iterator[_Difference]:
    """The parts that differ. None matches every value: a tool chooses it, or nothing stores it (modes on vfat)."""
    if type(expected) is not type(found) or not isinstance(expected, tuple) or not hasattr(expected, "_fields"):
        yield from [_Difference("", expected, found)] if expected != found else []
        return
    for name in _verified(expected):
        wanted, got = getattr(expected, name), getattr(found, name)
        if wanted is None or got is None or wanted == got:
            continue
        if name in {"uid", "gid"} and isinstance(found, FileStatus) and found.mode is None:
            continue  # the mount options of vfat give the owner; another one was refused before
        if name != "partitions":
            yield _Difference(whose + name, wanted, got)
        elif len(wanted) != len(got):
            yield _Difference("number of partitions", len(wanted), len(got))
        else:
            for one, other in zip(wanted, got, strict=True):
                yield from _differences(one, other, f"partition {one.number} ")


def _verified(expected: object) -> Sequence[str]:
    """The names of the fields that are compared; none for an assumed device, which only has to exist."""
    if isinstance(expected, Device) and expected.assumed:
        return ()
    fields: Sequence[str] = getattr(expected, "_fields", ())
    return VERIFIED.get(type(expected), fields)


def _noun(fact: Fact, value: object) -> str:
    if value is None:
        return "nothing"
    return value.kind.value if isinstance(value, FileStatus) else NOUNS[type(fact)]


def _word(part: str, value: object) -> str:
    if isinstance(value, FileType):
        return value.value
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:04o}" if part == "mode" and isinstance(value, int) else str(value) or "none"

"""Comparing what was said with what the machine says."""

from __future__ import annotations

import pytest

from provision.engine.verification import agrees, difference, verify
from provision.failures import ActionFailed
from provision.planning.actions import RunProgram
from provision.planning.boot_state import BootState
from provision.planning.facts import (
    BootStateFact,
    ContentFact,
    DeviceFact,
    Fact,
    FileFact,
    LuksHeaderFact,
    SignatureFact,
    TableFact,
    UserFact,
)
from provision.planning.machine_view import (
    Account,
    Device,
    FileStatus,
    FileType,
    LuksHeader,
    PartitionEntry,
    PartitionTable,
    Signature,
)
from tests.stages.world import World

FILE = FileStatus(FileType.FILE, 0o644, 0, 0)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (FILE, FILE._replace(size=3, identity=(1, 2))),
        (Account("core", None, None, "/home/core"), Account("core", 1000, 1000, "/home/core")),
        (None, None),
        (PartitionTable("gpt", partitions=(PartitionEntry(1, 2048, 4096, "T", "G"),)),) * 2,
        (("a", "b"), ("a", "b")),
    ],
)
def test_what_a_tool_chooses_is_not_compared(expected: object, found: object) -> None:
    assert agrees(expected, found)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (FILE, FILE._replace(mode=0o600)),
        (FILE, None),
        (None, FILE),
        (Account("core", 1000), Account("core", 1001)),
        (PartitionTable("gpt", partitions=(PartitionEntry(1, 2048, 4096, "T", "G"),)), PartitionTable("gpt")),
        (("a", None), ("a", "b")),
    ],
)
def test_everything_else_is(expected: object, found: object) -> None:
    assert not agrees(expected, found)


PARTITION = PartitionEntry(2, 2048, 4096, "T", "G", "data")


@pytest.mark.parametrize(
    ("fact", "found", "said"),
    [
        (FileFact("/etc/motd", FILE), FILE._replace(mode=0o600, size=7), "expected mode 0644, found 0600"),
        (FileFact("/a", FILE._replace(uid=None)), FILE._replace(gid=5, uid=6), "expected gid 0, found 5"),
        (FileFact("/a", FILE), FileStatus(FileType.LINK, 0o644, 0, 0), "expected kind file, found link"),
        (FileFact("/a", FILE), None, "expected file, found nothing"),
        (UserFact("core", None), Account("core", 1), "expected nothing, found user"),
        (UserFact("c", Account("c", 1, 2)), Account("c", 3, 4), "expected id 1, found 3; expected gid 2, found 4"),
        (SignatureFact("/dev/a", Signature("ext4")), Signature(""), "expected type ext4, found none"),
        (
            LuksHeaderFact("/dev/a", LuksHeader(2, (), ("clevis",))),
            LuksHeader(2),
            "expected tokens clevis, found none",
        ),
        (DeviceFact("/dev/a", Device("/dev/a", 5)), Device("/dev/a", 6, in_use="x"), "expected size 5, found 6"),
        (ContentFact("/a", b"canary"), b"other", "the content is not as expected"),
        (
            TableFact("/dev/a", PartitionTable("gpt", partitions=(PARTITION,))),
            PartitionTable("gpt", partitions=(PARTITION._replace(label=""),)),
            "expected partition 2 label data, found none",
        ),
        (
            TableFact("/dev/a", PartitionTable("gpt", partitions=(PARTITION,))),
            PartitionTable("gpt"),
            "expected number of partitions 1, found 0",
        ),
    ],
)
def test_a_difference_is_reported_in_words(fact: Fact, found: object, said: str) -> None:
    assert difference(fact, found) == f"{fact.name}: {said}"


def test_the_boot_state_is_not_reported() -> None:
    fact = BootStateFact(BootState(platform_files={"/a": "canary"}))
    assert difference(fact, BootState()) == "the state for later stages was not saved"


def test_what_is_only_likely_is_not_verified() -> None:
    sure, likely = FileFact("/sure", None), FileFact("/likely", FILE)
    verify((RunProgram("run", ("true",), frozenset(), (sure,), likely=(likely,)),), World())
    with pytest.raises(ActionFailed, match="/likely: expected file, found nothing"):
        verify((RunProgram("run", ("true",), frozenset(), (sure, likely)),), World())

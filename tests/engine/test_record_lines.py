"""The text of a record: what is read back, what an interrupted write leaves, and what is damage."""

from __future__ import annotations

import pytest

from provision.engine import record_lines
from provision.engine.record_lines import Damaged, ParsedRecord, WaveRecord
from provision.planning.facts import ContentFact, FileFact, UserFact
from provision.planning.machine_view import Account, FileStatus, FileType

BEFORE = (
    FileFact("/etc/a", FileStatus(FileType.LINK, 0o777, 0, 0, target="b")),
    FileFact("/etc/new", None),
    UserFact("core", Account("core", 1000, 1000, "/home/core", "/bin/sh")),
    ContentFact("/etc/c", b"\0\xff"),
)
WAVE = WaveRecord("abc", BEFORE, {"/etc/list": ("one", "two")}, ("passwd.lock",), {"a.service": False})


def written() -> list[bytes]:
    lines, last = [], ""
    for entry in (
        record_lines.header("digest", "owner"),
        record_lines.begun(WAVE),
        record_lines.done("abc"),
        record_lines.ended(BEFORE[:2]),
    ):
        line, last = record_lines.line(entry, last)
        lines.append(line)
    return lines


def test_what_was_written_is_read_back() -> None:
    lines = written()
    past = record_lines.parse(b"".join(lines))
    assert past == ParsedRecord(
        "digest", "owner", (WAVE._replace(done=True),), BEFORE[:2], len(b"".join(lines)), past.last
    )
    assert record_lines.parse(b"".join(lines[:2])).waves == (WAVE,)


def test_every_end_of_a_file_is_one_that_a_power_loss_may_leave() -> None:
    valid_size = b"".join(written())
    ends = [len(b"".join(written()[:count])) for count in range(5)]
    for length in range(len(valid_size)):
        assert record_lines.parse(valid_size[:length]).valid_size == max(end for end in ends if end <= length)
        assert record_lines.parse(valid_size[:length] + bytes(len(valid_size) - length)).valid_size in ends


@pytest.mark.parametrize("line", range(3))
def test_a_bit_that_turned_is_damage(line: int) -> None:
    lines = written()
    turned = bytearray(lines[line])
    turned[30] ^= 4
    with pytest.raises(Damaged, match=f"line {line + 1} "):
        record_lines.parse(b"".join([*lines[:line], turned, *lines[line + 1 :]]))


def test_a_line_that_is_gone_is_damage() -> None:
    lines = written()
    with pytest.raises(Damaged, match="line 2 "):
        record_lines.parse(lines[0] + lines[2] + lines[3])


def test_a_record_without_checksums_is_damage() -> None:
    with pytest.raises(Damaged):
        record_lines.parse(b'{"config": "one"}\n')

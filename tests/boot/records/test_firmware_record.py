"""What a record in the firmware says. Where it is read and written: tests/real/disks/devices/test_record_place.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.boot.first_boot import proves_provisioned
from provision.boot.records.content import is_begun, new_record
from provision.boot.records.firmware_record import SIZE, VARIABLE, needed_room, unwritten
from provision.failures import Failure
from provision.system.running_system.local_system import LocalSystem


def test_a_first_boot_that_has_begun_is_not_finished() -> None:
    begun, finished = (new_record(LocalSystem(), finished=finished) for finished in (False, True))
    assert is_begun(begun.ljust(SIZE))
    assert not is_begun(finished.ljust(SIZE))
    assert max(len(begun), len(finished)) <= SIZE


@pytest.mark.parametrize(
    "damaged", [b"\0", b"{", b"[]", b"{}", b'{"finished": "0"}', b'{"finished": null}', b"[" * 9999]
)
def test_whatever_else_is_there_is_no_reason_to_provision_a_machine_in_use(damaged: bytes) -> None:
    assert not is_begun(damaged)


@pytest.mark.parametrize("is_reset", [False, True])
@pytest.mark.parametrize("record", [None, b'{"finished": 0}', b'{"finished": 1}'])
def test_the_room_that_is_found_at_first_is_enough_until_the_end(record: bytes | None, is_reset: bool) -> None:
    """Firmware gives none back before its next start. What is checked again after the disks stage must not fail."""
    begun, finished = b'{"finished": 0}', b'{"finished": 2}'
    header = 60
    writing = header + 2 * len(VARIABLE.name) + SIZE
    records = unwritten(record, begun, finished if is_reset else b"")
    free = needed_room(records)
    while records:
        record, free = records[0], free - writing
        records = unwritten(record, begun)
        assert free >= needed_room(records)
    assert free >= writing, "the record itself"
    assert record == begun


def test_the_guide_names_the_variable() -> None:
    assert f"`{VARIABLE.name}`" in (Path(__file__).parents[3] / "docs/guide/boot.md").read_text()


def test_the_record_of_another_machine_is_said_to_be_in_the_firmware() -> None:
    command_line = "provision.firstboot.device=efivar"
    with pytest.raises(Failure, match="the EFI firmware has the record of another machine"):
        proves_provisioned(b'{"machine": "one"}', command_line, "two")
    assert not proves_provisioned(b'{"machine": "one"}', f"{command_line} provision.firstboot.record=ignore", "two")

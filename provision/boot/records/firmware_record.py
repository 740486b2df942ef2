"""The record of a first boot in a variable of the EFI firmware, for machines whose boots share no file system.

`provision.firstboot.device=efivar` chooses it (docs/decisions/0007-first-boot.md). Before a disk is changed, the
variable says that a first boot has begun: so it is known that it can be written. At the end the record replaces that.
"""

from __future__ import annotations

from provision.boot.records.content import is_begun
from provision.system.firmware_variables import Variable, variables

VARIABLE = Variable("ProvisionFirstBoot-7db4fed7-13d4-4b76-8fb1-f86dc64b9b63")
"""The GUID is ours alone: it was made for this name, with uuid4."""

PLACE = f"the EFI variable {VARIABLE.name}"

SIZE = 256
"""All records have this size, so each writing takes the same room."""

ROOM = 512
"""Bytes that have to be free for one writing. Firmware keeps what was replaced until it starts again.

Source: UpdateVariable in MdeModulePkg/Universal/Variable/RuntimeDxe of EDK II, which reclaims nothing at runtime.
"""


def finished_record() -> bytes | None:
    """The record in the firmware; None if there is none, or if it says that a first boot has begun. Raises Failure."""
    with variables():
        record = VARIABLE.read()
    return None if record is None or is_begun(record) else record


def begin(begun: bytes, finished: bytes = b"") -> None:
    """Write that a first boot has begun. Raises Failure if the variable cannot be written.

    A first boot that goes on after an interruption writes nothing: some firmware wears out. If `finished` is given, it
    replaces a record, so that the machine still counts as provisioned. It has to be a new one, because firmware does
    not write what is there already.
    """
    with variables():
        records = unwritten(VARIABLE.read(), begun, finished)
        VARIABLE.check_writable(needed_room(records))
        if records:
            VARIABLE.write(records[0].ljust(SIZE))


def unwritten(record: bytes | None, begun: bytes, finished: bytes = b"") -> tuple[bytes, ...]:
    """The records that this boot has to write before the one of `finish`; `begin` writes the first of them."""
    if record is None:
        return (begun,)
    if is_begun(record):
        return ()
    return (finished, begun) if finished else (begun,)


def needed_room(records: tuple[bytes, ...]) -> int:
    """Bytes that have to be free to write these records, and that of `finish`."""
    return ROOM * (len(records) + 1)


def finish(record: bytes) -> None:
    """Write the record. Raises Failure."""
    with variables():
        VARIABLE.write(record.ljust(SIZE))


def remove() -> bool:
    """Remove the record, and return whether there was one. Raises Failure."""
    with variables():
        return VARIABLE.remove()

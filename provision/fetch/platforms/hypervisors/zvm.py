"""z/VM: the config is the first spool file of type `ign` in the virtual reader 000c, fetched by `vmur`."""

from __future__ import annotations

from provision.failures import FetchFailed
from provision.fetch.platforms.context import FetchContext
from provision.fetch.platforms.drives import trim_nul

READER = "000c"
MODULE = "vmur"
TYPE = "ign"
FILE_COLUMN = 1
"""Column of the spool file number in `vmur list`.

The columns are origin, number, class, records, copies, hold, date, time, name, type, destination.
"""


def ask(context: FetchContext) -> bytes | None:
    """Set the reader online and receive the file; None if there is none. Raises FetchFailed."""
    running_system = context.running_system
    running_system.load_module(MODULE)
    if running_system.run("chccwdev", "-e", READER) is None:
        running_system.run("cio_ignore", "-r", READER)
        if running_system.run("chccwdev", "-e", READER) is None:
            raise FetchFailed(f"reader {READER}", "could not be set online", hint="is there a reader at 000c?")
    running_system.run("udevadm", "settle")
    listed = running_system.run("vmur", "li")
    if listed is None:
        raise FetchFailed(f"reader {READER}", "could not be listed")
    number = first_of_type(listed.decode("ascii", "replace"))
    return None if number is None else _receive(context, number)


def first_of_type(listing: str) -> str | None:
    """The number of the first spool file of type `ign` in the output of `vmur list`; None if there is none."""
    rows = (line.split() for line in listing.splitlines())
    return next((row[FILE_COLUMN] for row in rows if len(row) > 2 and row[-2].lower() == TYPE), None)


def _receive(context: FetchContext, number: str) -> bytes:
    """The contents of a spool file. vmur writes them with the umask of its caller, so the folder has mode 0700."""
    running_system = context.running_system
    with running_system.private_folder() as folder:
        path = f"{folder}/config.ign"
        if running_system.run("vmur", "re", "-f", number, running_system.path(path)) is None:
            raise FetchFailed(f"spool file {number}", "could not be received")
        return trim_nul(running_system.read(path) or b"")

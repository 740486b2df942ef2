"""The actions: small frozen values that say what to do. Stages yield them, and `provision.system` carries them out.

Every action names what it `touches`: the actions of one wave touch disjoint things and run side by side. Its `effect`
are the facts that hold once it is done. They make the forecast on which later actions are planned; after the action the
engine compares them with the state of the machine.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from provision.config.format import Resource
from provision.config.model import Secret
from provision.config.problems import Path
from provision.planning.arguments import Argument, Blob, Bytes, Content, PathList
from provision.planning.boot_state import BootState
from provision.planning.facts import BootStateFact, DeviceFact, Fact, FileFact, MountFact, TableFact
from provision.planning.machine_view import (
    ASSUMED_SIZE,
    Device,
    FileStatus,
    FileType,
    MountedFilesystem,
    PartitionTable,
)


class Action(Protocol):
    """What every action has."""

    @property
    def title(self) -> str:
        """What it does, for people; starts with a verb, holds no secret."""
        ...

    @property
    def config_path(self) -> Path:
        """The place in the config that asked for it; empty if the config did not."""
        ...

    @property
    def destroys(self) -> str:
        """What data it destroys, in words; empty for none."""
        ...

    def touches(self) -> frozenset[str]:
        """The devices, paths and accounts that it changes."""
        ...

    def effect(self) -> tuple[Fact, ...]:
        """The facts that hold once it is done."""
        ...


Wave = tuple[Action, ...]


class WaitForDevices(NamedTuple):
    """Wait until devices are there. This changes nothing, so preflight does it for real."""

    names: tuple[str, ...]
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """The devices waited for."""
        return "wait for " + ", ".join(self.names)

    def touches(self) -> frozenset[str]:
        """Nothing."""
        return frozenset()

    def effect(self) -> tuple[Fact, ...]:
        """Devices of that name. A plan takes a device that is not there yet for a blank one."""
        return tuple(DeviceFact(name, Device(name, ASSUMED_SIZE, assumed=True)) for name in self.names)


class Keep(NamedTuple):
    """Leave something as it is, and say why. It changes nothing; it is shown to people who read a plan."""

    what: str
    because: str
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """What is kept, and why."""
        return f"keep {self.what}: {self.because}"

    def touches(self) -> frozenset[str]:
        """Nothing."""
        return frozenset()

    def effect(self) -> tuple[Fact, ...]:
        """Nothing."""
        return ()


class RunProgram(NamedTuple):
    """Start a program and wait for it.

    The stage says what it touches (`on`) and which `facts` hold afterwards. `likely` facts hold with most releases of
    the program: plans count on them, but they are not verified. `accepts` are the exit statuses that mean success. No
    argument may be a secret: pass it as a `KeyFile` or by `stdin`.
    """

    title: str
    argv: tuple[Argument, ...]
    on: frozenset[str]
    facts: tuple[Fact, ...] = ()
    config_path: Path = ()
    destroys: str = ""
    stdin: Bytes | PathList | None = None
    accepts: tuple[int, ...] = (0,)
    likely: tuple[Fact, ...] = ()

    def touches(self) -> frozenset[str]:
        """What the stage gave as `on`."""
        return self.on

    def effect(self) -> tuple[Fact, ...]:
        """The certain and the likely facts that the stage gave."""
        return (*self.facts, *self.likely)


class WritePartitionTable(NamedTuple):
    """Write a whole GPT at once, and make the kernel read it.

    `table` is complete: partitions that stay are in it unchanged. `facts` are about the devices of partitions that
    appear, change or disappear (None), and their other names. `erase` removes what was there first (wipeTable). `clear`
    has the numbers of partitions that begin where members of old arrays are: these members are erased before the kernel
    sees them, because udev would assemble the array.
    """

    device: str
    table: PartitionTable
    facts: tuple[Fact, ...] = ()
    erase: bool = False
    title: str = "write partition table"
    config_path: Path = ()
    destroys: str = ""
    clear: tuple[int, ...] = ()

    def touches(self) -> frozenset[str]:
        """The disk and every partition that changes."""
        changed = {fact.name for fact in self.facts if isinstance(fact, DeviceFact)}
        return frozenset({self.device, *changed})

    def effect(self) -> tuple[Fact, ...]:
        """The table, and the devices that come and go."""
        return (TableFact(self.device, self.table), *self.facts)


class Mount(NamedTuple):
    """Mount a file system at a directory of the target root."""

    path: str
    device: str
    format: str
    options: tuple[str, ...] = ()
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """Device and mount point."""
        return f"mount {self.device} at {self.path}"

    def touches(self) -> frozenset[str]:
        """The mount point."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """The mount, with its mount point."""
        mounted = MountedFilesystem(self.path, self.device, self.format)
        return (MountFact(self.path, mounted), FileFact(self.path, FileStatus(FileType.DIRECTORY)))


class Unmount(NamedTuple):
    """Unmount a file system of the target root."""

    path: str
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """The mount point."""
        return f"unmount {self.path}"

    def touches(self) -> frozenset[str]:
        """The mount point."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing is mounted there."""
        return (MountFact(self.path, None),)


class FetchBlob(NamedTuple):
    """Fetch the bytes of a resource into the blob store, and verify them.

    `destination` is the path that they will be written to: the blob is stored on its file system. Without a
    destination the blob is kept in memory, for later stages too, until a `ForgetBlob`.
    """

    resource: Resource
    blob: Blob
    destination: str
    title: str
    config_path: Path = ()
    destroys: str = ""

    def touches(self) -> frozenset[str]:
        """Its place in the blob store."""
        return frozenset({f"blob:{self.blob.name}"})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing that a plan reads."""
        return ()


class StoreBlob(NamedTuple):
    """Keep bytes that the plan already has in memory, for later stages too, until a `ForgetBlob`."""

    content: Content
    blob: Blob
    title: str
    config_path: Path = ()
    destroys: str = ""

    def touches(self) -> frozenset[str]:
        """Its place in the blob store."""
        return frozenset({f"blob:{self.blob.name}"})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing that a plan reads."""
        return ()


class ForgetBlob(NamedTuple):
    """Erase bytes that were kept in memory for later stages."""

    blob: Blob
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """The name of the bytes."""
        return f"forget {self.blob.name}"

    def touches(self) -> frozenset[str]:
        """Its place in the blob store."""
        return frozenset({f"blob:{self.blob.name}"})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing that a plan reads."""
        return ()


class SetPassword(NamedTuple):
    """Set only the hash in field 2 of `shadow` (`gshadow` for a group). It is never an argument of a program."""

    name: str
    hash: Secret
    database: str = "shadow"
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """Whose password is set, or that there is none: no password matches the hash `*` (shadow(5))."""
        if self.hash.reveal() == "*":
            return f"give {self.name} no password"
        return f"set the password hash of {'group ' if self.database == 'gshadow' else ''}{self.name}"

    def touches(self) -> frozenset[str]:
        """The database."""
        return frozenset({f"/etc/{self.database}"})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing that a plan reads."""
        return ()


class UpdateBootState(NamedTuple):
    """Replace the state that later stages of this boot get. It may hold a secret, so it is never shown."""

    state: BootState
    title: str
    config_path: Path = ()
    destroys: str = ""

    def touches(self) -> frozenset[str]:
        """The state."""
        return frozenset({"boot-state"})

    def effect(self) -> tuple[Fact, ...]:
        """The new state."""
        return (BootStateFact(self.state),)

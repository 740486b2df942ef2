"""The primitives: small frozen values that say what to do. Stages yield them, `system` carries them out.

Every action names what it `touches` (actions of one wave touch disjoint things and run side by side) and has an
`effect`: the facts that hold once it is done. The effects make the forecast on which later actions are planned, and
after the action they are compared with what the machine says: that is how the engine verifies its work.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from provision.config.format import Resource
from provision.config.model import Secret
from provision.config.problems import Path
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


class Blob(NamedTuple):
    """Bytes that an earlier `FetchBlob` brought: a name in the blob store."""

    name: str


class Content(NamedTuple):
    """Bytes that the plan already has."""

    data: bytes

    def __repr__(self) -> str:
        return f"Content({len(self.data)} bytes)"


Bytes = Blob | Content


class TargetPath(NamedTuple):
    """A path of the target root as an argument of a program; the system puts the root before it."""

    path: str


class DeviceName(NamedTuple):
    """A device as an argument of a program; the system puts the kernel's node in its place."""

    name: str


class KeyFile(NamedTuple):
    """Bytes as an argument of a program: the system hands over the name of a file (0600, in memory) that holds them."""

    bytes: Bytes


class PathList(NamedTuple):
    """Paths of the target root as the input of a program: each with the root before it and a NUL behind it."""

    paths: tuple[str, ...]


Argument = str | TargetPath | DeviceName | KeyFile


class Action(Protocol):
    """What every primitive offers."""

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
        """What it destroys, or empty."""
        ...

    def touches(self) -> frozenset[str]:
        """The devices, paths and accounts that it changes."""
        ...

    def effect(self) -> tuple[Fact, ...]:
        """The facts that hold once it is done."""
        ...


Wave = tuple[Action, ...]


class WaitForDevices(NamedTuple):
    """Wait until devices are there. Changes nothing, so that preflight carries it out for real."""

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
        """A plan takes a device that is not there for a blank one."""
        return tuple(DeviceFact(name, Device(name, ASSUMED_SIZE, assumed=True)) for name in self.names)


class Keep(NamedTuple):
    """Leave something as it is, and say why. Does nothing: it is there for people who read a plan."""

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
    """Start a program and wait for it; the stage says what it touches and what holds afterwards.

    `likely` facts hold with most releases of the program: plans count on them, and nobody verifies them.
    `accepts` are the exit statuses that are good. No argument may be a secret: pass it as a `KeyFile` or by `stdin`.
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
        """What the stage said."""
        return self.on

    def effect(self) -> tuple[Fact, ...]:
        """What the stage said."""
        return (*self.facts, *self.likely)


class WritePartitionTable(NamedTuple):
    """Write a whole GPT in one go, and let the kernel follow.

    `table` is complete: kept partitions are in it as they are. `facts` are about the devices of the partitions that
    come, move or go (None) and their further names. `erase` drops what was there first (wipeTable). In the partitions
    of the numbers in `clear` members of old arrays are erased before anybody can see them, and assemble the array.
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
        """Which bytes."""
        return f"forget {self.blob.name}"

    def touches(self) -> frozenset[str]:
        """Its place in the blob store."""
        return frozenset({f"blob:{self.blob.name}"})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing that a plan reads."""
        return ()


class WriteFile(NamedTuple):
    """Put a file in place: whole, with its owner and mode, or not at all.

    Its bytes are `parts` one after the other, behind what is there already if `keep`; a file that is kept and gets none
    only changes its owner and mode, and stays the same file under all its names. Directories missing on the way
    (`parents`, outermost first) are made 0755 root:root. Ids are numbers; in a forecast an account that does not exist
    yet has None. An `exclusive` file takes the place of nothing: what has appeared since the plan was made stays.
    """

    path: str
    parts: tuple[Bytes, ...]
    mode: int = 0o644
    uid: int | None = 0
    gid: int | None = 0
    keep: bool = False
    parents: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    config_path: Path = ()
    destroys: str = ""
    exclusive: bool = False

    @property
    def title(self) -> str:
        """Path and mode."""
        verb = "write" if not self.keep else "append to" if self.parts else "change owner or mode of"
        return f"{verb} {self.path} ({self.mode:04o})"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """A file, the directories above it, and what its contents bring about (`facts`)."""
        node = FileStatus(FileType.FILE, self.mode, self.uid, self.gid)
        return (*_made(self.parents), FileFact(self.path, node), *self.facts)


class MakeDirectory(NamedTuple):
    """Make a directory, or give one its owner and mode."""

    path: str
    mode: int = 0o755
    uid: int | None = 0
    gid: int | None = 0
    parents: tuple[str, ...] = ()
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """Path and mode."""
        return f"make directory {self.path} ({self.mode:04o})"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """A directory, and those above it."""
        return (
            *_made(self.parents),
            FileFact(self.path, FileStatus(FileType.DIRECTORY, self.mode, self.uid, self.gid)),
        )


class MakeSymlink(NamedTuple):
    """Make a symbolic link; its target is taken literally. An `exclusive` one takes the place of nothing."""

    path: str
    target: str
    uid: int | None = 0
    gid: int | None = 0
    parents: tuple[str, ...] = ()
    config_path: Path = ()
    destroys: str = ""
    exclusive: bool = False

    @property
    def title(self) -> str:
        """Path and target."""
        return f"link {self.path} -> {self.target}"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """A link, and the directories above it."""
        node = FileStatus(FileType.LINK, 0o777, self.uid, self.gid, target=self.target)
        return (*_made(self.parents), FileFact(self.path, node))


class MakeHardLink(NamedTuple):
    """Make a further name for an existing node; `target` is a path of the target root, `node` what is there.

    An `exclusive` one takes the place of nothing.
    """

    path: str
    target: str
    node: FileStatus = FileStatus(FileType.FILE)
    parents: tuple[str, ...] = ()
    config_path: Path = ()
    destroys: str = ""
    exclusive: bool = False

    @property
    def title(self) -> str:
        """Path and target."""
        return f"hard-link {self.path} to {self.target}"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """The same node, and the directories above it."""
        return (*_made(self.parents), FileFact(self.path, self.node))


class RemovePath(NamedTuple):
    """Remove whatever is at a path, with all below it. Never follows a link, never crosses into another mount."""

    path: str
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """The path."""
        return f"remove {self.path}"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing is there."""
        return (FileFact(self.path, None),)


NodeAction = WriteFile | MakeDirectory | MakeSymlink | MakeHardLink | RemovePath
NODE_ACTIONS = (WriteFile, MakeDirectory, MakeSymlink, MakeHardLink, RemovePath)
"""Actions on the tree: many of them can share the waiting for the disk."""


class SetPassword(NamedTuple):
    """Set the hash in field 2 of `shadow` (`gshadow` for a group) and nothing else; it never stands in an argv."""

    name: str
    hash: Secret
    database: str = "shadow"
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """Whose password."""
        return f"set the password hash of {'group ' if self.database == 'gshadow' else ''}{self.name}"

    def touches(self) -> frozenset[str]:
        """The database."""
        return frozenset({f"/etc/{self.database}"})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing that a plan reads."""
        return ()


class UpdateBootState(NamedTuple):
    """Tell later stages something. The state may hold a secret, so it is never shown."""

    state: BootState
    title: str
    config_path: Path = ()
    destroys: str = ""

    def touches(self) -> frozenset[str]:
        """The state."""
        return frozenset({"boot-state"})

    def effect(self) -> tuple[Fact, ...]:
        """Later stages see it."""
        return (BootStateFact(self.state),)


def _made(parents: tuple[str, ...]) -> tuple[Fact, ...]:
    return tuple(FileFact(path, FileStatus(FileType.DIRECTORY, 0o755, 0)) for path in parents)

"""A machine for tests: a `MachineView` whose answers are plain values, and functions that run plans on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from provision.config.format import Config
from provision.failures import PlanRefused
from provision.planning.actions import Action, Keep, WaitForDevices, Wave
from provision.planning.boot_state import BootState
from provision.planning.device_names import of_partition, partition_name
from provision.planning.forecast import Forecast
from provision.planning.machine_view import (
    Account,
    Device,
    FileStatus,
    FileType,
    FreeSpace,
    LuksHeader,
    MachineView,
    MountedFilesystem,
    OwnedHome,
    PartitionEntry,
    PartitionTable,
    Signature,
)
from provision.planning.stage import Plan
from provision.stages.disks.mkfs_options import TRIED_BELOW

LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
MIB = 1 << 20
STATE = BootState(seed="test")


class World:
    """A machine on which nothing exists except what a test puts there. It has every tool except those of `lacking`."""

    def __init__(self, *, lacking: Iterable[str] = (), state: BootState = STATE) -> None:
        self.devices: dict[str, Device] = {}
        self.links: dict[str, str] = {}
        self.tables: dict[str, PartitionTable] = {}
        self.signatures: dict[str, Signature] = {}
        self.volumes: dict[str, LuksHeader] = {}
        self.nodes: dict[str, FileStatus] = {"/": FileStatus(FileType.DIRECTORY, 0o755, 0, 0)}
        self.contents: dict[str, bytes] = {}
        self.own_files: dict[str, bytes] = {}
        self.users: dict[str, Account] = {}
        self.groups: dict[str, Account] = {}
        self.mounts: dict[str, MountedFilesystem] = {}
        self.spaces: dict[str, FreeSpace] = {}
        self.units: set[str] = set()
        self.lacking = frozenset(lacking)
        self.state = state
        self.lenient: set[str] = set()
        self.mkfs_refusals: dict[str, str] = {}
        self.refuses_all_sizes = False
        self.tried: list[tuple[tuple[str, ...], int]] = []
        self.account_trials: list[tuple[tuple[str, ...], dict[str, bytes]]] = []

    def device(self, name: str) -> Device | None:
        return self.devices.get(self.links.get(name, name))

    def table(self, name: str) -> PartitionTable:
        return self.tables.get(name, PartitionTable(""))

    def signature(self, name: str) -> Signature:
        return self.signatures.get(name, Signature())

    def luks_header(self, name: str) -> LuksHeader | None:
        return self.volumes.get(name)

    def file_status(self, path: str) -> FileStatus | None:
        return self.nodes.get(path)

    def children(self, path: str) -> Sequence[str]:
        prefix = path.rstrip("/") + "/"
        below = (one[len(prefix) :] for one in self.nodes if one.startswith(prefix) and one != prefix)
        return sorted(name for name in below if "/" not in name)

    def content(self, path: str) -> bytes | None:
        return self.contents.get(path)

    def host_file(self, path: str) -> bytes | None:
        return self.own_files.get(path)

    def host_children(self, path: str) -> Sequence[str]:
        prefix = path.rstrip("/") + "/"
        return sorted({one[len(prefix) :].split("/")[0] for one in self.own_files if one.startswith(prefix)})

    def user(self, name: str) -> Account | None:
        return self.users.get(name)

    def group(self, name: str) -> Account | None:
        return self.groups.get(name)

    def mount(self, path: str) -> MountedFilesystem | None:
        return self.mounts.get(path)

    def mounts_below(self, path: str) -> Sequence[str]:
        return sorted(point for point in self.mounts if point.startswith(path.rstrip("/") + "/"))

    def free_space(self, path: str) -> FreeSpace | None:
        points = [point for point in self.spaces if (path + "/").startswith(point.rstrip("/") + "/")]
        return self.spaces[max(points, key=len)] if points else None

    def enabled(self, unit: str) -> bool:
        return unit in self.units

    def tool(self, name: str) -> str | None:
        return None if name in self.lacking else f"/usr/bin/{name}"

    def mkfs_refusal(self, argv: Sequence[str], size: int) -> str:
        self.tried.append((tuple(argv), size))
        return self.mkfs_refusals.get(argv[0], "") if size < TRIED_BELOW or self.refuses_all_sizes else ""

    def account_refusal(self, argv: Sequence[str], files: Mapping[str, bytes], home: OwnedHome | None = None) -> bool:
        del home
        self.account_trials.append((tuple(argv), dict(files)))
        return argv[0] not in self.lenient

    def boot_state(self) -> BootState:
        return self.state

    def with_device(
        self, name: str, size: int = 64 * MIB, *names: str, signature: Signature | None = None, in_use: str = ""
    ) -> Self:
        """Put a device there, under further names too."""
        self.devices[name] = Device(name, size, in_use=in_use)
        self.links.update(dict.fromkeys(names, name))
        if signature is not None:
            self.signatures[name] = signature
        return self

    def with_disk(
        self,
        name: str = "/dev/vda",
        *partitions: PartitionEntry,
        size: int = 64 * MIB,
        sector: int = 512,
        signatures: Mapping[int, Signature] | None = None,
        in_use: Iterable[int] = (),
        mapper: str = "",
        read_only: bool = False,
    ) -> Self:
        """Put a disk there with a GPT (none without partitions), its partitions' devices and their udev links."""
        disk = Device(name, size, sector, mapper=mapper, read_only=read_only)
        self.devices[name] = disk
        if not partitions:
            return self
        reserved = 2 + 128 * 128 // sector
        self.tables[name] = PartitionTable("gpt", guid(99), sector, reserved, size // sector - reserved, partitions)
        for partition in partitions:
            node = partition_name(disk, partition.number)
            used = "mounted" if partition.number in in_use else ""
            self.devices[node] = Device(node, partition.size * sector, sector, used, read_only=read_only)
            self.links.update(dict.fromkeys(of_partition(partition), node))
            if signatures and partition.number in signatures:
                self.signatures[node] = signatures[partition.number]
        return self

    def with_directory(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Self:
        """Put a directory into the target root, and what is missing above it."""
        parts = path.strip("/").split("/")
        for count in range(1, len(parts)):
            self.nodes.setdefault("/" + "/".join(parts[:count]), FileStatus(FileType.DIRECTORY, 0o755, 0, 0))
        self.nodes[path] = FileStatus(FileType.DIRECTORY, mode, uid, gid)
        return self

    def with_file(self, path: str, data: bytes = b"", mode: int = 0o644, uid: int = 0, gid: int = 0) -> Self:
        """Put a regular file into the target root, and what is missing above it."""
        self._with_parents(path)
        self.nodes[path] = FileStatus(FileType.FILE, mode, uid, gid, size=len(data))
        self.contents[path] = data
        return self

    def with_link(self, path: str, target: str) -> Self:
        """Put a symbolic link into the target root, and what is missing above it."""
        self._with_parents(path)
        self.nodes[path] = FileStatus(FileType.LINK, 0o777, 0, 0, target=target)
        return self

    def with_user(self, name: str, number: int, home: str = "", gid: int | None = None) -> Self:
        """Put an account there."""
        self.users[name] = Account(name, number, number if gid is None else gid, home or f"/home/{name}", "/bin/sh")
        return self

    def with_group(self, name: str, number: int) -> Self:
        """Put a group there."""
        self.groups[name] = Account(name, number)
        return self

    def _with_parents(self, path: str) -> None:
        parent = path.rsplit("/", 1)[0]
        if parent and parent not in self.nodes:
            self.with_directory(parent)


def guid(number: int) -> str:
    """The GUID for a number; different numbers give different GUIDs."""
    return f"00000000-0000-5000-8000-{number:012X}"


def partition(number: int, start: int, size: int, label: str = "", kind: str = LINUX_DATA) -> PartitionEntry:
    """An entry of a table; start and size are in sectors, and its GUID is that of its number."""
    return PartitionEntry(number, start, size, kind, guid(number), label)


def run(plan: Plan, config: Config, world: MachineView) -> tuple[list[Wave], Forecast]:
    """Run a plan to its end on a forecast; every wave must touch disjoint things."""
    forecast = world if isinstance(world, Forecast) else Forecast(world)
    waves = []
    for wave in plan(config, forecast):
        assert_disjoint(wave)
        waves.append(wave)
        for action in wave:
            forecast.apply(action.effect())
    return waves, forecast


def actions(waves: Iterable[Wave]) -> list[Action]:
    """All actions in order, of all waves."""
    return [action for wave in waves for action in wave]


def changes(waves: Iterable[Wave]) -> list[Action]:
    """The actions that change something."""
    return [action for action in actions(waves) if not isinstance(action, Keep | WaitForDevices)]


def assert_disjoint(wave: Wave) -> None:
    """Actions that run side by side must not touch the same thing."""
    touched: set[str] = set()
    for action in wave:
        assert not touched & action.touches(), f"{action.title} touches what another action of its wave does"
        touched |= action.touches()


def told(refused: PlanRefused) -> list[str]:
    """Every reason in one line, with its hint at the end."""
    hints = [f"; {one.hint}" if one.hint else "" for one in refused.problems]
    return [reason + hint for reason, hint in zip(refused.reasons, hints, strict=True)]

"""What the parts of the disks stage share: waiting for devices, and the names of devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping

from provision.config.format import WITHOUT_DEVICE, Config, Filesystem
from provision.config.problems import Path, Problem
from provision.planning.actions import Action, RunProgram, WaitForDevices, Wave, WritePartitionTable
from provision.planning.device_names import SHARED
from provision.planning.facts import DeviceFact
from provision.planning.machine_view import Device, MachineView

RAID_MEMBER = "linux_raid_member"
"""What blkid calls the signature of a device that belongs to an array of md."""

DevicesByName = dict[str, Device]
"""Name in the config -> device."""


def formatted(config: Config) -> list[tuple[Path, Filesystem]]:
    """The file systems of the config that have to be on a block device, each with its place."""
    return [
        (("storage", "filesystems", index), entry)
        for index, entry in enumerate(config.storage.filesystems)
        if entry.format is not None and entry.format not in WITHOUT_DEVICE
    ]


def wait_for(names: Iterable[str], view: MachineView, config_path: Path) -> Generator[Wave, None, DevicesByName]:
    """Wait for devices that are not there yet, then look again. Returns the devices that are there."""
    names = tuple(dict.fromkeys(names))
    missing = tuple(name for name in names if view.device(name) is None)
    if missing:
        yield (WaitForDevices(missing, config_path),)
    found = {name: view.device(name) for name in names}
    return {name: device for name, device in found.items() if device is not None}


def missing_device(config_path: Path, name: str) -> Problem:
    """The reason to refuse a device that did not appear."""
    return Problem(config_path, f"there is no device {name}", rule="missing-device")


def unwritable(config_path: Path, device: Device, name: str) -> Iterator[Problem]:
    """Reasons not to write to a device that the config calls `name`."""
    if device.in_use:
        yield Problem(config_path, f"refusing to write to active device {name} ({device.in_use})", rule="device-in-use")
    if device.read_only:
        yield Problem(config_path, f"{name} is read-only", rule="read-only-device")


_PACKAGES: Mapping[str, str] = {
    "clevis": "clevis-luks",
    "cryptsetup": "cryptsetup-bin",
    "mdadm": "mdadm",
    "mkfs.btrfs": "btrfs-progs",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.fat": "dosfstools",
    "mkfs.xfs": "xfsprogs",
    "mkswap": "util-linux",
    "wipefs": "util-linux",
}
"""Program -> the package of Debian that has it."""


def missing_tools(tools: Iterable[str], view: MachineView, config_path: Path) -> list[Problem]:
    """Reasons for programs that a step needs and that are not on PATH."""
    missing = (tool for tool in tools if view.tool(tool) is None)
    return [
        Problem(config_path, f"{tool} is needed and not on PATH", hint=_where(tool), rule="missing-tool")
        for tool in missing
    ]


def _where(tool: str) -> str:
    """Where a program comes from; empty if it is not in the table."""
    package = _PACKAGES.get(tool)
    return f"it is in the package {package} of Debian" if package else ""


def with_certain_facts(wave: Wave, config: Config) -> Wave:
    """The wave without facts about udev's links for labels and UUIDs that are not certain, or not needed.

    A link is not certain if two actions make it, or another disk may have the same label. Only links that the config
    names are needed.
    """
    named = frozenset(name for _, name in _named(config))
    claims = Counter(name for action in wave for name in {fact.name for fact in action.effect()})
    return tuple(
        action._replace(facts=tuple(fact for fact in action.facts if _is_sure(fact.name, claims, named)))
        if isinstance(action, RunProgram | WritePartitionTable)
        else action
        for action in wave
    )


def ambiguous_names(actions: Iterable[Action], config: Config, view: MachineView) -> Iterator[Problem]:
    """Names of the config that would lead to several devices: udev would choose one of them."""
    facts = [fact for action in actions for fact in action.effect() if isinstance(fact, DeviceFact)]
    changed = {fact.name for fact in facts}
    named = {name: path for path, name in reversed(list(_named(config))) if name.startswith(SHARED)}
    for name, path in sorted(named.items()):
        leads_to = {fact.value.name for fact in facts if fact.name == name and isinstance(fact.value, Device)}
        there = view.device(name) if leads_to else None
        leads_to |= {there.name} if there is not None and there.name not in changed else set()
        if len(leads_to) > 1:
            found = " and ".join(sorted(leads_to))
            yield Problem(
                path,
                f"{name} would lead to {found}",
                hint="let only one of them have that label",
                rule="ambiguous-label",
            )


def _is_sure(name: str, claims: Mapping[str, int], named: frozenset[str]) -> bool:
    return not name.startswith(SHARED) or (name in named and claims[name] == 1)


def _named(config: Config) -> Iterator[tuple[Path, str]]:
    """The devices that the config names, each with its place."""
    storage = config.storage
    for index, disk in enumerate(storage.disks):
        yield ("storage", "disks", index), disk.device
    for index, array in enumerate(storage.raid):
        yield from ((("storage", "raid", index, "devices", member), name) for member, name in enumerate(array.devices))
    for index, volume in enumerate(storage.luks):
        yield ("storage", "luks", index), volume.device or ""
    for index, filesystem in enumerate(storage.filesystems):
        yield ("storage", "filesystems", index), filesystem.device

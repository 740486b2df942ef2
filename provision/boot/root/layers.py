"""The arrays and encrypted volumes under the root file system of a config, and the kernel arguments that start them.

An initramfs starts only arrays and volumes that the kernel command line or its own files name: `rd.md.uuid=`
(dracut.cmdline(7)), `rd.luks.name=` and `rd.luks.options=` (systemd-cryptsetup-generator(8)).
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.clevis import has_clevis, unlocking_needs_network
from provision.config.format import Config, Filesystem, Luks, Raid
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.kernel_command_line import last_value
from provision.planning.device_names import link
from provision.planning.machine_view import MachineView
from provision.stages.kargs import HELPER

FORMATS = frozenset({"btrfs", "ext4", "xfs"})
"""File systems that a root can be on."""


def root_entries(config: Config, name: str) -> list[tuple[int, Filesystem]]:
    """The file systems of the config that the device `name`, which `root=` names, would lead to, with their index."""
    return [
        (index, entry)
        for index, entry in enumerate(config.storage.filesystems)
        if entry.format in FORMATS and name in _names(entry)
    ]


def _names(entry: Filesystem) -> Iterator[str]:
    yield entry.device
    if entry.label:
        yield link("by-label", entry.label)
    if entry.uuid:
        yield link("by-uuid", entry.uuid.lower())


def layers(config: Config, device: str) -> list[tuple[Path, Raid | Luks]]:
    """The arrays and volumes that a device of the config is on, each with its place; the top one first."""
    found: list[tuple[Path, Raid | Luks]] = []
    waiting = [device]
    while waiting:
        one = waiting.pop()
        for index, array in enumerate(config.storage.raid):
            if one in {f"/dev/md/{array.name}", array.name} and array not in [entry for _, entry in found]:
                found.append((("storage", "raid", index), array))
                waiting += array.devices
        for index, volume in enumerate(config.storage.luks):
            if one in {f"/dev/mapper/{volume.name}", f"/dev/disk/by-id/dm-name-{volume.name}"}:
                found.append((("storage", "luks", index), volume))
                waiting.append(volume.device or "")
    return found


def check_layers(config: Config, device: str, view: MachineView, command_line: str) -> None:
    """Raise PlanRefused, before the first change, if a later boot could not start what the root file system is on."""
    under = layers(config, device)
    problems = [
        Problem(
            path,
            "nobody could open the root file system: its key would be in it",
            hint="bind the volume to a TPM or to Tang servers (clevis)",
            rule="root-volume-key",
        )
        for path, entry in under
        if isinstance(entry, Luks) and not has_clevis(entry)
    ]
    if under and view.tool(HELPER) is None and not _starts_all(command_line, [entry for _, entry in under]):
        message = f"the root file system needs kernel arguments to start it, and {HELPER} is not on PATH"
        hint = "write /etc/provision-kargs.conf and build the initramfs again"
        problems.append(Problem(under[0][0], message, hint=hint, rule="missing-tool"))
    if problems:
        raise PlanRefused(problems)


def _starts_all(command_line: str, entries: list[Raid | Luks]) -> bool:
    """Whether the initramfs starts every array by itself (`rd.auto`, dracut.cmdline(7))."""
    return last_value(command_line, "rd.auto", bare="1") == "1" and all(isinstance(one, Raid) for one in entries)


def kernel_arguments(config: Config, device: str, view: MachineView, command_line: str) -> list[str]:
    """The kernel arguments that start what the root file system on this device is on, the lowest layer first."""
    under = [entry for _, entry in layers(config, device)]
    if _starts_all(command_line, under):
        return []
    return [argument for entry in reversed(under) for argument in _arguments(entry, view)]


def root_flags(entry: Filesystem, view: MachineView) -> list[str]:
    """The kernel argument with the mount options of a root file system that the config makes (`rootflags=`).

    None if there is no helper for kernel arguments: in Ignition these options are for provisioning only.
    """
    if not entry.mount_options or not entry.wipe_filesystem or view.tool(HELPER) is None:
        return []
    return [f"rootflags={','.join(entry.mount_options)}"]


def _arguments(entry: Raid | Luks, view: MachineView) -> Iterator[str]:
    member = view.device(entry.devices[0] if isinstance(entry, Raid) else entry.device or "")
    uuid = (view.signature(member.name).uuid or "") if member is not None else ""
    if isinstance(entry, Raid):
        digits = uuid.replace("-", "")
        yield "rd.md.uuid=" + ":".join(digits[at : at + 8] for at in range(0, len(digits), 8))
        return
    yield f"rd.luks.name={uuid}={entry.name}"
    if unlocking_needs_network(entry):
        yield "rd.neednet=1"
        yield f"rd.luks.options={uuid}=_netdev"

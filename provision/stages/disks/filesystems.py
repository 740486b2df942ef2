"""File systems: which ones stay, which ones are made, and which ones are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.config.format import Config, Filesystem
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.actions import Action, Keep, RunProgram, Wave
from provision.planning.arguments import Argument, DeviceName
from provision.planning.descriptions import signature_text, size_text
from provision.planning.device_names import of_signature
from provision.planning.facts import DeviceFact, Fact, SignatureFact
from provision.planning.machine_view import Device, MachineView, Signature
from provision.planning.uuids import chosen_uuid
from provision.stages.disks import mkfs_options, required_size
from provision.stages.disks.device_conflicts import conflicts
from provision.stages.disks.devices import (
    formatted,
    missing_device,
    missing_tools,
    unwritable,
    wait_for,
    with_certain_facts,
)
from provision.stages.disks.wipe_action import holds_something, wipe

REMEDY = "wipeFilesystem would replace what is there"

HEXADECIMAL = frozenset("0123456789abcdef")


class Maker(NamedTuple):
    """How a format is made: the program, options that keep it from asking, and its options for a UUID and a label.

    `dry_run` are options that keep it from writing, if it has any.
    """

    program: str
    force: tuple[str, ...]
    uuid: Callable[[str], tuple[str, str]]
    label: str
    dry_run: tuple[str, ...] = ()


def _flag(name: str) -> Callable[[str], tuple[str, str]]:
    return lambda uuid: (name, uuid)


MAKERS = {
    "btrfs": Maker("mkfs.btrfs", ("--force",), _flag("-U"), "-L"),
    "ext4": Maker("mkfs.ext4", ("-F",), _flag("-U"), "-L", ("-n",)),
    "xfs": Maker("mkfs.xfs", ("-f",), lambda uuid: ("-m", f"uuid={uuid}"), "-L", ("-N",)),
    "swap": Maker("mkswap", ("-f",), _flag("-U"), "-L"),
    "vfat": Maker("mkfs.fat", (), _flag("-i"), "-n"),
}
"""Options come first, then these arguments, then the device."""


class DesiredFilesystem(NamedTuple):
    """A file system of the config and the device that it belongs on."""

    config_path: Path
    entry: Filesystem
    device: Device
    found: Signature


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """Wipe what may be wiped, then make all file systems side by side. Raises PlanRefused with every reason."""
    entries = formatted(config)
    devices = yield from wait_for((entry.device for _, entry in entries), view, ("storage", "filesystems"))
    problems = [
        missing_device(config_path, entry.device) for config_path, entry in entries if entry.device not in devices
    ]
    desired_entries = [
        DesiredFilesystem(config_path, entry, devices[entry.device], view.signature(devices[entry.device].name))
        for config_path, entry in entries
        if entry.device in devices
    ]
    problems += conflicts(config, view) if entries else ()
    kept = [desired for desired in desired_entries if _is_good(desired)]
    made = [desired for desired in desired_entries if not _is_good(desired)]
    problems += [problem for desired in made for problem in _refusals(desired, view)]
    plain = {one.entry.path: one for one in desired_entries if _is_plain(one) and one.entry.path}
    sizes = {path: one.device.size for path, one in plain.items()}
    problems += [
        Problem(plain[path].config_path, why, rule="filesystem-space")
        for path, why in required_size.too_small(config, sizes)
    ]
    if problems:
        raise PlanRefused(problems)
    yield from (with_certain_facts(wave, config) for wave in _waves(kept, made, view))


def _is_plain(desired: DesiredFilesystem) -> bool:
    """Whether its size is known and a file needs at least its own size: btrfs may compress files."""
    return not desired.device.assumed and desired.entry.format != "btrfs"


def canonical_uuid(format: str, uuid: str) -> str:  # noqa: A002 - the config's word
    """The form of a UUID that can be compared: lower-case, and the 32 bits of vfat without the dash."""
    uuid = uuid.lower()
    return uuid[:4] + uuid[5:] if format == "vfat" and uuid[4:5] == "-" else uuid


def _is_good(desired: DesiredFilesystem) -> bool:
    """Whether the file system that is there is the one that the config asks for, and may stay."""
    entry, found = desired.entry, desired.found
    wanted = "" if entry.format == "none" else entry.format or ""
    return (
        not entry.wipe_filesystem
        and not found.unfinished
        and found.type == wanted
        and _has_label(desired)
        and (
            entry.uuid is None
            or found.uuid is None
            or canonical_uuid(found.type, found.uuid) == canonical_uuid(wanted, entry.uuid)
        )
    )


def _refusals(desired: DesiredFilesystem, view: MachineView) -> Iterator[Problem]:
    entry, found = desired.entry, desired.found
    if found.type and not entry.wipe_filesystem and not _is_half_made(desired, view):
        unfinished = "; interrupted while it was made" if found.unfinished else ""
        yield Problem(
            desired.config_path,
            f'filesystem at "{entry.device}" is not of the correct type, label, or UUID (found {found.type}, '
            f'"{found.label or ""}", {found.uuid or ""}{unfinished}) and a filesystem wipe was not requested',
            hint=REMEDY,
            rule="existing-filesystem",
        )
        return
    yield from unwritable(desired.config_path, desired.device, entry.device)
    maker = MAKERS.get(entry.format or "")
    if maker is None and entry.format != "none":
        yield Problem(desired.config_path, f'unsupported filesystem format: "{entry.format}"', rule="filesystem-format")
    programs = (["wipefs"] if holds_something(desired.device, view) else []) + ([maker.program] if maker else [])
    missing = missing_tools(programs, view, desired.config_path)
    yield from missing
    if maker is not None and not missing:
        yield from _wrong_size(desired, maker, view)


def _wrong_size(desired: DesiredFilesystem, maker: Maker, view: MachineView) -> Iterator[Problem]:
    """The problem of a device that is too small or too large, with the message of the program.

    The UUID is left out of the trial: the device may have it already.
    """
    entry, device = desired.entry, desired.device
    if device.assumed:
        return
    fixed = (*maker.dry_run, *maker.force, *_label(entry, maker))
    trial = mkfs_options.Trial(maker.program, entry.options, fixed, writes=not maker.dry_run)
    why = mkfs_options.refusal(trial, device.size, view)
    if why:
        message = f"{maker.program} refuses {entry.device} ({size_text(device.size)}): {why}"
        yield Problem(desired.config_path, message, rule="mkfs-refusal")


def _label(entry: Filesystem, maker: Maker) -> tuple[str, ...]:
    return (maker.label, entry.label) if entry.label is not None else ()


def _is_half_made(desired: DesiredFilesystem, view: MachineView) -> bool:
    """Whether an interrupted run of this provisioning was making the file system.

    Such a file system has the UUID that this run would give it, and is unfinished or has no label yet (mkfs.fat writes
    the label last).
    """
    entry, found, given = desired.entry, desired.found, _uuid(desired, view)
    if given is None or found.type != entry.format:
        return False
    if canonical_uuid(found.type, found.uuid or "") != canonical_uuid(found.type, given):
        return False
    return found.unfinished or (entry.uuid is None and not _has_label(desired))


def _has_label(desired: DesiredFilesystem) -> bool:
    return desired.entry.label is None or desired.found.label in {desired.entry.label, None}


def _waves(kept: list[DesiredFilesystem], made: list[DesiredFilesystem], view: MachineView) -> Iterator[Wave]:
    notes: Wave = tuple(_keep(desired) for desired in kept)
    wipes: Wave = tuple(
        wipe(desired.device, desired.entry.device, desired.config_path, view, half_made=_is_half_made(desired, view))
        for desired in made
        if holds_something(desired.device, view)
    )
    makes: Wave = tuple(_make(desired, view) for desired in made if desired.entry.format in MAKERS)
    yield from (wave for wave in (notes + wipes, makes) if wave)


def _keep(desired: DesiredFilesystem) -> Action:
    what = signature_text(desired.found, desired.device.size) or "nothing"
    more = "; more signatures are there" if desired.found.ambivalent else ""
    return Keep(f"{what} on {desired.entry.device}", f"it already matches the config{more}", desired.config_path)


def _make(desired: DesiredFilesystem, view: MachineView) -> RunProgram:
    entry = desired.entry
    format_, maker = entry.format or "", MAKERS[entry.format or ""]
    given = _uuid(desired, view)
    argv: tuple[Argument, ...] = (
        maker.program,
        *entry.options,
        *maker.force,
        *(maker.uuid(given) if given is not None else ()),
        *_label(entry, maker),
        DeviceName(desired.device.name),
    )
    named = f" '{entry.label}'" if entry.label else ""
    return RunProgram(
        title=f"make {format_}{named} on {entry.device}",
        argv=argv,
        on=frozenset({desired.device.name}),
        facts=tuple(_facts(desired, _expected(entry, given))),
        config_path=desired.config_path,
    )


def _uuid(desired: DesiredFilesystem, view: MachineView) -> str | None:
    """The UUID to give: the config's, or one chosen here; None where the user's options may set it."""
    entry = desired.entry
    if entry.uuid is not None:
        return canonical_uuid(entry.format or "", entry.uuid)
    if entry.options:
        return None
    chosen = chosen_uuid(view, "filesystem", entry.device)
    return chosen[:8] if entry.format == "vfat" else chosen


def _expected(entry: Filesystem, given: str | None) -> Signature:
    """What blkid will report; None for what the program chooses or writes in a form of its own."""
    label = entry.label if entry.label is not None or entry.options else ""
    if entry.format == "vfat":
        uuid = f"{given[:4]}-{given[4:]}".upper() if given and _has_form(given, 8) else None
        plain = label is None or (label.isascii() and label == label.strip() and (label or entry.label is None))
        return Signature("vfat", label if plain else None, uuid)
    uuid = given if given and _has_form(given, 8, 4, 4, 4, 12) else None
    return Signature(entry.format or "", label, uuid)


def _has_form(uuid: str, *digits: int) -> bool:
    """Whether it is hexadecimal digits in groups of these sizes; mkfs also accepts words (`random`)."""
    groups = uuid.split("-")
    return tuple(map(len, groups)) == digits and HEXADECIMAL.issuperset("".join(groups))


def _facts(desired: DesiredFilesystem, expected: Signature) -> Iterator[Fact]:
    device = desired.device
    yield SignatureFact(device.name, expected)
    yield from (DeviceFact(name, device) for name in of_signature(expected))

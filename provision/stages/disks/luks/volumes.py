"""Encrypted volumes: LUKS2, with a key from a file, a key made here, or bound with clevis; made one after the other.

No argument of a program is a secret: programs get keys as files in memory (`KeyFile`). Keys stay in the blob store for
the files stage, which writes down what the installed system needs (`provision.stages.files.crypttab`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from provision.config.clevis import has_clevis
from provision.config.format import Config, Luks, Resource
from provision.config.problems import Path, Problem
from provision.config.resources.urls import redacted
from provision.failures import PlanRefused
from provision.planning.actions import Action, FetchBlob, ForgetBlob, Keep, RunProgram, StoreBlob, UpdateBootState, Wave
from provision.planning.arguments import Argument, Blob, Content, DeviceName, KeyFile
from provision.planning.device_names import BY_MAPPING, PLAIN, of_signature
from provision.planning.facts import DeviceFact, Fact, LuksHeaderFact, SignatureFact
from provision.planning.luks_keys import key_blob
from provision.planning.machine_view import Device, LuksHeader, MachineView, Signature
from provision.planning.uuids import chosen_uuid
from provision.stages.disks.device_conflicts import conflicts
from provision.stages.disks.devices import missing_device, missing_tools, unwritable, wait_for, with_certain_facts
from provision.stages.disks.luks import cex, clevis
from provision.stages.disks.wipe_action import holds_something, wipe

REMEDY = "wipeVolume would replace what is there"

GENERATED_KEY = 4096
"""Random bytes of a key made here. The key is their hexadecimal text, because clevis fails on binary keys."""

DATA_OFFSET = 16 << 20
"""The byte at which the data of a LUKS2 volume begins (cryptsetup-luksFormat(8)); options may say otherwise."""

OWN_UUID = "--uuid"


class DesiredVolume(NamedTuple):
    """A volume of the config, the device that it belongs on, and the UUID it gets (None where options give it)."""

    config_path: Path
    entry: Luks
    device: Device
    found: Signature
    header: LuksHeader | None
    uuid: str | None

    @property
    def kept(self) -> LuksHeader | None:
        """The header of the volume that is there, if it has to stay; else None."""
        return None if self.entry.wipe_volume or self.is_half_made else self.header

    @property
    def is_half_made(self) -> bool:
        """Whether an interrupted run of this provisioning was making it: it has the right UUID, and no key."""
        ours = self.uuid is not None and self.found.uuid == self.uuid
        return self.header is not None and self.header.keyless and ours

    @property
    def mapping(self) -> str:
        """The device of the open volume."""
        return f"/dev/mapper/{self.entry.name}"

    @property
    def key(self) -> Argument:
        """The key as an argument."""
        return cex.KEY if self.entry.cex.enabled else KeyFile(key_blob(self.entry))


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """Fetch all keys, then make or open one volume after the other. Raises PlanRefused with every reason."""
    entries = [(("storage", "luks", index), entry) for index, entry in enumerate(config.storage.luks)]
    devices = yield from wait_for((entry.device or "" for _, entry in entries), view, ("storage", "luks"))
    problems = [
        missing_device(config_path, entry.device or "") for config_path, entry in entries if entry.device not in devices
    ]
    desired_entries = [
        _ask(config_path, entry, devices[entry.device], view)
        for config_path, entry in entries
        if entry.device is not None and entry.device in devices
    ]
    problems += conflicts(config, view) if entries else ()
    problems += [problem for desired in desired_entries for problem in _refusals(desired, view)]
    if problems:
        raise PlanRefused(problems)
    fetches = [fetch for desired in desired_entries for fetch in _fetches(desired, view)]
    if fetches:
        yield tuple(fetches)
    if desired_entries:
        state = view.boot_state()
        luks_devices = {**state.luks_devices, **{one.entry.name: one.device.name for one in desired_entries}}
        title = "remember which devices the volumes are on"
        yield (UpdateBootState(state._replace(luks_devices=luks_devices), title, ("storage", "luks")),)
    for desired in desired_entries:
        steps = _reuse(desired) if desired.kept else _create(desired, view)
        yield from (with_certain_facts((step,), config) for step in steps)


def _ask(config_path: Path, entry: Luks, device: Device, view: MachineView) -> DesiredVolume:
    named = any(option.split("=")[0] == OWN_UUID for option in entry.options)
    uuid = entry.uuid or (None if named else chosen_uuid(view, "luks", entry.name))
    return DesiredVolume(config_path, entry, device, view.signature(device.name), view.luks_header(device.name), uuid)


def _refusals(desired: DesiredVolume, view: MachineView) -> Iterator[Problem]:
    entry, header = desired.entry, desired.kept
    # libdevmapper would escape other characters, and crypttab(5) cannot name such a volume
    if set(entry.name) - PLAIN or entry.name in {".", ".."}:
        hint = "use letters, digits and #+-.:=@_"
        yield Problem(
            (*desired.config_path, "name"), f"{entry.name!r} is not a name for a mapping", hint=hint, rule="volume-name"
        )
    yield from missing_tools(_tools(desired, view), view, desired.config_path)
    if entry.cex.enabled:
        yield from cex.refusals(desired.config_path, view)
    if header is None:
        yield from _in_the_way(desired, view)
        return
    if header.version != 2:
        message = (
            f"{entry.device} is a luks device but not luks2; it cannot be reused (volume is not of the correct type)"
        )
        yield Problem(desired.config_path, message, hint=REMEDY, rule="existing-volume")
        return
    why = "; ".join(_cannot_reuse(desired, header))
    if why:
        ours = not entry.uuid and desired.found.uuid == desired.uuid
        lost = "; an interrupted run made it, and its key is lost" if ours else ""
        message = f'volume wipe was not requested and luks device "{entry.device}" could not be reused: {why}'
        yield Problem(
            desired.config_path,
            f"{message} (volume is not of the correct type{lost})",
            hint=REMEDY,
            rule="existing-volume",
        )
    elif not header.opened and view.device(desired.mapping) is not None:
        yield Problem(desired.config_path, f"{desired.mapping} exists already", rule="existing-mapping")


def _tools(desired: DesiredVolume, view: MachineView) -> Iterator[str]:
    yield "cryptsetup"
    if not desired.kept and holds_something(desired.device, view):
        yield "wipefs"
    if has_clevis(desired.entry):
        yield from clevis.tools(desired.entry)
    if desired.entry.cex.enabled:
        yield from cex.TOOLS


def _in_the_way(desired: DesiredVolume, view: MachineView) -> Iterator[Problem]:
    entry = desired.entry
    if desired.found.type and not (entry.wipe_volume or desired.is_half_made):
        found = f"(found {desired.found.type})"
        message = f'volume at "{entry.device}" is not of the correct type {found} and a volume wipe was not requested'
        yield Problem(desired.config_path, message, hint=REMEDY, rule="existing-volume")
        return
    yield from unwritable(desired.config_path, desired.device, entry.device or "")
    if view.device(desired.mapping) is not None:
        yield Problem(desired.config_path, f"{desired.mapping} exists already", rule="existing-mapping")


def _cannot_reuse(desired: DesiredVolume, header: LuksHeader) -> Iterator[str]:
    """Why the volume that is there is not the one of the config. Its key is tested when the volume is opened."""
    entry, found = desired.entry, desired.found
    if header.keyless:
        yield "interrupted while it was made: no key can open it"
    if has_clevis(entry):
        yield "config must not specify clevis binding"
    if not entry.key_file.source:
        yield "config must specify keyfile"
    if entry.label is not None and entry.label != found.label:
        yield f'volume label "{found.label or ""}" doesn\'t match expected label "{entry.label}"'
    if entry.uuid is not None and entry.uuid != found.uuid:
        yield f'volume UUID "{found.uuid or ""}" doesn\'t match expected UUID "{entry.uuid}"'
    discards = "allow-discards" in (header.flags or ())
    if header.flags is not None and discards != bool(entry.discard):
        yield f"volume allow-discards flag {_word(discards)} doesn't match expected value {_word(bool(entry.discard))}"
    if header.opened not in {"", entry.name}:
        yield f"it is open as {header.opened}"


def _word(value: bool) -> str:
    return str(value).lower()


def _fetches(desired: DesiredVolume, view: MachineView) -> Iterator[Action]:
    """The key, and the advertisements of tang servers: they are fetched first, so that the network is up for clevis."""
    entry = desired.entry
    blob = key_blob(entry)
    if entry.cex.enabled:
        yield StoreBlob(
            Content(cex.passphrase(view)), blob, f"keep the passphrase of {entry.name}", desired.config_path
        )
    elif entry.key_file.source:
        yield FetchBlob(entry.key_file, blob, "", f"fetch the key of {entry.name}", desired.config_path)
    else:
        key = Content(os.urandom(GENERATED_KEY).hex().encode())
        yield StoreBlob(key, blob, f"make the key of {entry.name}", desired.config_path)
    for index, url in enumerate(clevis.advertisements(entry)):
        blob = Blob(f"{key_blob(entry).name}-tang-{index}")
        yield FetchBlob(
            Resource(source=url), blob, "", f"ask for the advertisement of {redacted(url)}", desired.config_path
        )


def _reuse(desired: DesiredVolume) -> Iterator[Action]:
    entry = desired.entry
    yield Keep(f"LUKS volume on {entry.device}", "it already matches the config", desired.config_path)
    if desired.kept and desired.kept.opened:
        argv = (
            "cryptsetup",
            "luksOpen",
            "--test-passphrase",
            DeviceName(desired.device.name),
            "--key-file",
            desired.key,
        )
        yield RunProgram(
            f"test the key of {entry.name}, which is open",
            argv,
            frozenset({desired.device.name}),
            (),
            desired.config_path,
        )
    else:
        yield _open(desired, f"open {entry.name}, reusing the volume on {entry.device}")


def _create(desired: DesiredVolume, view: MachineView) -> Iterator[Action]:
    entry, device = desired.entry, desired.device
    if holds_something(device, view):
        yield wipe(device, entry.device or "", desired.config_path, view, half_made=desired.is_half_made)
    if entry.cex.enabled:
        yield from cex.generate(entry, desired.config_path, view)
    yield _format(desired)
    if entry.cex.enabled:
        yield from cex.after_format(entry, device, desired.config_path, view)
    yield _open(desired, f"open {entry.name}")
    if has_clevis(entry):
        header = _opened(desired)
        yield from clevis.bind(entry, device, desired.key, header, desired.config_path)
        if not entry.key_file.source:
            yield from _drop_key(desired)
    for index, _ in enumerate(clevis.advertisements(entry)):
        yield ForgetBlob(Blob(f"{key_blob(entry).name}-tang-{index}"), desired.config_path)


def _format(desired: DesiredVolume) -> Action:
    entry, device = desired.entry, desired.device
    argv: tuple[Argument, ...] = (
        *("cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--key-file", desired.key),
        *(("--label", entry.label) if entry.label else ()),
        *(("--uuid", desired.uuid) if desired.uuid else ()),
        *entry.options,
        DeviceName(device.name),
        *(cex.format_options(entry) if entry.cex.enabled else ()),
    )
    label = entry.label or (None if entry.options else "")
    signature = Signature("crypto_LUKS", label, desired.uuid)
    facts: list[Fact] = [SignatureFact(device.name, signature), LuksHeaderFact(device.name, LuksHeader(2))]
    facts += [DeviceFact(name, device) for name in of_signature(signature)]
    title = f"make LUKS volume {entry.name} on {entry.device}"
    return RunProgram(title, argv, frozenset({device.name}), tuple(facts), desired.config_path)


def _open(desired: DesiredVolume, title: str) -> Action:
    entry, device = desired.entry, desired.device
    argv: tuple[Argument, ...] = (
        *("cryptsetup", "luksOpen", DeviceName(device.name), entry.name, "--key-file", desired.key, "--persistent"),
        *(("--allow-discards",) if entry.discard else ()),
        *entry.open_options,
    )
    mapping = Device(desired.mapping, device.size - DATA_OFFSET, device.sector, assumed=True, mapper=entry.name)
    facts = (
        DeviceFact(desired.mapping, mapping),
        DeviceFact(BY_MAPPING + entry.name, mapping),
        LuksHeaderFact(device.name, _opened(desired)),
    )
    return RunProgram(title, argv, frozenset({device.name, desired.mapping}), facts, desired.config_path)


def _opened(desired: DesiredVolume) -> LuksHeader:
    """The header while the volume is open; what further options leave in it cannot be known."""
    flags = ("allow-discards",) if desired.entry.discard else ()
    tokens = desired.kept.tokens if desired.kept else ()
    return LuksHeader(2, None if desired.entry.open_options else flags, tokens, desired.entry.name)


def _drop_key(desired: DesiredVolume) -> Iterator[Action]:
    """Remove a key that the config did not ask for, once clevis has its own."""
    title = f"remove the key that was made for {desired.entry.name}"
    argv = ("cryptsetup", "luksRemoveKey", DeviceName(desired.device.name), desired.key)
    yield RunProgram(title, argv, frozenset({desired.device.name}), config_path=desired.config_path)
    yield ForgetBlob(key_blob(desired.entry), desired.config_path)

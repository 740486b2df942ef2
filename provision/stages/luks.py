"""Encrypted volumes: LUKS2, with a key from a file, one made here, or bound with clevis; each one after the other.

Nothing secret stands in an argument: keys go from the spool to the tools as files in memory (`KeyFile`), and stay
there for the files stage, which writes down what the installed system needs (`provision.stages.crypttab`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from provision.actions import Action, Argument, Blob, DeviceName, Fetch, Forget, Keep, KeyFile, Remember, Run, Wave
from provision.config.format import Config, Luks, Resource
from provision.config.urls import redacted
from provision.device_names import BY_MAPPING, of_signature
from provision.failures import PlanRefused
from provision.memory import luks_device
from provision.observe import Device, Fact, Observe, Signature, Volume
from provision.stages import cex, clevis
from provision.stages.claims import claimed_twice
from provision.stages.crypttab import key_blob
from provision.stages.devices import (
    awaited,
    chosen_uuid,
    holds_something,
    missing_device,
    missing_tools,
    unwritable,
    wipe,
    with_sure_facts,
)

REMEDY = "wipeVolume would replace what is there"

GENERATED_KEY = 4096
"""Random bytes in a key made here; it is their hexadecimal text, since clevis fails on binary ones."""

DATA_OFFSET = 16 << 20
"""Where the data of a LUKS2 volume begins (cryptsetup-luksFormat(8)); options may say otherwise."""

OWN_UUID = "--uuid"


_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#+-.:=@_")
"""What libdevmapper takes as it is (`_mangle_string`); it gives other names another form, and crypttab(5) has none."""


class Target(NamedTuple):
    """A volume of the config, the device that it belongs on, and the UUID it gets (None where options give it)."""

    where: str
    entry: Luks
    device: Device
    found: Signature
    header: Volume | None
    uuid: str | None

    @property
    def kept(self) -> Volume | None:
        """The header of what is there, where it has to stay."""
        return None if self.entry.wipe_volume else self.header

    @property
    def mapping(self) -> str:
        """Where the open volume appears."""
        return f"/dev/mapper/{self.entry.name}"

    @property
    def key(self) -> Argument:
        """The key as an argument."""
        return cex.KEY if self.entry.cex.enabled else KeyFile(key_blob(self.entry))


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """Fetch all keys, then make or open one volume after the other. Raises PlanRefused with every reason."""
    entries = [(f"storage.luks[{index}]", entry) for index, entry in enumerate(config.storage.luks)]
    devices = yield from awaited((entry.device or "" for _, entry in entries), observe, "storage.luks")
    reasons = [missing_device(where, entry.device or "") for where, entry in entries if entry.device not in devices]
    targets = [
        _target(where, entry, devices[entry.device], observe)
        for where, entry in entries
        if entry.device is not None and entry.device in devices
    ]
    reasons += claimed_twice(config, observe) if entries else ()
    reasons += [reason for target in targets for reason in _refusals(target, observe)]
    if reasons:
        raise PlanRefused(reasons)
    fetches = [fetch for target in targets for fetch in _fetches(target, observe)]
    if fetches:
        yield tuple(fetches)
    if targets:
        yield tuple(Remember(luks_device(one.entry.name), one.device.name, one.where) for one in targets)
    for target in targets:
        steps = _reuse(target) if target.kept else _create(target, observe)
        yield from (with_sure_facts((step,), config) for step in steps)


def _target(where: str, entry: Luks, device: Device, observe: Observe) -> Target:
    named = any(option.split("=")[0] == OWN_UUID for option in entry.options)
    uuid = entry.uuid or (None if named else chosen_uuid(observe, "luks", entry.name))
    return Target(where, entry, device, observe.signature(device.name), observe.volume(device.name), uuid)


def _refusals(target: Target, observe: Observe) -> Iterator[str]:
    entry, header = target.entry, target.kept
    if set(entry.name) - _NAME or entry.name in {".", ".."}:
        yield f"{target.where}.name: {entry.name!r} is no name for a mapping: letters, digits and #+-.:=@_ are"
    yield from missing_tools(_tools(target, observe), observe, target.where)
    if entry.cex.enabled:
        yield from cex.refusals(target.where, observe)
    if header is None:
        yield from _in_the_way(target, observe)
        return
    if header.version != 2:
        yield (
            f"{target.where}: {entry.device} is a luks device but not luks2; it cannot be reused "
            f"(volume is not of the correct type); {REMEDY}"
        )
        return
    why = "; ".join(_cannot_reuse(target, header))
    if why:
        ours = not entry.uuid and target.found.uuid == target.uuid
        yield (
            f'{target.where}: volume wipe was not requested and luks device "{entry.device}" could not be reused: '
            f"{why} (volume is not of the correct type"
            + ("; an interrupted run made it, and its key is lost)" if ours else ")")
            + f"; {REMEDY}"
        )
    elif not header.opened and observe.device(target.mapping) is not None:
        yield f"{target.where}: {target.mapping} exists already"


def _tools(target: Target, observe: Observe) -> Iterator[str]:
    yield "cryptsetup"
    if not target.kept and holds_something(target.device, observe):
        yield "wipefs"
    if clevis.is_present(target.entry):
        yield "clevis"
    if target.entry.cex.enabled:
        yield from cex.TOOLS


def _in_the_way(target: Target, observe: Observe) -> Iterator[str]:
    entry = target.entry
    if target.found.type and not entry.wipe_volume:
        yield (
            f'{target.where}: volume at "{entry.device}" is not of the correct type (found {target.found.type}) '
            f"and a volume wipe was not requested; {REMEDY}"
        )
        return
    yield from unwritable(target.where, target.device, entry.device or "")
    if observe.device(target.mapping) is not None:
        yield f"{target.where}: {target.mapping} exists already"


def _cannot_reuse(target: Target, header: Volume) -> Iterator[str]:
    """Why a volume that is there cannot be what the config asks for; whether its key fits is seen on opening."""
    entry, found = target.entry, target.found
    if clevis.is_present(entry):
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


def _fetches(target: Target, observe: Observe) -> Iterator[Action]:
    """The key, and what clevis asks tang servers for: the network has to be there before it does."""
    entry = target.entry
    if entry.cex.enabled:
        source = Resource(source=cex.key_url(observe))
    elif entry.key_file.source:
        source = entry.key_file
    else:
        source = Resource(source="data:," + os.urandom(GENERATED_KEY).hex())
    made = not (entry.cex.enabled or entry.key_file.source)
    title = f"{'make' if made else 'fetch'} the key of {entry.name}"
    yield Fetch(source, key_blob(entry), "", title, target.where)
    for index, url in enumerate(clevis.advertisements(entry)):
        blob = Blob(f"{key_blob(entry).name}-tang-{index}")
        yield Fetch(Resource(source=url), blob, "", f"ask for the advertisement of {redacted(url)}", target.where)


def _reuse(target: Target) -> Iterator[Action]:
    entry = target.entry
    yield Keep(f"LUKS volume on {entry.device}", "it is as the config wants it", target.where)
    if target.kept and target.kept.opened:
        argv = ("cryptsetup", "luksOpen", "--test-passphrase", DeviceName(target.device.name), "--key-file", target.key)
        yield Run(
            f"test the key of {entry.name}, which is open", argv, frozenset({target.device.name}), (), target.where
        )
    else:
        yield _open(target, f"open {entry.name}, reusing the volume on {entry.device}")


def _create(target: Target, observe: Observe) -> Iterator[Action]:
    entry, device = target.entry, target.device
    if holds_something(device, observe):
        yield wipe(device, entry.device or "", target.where, observe)
    if entry.cex.enabled:
        yield from cex.generate(entry, target.where, observe)
    yield _format(target)
    if entry.cex.enabled:
        yield from cex.after_format(entry, device, target.where, observe)
    yield _open(target, f"open {entry.name}")
    if clevis.is_present(entry):
        header = _opened(target)
        yield from clevis.bind(entry, device, target.key, header, target.where)
        if not entry.key_file.source:
            yield from _drop_key(target)
    for index, _ in enumerate(clevis.advertisements(entry)):
        yield Forget(Blob(f"{key_blob(entry).name}-tang-{index}"), target.where)


def _format(target: Target) -> Action:
    entry, device = target.entry, target.device
    argv: tuple[Argument, ...] = (
        *("cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--key-file", target.key),
        *(("--label", entry.label) if entry.label else ()),
        *(("--uuid", target.uuid) if target.uuid else ()),
        *entry.options,
        DeviceName(device.name),
        *(cex.format_options(entry) if entry.cex.enabled else ()),
    )
    label = entry.label or (None if entry.options else "")
    signature = Signature("crypto_LUKS", label, target.uuid)
    facts = [Fact("signature", device.name, signature), Fact("volume", device.name, Volume(2))]
    facts += [Fact("device", name, device) for name in of_signature(signature)]
    title = f"make LUKS volume {entry.name} on {entry.device}"
    return Run(title, argv, frozenset({device.name}), tuple(facts), target.where)


def _open(target: Target, title: str) -> Action:
    entry, device = target.entry, target.device
    argv: tuple[Argument, ...] = (
        *("cryptsetup", "luksOpen", DeviceName(device.name), entry.name, "--key-file", target.key, "--persistent"),
        *(("--allow-discards",) if entry.discard else ()),
        *entry.open_options,
    )
    mapping = Device(target.mapping, device.size - DATA_OFFSET, device.sector, assumed=True, mapper=entry.name)
    facts = (
        Fact("device", target.mapping, mapping),
        Fact("device", BY_MAPPING + entry.name, mapping),
        Fact("volume", device.name, _opened(target)),
    )
    return Run(title, argv, frozenset({device.name, target.mapping}), facts, target.where)


def _opened(target: Target) -> Volume:
    """The header while the volume is open; what further options leave in it cannot be known."""
    flags = ("allow-discards",) if target.entry.discard else ()
    tokens = target.kept.tokens if target.kept else ()
    return Volume(2, None if target.entry.open_options else flags, tokens, target.entry.name)


def _drop_key(target: Target) -> Iterator[Action]:
    """A key that nobody asked for goes when clevis has its own."""
    title = f"remove the key that was made for {target.entry.name}"
    argv = ("cryptsetup", "luksRemoveKey", DeviceName(target.device.name), target.key)
    yield Run(title, argv, frozenset({target.device.name}), reason=target.where)
    yield Forget(key_blob(target.entry), target.where)

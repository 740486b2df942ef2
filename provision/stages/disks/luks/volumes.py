"""Encrypted volumes: LUKS2, with a key from a file, one made here, or bound with clevis; each one after the other.

Nothing secret stands in an argument: keys go from the blob store to the tools as files in memory (`KeyFile`), and stay
there for the files stage, which writes down what the installed system needs (`provision.stages.files.crypttab`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from provision.config import format as clevis_format
from provision.config.format import Config, Luks, Resource
from provision.config.urls import redacted
from provision.failures import PlanRefused
from provision.planning.actions import (
    Action,
    Argument,
    Blob,
    DeviceName,
    Fetch,
    Forget,
    Keep,
    KeyFile,
    Remember,
    Run,
    Wave,
)
from provision.planning.boot_state import key_blob, luks_device
from provision.planning.device_names import BY_MAPPING, PLAIN, of_signature
from provision.planning.machine_view import Device, Fact, Observe, Signature, Volume
from provision.stages.disks.device_conflicts import claimed_twice
from provision.stages.disks.devices import (
    awaited,
    chosen_uuid,
    missing_device,
    missing_tools,
    unwritable,
    with_sure_facts,
)
from provision.stages.disks.luks import cex, clevis
from provision.stages.disks.wiping import holds_something, wipe

REMEDY = "wipeVolume would replace what is there"

GENERATED_KEY = 4096
"""Random bytes in a key made here; it is their hexadecimal text, since clevis fails on binary ones."""

DATA_OFFSET = 16 << 20
"""Where the data of a LUKS2 volume begins (cryptsetup-luksFormat(8)); options may say otherwise."""

OWN_UUID = "--uuid"


class VolumeAsk(NamedTuple):
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
        return None if self.entry.wipe_volume or self.is_half_made else self.header

    @property
    def is_half_made(self) -> bool:
        """Whether an interrupted run of this provisioning was making it: it has the UUID that it gets, and no key."""
        ours = self.uuid is not None and self.found.uuid == self.uuid
        return self.header is not None and self.header.keyless and ours

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
    asks = [
        _ask(where, entry, devices[entry.device], observe)
        for where, entry in entries
        if entry.device is not None and entry.device in devices
    ]
    reasons += claimed_twice(config, observe) if entries else ()
    reasons += [reason for ask in asks for reason in _refusals(ask, observe)]
    if reasons:
        raise PlanRefused(reasons)
    fetches = [fetch for ask in asks for fetch in _fetches(ask, observe)]
    if fetches:
        yield tuple(fetches)
    if asks:
        yield tuple(Remember(luks_device(one.entry.name), one.device.name, one.where) for one in asks)
    for ask in asks:
        steps = _reuse(ask) if ask.kept else _create(ask, observe)
        yield from (with_sure_facts((step,), config) for step in steps)


def _ask(where: str, entry: Luks, device: Device, observe: Observe) -> VolumeAsk:
    named = any(option.split("=")[0] == OWN_UUID for option in entry.options)
    uuid = entry.uuid or (None if named else chosen_uuid(observe, "luks", entry.name))
    return VolumeAsk(where, entry, device, observe.signature(device.name), observe.volume(device.name), uuid)


def _refusals(ask: VolumeAsk, observe: Observe) -> Iterator[str]:
    entry, header = ask.entry, ask.kept
    # libdevmapper gives other names another form, and crypttab(5) has none
    if set(entry.name) - PLAIN or entry.name in {".", ".."}:
        yield f"{ask.where}.name: {entry.name!r} is no name for a mapping: letters, digits and #+-.:=@_ are"
    yield from missing_tools(_tools(ask, observe), observe, ask.where)
    if entry.cex.enabled:
        yield from cex.refusals(ask.where, observe)
    if header is None:
        yield from _in_the_way(ask, observe)
        return
    if header.version != 2:
        yield (
            f"{ask.where}: {entry.device} is a luks device but not luks2; it cannot be reused "
            f"(volume is not of the correct type); {REMEDY}"
        )
        return
    why = "; ".join(_cannot_reuse(ask, header))
    if why:
        ours = not entry.uuid and ask.found.uuid == ask.uuid
        yield (
            f'{ask.where}: volume wipe was not requested and luks device "{entry.device}" could not be reused: '
            f"{why} (volume is not of the correct type"
            + ("; an interrupted run made it, and its key is lost)" if ours else ")")
            + f"; {REMEDY}"
        )
    elif not header.opened and observe.device(ask.mapping) is not None:
        yield f"{ask.where}: {ask.mapping} exists already"


def _tools(ask: VolumeAsk, observe: Observe) -> Iterator[str]:
    yield "cryptsetup"
    if not ask.kept and holds_something(ask.device, observe):
        yield "wipefs"
    if clevis_format.is_present(ask.entry):
        yield "clevis"
    if ask.entry.cex.enabled:
        yield from cex.TOOLS


def _in_the_way(ask: VolumeAsk, observe: Observe) -> Iterator[str]:
    entry = ask.entry
    if ask.found.type and not (entry.wipe_volume or ask.is_half_made):
        yield (
            f'{ask.where}: volume at "{entry.device}" is not of the correct type (found {ask.found.type}) '
            f"and a volume wipe was not requested; {REMEDY}"
        )
        return
    yield from unwritable(ask.where, ask.device, entry.device or "")
    if observe.device(ask.mapping) is not None:
        yield f"{ask.where}: {ask.mapping} exists already"


def _cannot_reuse(ask: VolumeAsk, header: Volume) -> Iterator[str]:
    """Why a volume that is there cannot be what the config asks for; whether its key fits is seen on opening."""
    entry, found = ask.entry, ask.found
    if header.keyless:
        yield "interrupted while it was made: no key can open it"
    if clevis_format.is_present(entry):
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


def _fetches(ask: VolumeAsk, observe: Observe) -> Iterator[Action]:
    """The key, and what clevis asks tang servers for: the network has to be there before it does."""
    entry = ask.entry
    if entry.cex.enabled:
        source = Resource(source=cex.key_url(observe))
    elif entry.key_file.source:
        source = entry.key_file
    else:
        source = Resource(source="data:," + os.urandom(GENERATED_KEY).hex())
    made = not (entry.cex.enabled or entry.key_file.source)
    title = f"{'make' if made else 'fetch'} the key of {entry.name}"
    yield Fetch(source, key_blob(entry), "", title, ask.where)
    for index, url in enumerate(clevis.advertisements(entry)):
        blob = Blob(f"{key_blob(entry).name}-tang-{index}")
        yield Fetch(Resource(source=url), blob, "", f"ask for the advertisement of {redacted(url)}", ask.where)


def _reuse(ask: VolumeAsk) -> Iterator[Action]:
    entry = ask.entry
    yield Keep(f"LUKS volume on {entry.device}", "it is as the config wants it", ask.where)
    if ask.kept and ask.kept.opened:
        argv = ("cryptsetup", "luksOpen", "--test-passphrase", DeviceName(ask.device.name), "--key-file", ask.key)
        yield Run(f"test the key of {entry.name}, which is open", argv, frozenset({ask.device.name}), (), ask.where)
    else:
        yield _open(ask, f"open {entry.name}, reusing the volume on {entry.device}")


def _create(ask: VolumeAsk, observe: Observe) -> Iterator[Action]:
    entry, device = ask.entry, ask.device
    if holds_something(device, observe):
        yield wipe(device, entry.device or "", ask.where, observe, half_made=ask.is_half_made)
    if entry.cex.enabled:
        yield from cex.generate(entry, ask.where, observe)
    yield _format(ask)
    if entry.cex.enabled:
        yield from cex.after_format(entry, device, ask.where, observe)
    yield _open(ask, f"open {entry.name}")
    if clevis_format.is_present(entry):
        header = _opened(ask)
        yield from clevis.bind(entry, device, ask.key, header, ask.where)
        if not entry.key_file.source:
            yield from _drop_key(ask)
    for index, _ in enumerate(clevis.advertisements(entry)):
        yield Forget(Blob(f"{key_blob(entry).name}-tang-{index}"), ask.where)


def _format(ask: VolumeAsk) -> Action:
    entry, device = ask.entry, ask.device
    argv: tuple[Argument, ...] = (
        *("cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--key-file", ask.key),
        *(("--label", entry.label) if entry.label else ()),
        *(("--uuid", ask.uuid) if ask.uuid else ()),
        *entry.options,
        DeviceName(device.name),
        *(cex.format_options(entry) if entry.cex.enabled else ()),
    )
    label = entry.label or (None if entry.options else "")
    signature = Signature("crypto_LUKS", label, ask.uuid)
    facts = [Fact("signature", device.name, signature), Fact("volume", device.name, Volume(2))]
    facts += [Fact("device", name, device) for name in of_signature(signature)]
    title = f"make LUKS volume {entry.name} on {entry.device}"
    return Run(title, argv, frozenset({device.name}), tuple(facts), ask.where)


def _open(ask: VolumeAsk, title: str) -> Action:
    entry, device = ask.entry, ask.device
    argv: tuple[Argument, ...] = (
        *("cryptsetup", "luksOpen", DeviceName(device.name), entry.name, "--key-file", ask.key, "--persistent"),
        *(("--allow-discards",) if entry.discard else ()),
        *entry.open_options,
    )
    mapping = Device(ask.mapping, device.size - DATA_OFFSET, device.sector, assumed=True, mapper=entry.name)
    facts = (
        Fact("device", ask.mapping, mapping),
        Fact("device", BY_MAPPING + entry.name, mapping),
        Fact("volume", device.name, _opened(ask)),
    )
    return Run(title, argv, frozenset({device.name, ask.mapping}), facts, ask.where)


def _opened(ask: VolumeAsk) -> Volume:
    """The header while the volume is open; what further options leave in it cannot be known."""
    flags = ("allow-discards",) if ask.entry.discard else ()
    tokens = ask.kept.tokens if ask.kept else ()
    return Volume(2, None if ask.entry.open_options else flags, tokens, ask.entry.name)


def _drop_key(ask: VolumeAsk) -> Iterator[Action]:
    """A key that nobody asked for goes when clevis has its own."""
    title = f"remove the key that was made for {ask.entry.name}"
    argv = ("cryptsetup", "luksRemoveKey", DeviceName(ask.device.name), ask.key)
    yield Run(title, argv, frozenset({ask.device.name}), reason=ask.where)
    yield Forget(key_blob(ask.entry), ask.where)

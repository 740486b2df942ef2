"""What the installed system needs to open its encrypted volumes: /etc/crypttab and key files."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config import format as clevis
from provision.config.format import Config, Luks
from provision.failures import PlanRefused
from provision.planning import boot_state as cex
from provision.planning.actions import Action, Blob, Directory, Forget, Wave, Write
from provision.planning.boot_state import key_blob, luks_device, text
from provision.planning.machine_view import Observe
from provision.planning.target_paths import missing_parents, resolve
from provision.stages.files.append_lines import appended

CRYPTTAB = "/etc/crypttab"

KEYS = "/etc/luks"


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """Write the lines and keys of all volumes, then forget the keys. Raises PlanRefused for files in the way."""
    volumes = [(f"storage.luks[{index}]", entry) for index, entry in enumerate(config.storage.luks)]
    if not volumes:
        return
    keyed = [(where, entry) for where, entry in volumes if not clevis.is_present(entry)]
    files = {resolve(observe, f"{KEYS}/{entry.name}"): (where, key_blob(entry)) for where, entry in keyed}
    for where, entry in volumes:
        if entry.cex.enabled:
            files.update({resolve(observe, path): (where, blob) for path, blob in cex.kept_blobs(entry).items()})
    _check(files, observe)
    keys = resolve(observe, KEYS)
    if files and observe.node(keys) is None:
        yield (Directory(keys, 0o700, parents=missing_parents(observe, keys), reason="storage.luks"),)
    for path, (where, blob) in files.items():
        yield (Write(path, (blob,), 0o600, parents=missing_parents(observe, path), reason=where),)
    lines = [_line(entry, observe) for _, entry in volumes]
    yield (appended(CRYPTTAB, lines, observe, "storage.luks", 0o600),)
    forgotten: list[Action] = [Forget(blob, where) for where, blob in files.values()]
    forgotten += [Forget(key_blob(entry), where) for where, entry in volumes if _keeps_key_elsewhere(entry)]
    yield tuple(forgotten)


def _keeps_key_elsewhere(luks: Luks) -> bool:
    """Bound with clevis: the config's own key is not written down; one that was made is forgotten already."""
    return clevis.is_present(luks) and bool(luks.key_file.source)


def _check(files: dict[str, tuple[str, Blob]], observe: Observe) -> None:
    there = [f"{where}: {path} exists already" for path, (where, _) in files.items() if observe.node(path) is not None]
    if there:
        raise PlanRefused(there, hint="remove the file, or give the volume another name")


def _line(luks: Luks, observe: Observe) -> str:
    """crypttab(5). discard and further options are not here: opening the volume kept them in its header."""
    device = observe.device(text(observe, luks_device(luks.name)) or luks.device or "")
    uuid = observe.signature(device.name).uuid if device else ""
    if uuid == "":
        raise PlanRefused(
            [f"{luks.device} holds no volume that {CRYPTTAB} could name"], hint="did the disks stage run?"
        )
    key = "none" if clevis.is_present(luks) else f"{KEYS}/{luks.name}"
    network = "_netdev," if clevis.needs_network(luks) else ""
    return f"{luks.name} UUID={uuid or ''} {key} luks,{network}x-initrd.attach"

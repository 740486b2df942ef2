"""What the installed system needs to open its encrypted volumes: /etc/crypttab and key files."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.clevis import has_clevis, unlocking_needs_network
from provision.config.format import Config, Luks
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.actions import Action, ForgetBlob, Wave
from provision.planning.arguments import Blob
from provision.planning.file_actions import MakeDirectory, WriteFile
from provision.planning.luks_keys import key_blob, secure_key_blobs
from provision.planning.machine_view import FileType, MachineView
from provision.planning.root.target_paths import missing_parents, resolve_path
from provision.stages.files.append_lines import append_lines

CRYPTTAB = "/etc/crypttab"

KEYS = "/etc/luks"


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """Write the lines and keys of all volumes, then forget the keys. Raises PlanRefused for files in the way."""
    return _plan(config, view, applied=False)


def plan_applied(config: Config, view: MachineView) -> Iterator[Wave]:
    """As `plan`, where the config was applied before: its key files are there, and open the volumes."""
    return _plan(config, view, applied=True)


def _plan(config: Config, view: MachineView, *, applied: bool) -> Iterator[Wave]:
    volumes: list[tuple[Path, Luks]] = [
        (("storage", "luks", index), entry) for index, entry in enumerate(config.storage.luks)
    ]
    if not volumes:
        return
    keyed = [(config_path, entry) for config_path, entry in volumes if not has_clevis(entry)]
    files = {resolve_path(view, f"{KEYS}/{entry.name}"): (config_path, key_blob(entry)) for config_path, entry in keyed}
    for config_path, entry in volumes:
        if entry.cex.enabled:
            files.update(
                {resolve_path(view, path): (config_path, blob) for path, blob in secure_key_blobs(entry).items()}
            )
    blobs = [(blob, config_path) for config_path, blob in files.values()]
    if applied:
        files = {path: file for path, file in files.items() if not _is_file(path, view)}
    _check(files, view)
    keys = resolve_path(view, KEYS)
    if files and view.file_status(keys) is None:
        yield (MakeDirectory(keys, 0o700, parents=missing_parents(view, keys), config_path=("storage", "luks")),)
    for path, (config_path, blob) in files.items():
        yield (WriteFile(path, (blob,), 0o600, parents=missing_parents(view, path), config_path=config_path),)
    lines = [_line(config_path, entry, view) for config_path, entry in volumes]
    yield (append_lines(CRYPTTAB, lines, view, ("storage", "luks"), 0o600),)
    forgotten: list[Action] = [ForgetBlob(blob, config_path) for blob, config_path in blobs]
    forgotten += [
        ForgetBlob(key_blob(entry), config_path) for config_path, entry in volumes if _keeps_key_elsewhere(entry)
    ]
    yield tuple(forgotten)


SYSTEMD = "/usr/lib/systemd/systemd"
CRYPTSETUP = ("/usr/lib/systemd/systemd-cryptsetup", "/usr/bin/systemd-cryptsetup")
CLEVIS = ("/usr/lib/systemd/system/clevis-luks-askpass.path",)


def missing_programs(config: Config, view: MachineView) -> Iterator[str]:
    """Sentences about what a root with systemd lacks to open the volumes of the config at its next boots."""
    volumes = config.storage.luks
    if not volumes or view.file_status(SYSTEMD) is None:
        return
    names = ", ".join(volume.name for volume in volumes)
    if not any(view.file_status(path) for path in CRYPTSETUP):
        yield f"the system has no systemd-cryptsetup to open {names} at its next boots: install the package with it"
    bound = ", ".join(volume.name for volume in volumes if has_clevis(volume))
    if bound and not any(view.file_status(path) for path in CLEVIS):
        yield f"the system has no clevis-luks-askpass to unlock {bound} at its next boots: install clevis-systemd"


def _keeps_key_elsewhere(luks: Luks) -> bool:
    """Whether clevis unlocks the volume and its key is from the config: then the key is not written to the root."""
    return has_clevis(luks) and bool(luks.key_file.source)


def _is_file(path: str, view: MachineView) -> bool:
    there = view.file_status(path)
    return there is not None and there.kind is FileType.FILE


def _check(files: dict[str, tuple[Path, Blob]], view: MachineView) -> None:
    there = [
        Problem(config_path, f"{path} exists already", rule="existing-file")
        for path, (config_path, _) in files.items()
        if view.file_status(path) is not None
    ]
    if there:
        raise PlanRefused(there, hint="remove the file, or give the volume another name")


def _line(config_path: Path, luks: Luks, view: MachineView) -> str:
    """The volume's line for crypttab(5). Its header keeps discard and further options since it was opened."""
    device = view.device(view.boot_state().luks_devices.get(luks.name) or luks.device or "")
    uuid = view.signature(device.name).uuid if device else ""
    if uuid == "":
        raise PlanRefused(
            [
                Problem(
                    config_path,
                    f"{luks.device} has no LUKS header with a UUID for {CRYPTTAB}",
                    rule="missing-luks-uuid",
                )
            ],
            hint="did the disks stage run?",
        )
    key = "none" if has_clevis(luks) else f"{KEYS}/{luks.name}"
    network = "_netdev," if unlocking_needs_network(luks) else ""
    return f"{luks.name} UUID={uuid or ''} {key} luks,{network}x-initrd.attach"

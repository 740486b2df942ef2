"""systemd units, drop-ins, masks and presets."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Config, Unit
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.actions import Action, Keep, RunProgram, Wave
from provision.planning.arguments import Argument, Content, TargetPath
from provision.planning.file_actions import MakeSymlink, RemovePath, WriteFile
from provision.planning.machine_view import FileType, MachineView
from provision.planning.root.target_paths import followed, missing_parents, resolve_path
from provision.stages.files.append_lines import append_lines
from provision.stages.files.data_loss import replaced

UNITS = "/etc/systemd/system"
FOLDERS = (UNITS, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
"""Where unit files are, the first of a name wins (systemd.unit(5))."""

PRESET = "/etc/systemd/system-preset/20-ignition.preset"


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """The units in the config's order, then one preset file for all. Raises PlanRefused."""
    for index, unit in enumerate(config.systemd.units):
        for action in _unit(unit, ("systemd", "units", index), view):
            yield (action,)
    presets = _presets(config, view)
    disabled = [units for state, units in presets if not state]
    if disabled:
        yield (_systemctl("disable", disabled, "disable units"),)
    lines = [f"{'enable' if state else 'disable'} {units}" for state, units in presets]
    # of equal lines the first counts (systemd.preset(5)); coreos-cloudinit runs at every start
    there = (view.content(followed(view, PRESET)) or b"").splitlines()
    if new := [line for line in lines if line.encode() not in there]:
        yield (append_lines(PRESET, new, view, ("systemd", "units")),)
    if lines and presets_are_over(view):
        # one call for each unit: if one of several is missing, systemctl does nothing at all
        for unit in config.systemd.units:
            if unit.enabled and not unit.mask:
                accepts = (0,) if _can_be_enabled(unit, view) else (0, 1)
                yield (_systemctl("preset", [unit.name], f"enable {unit.name}", accepts),)


def _can_be_enabled(unit: Unit, view: MachineView) -> bool:
    """Whether the unit's file is there and says where it is wanted: then enabling it has to go well."""
    if unit.contents is not None:
        return "[Install]" in unit.contents
    name = _template(unit.name)[0]
    files = (view.content(resolve_path(view, f"{folder}/{name}")) for folder in FOLDERS)
    return b"[Install]" in next((content for content in files if content is not None), b"")


def presets_are_over(view: MachineView) -> bool:
    """Whether systemd will not apply presets: it does so at a boot without a machine id, or with `uninitialized`.

    An empty file is not a first boot (machine-id(5), "First boot semantics"; seen on Debian 12).
    """
    machine_id = view.content("/etc/machine-id")
    return machine_id is not None and machine_id.strip() != b"uninitialized"


def _unit(unit: Unit, config_path: Path, view: MachineView) -> Iterator[Action]:
    _check_names(unit, config_path)
    path = f"{UNITS}/{unit.name}"
    for index, dropin in enumerate(unit.dropins):
        if dropin.contents is not None:
            yield from _write(f"{path}.d/{dropin.name}", dropin.contents, (*config_path, "dropins", index), view)
    if unit.mask:
        yield from _mask(path, config_path, view)
    elif unit.contents:
        yield from _write(path, unit.contents, config_path, view)
    elif unit.mask is False:
        there = view.file_status(resolve_path(view, path))
        if there is not None and there.kind is FileType.LINK and there.target == "/dev/null":
            yield RemovePath(
                resolve_path(view, path), config_path=(*config_path, "mask"), destroys=f"mask of {unit.name}"
            )


def _check_names(unit: Unit, config_path: Path) -> None:
    """Raises PlanRefused for a name that systemd never loads: it could lead elsewhere, or break a preset."""
    for name in (unit.name, *(dropin.name for dropin in unit.dropins)):
        if "/" in name or not name.isprintable() or " " in name:
            raise PlanRefused(
                [Problem(config_path, f"{name!r} is not a name of a unit", rule="unit-name")],
                hint="systemd.unit(5) says which names are",
            )


def _write(path: str, text: str, config_path: Path, view: MachineView) -> Iterator[Action]:
    """Files and links that are there are replaced, as Ignition does."""
    path = resolve_path(view, path)
    _check_replaceable(path, config_path, view)
    contents = (Content(text.encode()),)
    destroys = replaced(view, path, contents)
    yield WriteFile(path, contents, parents=missing_parents(view, path), config_path=config_path, destroys=destroys)


def _check_replaceable(path: str, config_path: Path, view: MachineView) -> None:
    """Raises PlanRefused if something is at a path that no file can take the place of."""
    there = view.file_status(path)
    if there is not None and there.kind not in {FileType.FILE, FileType.LINK}:
        raise PlanRefused(
            [Problem(config_path, f"{path} is a {there.kind.value}", rule="other-file-type")],
            hint="move it away; units are files",
        )


def _mask(path: str, config_path: Path, view: MachineView) -> Iterator[Action]:
    path = resolve_path(view, path)
    there = view.file_status(path)
    if there is not None and there.kind is FileType.DIRECTORY:
        yield RemovePath(path, config_path=(*config_path, "mask"), destroys=replaced(view, path))
    if there is None or there.target != "/dev/null":
        destroys = "" if there is None or there.kind is FileType.DIRECTORY else replaced(view, path)
        parents = missing_parents(view, path)
        yield MakeSymlink(path, "/dev/null", parents=parents, config_path=(*config_path, "mask"), destroys=destroys)
    else:
        yield Keep(f"mask {path}", "it is there already", (*config_path, "mask"))


def _presets(config: Config, view: MachineView) -> list[tuple[bool, str]]:
    """Whether to enable, and which unit or instances of a template, in the order of Ignition's keys.

    A unit that is not enabled needs no disabling, and a line about it could contradict its vendor's preset.
    """
    groups = _grouped(config)
    keyed = sorted((f"{name}-{'enabled' if state else 'disabled'}", name, state) for name, state in groups)
    presets = [(state, _words(name, groups[name, state])) for _, name, state in keyed]
    return [(state, units) for state, units in presets if state or view.enabled(units)]


def _grouped(config: Config) -> dict[tuple[str, bool], list[str] | None]:
    """(unit or template, enabled) -> instances of the template; None for a unit that is not a template."""
    groups: dict[tuple[str, bool], list[str] | None] = {}
    for unit in config.systemd.units:
        if unit.enabled is None:
            continue
        template, instance = _template(unit.name)
        if instance is None:
            groups[unit.name, unit.enabled] = None
        else:
            known = groups.setdefault((template, unit.enabled), [])
            groups[template, unit.enabled] = [*(known or []), instance]
    return groups


def _template(name: str) -> tuple[str, str | None]:
    """`foo@bar.service` -> (`foo@.service`, `bar`): the instance is the text between the first `@` and the last dot."""
    stem, at, rest = name.partition("@")
    if not at:
        return name, None
    instance, dot, suffix = rest.rpartition(".")
    return f"{stem}@{dot}{suffix}", instance


def _words(name: str, instances: list[str] | None) -> str:
    return name if instances is None else f"{name} {' '.join(instances)}"


def _systemctl(verb: str, units: list[str], title: str, accepts: tuple[int, ...] = (0,)) -> RunProgram:
    argv: tuple[Argument, ...] = ("systemctl", "--root", TargetPath("/"), verb, "--", *units)
    return RunProgram(title, argv, frozenset({UNITS}), config_path=("systemd", "units"), accepts=accepts)

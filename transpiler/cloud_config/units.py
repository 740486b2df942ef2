"""Units: `coreos.units`, and the drop-ins of programs whose options stand below `coreos`.

Source: `initialize/config.go` and `system/{systemd,unit,env,update}.go` of coreos/coreos-cloudinit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.model import Record
from provision.config.problems import Path, shortened
from provision.config.rules.systemd import quoted
from transpiler.cloud_config.options import FRACTIONS, PROGRAMS, Program
from transpiler.cloud_config.parts import Parts
from transpiler.cloud_config.records import COMMANDS, CloudConfig, Unit

DROPIN = "20-cloudinit.conf"
NETWORK = (".network", ".netdev", ".link")
COMMANDS_UNIT = "cloud-config-commands{}.service"

ALLOWED = {
    "proxy": (re.compile("on|off|readonly"), "on, off or readonly"),
    "window_start": (
        re.compile("((?i:sun|mon|tue|wed|thu|fri|sat|sun) )?0*([0-9]|1[0-9]|2[0-3]):0*([0-9]|[1-5][0-9])"),
        "a time, such as 04:00 or Thu 04:00",
    ),
    "window_length": (re.compile(r"[-+]?([0-9]*(\.[0-9]*)?[a-z]+)+"), "a duration, such as 1h30m"),
}
"""Option -> the values that it may have, as a pattern and in words. Only etcd2 checks `proxy`."""


def add_units(config: CloudConfig, parts: Parts) -> None:
    """Add all units, in the order in which coreos-cloudinit writes them, and one that runs the commands."""
    commands: list[str] = []
    for index, unit in enumerate(config.coreos.units):
        place: Path = ("coreos", "units", index)
        if not unit.name:
            parts.problem(place, "a unit without a name is left out", "add a name, or remove the entry", fatal=False)
        elif "/" in unit.name or unit.name in {".", ".."}:
            parts.problem((*place, "name"), "the name of a unit has no slash", "write the name, such as web.service")
        elif unit.name.endswith(NETWORK):
            _add_network_unit(unit, place, parts)
        else:
            _add_unit(unit, place, parts)
            commands += _command(unit, place, parts)
    _add_programs(config, parts)
    if config.coreos.update.reboot_strategy == "off":
        locksmith = parts.unit("locksmithd.service", ("coreos", "update", "reboot_strategy"))
        locksmith.mask, locksmith.contents = True, None
    if commands:
        added = parts.unit(COMMANDS_UNIT.format(parts.suffix), ("coreos", "units"))
        added.contents, added.enabled = _commands_text(commands), True


def _add_unit(unit: Unit, place: Path, parts: Parts) -> None:
    made = parts.unit(unit.name, place)
    if unit.runtime:
        message = "runtime is lost: the unit stays when it is removed from the user data"
        parts.problem((*place, "runtime"), message, fatal=False)
    if unit.content:
        made.contents, made.mask, made.contents_source = unit.content, False, (*place, "content")
    for index, dropin in enumerate(unit.drop_ins):
        if dropin.name and dropin.content:
            made.dropins[dropin.name] = (dropin.content, (*place, "drop_ins", index, "content"))
    if unit.mask:
        if made.contents is not None:
            parts.problem((*place, "mask"), "the unit is masked, so its content does nothing", fatal=False)
        made.mask, made.contents = True, None
    made.enabled = made.enabled or unit.enable


def _command(unit: Unit, place: Path, parts: Parts) -> Iterator[str]:
    """The command line for the unit's command."""
    if not unit.command:
        return
    if unit.command not in COMMANDS:
        message = f"unknown command {quoted(shortened(unit.command))}"
        parts.problem((*place, "command"), message, f"one of {', '.join(COMMANDS)}")
        return
    name = unit.name.replace("%", "%%").replace("$", "$$")
    end_of_options = "-- " if name.startswith("-") else ""
    yield f"{unit.command} {end_of_options}{quoted(name) if re.search(r'[^A-Za-z0-9:_.@$%-]', name) else name}"


def _commands_text(commands: list[str]) -> str:
    """A unit that does the commands in turn at each start of the machine; one that fails does not stop the others."""
    return "\n".join(
        (
            "[Unit]",
            "Description=Start and stop the units that a cloud-config names",
            "",
            "[Service]",
            "Type=oneshot",
            "RemainAfterExit=yes",
            *(f"ExecStart=-/usr/bin/systemctl {command}" for command in commands),
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        )
    )


def _add_network_unit(unit: Unit, place: Path, parts: Parts) -> None:
    """A unit of systemd-networkd is a file, which is there before systemd-networkd starts."""
    path = f"/etc/systemd/network/{unit.name}"
    if unit.content and not unit.mask:
        parts.add_file(path, _encoded(unit.content), (*place, "content"))
    for index, dropin in enumerate(unit.drop_ins):
        if dropin.name and dropin.content:
            parts.add_file(f"{path}.d/{dropin.name}", _encoded(dropin.content), (*place, "drop_ins", index))
    if unit.mask:
        parts.add_link(path, "/dev/null", place)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _add_programs(config: CloudConfig, parts: Parts) -> None:
    """Add a drop-in with the options of each program; flannel reads a file."""
    for name, program in PROGRAMS.items():
        section: Record = getattr(config.coreos, name)
        place: Path = ("coreos", name)
        lines = list(_environment(name, program, section, place, parts))
        if not lines:
            continue
        if program.gone:
            message = f"no image has {program.doc} any more"
            hint = "remove the section, or run the program in a container"
            parts.problem(place, message, hint, fatal=False)
        if name == "flannel":
            parts.add_file("/run/flannel/options.env", "\n".join(lines).encode(), place)
        else:
            text = "[Service]\n" + "".join(f'Environment="{line}"\n' for line in lines)
            parts.unit(program.unit, place).dropins[DROPIN] = (text, place)


def _environment(name: str, program: Program, section: Record, place: Path, parts: Parts) -> Iterator[str]:
    """The variables of a program; zero, false and an empty text are left out."""
    for option in program.options:
        value = getattr(section, option)
        allowed = ALLOWED.get(option) if name != "etcd" else None
        if value and allowed and not allowed[0].fullmatch(value):
            parts.problem((*place, option), "unknown value", f"write {allowed[1]}")
            continue
        shown: str | None = str(value).lower() if value is True else str(value or "")
        if shown and option in FRACTIONS:
            shown = _fraction(shown)
            if shown is None:
                parts.problem((*place, option), "expected a number", "write a number of seconds, such as 0.5")
        if shown:
            yield f"{program.variable(option)}={shown}"


def _fraction(text: str) -> str | None:
    """A number as Go prints it (`%v` of float64); empty for zero, None if the text is no number."""
    if not re.fullmatch(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text):
        return None
    number = float(text)
    if number == 0:
        return ""
    if number in {float("inf"), float("-inf")}:
        return None
    return str(int(number)) if abs(number) < 1e21 and number == int(number) else repr(number)

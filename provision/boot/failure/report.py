"""Why a boot stopped: the stage that failed saves a report, which is shown on all consoles at the end.

Hooks of dracut show it before the shell starts or the machine powers off. At that time earlier messages are no longer
on the screen, or they are only in the journal. If no stage failed, the cause is elsewhere: there is no root device, or
a unit of the distribution failed.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NamedTuple

from provision.boot.failure import ssh_login
from provision.boot.failure.missing_root import may_provision, missing_root
from provision.boot.failure.policy import HOLD, FailurePolicy, failure_policy
from provision.boot.failure.rows import ROWS, cut, fitted, row_count
from provision.boot.run_files import BUNDLE, ENVIRONMENT, WITH_SECRETS
from provision.failures import ConfigInvalid, Failure, PlanRefused
from provision.system.running_system.local_system import LocalSystem

REPORT = "/run/provision/failure"
LOG = "/run/provision/log"
"""The log in an initramfs without systemd: its scripts write it."""

UNITS = ("provision-*.service", "ignition-*.service")
"""Names of the units that run stages: ours, and those of Ignition, which may run our program."""

LAST_LINES = 5

LEAST_ROWS = 2
"""How many rows the causes and hints get, even if none are left."""

MAX_NAMES = 3
"""How many units that failed are named."""

HINTS = (
    (
        "unknown filesystem type",
        "the driver of this file system is not in the initramfs: add it (dracut --add-drivers)",
    ),
    ("Result=oom-kill", "give the machine more memory"),
    ("Result=timeout", "it reached its time limit: a program or a device does not answer"),
    ("RUN fsck MANUALLY", "repair this file system with fsck from another system, or let the config make it anew"),
)
"""Words of a unit's result or log (mount(8), systemd.service(5), fsck.ext4(8)), and what to do about that failure."""


class FailedUnit(NamedTuple):
    """A unit that failed: systemd's `Result` (systemd.service(5)), and the last lines of its log."""

    name: str
    result: str
    last_lines: tuple[str, ...] = ()


def save_report(failure: Failure) -> None:
    """Save the reasons of a failure for `show_report`, if this process runs in an initramfs.

    If that is not possible it is only said, because the caller is about to tell the failure itself.
    """
    from provision.system import consoles
    from provision.system.private_files import erase_private, write_private

    if not consoles.in_initramfs():
        return
    try:
        write_private(REPORT, ("\n".join(saved_lines(failure)) + "\n").encode(errors="replace"))
    except Failure as unsaved:
        print(f"the report of this failure cannot be saved: {unsaved.message}", file=sys.stderr, flush=True)
        with suppress(Failure, OSError):
            erase_private(REPORT)  # it may be an earlier one


def saved_lines(failure: Failure) -> list[str]:
    """The lines of a report: those of the failure, and each error of a config with its place.

    The log has these errors already, but nobody reads it at a console.
    """
    return [*failure_lines(failure), *(failure.errors if isinstance(failure, ConfigInvalid) else ())]


def failure_lines(failure: Failure) -> list[str]:
    """A failure as lines of text: its reasons, and what to do."""
    reasons = failure.reasons if isinstance(failure, PlanRefused) else (failure.message,)
    lines = [line for reason in reasons for line in reason.splitlines()]
    return [*lines, *(f"hint: {hint}" for hint in failure.hint.splitlines())]


def show_report(running_system: LocalSystem) -> None:
    """Show on all consoles why the boot stopped, if it should have provisioned this machine. Raises Failure.

    Then do what the kernel command line says for a failure.
    """
    from provision.system import consoles
    from provision.system.private_files import read_private

    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    units = _failed(*UNITS)
    # an initramfs without systemd has no units
    saved = (read_private(REPORT) or b"").decode(errors="replace").splitlines()
    if not units and not saved and not may_provision(command_line):
        return
    try:
        policy = failure_policy(command_line)
    except Failure:
        policy = FailurePolicy()  # `look` has reported that
    tail = [cut(sentence, 1)] if (sentence := policy.sentence()) else []
    rows = (
        ROWS - row_count(tail) - (ssh_login.ROWS if policy.action == HOLD and ssh_login.ARGUMENT in command_line else 0)
    )
    if units or saved:
        secrets = secrets_line([path for path in WITH_SECRETS if os.path.exists(path)])
        rows -= row_count(secrets)
        bundle, decided = os.path.exists(BUNDLE), os.path.exists(ENVIRONMENT)
        text = [*report_text(units, saved, bundle=bundle, decided=decided, rows=rows), *secrets]
    else:
        causes = missing_root(running_system)
        has_journal = os.path.isdir("/run/systemd/system")
        text = other_text(causes, [] if causes else _failed("*"), rows, has_journal=has_journal)
    consoles.show("\n".join(["", *text, *tail]))
    if policy.action == HOLD:
        ssh_login.start_ssh(command_line)
    policy.carry_out()


def report_text(
    units: list[FailedUnit], saved: list[str], *, bundle: bool = False, decided: bool = True, rows: int = ROWS
) -> list[str]:
    """The lines to show: which units failed, and why: the saved report, or else the last lines of their logs.

    `bundle` says whether there is a file for `provision replay`; `decided`, whether it is known that this is a first
    boot. They take at most `rows` rows of a console; the whole report is in its file, or in the log.
    """
    causes = saved or _last_words(units)
    is_ignition = any(unit.name.startswith("ignition-") for unit in units)
    names = "ignition" if is_ignition else "provision"
    log = f"journalctl -u '{names}-*'" if units else LOG
    head = [cut(f"The first boot stopped: {_named(units) or 'a stage failed'}", 2)]
    head += [] if saved or not causes else ["It said last:"]
    end = f"{_next_boot(saved, decided=decided or is_ignition)}The log: {log}"
    end += f"; for provision replay: {BUNDLE}" if bundle else ""
    rows -= row_count([*head, end])
    place = REPORT if saved else ""
    return [*head, *_in_rows(causes, _hints(units), rows, place=place, newest=not saved), end]


def _in_rows(causes: list[str], hints: list[str], rows: int, *, place: str = "", newest: bool = False) -> list[str]:
    """Causes, and hints after them, in at most `rows` rows, or in LEAST_ROWS if that is more.

    If there is no room for all, hints get rows before causes do, and of the causes the first are shown, or the last if
    `newest` is set. Then a line names `place`, the file that has all, if there is one.
    """
    rows = max(rows, LEAST_ROWS)
    hints = [f"  {line}" for line in [*(line for line in causes if _is_hint(line)), *hints]]
    causes = [f"  {line}" for line in causes if not _is_hint(line)]
    if row_count([*causes, *hints]) <= rows:
        return [*causes, *hints]
    shown_hints = fitted(hints, rows // 2 if causes else rows - 1)
    left = rows - row_count(shown_hints)
    if newest:
        return [*reversed(fitted(causes[::-1], left, least=1)), *shown_hints]
    if not place or left == 1:
        return [*fitted(causes, left), *shown_hints]
    shown = fitted(causes, left - 1)
    left_out = len(causes) + len(hints) - len(shown) - len(shown_hints)
    count = "1 line" if left_out == 1 else f"{left_out} lines"
    more = f"and {count} more, in {place}" if left_out else f"the whole text is in {place}"
    return [*shown, f"  ... {more}", *shown_hints]


def _is_hint(line: str) -> bool:
    return line.startswith("hint: ")


def secrets_line(paths: list[str]) -> list[str]:
    """A line that names the files with secrets of the config; no line without such files.

    The log and the bundle have no secrets: a person may pass them on.
    """
    return [f"Only these have secrets of the config, and only root reads them: {', '.join(paths)}"] if paths else []


def _next_boot(saved: list[str], *, decided: bool) -> str:
    """What the next boot does, as a sentence; empty if it stops too, until somebody does what the hints say."""
    from provision.boot.root.kept_content import WRITE_AGAIN

    if not decided or any(WRITE_AGAIN in line for line in saved):
        return ""
    return "The next boot provisions again, and goes on where this one stopped. "


def other_text(causes: list[str], units: list[FailedUnit], rows: int = ROWS, *, has_journal: bool = True) -> list[str]:
    """The lines for a boot in which no unit of ours failed: the known causes, or else the units that failed."""
    head = cut(f"The boot stopped: {causes[0] if causes else _named(units) or 'no unit failed'}", 2)
    end = f"The log: {'journalctl -b' if has_journal else LOG}"
    rows -= row_count([head, end])
    return [head, *_in_rows(causes[1:] or _last_words(units), _hints(units), rows, newest=not causes), end]


def _last_words(units: list[FailedUnit]) -> list[str]:
    return [line for unit in units for line in unit.last_lines]


def _named(units: list[FailedUnit]) -> str:
    more = f" and {len(units) - MAX_NAMES} more" if len(units) > MAX_NAMES else ""
    return ", ".join(f"{one.name} failed ({one.result})" for one in units[:MAX_NAMES]) + more


def _hints(units: list[FailedUnit]) -> list[str]:
    """What to do about the failures that are known, each once."""
    told = "\n".join(line for unit in units for line in (f"Result={unit.result}", *unit.last_lines))
    return [f"hint: {hint}" for sign, hint in HINTS if sign in told]


def _failed(*patterns: str) -> list[FailedUnit]:
    from provision.system.programs import processes

    argv = ["systemctl", "show", "--state=failed", "--property=Id,Result", *patterns]
    fields = [line.partition("=") for line in processes.run(argv).output.splitlines()]
    names = [value for key, _, value in fields if key == "Id"]
    results = [value for key, _, value in fields if key == "Result"]
    return [FailedUnit(name, result, _last_lines(name)) for name, result in zip(names, results, strict=False)]


def _last_lines(unit: str) -> tuple[str, ...]:
    from provision.system.programs import processes

    if processes.find("journalctl") is None:
        return ()
    argv = ["journalctl", "--boot", "--lines", str(LAST_LINES), "--output=cat", "--no-pager", f"_SYSTEMD_UNIT={unit}"]
    return tuple(processes.run(argv).lines)

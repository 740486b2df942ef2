"""Why a boot stopped: the stage that failed saves a report, which is shown on all consoles at the end.

A drop-in of emergency.service shows it before the shell starts or the machine powers off. At that time earlier messages
are no longer on the screen, or they are only in the journal.
"""

from __future__ import annotations

from typing import NamedTuple

from provision.failures import Failure, PlanRefused

REPORT = "/run/provision/failure"
UNITS = "provision-*.service"

LAST_LINES = 5
MAX_LINES = 20
"""How many lines of a report are shown: so many fit on a screen together with systemd's own messages."""


class FailedUnit(NamedTuple):
    """A unit that failed: systemd's `Result` (systemd.service(5)), and the last lines of its log."""

    name: str
    result: str
    last_lines: tuple[str, ...] = ()


def save_report(failure: Failure) -> None:
    """Save the reasons of a failure for `show_report`, if this process runs in an initramfs."""
    from provision.system import consoles
    from provision.system.private_files import write_private

    if consoles.in_initramfs():
        write_private(REPORT, ("\n".join(failure_lines(failure)) + "\n").encode(errors="replace"))


def failure_lines(failure: Failure) -> list[str]:
    """A failure as lines of text: its reasons, and what to do."""
    reasons = failure.reasons if isinstance(failure, PlanRefused) else (failure.message,)
    lines = [line for reason in reasons for line in reason.splitlines()]
    return [*lines, *(f"hint: {hint}" for hint in failure.hint.splitlines())]


def show_report() -> None:
    """Show on all consoles why the boot stopped, if one of our units failed."""
    from provision.system import consoles
    from provision.system.private_files import read_private

    units = _failed()
    if units:
        saved = (read_private(REPORT) or b"").decode(errors="replace").splitlines()
        consoles.show(report_text(units, saved))


def report_text(units: list[FailedUnit], saved: list[str]) -> str:
    """The text to show: which units failed, and why: the saved report, or else the last lines of their logs."""
    causes = saved or [line for unit in units for line in unit.last_lines]
    shown = [f"  {line}" for line in causes[:MAX_LINES]]
    more = [f"  ... and {len(causes) - MAX_LINES} lines more"] if len(causes) > MAX_LINES else []
    return "\n".join(
        [
            "",
            f"The first boot stopped: {', '.join(f'{one.name} failed ({one.result})' for one in units)}",
            *([] if saved or not causes else ["It said last:"]),
            *shown,
            *more,
            "The next boot provisions again, and goes on where this one stopped. The log: journalctl -u 'provision-*'",
            "",
        ]
    )


def _failed() -> list[FailedUnit]:
    from provision.system.programs import processes

    argv = ["systemctl", "show", "--state=failed", "--property=Id,Result", UNITS]
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

"""Ignition's own command line: one stage of a boot, with exactly its options, files and exit codes.

Source: `ignition --help`, and Go's package flag (one or two dashes, `-x=v` or `-x v`, no abbreviations).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from provision import IGNITION_VERSION, __version__
from provision.boot.run_files import CONFIG_CACHE, NEED_NETWORK, STATE_FILE
from provision.boot.stage.saved_state import StateUnreadable
from provision.cli import exit_code
from provision.failures import Failure, Usage, as_failure
from provision.log import FieldLog, also_in_journal, open_log, with_unit_status
from provision.system.consoles import in_initramfs, on_consoles
from provision.system.libc import forbid_core_dumps

STAGES = ("fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount")


class StageOptions(NamedTuple):
    """The options of a stage, with Ignition's defaults. `fetch_timeout` is in seconds."""

    config_cache: str = CONFIG_CACHE
    fetch_timeout: float = 120.0
    log_to_stdout: bool = False
    neednet: str = NEED_NETWORK
    platform: str = ""
    root: str = "/"
    stage: str = ""
    state_file: str = STATE_FILE
    version: bool = False


def ignition(arguments: Sequence[str]) -> int:
    """Run a stage. Returns 0, 1 when the stage fails, 2 for wrong options, 3 when it cannot begin."""
    try:
        options = parse_options(arguments)
    except Usage as wrong:
        print(wrong.message, file=sys.stderr)
        print(USAGE, file=sys.stderr)
        return 0 if wrong.message == HELP_ASKED else 2
    if options.version:
        print(f"Ignition {IGNITION_VERSION} (provision {__version__})")
        return 0
    for name in ("platform", "stage"):
        if not getattr(options, name):
            print(f"'--{name}' must be provided", file=sys.stderr)
            return 2
    log = open_log(sys.stdout, to_stdout=options.log_to_stdout)
    if options.log_to_stdout and in_initramfs():
        log = also_in_journal(log)
    return _logged(options, with_unit_status(on_consoles(log)))


def _logged(options: StageOptions, log: FieldLog) -> int:
    os.umask(0o077)
    forbid_core_dumps()
    log("info", f"Ignition {IGNITION_VERSION} (provision {__version__})")
    log("info", f"Stage: {options.stage}")
    try:
        _stage(options, log)
    except StateUnreadable as failure:
        _report("reading state", failure, log)
        return 3
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every error is logged in the same form
        cause = as_failure(error)
        _report(options.stage, cause, log)
        if cause is not error and isinstance(error, Exception):
            _log_traceback(error, log)
        log("critical", f"Ignition failed: {cause.message.splitlines()[0]}")
        return exit_code(cause)
    log("info", f"{options.stage}: {options.stage} passed")
    log("info", "Ignition finished successfully")
    return 0


def _report(doing: str, failure: Failure, log: FieldLog) -> None:
    from provision.boot.failure import report

    for line in report.failure_lines(failure):
        log("critical", f"{doing}: {line}")
    report.save_report(failure)


def _log_traceback(error: Exception, log: FieldLog) -> None:
    """Log the traceback and the type of an exception, without its text, which may hold a secret."""
    from traceback import format_tb

    for line in "".join(format_tb(error.__traceback__)).splitlines():
        log("error", line)
    log("error", type(error).__name__)


def _stage(options: StageOptions, log: FieldLog) -> None:
    """Do one stage, and save the state for later stages. Raises Failure."""
    from provision.boot.stage.run import Boot

    boot = Boot(
        platform=options.platform,
        root=options.root,
        cache=options.config_cache,
        neednet=options.neednet,
        fetch_timeout=options.fetch_timeout,
        log=log,
        state_file=options.state_file,
        environment=os.environ,
    )
    boot.run(options.stage)


def parse_options(arguments: Sequence[str]) -> StageOptions:
    """Read options by the rules of Go's package flag (https://pkg.go.dev/flag). Raises Usage."""
    waiting = list(arguments)
    values: dict[str, Any] = {}
    while waiting and waiting[0].startswith("-") and waiting[0] != "-":
        word = waiting.pop(0)
        if word == "--":
            break
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        field = name.replace("-", "_")
        if name in {"h", "help"}:
            raise Usage(HELP_ASKED)
        if field not in StageOptions._fields or "_" in name:
            raise Usage(f"flag provided but not defined: -{name}")
        if isinstance(StageOptions._field_defaults[field], bool):
            values[field] = _boolean(name, value) if equals else True
        elif equals or waiting:
            values[field] = _value(name, value if equals else waiting.pop(0))
        else:
            raise Usage(f"flag needs an argument: -{name}")
    return StageOptions()._replace(**values)


def _boolean(name: str, text: str) -> bool:
    if text.lower() in {"1", "t", "true"}:
        return True
    if text.lower() in {"0", "f", "false"}:
        return False
    raise Usage(f'invalid boolean value "{text}" for -{name}: parse error')


def _value(name: str, text: str) -> object:
    if name == "fetch-timeout":
        return _seconds(text)
    if name == "stage" and text not in STAGES:
        raise Usage(f'invalid value "{text}" for flag -stage: {text} is not a valid stage')
    if name == "platform":
        from provision.fetch.platforms.table import PLATFORMS

        if text not in PLATFORMS:
            raise Usage(f'invalid value "{text}" for flag -platform: {text} is not a valid platform')
    return text


def _seconds(text: str) -> float:
    """The seconds of a duration in Go's form: `2m0s`, `1.5h`, `300ms` (time.ParseDuration). Raises Usage."""
    import re

    units: Mapping[str, float] = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
    parts = re.findall(r"([0-9]*\.?[0-9]+|[0-9]+\.)(h|ms|m|s|us|µs|ns)", text.lstrip("+"))
    if text == "0" or (parts and "".join(number + unit for number, unit in parts) == text.lstrip("+")):
        return sum(float(number) * units[unit] for number, unit in parts)
    raise Usage(f'invalid value "{text}" for flag -fetch-timeout: parse error', hint="write e.g. 2m0s")


HELP_ASKED = "flag: help requested"

USAGE = """\
Usage of ignition:
  -config-cache file    where the config is kept between stages (/run/ignition.json)
  -fetch-timeout time   how long to try to get the config (2m0s)
  -log-to-stdout        write to standard output instead of the journal
  -neednet file         made when the network is needed (/run/ignition/neednet)
  -platform name        where the config comes from
  -root directory       root of the system that is provisioned (/)
  -stage name           fetch-offline, fetch, kargs, disks, mount, files or umount
  -state-file file      what stages tell each other (/run/ignition/state)
  -version              print the version"""

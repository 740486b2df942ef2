"""The command line: chooses what to run by the name of the program, prints failures, and chooses the exit code.

With `--stage`, or started as `ignition`, it takes Ignition's options and nothing else; started as `ignition-apply`,
`ignition-rmcfg` or `ignition-validate` it behaves as those. Otherwise it has subcommands, each a module of
`provision.commands` with NAME, HELP, configure(parser) and run(arguments).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from signal import SIGINT
from typing import TYPE_CHECKING, Any, NoReturn

from provision.config.reports.streams import run_program
from provision.failures import Bug, ConfigInvalid, Failure, PlanRefused, Usage, as_failure
from provision.stop_signals import handle_stop_signals, stopped_by

if TYPE_CHECKING:
    import argparse

COMMANDS = ("plan", "apply", "validate", "fetch", "metadata", "clean", "grow", "reset", "try", "capture", "replay")
"""Subcommands, in the order of the help; each is the module of that name, but for MODULES."""

MODULES = {"try": "trial.command"}
"""Subcommand -> module below `provision.commands`, where that is not the name of the subcommand."""

ENTRY_POINTS = {
    "provision-firstboot": ("provision.commands.firstboot", "main"),
    "ignition": ("provision.commands.compatible.ignition.stage", "ignition"),
    "ignition-validate": ("provision.commands.compatible.ignition.validate", "ignition_validate"),
    "ignition-apply": ("provision.commands.compatible.ignition.apply", "ignition_apply"),
    "afterburn": ("provision.commands.compatible.afterburn", "afterburn"),
    "coreos-metadata": ("provision.commands.compatible.afterburn", "coreos_metadata"),
    "coreos-cloudinit": ("provision.commands.compatible.coreos_cloudinit.command", "coreos_cloudinit"),
    "ignition-rmcfg": ("provision.commands.compatible.ignition.rmcfg", "ignition_rmcfg"),
}
"""Name of the program -> module and function that take its arguments."""

EXIT_CODES = """\
exit codes:
  0   done
  1   failure: the config is invalid, or a fetch or a step failed; the message says what to do
  2   wrong use of the command line
  4   plan --exit-code: there are changes to make
  5   plan --exit-code: no changes found, but the plan could not see everything
  6   try: the machine did not come up, or a unit of it failed
  70  a bug in this program
  128 + N  stopped by signal N: 130 after Ctrl-C
"""

EXAMPLE = """\
from YAML to a disk image:
  provision validate site.yaml
  provision plan site.yaml
  sudo provision apply site.yaml --image disk.img --size 10G

"""


def main() -> NoReturn:
    """Entry point of the script `provision`.

    The garbage collector runs less often than usual, and objects are not freed at the end: together they would take a
    fifth of the time of a stage that has nothing to do.
    """
    handle_stop_signals()
    gc.set_threshold(50_000)
    own = os.path.basename(sys.argv[0]) not in ENTRY_POINTS and not any(map(_is_stage, sys.argv[1:]))
    run_program("provision", lambda: run(sys.argv), results_on_stdout=own)


def run(argv: Sequence[str]) -> int:
    """Do what the command line says; returns the exit code. A bug shows its traceback and gives 70.

    After a stop signal the code is 128 + its number, however the run has ended.
    """
    try:
        code = _dispatch(os.path.basename(argv[0]), list(argv[1:]))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every error is printed in the same form
        code = _reported(error)
    number = stopped_by()
    return code if number is None else 128 + number


def _reported(error: Exception | KeyboardInterrupt) -> int:
    """Print why the run failed, or that it was stopped; returns the exit code."""
    if isinstance(error, KeyboardInterrupt) or stopped_by() is not None:
        print("interrupted", file=sys.stderr)
        if not isinstance(error, KeyboardInterrupt) and isinstance(error.__context__, KeyboardInterrupt):
            _print_failure(as_failure(error))  # of the clean-up
        return 128 + SIGINT
    cause = as_failure(error)
    if isinstance(cause, Bug) and cause is not error:
        from traceback import print_exc

        print_exc()
    _print_failure(cause)
    return exit_code(cause)


def exit_code(failure: Failure) -> int:
    """The exit code for a failure: 1, 2 for a wrong command line, 70 (EX_SOFTWARE of sysexits.h) for a bug."""
    if isinstance(failure, Usage):
        return 2
    return os.EX_SOFTWARE if isinstance(failure, Bug) else 1


def _dispatch(program: str, arguments: list[str]) -> int:
    if program not in ENTRY_POINTS and any(_is_stage(argument) for argument in arguments):
        program = "ignition"
    if program in ENTRY_POINTS:
        module, function = ENTRY_POINTS[program]
        code: int = getattr(import_module(module), function)(arguments)
        return code
    if arguments[:1] == ["--version"]:
        from provision import __version__

        print(f"provision {__version__}")
        return 0
    return _subcommand(arguments)


def _is_stage(argument: str) -> bool:
    return argument.lstrip("-").partition("=")[0] == "stage" and argument[:1] == "-"


def _subcommand(arguments: list[str]) -> int:
    from importlib.util import find_spec

    # an initramfs has only the commands that help there; for a module of a missing package find_spec raises an error
    installed = [name for name in COMMANDS if find_spec(".".join(_module(name).split(".")[:3]))]
    first = arguments[:1]
    parser = command_line(first if first and first[0] in installed else installed)
    if not arguments:
        parser.print_help(sys.stderr)
        return 2
    chosen = parser.parse_args(arguments)
    code: int = chosen.run(chosen)
    return code


def command_line(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser with these subcommands. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine

    parser = CommandLine(
        prog="provision",
        description="Provision a machine, or a disk image, from an Ignition config (JSON) or its YAML source.",
        epilog=f"{EXAMPLE}{EXIT_CODES}\n"
        "COMMAND --help describes a command. With --stage the program takes Ignition's options.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in names:
        _add(commands, import_module(_module(name)))
    return parser


def _module(name: str) -> str:
    return f"provision.commands.{MODULES.get(name, name)}"


def _add(commands: Any, module: Any) -> None:
    """Add the subcommand of a module."""
    parser = commands.add_parser(
        module.NAME,
        help=module.HELP,
        description=(module.__doc__ or "").strip(),
        epilog=getattr(module, "EPILOG", "") + EXIT_CODES,
    )
    module.configure(parser)
    parser.set_defaults(run=module.run)


def _print_failure(failure: Failure) -> None:
    """Print what is wrong, a line for each reason, and what to do."""
    from provision.config.reports.text import as_text, printable, takes_colour

    if isinstance(failure, ConfigInvalid) and failure.report:
        print(failure.report, file=sys.stderr)
    error = "\033[1;31merror:\033[0m" if takes_colour(sys.stderr) else "error:"
    if isinstance(failure, PlanRefused) and failure.findings:
        print(as_text(failure.findings, excerpts=True, color=takes_colour(sys.stderr)), end="", file=sys.stderr)
        print(f"provision: {error} the config cannot be carried out; nothing was changed", file=sys.stderr)
        return
    for reason in failure.reasons if isinstance(failure, PlanRefused) else [failure.message]:
        print(f"provision: {error}", "\n".join(map(printable, reason.splitlines())), file=sys.stderr)
    for hint in failure.hint.splitlines():
        print(f"  hint: {printable(hint)}", file=sys.stderr)

"""Show what a config would do, step by step, and change nothing.

Devices of this machine are looked at (read only); those that are not here are taken for blank and marked so. With
--disk, --image or --root the config is planned for disk images or a tree, as `apply` would carry it out.
"""

from __future__ import annotations

import argparse
import sys

from provision.commands.given_config import merge_references, read_config
from provision.commands.plan_text import is_change, kept_mounts, plan_json, plan_lines, style_of
from provision.commands.targets.options import add_target_options, open_target
from provision.commands.targets.target import Target
from provision.engine.preflight import Step, simulate
from provision.failures import PlanRefused
from provision.planning.actions import WaitForDevices

NAME = "plan"
HELP = "show what a config would do, and change nothing"
EPILOG = """\
examples:
  provision plan site.yaml
  provision plan site.ign --image disk.img --json

"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument("--verbose", action="store_true", help="show what is kept unchanged as well")
    parser.add_argument("--strict-devices", action="store_true", help="refuse if a device is not here")
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 if there are changes to make")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan. Raises Failure."""
    config, _ = merge_references(read_config(arguments.config, arguments.files_dir))
    with open_target(arguments, config, changing=False) as target:
        steps = simulate(target.stages, config, target.view, _assume_present)
        _refuse_missing(steps, arguments)
        target.notes += [
            f"{name} cannot be read, it is assumed to be blank: {why}" for name, why in target.unreadable.items()
        ]
        target.notes += [
            f"{step.action.title}: its files are not known, and taken for absent" for step in kept_mounts(steps)
        ]
        _print(arguments, steps, target)
    return 2 if arguments.exit_code and any(is_change(step.action) for step in steps) else 0


def _assume_present(_step: Step) -> None:
    """What is not here is assumed, not waited for."""


def _refuse_missing(steps: list[Step], arguments: argparse.Namespace) -> None:
    """Devices that are not here are assumed where they may come: not in images, where `apply` would fail too."""
    waits = [step.action for step in steps if isinstance(step.action, WaitForDevices)]
    missing = [f"{wait.config_path}: there is no {name}" for wait in waits for name in wait.names]
    if missing and (arguments.disk or arguments.image):
        raise PlanRefused([f"{one} in the images" for one in missing], hint="the config makes none of that name")
    if missing and arguments.strict_devices:
        raise PlanRefused([f"{one} here" for one in missing], hint="leave --strict-devices out to assume it")


def _print(arguments: argparse.Namespace, steps: list[Step], target: Target) -> None:
    if arguments.json:
        print(plan_json(steps, target.notes))
        return
    print("\n".join(plan_lines(steps, target.notes, style_of(sys.stdout), verbose=arguments.verbose)))

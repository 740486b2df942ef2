"""Show what a config would do, step by step, and change nothing.

With --disk, --image or --root the plan has exactly the steps that `apply` would carry out on images or a tree.
Otherwise the plan reads the block devices of this machine and changes nothing; a missing device is assumed to be blank,
and is marked. A device that cannot be read is marked as unknown.

A step marked with ! destroys something, and says what. Notes name what the plan cannot see.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

from provision.commands.config_places import ConfigPlaces
from provision.commands.given_config import read_whole
from provision.commands.plan_output import is_change, plan_json, plan_lines, style_of
from provision.commands.targets.options import add_target_options, open_target
from provision.commands.targets.target import Target, hidden_mounts
from provision.commands.timeout import add_timeout
from provision.config.model import masked
from provision.config.problems import Problem
from provision.config.reports.formats import as_json
from provision.engine.preflight import Step, simulate
from provision.failures import PlanRefused
from provision.planning.actions import Action, FetchBlob, Mount, RunProgram, WaitForDevices
from provision.planning.facts import DeviceFact, SignatureFact
from provision.stages.files.result_file import RESULT

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
    add_timeout(parser)
    parser.add_argument(
        "--json", action="store_true", help="print the plan as JSON, with the steps that keep something"
    )
    parser.add_argument("--verbose", action="store_true", help="also show what stays as it is")
    parser.add_argument("--strict-devices", action="store_true", help="fail if a device does not exist here")
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help="exit with 4 if there are changes to make, 5 if none are found but the plan cannot see everything",
    )


CHANGES, UNKNOWN = 4, 5
"""Exit codes of --exit-code; they differ from those of a wrong command line and of a failure."""


def run(arguments: argparse.Namespace) -> int:
    """Print the plan. Returns the exit code; raises Failure."""
    config, _, places = read_whole(arguments.config, arguments.files_dir, arguments.timeout)
    with _refusals_as_json(arguments), places.shown(), open_target(arguments, config, changing=False) as target:
        steps = simulate(target.preview, config, target.view, _assume_present, target.contents_of)
        _refuse_missing(steps, arguments)
        hidden = hidden_mounts(steps, target)
        target.notes += [
            f"{name} cannot be read, so it is not known what is on it, nor what the steps on it destroy: {why}"
            for name, why in target.unreadable.items()
        ]
        target.notes += [
            f"{mount.title}: its files are not known; the plan assumes that there are none" for mount in hidden
        ]
        target.notes += [f"{name}: {why}" for name, why in target.unseen.items()]
        target.notes += [
            f"{name}: what is on it is known only when it is open; the plan assumes that it is empty"
            for name in _closed_volumes(steps)
        ]
        _print(arguments, steps, target, places)
        return _exit_code(steps, hidden, target) if arguments.exit_code else 0


@contextmanager
def _refusals_as_json(arguments: argparse.Namespace) -> Iterator[None]:
    """Run the block; with --json print a PlanRefused on standard output too, as `validate --format json` does."""
    try:
        yield
    except PlanRefused as refused:
        if arguments.json:
            print(f'{{"problems": {as_json(refused.findings).rstrip()}}}')
        raise


def _exit_code(steps: list[Step], hidden: list[Mount], target: Target) -> int:
    """The exit code for --exit-code. A change is certain only if it does not depend on an assumption of the plan."""
    closed = _closed_volumes(steps)
    assumed = set(closed)
    unseen = [*hidden, *(step.action for step in steps if _is_mount_of(step.action, closed))]
    points = tuple(mount.path.rstrip("/") + "/" for mount in unseen) if target.root_is_known else ("/",)
    changes = []
    for action in (step.action for step in steps):
        devices = _devices(action)
        files = {name for name in action.touches() if name.startswith(points)} - devices
        if closed:
            files |= {RESULT} & action.touches()  # written if anything else is
        if isinstance(action, WaitForDevices) or any(name.startswith(tuple(assumed)) for name in devices):
            assumed |= devices
        elif is_change(action) and not files and not isinstance(action, FetchBlob):
            return CHANGES
        changes += [action] * is_change(action)
    unknown = changes or hidden or assumed or target.unseen or target.unreadable or not target.root_is_known
    return UNKNOWN if unknown else 0


def _closed_volumes(steps: list[Step]) -> set[str]:
    """The encrypted volumes that exist and that the plan opens: what is on them is not known before."""
    actions = [step.action for step in steps if isinstance(step.action, RunProgram)]
    opened = [one for one in actions if one.argv[:2] == ("cryptsetup", "luksOpen")]
    facts = [fact for one in actions for fact in one.facts if isinstance(fact, SignatureFact)]
    made = {fact.name for fact in facts if fact.value.type == "crypto_LUKS"}
    return {
        fact.name for one in opened if not one.touches() & made for fact in one.facts if isinstance(fact, DeviceFact)
    }


def _is_mount_of(action: Action, devices: set[str]) -> TypeGuard[Mount]:
    return isinstance(action, Mount) and action.device in devices


def _devices(action: Action) -> set[str]:
    """The devices that an action waits for, changes or makes, by all their names in the plan."""
    facts = [fact for fact in action.effect() if isinstance(fact, DeviceFact)]
    made = {name for fact in facts for name in (fact.name, fact.value.name if fact.value else fact.name)}
    return made | {name for name in action.touches() if name.startswith("/dev/")}


def _assume_present(_step: Step) -> None:
    """Do nothing: a plan does not wait for a missing device but assumes that it exists."""


def _refuse_missing(steps: list[Step], arguments: argparse.Namespace) -> None:
    """Raise PlanRefused for missing devices: always for images, where `apply` fails; else with --strict-devices."""
    waits = [step.action for step in steps if isinstance(step.action, WaitForDevices)]
    missing = [(wait.config_path, name) for wait in waits for name in wait.names]
    if missing and (arguments.disk or arguments.image):
        raise PlanRefused(
            [Problem(path, f"there is no {name} in the images", rule="missing-image-device") for path, name in missing],
            hint="the config makes none of that name",
        )
    if missing and arguments.strict_devices:
        raise PlanRefused(
            [Problem(path, f"there is no {name} here", rule="missing-device") for path, name in missing],
            hint="leave --strict-devices out to assume it",
        )


def _print(arguments: argparse.Namespace, steps: list[Step], target: Target, places: ConfigPlaces) -> None:
    found = places.by_path(step.action.config_path for step in steps)
    if arguments.json:
        print(plan_json(steps, target.notes, found, target.unreadable, places.secrets))
        return
    style, unreadable = style_of(sys.stdout), target.unreadable
    lines = plan_lines(steps, target.notes, style, found, verbose=arguments.verbose, unreadable=unreadable)
    print(masked("\n".join(lines), places.secrets))

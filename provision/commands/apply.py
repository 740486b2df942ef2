"""Provision disk images, or a directory tree, as a first boot would: disks, file systems, files, users and units.

With --disk or --image every device name of the config must belong to an image: the disks of this machine are never
changed. Images can be raw, qcow2, vmdk, vdi, vhdx or vhd. The ending of a new image's name chooses its format;
the image appears under that name after success. With --root only files, users and units are applied,
to a directory tree.

All steps are simulated first: if one of them is impossible, nothing is changed. `provision plan` shows the same steps.
If the config was applied before, only what has changed since then is done again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection, Sequence
from json import dumps

from provision.commands.config_places import ConfigPlaces
from provision.commands.given_config import read_whole
from provision.commands.plan_output import HIDDEN, Places, step_json, step_lines, style_of
from provision.commands.targets.options import add_target_options, open_target
from provision.commands.targets.target import Target, hidden_mounts
from provision.commands.timeout import TimedFetcher, add_timeout
from provision.config.model import masked
from provision.config.problems import Problem
from provision.engine.execution import Engine
from provision.engine.preflight import Step, simulate
from provision.failures import Failure, PlanRefused
from provision.stop_signals import ignore_stop_signals
from provision.system.libc import keep_memory_private
from provision.system.machine import Machine

NAME = "apply"
HELP = "provision disk images or a directory tree"
EPILOG = """\
examples:
  provision apply site.yaml --image disk.img --size 10G
  provision apply site.ign --disk /dev/vda=root.img:10G --disk /dev/vdb=data.img:2G --base rootfs.tar
  provision apply site.yaml --root ./tree

"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    add_timeout(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace an existing image, or destroy what the plan marks with !"
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each step when it begins")
    parser.add_argument("--quiet", action="store_true", help="print nothing when all goes well")


def run(arguments: argparse.Namespace) -> int:
    """Simulate all stages, then carry them out. Returns 0; raises Failure."""
    keep_memory_private()
    config, fetcher, places = read_whole(arguments.config, arguments.files_dir, arguments.timeout)
    timed = TimedFetcher(fetcher, arguments.timeout)
    began = time.monotonic()
    with places.shown(), open_target(arguments, config, changing=True) as target:
        machine = target.machine
        if machine is None:
            raise Failure("there is nothing to apply to", hint="give --image, --disk or --root")
        steps = simulate(
            target.preview, config, target.view, lambda step: machine.apply(step.action), target.contents_of
        )
        _refuse_losses(arguments, target, steps)
        target.stop_looking()
        progress = _progress(arguments, steps, places)
        progress.begin(target.notes)
        for stage in target.stages:
            history = target.open_history() if target.open_history and stage.journalled else None
            Engine(machine, timed, progress.step, history).run(stage, config)
        _write_out(machine)
        ignore_stop_signals()
        target.images.keep()
    progress.end(time.monotonic() - began)
    return 0


def _write_out(machine: Machine) -> None:
    """Detach the devices before the images get their names. Raises Failure if something could not be written."""
    try:
        machine.release()
    except OSError as error:
        hint = "the file system that holds the images may be full; dmesg says more"
        raise Failure(f"not everything could be written to the images: {error.strerror}", hint=hint) from error


def _refuse_losses(arguments: argparse.Namespace, target: Target, steps: list[Step]) -> None:
    """Refuse to destroy what exists already, unless --force is given. Raises PlanRefused."""
    losses = [
        Problem(step.action.config_path, f"{step.action.title}: destroys {step.action.destroys}", rule="data-loss")
        for step in steps
        if step.action.destroys
    ]
    losses += [
        Problem(
            mount.config_path,
            f"{mount.title}: its files may be replaced, and this plan cannot see them",
            rule="unknown-contents",
        )
        for mount in hidden_mounts(steps, target)
    ]
    if losses and target.in_place and not arguments.force:
        raise PlanRefused(losses, hint="give --force to destroy that, or work on a copy")


class Progress:
    """Prints nothing: --quiet."""

    def begin(self, notes: Sequence[str]) -> None:
        """Called when the run begins."""

    def step(self, step: Step) -> None:
        """Called when a step begins."""

    def end(self, seconds: float) -> None:
        """Called when the run has ended without errors."""


class TextProgress(Progress):
    """Prints every step when it begins, numbered as `plan` does."""

    def __init__(self, steps: Sequence[Step], places: Places, secrets: Collection[str]) -> None:
        self._places = places
        self._secrets = secrets
        self._style = style_of(sys.stdout)
        self._total = len([step for step in steps if not isinstance(step.action, HIDDEN)])
        self._number = 0
        self._stage = ""

    def begin(self, notes: Sequence[str]) -> None:
        """Print the notes."""
        print(masked("".join(f"note: {note}\n" for note in notes), self._secrets), end="")

    def step(self, step: Step) -> None:
        """Print a numbered line, after a heading if a stage begins."""
        if isinstance(step.action, HIDDEN):
            return
        self._number += 1
        width = len(str(self._total))
        number = f"[{self._number:{width}}/{self._total}]"
        heading = step.stage != self._stage
        lines = "\n".join(step_lines(number, step, self._style, self._places, heading=heading))
        print(masked(lines, self._secrets), flush=True)
        self._stage = step.stage

    def end(self, seconds: float) -> None:
        """Print how long the run took."""
        print(f"\ndone in {seconds:.1f} s")


class JsonProgress(Progress):
    """Prints a line of JSON for every step when it begins, with the keys of `plan --json`, and one at the end."""

    def __init__(self, places: Places, secrets: Collection[str]) -> None:
        self._places = places
        self._secrets = secrets
        self._number = 0

    def step(self, step: Step) -> None:
        """Print the step."""
        self._number += 1
        print(dumps(step_json(self._number, step, self._places, secrets=self._secrets)), flush=True)

    def end(self, seconds: float) -> None:
        """Print that the run is done, and its seconds."""
        print(dumps({"done": True, "seconds": round(seconds, 3)}))


def _progress(arguments: argparse.Namespace, steps: Sequence[Step], places: ConfigPlaces) -> Progress:
    if arguments.quiet and not arguments.json:
        return Progress()
    found = places.by_path(step.action.config_path for step in steps)
    if arguments.json:
        return JsonProgress(found, places.secrets)
    return TextProgress(steps, found, places.secrets)

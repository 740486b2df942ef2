"""Provision disk images, or a directory tree, as a first boot would: disks, file systems, files, users and units.

With --disk or --image every device name of the config leads into an image, or is an error: the disks of this machine
are out of reach. A new image appears under its name only when everything went well. With --root only files, users and
units are applied, to a tree.
"""

from __future__ import annotations

import argparse
import sys

from provision.commands.sources import judged, read_source, whole
from provision.commands.target import Target, add_target_options, open_target
from provision.engine import Engine, Step, Watch, preflight
from provision.failures import Failure, PlanRefused
from provision.show import COLOURS, Style, is_change, kept_mounts, step_line

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
    parser.add_argument("--force", action="store_true", help="replace an existing image, or lose what is on it")
    parser.add_argument("--quiet", action="store_true", help="print nothing when all goes well")


def run(arguments: argparse.Namespace) -> int:
    """Plan everything to its end, then carry it out. Raises Failure."""
    config, report = judged(read_source(arguments.config), arguments.files_dir, color=sys.stderr.isatty())
    if report:
        print(report, file=sys.stderr)
    config, fetcher = whole(config)
    with open_target(arguments, config, changing=True) as target:
        machine = target.machine
        if machine is None:
            raise Failure("there is nothing to apply to", hint="give --image, --disk or --root")
        steps = preflight(target.stages, config, machine, machine)
        _refuse_losses(arguments, target, steps)
        if not arguments.quiet:
            print("".join(f"note: {note}\n" for note in target.notes), end="")
        engine = Engine(machine, fetcher, _progress(arguments, len(steps)))
        for name, plan in target.stages:
            engine.run(name, plan, config)
        target.new.keep()
    return 0


def _refuse_losses(arguments: argparse.Namespace, target: Target, steps: list[Step]) -> None:
    """An image that is there is only changed unasked if that loses nothing, as far as can be known."""
    losses = [f"{step.action.title}: loses {step.action.loses}" for step in steps if step.action.loses]
    losses += [
        f"{step.action.title}: its files may be replaced, and are not known before" for step in kept_mounts(steps)
    ]
    if losses and target.in_place and not arguments.force:
        raise PlanRefused(losses, hint="give --force to lose that, or work on a copy of the image")


def _progress(arguments: argparse.Namespace, total: int) -> Watch:
    """Tells of every step that changes something, and how far along it is."""
    style = COLOURS if sys.stdout.isatty() else Style()

    def watch(step: Step) -> None:
        if not arguments.quiet and (is_change(step.action) or step.action.loses):
            percent = step.number * 100 // max(total, step.number)
            print(f"[{percent:3}%] {step_line(step.number, step.action, style)}", flush=True)

    return watch

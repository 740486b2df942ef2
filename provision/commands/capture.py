"""Write a bundle: what the plan of a config depends on at this machine, in one file without secrets.

`provision replay` makes the same plan of it on another machine. A first boot that fails writes such a file by itself.
The file has the config and what the machine answered: its disks, partitions and file systems, and what is at the paths
of the config. Contents, hashes, keys, headers and texts of units are filler of the same size; names and paths stay.
"""

from __future__ import annotations

import argparse
import sys

from provision.boot.failure.bundle_file import kernel_command_line, last_messages
from provision.bundle.bundle import named_stage, write_bundle
from provision.bundle.capture import capture
from provision.commands.given_config import read_whole
from provision.commands.timeout import add_timeout
from provision.planning.boot_state import BootState
from provision.planning.machine_view import MachineView
from provision.planning.root.unknown_machine import UnknownMachine
from provision.stages import STAGES
from provision.system.machine import Machine
from provision.system.private_files import write_private

NAME = "capture"
HELP = "write what a plan depends on here to a file without secrets"
EPILOG = """\
examples:
  sudo provision capture site.ign --output site.bundle
  provision replay site.bundle

"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", metavar="CONFIG", help="Ignition config (JSON) or its YAML source; - is stdin")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="directory in which the YAML source finds local files")
    parser.add_argument("-o", "--output", metavar="FILE", default="bundle", help="the file to write (bundle)")
    parser.add_argument("--root", metavar="DIR", help="the root of the system; without it no files are looked at")
    add_timeout(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle. Returns 0; raises Failure."""
    from provision.system.block.kernel_devices import KernelDevices

    config, _, _ = read_whole(arguments.config, arguments.files_dir, arguments.timeout)
    machine = Machine(arguments.root or "/", KernelDevices(), BootState(seed="assumed"))
    view: MachineView = machine if arguments.root else UnknownMachine(machine, config)
    names = [one for name in STAGES for one in (["base", name] if name == "files" else [name])]
    try:
        stages = [named_stage(name) for name in names]
        made = capture(stages, config, view, log=last_messages(), command_line=kernel_command_line())
    finally:
        machine.release()
    write_private(arguments.output, write_bundle(made))
    print(f"{arguments.output}: {len(made.answers)} answers of this machine", file=sys.stderr)
    return 0

"""What `plan` and `apply` work on: disk images in the place of devices, a directory tree, or this machine's devices."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from provision.commands.targets.images.image_target import open_images
from provision.commands.targets.target import Target
from provision.commands.targets.this_machine import open_this_machine
from provision.commands.targets.tree import open_tree
from provision.config.format import Config
from provision.failures import Failure, Usage
from provision.system.images.unfinished_images import SECTORS


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """Declare the config and the options that say what it is for."""
    parser.add_argument("config", metavar="CONFIG", help="Ignition config (JSON) or its YAML source; - is stdin")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="directory in which the YAML source finds local files")
    where = parser.add_argument_group("target")
    where.add_argument(
        "--disk",
        action="append",
        default=[],
        metavar="DEVICE=IMAGE[:SIZE]",
        help="use a disk image as this device of the config; with a size (10G) the image is made; may be repeated",
    )
    where.add_argument("--image", metavar="IMAGE", help="use a disk image as the only disk of the config")
    where.add_argument("--size", metavar="SIZE", help="make the image of --image, with this size (10G)")
    where.add_argument(
        "--sector-size",
        type=int,
        choices=SECTORS,
        default=SECTORS[0],
        help="bytes in a sector, for images without a partition table (512)",
    )
    where.add_argument("--base", metavar="DIR|TAR", help="directory or tar archive to fill a new file system at / with")
    where.add_argument("--root", metavar="DIR", help="work on a directory tree: files, users and units only")


@contextmanager
def open_target(arguments: argparse.Namespace, config: Config, *, changing: bool) -> Iterator[Target]:
    """The target that a command line names. At the end, also after an error, everything is released. Raises Failure."""
    _check(arguments)
    if changing and os.geteuid() != 0:
        raise Failure(
            "applying a config needs root: it attaches loop devices, mounts file systems and sets owners",
            hint="run it with sudo; `provision plan` does not need it",
        )
    with ExitStack() as stack:
        if arguments.root is not None:
            target = open_tree(arguments, config, stack, changing=changing)
        elif arguments.disk or arguments.image:
            target = open_images(arguments, config, stack, changing=changing)
        elif changing:
            raise Usage("there is nothing to apply to", hint="give --image IMAGE --size SIZE, --disk, or --root DIR")
        else:
            target = open_this_machine(config, stack)
        yield target


def _check(arguments: argparse.Namespace) -> None:
    if arguments.root is not None and (arguments.disk or arguments.image or arguments.base):
        raise Usage("--root excludes --disk, --image and --base")
    if arguments.image and arguments.disk:
        raise Usage("--image excludes --disk", hint="name the device: --disk DEVICE=IMAGE")
    if arguments.size and not arguments.image:
        raise Usage("--size needs --image", hint="with --disk, give the size after the image: --disk DEVICE=IMAGE:10G")

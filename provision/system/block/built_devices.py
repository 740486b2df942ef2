"""Devices that programs build on other devices (device mapper, md): find them, and close them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress

from provision.failures import Failure
from provision.planning.device_names import BY_CONTENTS, BY_MAPPING, of_signature
from provision.system.block import signatures, sysfs
from provision.system.programs import processes
from provision.system.programs.sandbox import make_device_node

_BUILT = ("/dev/mapper/", "/dev/dm-", "/dev/md")


def is_built(name: str) -> bool:
    """Whether a path below /dev has the form of a device-mapper or md device."""
    return name.startswith((*_BUILT, BY_MAPPING))


def find(name: str, bases: AbstractSet[str]) -> sysfs.Block | None:
    """The device of that name, if it is built on `bases` (nodes) and on no other device; else None.

    Raises OSError, ProbeFailed.
    """
    if name.startswith(BY_CONTENTS):
        return next((one for one in every(bases) if name in of_signature(signatures.probe(one.node))), None)
    if not is_built(name):
        return None
    block = sysfs.find(name.replace(BY_MAPPING, "/dev/mapper/", 1)) or sysfs.named(os.path.basename(name))
    return _with_node(block) if block and _is_built_only_on(block, bases) else None


def every(bases: AbstractSet[str]) -> Iterator[sysfs.Block]:
    """All devices that are built on `bases` (nodes) and on no other device."""
    for block in sysfs.every() if bases else ():
        if block.node not in bases and _is_built_only_on(block, bases):
            yield _with_node(block)


def teardown(bases: AbstractSet[str]) -> None:
    """Close the mappings and stop the arrays that are built on `bases`, the upper ones first. Errors are ignored."""
    tried: set[str] = set()
    while free := [block for block in every(bases) if block.node not in tried and not sysfs.holders(block)]:
        for block in free:
            tried.add(block.node)
            with suppress(OSError, Failure):
                processes.run(_closing(block))


def _closing(block: sysfs.Block) -> list[str]:
    if not block.mapper:
        return ["mdadm", "--stop", block.node]
    encrypted = sysfs.read(block.path, "dm/uuid").startswith("CRYPT-")
    return ["cryptsetup", "close", block.mapper] if encrypted else ["dmsetup", "remove", block.mapper]


def _with_node(block: sysfs.Block) -> sysfs.Block:
    make_device_node(block.node, sysfs.read(block.path, "dev"))
    return block


def _is_built_only_on(block: sysfs.Block, bases: AbstractSet[str]) -> bool:
    if block.node in bases:
        return True
    below = sysfs.slaves(block)
    return bool(below) and all(_is_built_only_on(one, bases) for one in below)

"""Which options of a config mkfs can be given in a trial, and whether its refusal is about the size of the device.

A trial must reach nothing but its own file in memory, also with a program that cannot be told to write nothing. So only
options are tried that name no other device and no file (mke2fs(8), mkfs.xfs(8), mkfs.btrfs(8), mkfs.fat(8), mkswap(8)).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from provision.planning.machine_view import MachineView

TRIED_BELOW = 512 << 20
"""Bytes of a device below which it may be too small for some format: mkfs.xfs needs 300 MiB, mkfs.btrfs 109 MiB."""

LARGE, SMALL = 8 << 40, 16 << 20
"""Other sizes that are tried, in bytes: options can make a device too small, or too large (`mkfs.fat -F 12`)."""

VALUED = {
    "mkfs.btrfs": "AdLmnORsU",
    "mkfs.ext4": "bCEgGiImNOrTU",
    "mkfs.fat": "DfFhiMnrRsS",
    "mkfs.xfs": "bdilLmns",
    "mkswap": "eLpUv",
}
"""The options that take a value; the value names no device and no file."""

BARE = {
    "mkfs.btrfs": "fKMqv",
    "mkfs.ext4": "FjnqSv",
    "mkfs.fat": "aAIv",
    "mkfs.xfs": "fKNq",
    "mkswap": "f",
}
"""The options that take no value."""

_PLAIN = re.compile(r"[A-Za-z0-9=,.:^+_%-]*")
_ELSEWHERE = re.compile(r"(^|,)(name|file|logdev|rtdev|device|sourcefile)(=|,|$)")
"""Parts of values that name a device or a file (`-l logdev=`, `-d file,name=`)."""


class Trial(NamedTuple):
    """A command line to try: the program, the config's options, our own arguments.

    If it `writes` in a trial only small sizes are tried, because the bytes take memory.
    """

    program: str
    options: Sequence[str]
    fixed: Sequence[str]
    writes: bool


def refusal(trial: Trial, size: int, view: MachineView) -> str:
    """Why the program refuses a device of `size` bytes, if the size is the reason; else empty."""
    options, writes = trial.options, trial.writes
    if (size >= TRIED_BELOW and (writes or not options)) or not are_plain(trial.program, options):
        return ""
    argv = (trial.program, *options, *trial.fixed)
    why = view.mkfs_refusal(argv, size)
    others = [TRIED_BELOW, *([SMALL] if options else []), *([LARGE] if options and not writes else [])]
    return why if why and not all(view.mkfs_refusal(argv, other) for other in others) else ""


def are_plain(program: str, options: Sequence[str]) -> bool:
    """Whether the options can be given in a trial (getopt(3): a value may follow its letter at once)."""
    waiting = list(options)
    while waiting:
        word = waiting.pop(0)
        letters = word[1:]
        if not word.startswith("-") or not letters or word.startswith("--"):
            return False
        while letters and letters[0] in BARE[program]:
            letters = letters[1:]
        if letters and letters[0] not in VALUED[program]:
            return False
        value = (letters[1:] or (waiting.pop(0) if waiting else "")) if letters else ""
        if not _PLAIN.fullmatch(value) or _ELSEWHERE.search(value):
            return False
    return True

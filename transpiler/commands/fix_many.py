"""`transpile check --fix` and `--diff`: mend problems of many configs, or show how."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from provision.config.reports.findings import escaped
from transpiler.commands.settings import CheckSettings

if TYPE_CHECKING:
    from transpiler.composition.values import Values


class FixedFile(NamedTuple):
    """A file, its text before and after all edits, and their number. Both texts are empty if it cannot be read.

    `files_read` are the paths of the file and of its parts and local files.
    """

    name: str
    before: bytes
    after: bytes
    edits: int
    files_read: frozenset[str] = frozenset()

    def diff(self) -> str:
        """The changes as a unified diff without context, because other lines may have secrets."""
        before, after = (
            text.decode("utf-8", "replace").splitlines(keepends=True) for text in (self.before, self.after)
        )
        lines = difflib.unified_diff(before, after, escaped(self.name), escaped(self.name), n=0)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def fix_many(
    names: Sequence[str], settings: CheckSettings, values: Values | None, jobs: int, files_read: set[str]
) -> list[FixedFile]:
    """The files with problems that have a certain remedy, with their new texts. Nothing is written.

    These are the files themselves and their parts, each once, without the parts that the settings exclude. The paths of
    all files that took part are added to `files_read`.
    """
    from transpiler.commands.find_configs import is_excluded
    from transpiler.commands.workers import in_order

    work = partial(fix_file, settings=settings, values=values)
    made = list(in_order(work, names, jobs, on_killed_worker=_not_fixed))
    files_read.update(*(one.files_read for files in made for one in files))
    chosen = {os.path.realpath(files[0].name): files[0] for files in made}
    for one in (part for files in made for part in files[1:]):
        path = os.path.realpath(one.name)
        known = chosen.get(path)
        if (known is None or known.edits < one.edits) and not is_excluded(one.name, settings.exclude):
            chosen[path] = one if known is None else one._replace(name=known.name)
    return [one for one in chosen.values() if one.before != one.after]


def _not_fixed(name: str) -> list[FixedFile]:
    return [FixedFile(name, b"", b"", 0)]


def fix_file(name: str, settings: CheckSettings, values: Values | None = None) -> list[FixedFile]:
    """The text of one file after all fixes, and those of its parts that change.

    A file that cannot be read, or is not regular, is left as it is.
    """
    from transpiler.authoring.fixes.fixed import fixed_with_parts
    from transpiler.reading.tree import read_input
    from transpiler.translation_state import TranspileOptions

    try:
        raw = read_input(name) if os.path.isfile(name) else b""
    except OSError:
        raw = b""
    directory = settings.files_dir or os.path.dirname(name) or "."
    files_read = {name}
    options = TranspileOptions(
        name=name, files_dir=directory, ignore=settings.ignore, values=values, files_read=files_read
    )
    made = fixed_with_parts(raw, options)
    files = [FixedFile(part or name, before, after.raw, after.edits) for part, (before, after) in made.items()]
    return [files[0]._replace(files_read=frozenset(files_read)), *files[1:]]


def write_fixed(files: Sequence[FixedFile]) -> tuple[list[FixedFile], list[str]]:
    """Replace each file by its new text; owner, mode and symbolic links stay.

    Returns the files that were written, and a message for each file that cannot be written.
    """
    from transpiler.commands.output import OutputFailed, replace_text

    written, messages = [], []
    for one in files:
        try:
            replace_text(one.name, one.before, one.after)
            written.append(one)
        except OutputFailed as failed:
            messages.append(str(failed))
    return written, messages


def fix_summary(files: Sequence[FixedFile], *, written: bool) -> str:
    """What was mended, or can be, in one line."""
    edits = sum(one.edits for one in files)
    if not edits:
        return "nothing to fix"
    what = f"{edits} problem{'s' if edits > 1 else ''} in {len(files)} file{'s' if len(files) > 1 else ''}"
    return f"fixed {what}" if written else f"--fix would fix {what}"

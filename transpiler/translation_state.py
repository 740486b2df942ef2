"""The state of one translation, and the form of the tables of phases that work on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from provision.config.format import Config
from provision.config.problems import Path, Position, Problem
from transpiler.butane.source_map import Draft
from transpiler.butane.variants import Variant
from transpiler.reading.local_files import FilesDirectory
from transpiler.reading.yaml_node import YamlNode
from transpiler.reports.text import SourceText

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from provision.config.old_versions.format import OldConfig
    from transpiler.composition.values import Document, Values
    from transpiler.releases.table import Release

_State = TypeVar("_State")


class TranspileOptions(NamedTuple):
    """How a text is translated.

    `name` is the path of the text, as problems show it. Only local files below `files_dir` are read.
    With `strict`, warnings are errors. With `pretty`, the JSON is indented. With `raw`, the output is never a
    MachineConfig, but a bare Ignition config.

    The text is merged over `bases`, each of which is merged over those before it. `values` are those of the tags
    `!var`, `!env`, `!secret` and `!format`. Without `lints` and `values`, these tags, `!include` and `extends` have no
    meaning, as in Butane. `lints` adds the warnings and the longer explanations that only authors need; warnings of the
    rules in `ignore` are left out. With `butane_paths`, only Butane's problems are reported, with the paths that Butane
    prints: for an absent value, the path in the result; and only tags of Butane have a meaning.

    The paths of local files, parts and bases are added to `files_read`, if that is given. `part_texts` are texts that
    count in place of those of parts, by the real paths of the files.

    The output is for `release`, and with `lowest` in the lowest version that can say all.

    `platform` and `dialect` are for Container Linux Configs; an empty dialect is the default one. With
    `container_linux`, the text is one whatever its keys are.
    """

    name: str = "<stdin>"
    files_dir: FilePath | str | None = None
    strict: bool = False
    pretty: bool = False
    raw: bool = False
    bases: Sequence[Document] = ()
    values: Values | None = None
    lints: bool = True
    ignore: Sequence[str] = ()
    butane_paths: bool = False
    release: Release | None = None
    lowest: bool = False
    files_read: set[str] | None = None
    part_texts: Mapping[str, bytes] = {}
    platform: str = ""
    dialect: str = ""
    container_linux: bool = False

    @property
    def files(self) -> FilesDirectory:
        """The directory of local files."""
        return FilesDirectory(os.fspath(self.files_dir) if self.files_dir else "", self.files_read, self.part_texts)


class Work:
    """The state of one translation; each phase adds its part.

    The result is `draft`, or `old_config` for a Container Linux Config; then `parsed` counts the problems that were
    known before the conversion, and `old_source_of` gives the author's path of a part of the result (YAML names).
    `root` is the tree with all its parts, and `as_written` the tree of the text itself, if that is another one.
    `other_texts` are the files that parts come from, by the names in places; `secrets` are those that were used, and
    `unknown_secrets` the places of those that are not known. `chosen_minor` is the version that is written, if that is
    not the variant's.
    """

    def __init__(self, text: bytes, options: TranspileOptions, variants: Mapping[tuple[str, str], Variant]) -> None:
        self.text = text
        self.options = options
        self.variants = variants
        self.root: YamlNode | None = None
        self.as_written: YamlNode | None = None
        self.other_texts: dict[str, SourceText] = {}
        self.public_names: frozenset[str] = frozenset()
        self.secrets: frozenset[str] = frozenset()
        self.unknown_secrets: frozenset[Position] = frozenset()
        self.variant = Variant("", "", 0)
        self.record: Any = None
        self.chosen_minor: int | None = None
        self.draft = Draft(Config())
        self.old_config: OldConfig | None = None
        self.old_source_of: Callable[[Path], Path] = lambda path: path
        self.parsed = 0
        self.problems: list[Problem] = []
        self.reported = 0
        self.error = ""

    def source_text(self, name: str) -> SourceText:
        """The text with its tree, under a name, and the other files that it has parts from."""
        return SourceText(name, self.text, self.root, self.other_texts, self.as_written, self.public_names)

    @property
    def bare(self) -> bool:
        """Whether the output is a bare config although the variant makes a MachineConfig (`--raw`)."""
        return self.options.raw and self.variant.makes_machine_config

    @property
    def spec_minor(self) -> int:
        """The version of the format that is written, an index into VERSIONS."""
        return self.variant.spec_minor if self.chosen_minor is None else self.chosen_minor

    def add(self, problems: Iterable[Problem], error: str) -> None:
        """Add a phase's problems. `error` becomes the verdict if one of them, or an earlier problem, is fatal.

        Butane stops at its first verdict. Here later phases still run, and add only problems that are unrelated to the
        errors found so far.
        """
        if self.error:
            known = _ErrorPaths(problem.path for problem in self.problems if problem.fatal)
            self.problems.extend(one for one in problems if not known.is_related(one.path))
            return
        self.problems.extend(problems)
        self.reported = len(self.problems)
        if error and any(problem.fatal for problem in self.problems):
            self.error = error


class _ErrorPaths:
    """The paths of errors. A later error at, below or above one of them is probably a consequence of it."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.at = set(paths)
        self.around = {path[:length] for path in self.at for length in range(len(path))}

    def is_related(self, path: Path) -> bool:
        """Whether there is an error at a path, below it or above it."""
        return path in self.around or any(path[:length] in self.at for length in range(len(path) + 1))


class Phase(NamedTuple, Generic[_State]):
    """One row of the table: the work, the condition for it, and Butane's verdict if there is an error after it."""

    name: str
    do: Callable[[_State], Iterable[Problem]]
    when: Callable[[_State], bool]
    error: str = ""

"""`transpile diff A B`: what changes between configs, YAML or JSON; for people, for git, and for pull requests."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from provision.config.model import masked
from transpiler.commands.options import add_value_options
from transpiler.commands.settings import CheckSettings, SettingsError, settings_above, settings_here, values_given

if TYPE_CHECKING:
    from transpiler.authoring.compare import ConfigChanges
    from transpiler.commands.given_config import GivenConfig
    from transpiler.composition.values import Values

DESCRIPTION = """\
Show which entries two configs add, remove and change: files with their contents, units, users, disks. Each is a
config in YAML, or its JSON result. The order of entries, comments, sugar and the encoding of contents do not count.
Of two directories, all configs with the same names are compared. Secrets are compared, but not shown.

  transpile diff old.bu new.bu
  transpile diff --exit-code site.bu site.ign
  transpile diff --markdown ../base/configs configs > comment.md
  git config diff.provision.textconv 'transpile diff --textconv --'
  git config diff.provision.command 'transpile diff --git --'

With --markdown, --json, --textconv and --git, a config with errors is a part of the output, and no reason for status 2.

Exit status: 0 success; 1 there are differences, with --exit-code; 2 a config has errors, or the command line is wrong.
"""

_ABSENT = "/dev/null"
"""How git names the side that does not exist."""


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile diff`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine

    parser = CommandLine(prog="transpile diff", description=DESCRIPTION)
    parser.add_argument("paths", metavar="CONFIG", nargs="*", help="the old one and the new one; or two directories")
    parser.add_argument(
        "-d",
        "--files-dir",
        metavar="DIR",
        help="where local files are (default: beside each config); of directories, below each of them",
    )
    add_value_options(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="write Markdown, for a comment on a pull request")
    form.add_argument("--json", action="store_true", help="write JSON, for programs")
    form.add_argument("--textconv", action="store_true", help="write one config as text, for diff.*.textconv of git")
    form.add_argument("--git", action="store_true", help="take the arguments of git's diff.*.command")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 if there are differences")
    return parser


def diff(arguments: list[str]) -> int:
    """Run the command; returns its exit status. Raises SystemExit(2) for wrong usage."""
    parser = command_line()
    given = parser.parse_args(arguments)
    _check_count(given, parser)
    from transpiler.composition.values import ValuesError

    try:
        settings = settings_here()
        lists = {"var": given.var, "vars-file": given.vars_file, "secrets-file": given.secrets_file}
        values = values_given(lists, settings, without_secrets=True)._replace(given=frozenset())
    except (SettingsError, ValuesError) as wrong:
        for_git = given.textconv or given.git
        print(wrong, file=sys.stdout if for_git else sys.stderr)
        return 0 if for_git else 2  # git would stop at another status, and show nothing of other files
    configs = _Configs(given.files_dir, settings, values)
    if given.textconv:
        _show(configs.text(given.paths[0]), values)
        return 0
    try:
        found = list(configs.compared_by_git(given.paths) if given.git else configs.compared(*given.paths))
    except (SettingsError, FileNotFoundError) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    changed = any(map(is_different, found))
    if given.markdown:
        from transpiler.authoring.changes_as_markdown import as_markdown

        _show(as_markdown(list(filter(is_different, found))), values)
        return int(given.exit_code and changed)
    if given.json:
        from transpiler.commands.json_report import print_json

        print_json([one.as_document() for one in filter(is_different, found)], values.known_secrets())
        return int(given.exit_code and changed)
    named = given.git or os.path.isdir(given.paths[0])
    _show("".join(_as_text(one, named=named) for one in found if given.git or not one.error), values)
    errors = "" if given.git else "".join(one.error for one in found)
    sys.stderr.write(masked(errors, values.known_secrets()))
    return 2 if errors else int(given.exit_code and changed)


def is_different(one: ConfigChanges) -> bool:
    """Whether a config was added, removed or changed, or may have changed, because it has errors."""
    return bool(one.changes or one.error) or one.kind != "changed"


def _check_count(given: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Exit with a usage error if the number of arguments is wrong. Source of git's: git(1), GIT_EXTERNAL_DIFF."""
    count = len(given.paths)
    if given.git and count not in {1, 7, 9}:
        parser.error(
            "--git takes the arguments that git gives: PATH OLD-FILE OLD-HEX OLD-MODE NEW-FILE NEW-HEX NEW-MODE"
        )
    if given.textconv and count != 1:
        parser.error("--textconv takes one config")
    if not given.git and not given.textconv and count != 2:
        parser.error("give two configs, or two directories")
    if not given.git and given.paths == ["-", "-"]:
        parser.error("only one of the two can be standard input")
    folders = [os.path.isdir(one) for one in given.paths]
    if not given.git and not given.textconv and folders[0] is not folders[1]:
        parser.error("one of the two is a directory, and the other is not")


def _show(text: str, values: Values) -> None:
    sys.stdout.buffer.write(masked(text, values.known_secrets()).encode("utf-8", "backslashreplace"))


def _as_text(one: ConfigChanges, *, named: bool) -> str:
    """The changes of a config; `named` puts its name before them."""
    from provision.config.reports.findings import escaped
    from transpiler.authoring.compare import as_lines

    state = {"changed": "", "added": " (new)", "removed": " (removed)"}[one.kind]
    head = f"=== {escaped(one.name)}{state}\n" if named else ""
    return head + (one.error or as_lines(one.changes))


class Side(NamedTuple):
    """A config before or after the change: its path, the name that messages have, and where its local files are.

    Without `files_dir`, they are beside it.
    """

    path: str
    shown: str
    files_dir: str | None


class _Configs:
    """Reads and compares configs. Local files are in the directory that is given, or that settings name."""

    def __init__(self, given_files_dir: str | None, settings: CheckSettings, values: Values) -> None:
        self.given_files_dir = given_files_dir
        self.files_dir = given_files_dir or settings.files_dir
        self.values = values

    def text(self, path: str) -> str:
        """A config as text; or its errors, which git shows in the place of the text."""
        from transpiler.authoring.compare import config_text
        from transpiler.commands.given_config import ConfigRefused

        try:
            given = self.read(Side(path, os.path.basename(path), self.files_dir or "."))
            return config_text(given.config, given.cluster_config)
        except ConfigRefused as refused:
            return refused.report

    def compared(self, before: str, after: str) -> Iterator[ConfigChanges]:
        """Two configs; of two directories, each config that is not the same in both."""
        if not os.path.isdir(before):
            yield self.pair(
                "<stdin>" if after == "-" else after, [Side(one, one, self.files_dir) for one in (before, after)]
            )
            return
        folders = [(folder, self.files_dir_of(folder)) for folder in (before, after)]
        found_in = [(_below(*one), one[1]) for one in folders]
        names = sorted({name for paths, _ in found_in for name in paths})
        if not names:
            raise FileNotFoundError("no config is below these directories")
        for name in names:
            before_and_after = [Side(paths[name], name, one) if name in paths else None for paths, one in found_in]
            found = self.pair(name, before_and_after)
            if is_different(found):
                yield found

    def compared_by_git(self, given: Sequence[str]) -> Iterator[ConfigChanges]:
        """The config that git names: its path, and the files with both texts. One path alone is not merged."""
        from transpiler.authoring.compare import ConfigChanges

        if len(given) == 1:
            yield ConfigChanges(given[0], "changed", [], "it is not merged\n")
            return
        path, old, new = given[0], given[1], given[4]
        name = given[7] if len(given) == 9 else path
        sides = [
            None if one == _ABSENT else Side(one, shown, self.files_dir or os.path.dirname(shown) or ".")
            for one, shown in ((old, path), (new, name))
        ]
        yield self.pair(name if name == path else f"{path} -> {name}", sides)

    def pair(self, name: str, sides: Sequence[Side | None]) -> ConfigChanges:
        """The changes of a config from its old side to its new one; None where it does not exist."""
        from provision.config.format import Config
        from transpiler.authoring.compare import ConfigChanges, config_changes
        from transpiler.commands.given_config import ConfigRefused, GivenConfig

        before, after = sides
        kind = "added" if before is None else "removed" if after is None else "changed"
        same_name = before is not None and after is not None and before.shown == after.shown != before.path
        configs, errors = [], ""
        for side, which in ((before, "old"), (after, "new")):
            try:
                configs.append(self.read(side) if side else GivenConfig(Config(), None))
            except ConfigRefused as refused:
                errors += (f"the {which} text has errors:\n" if same_name else "") + refused.report
        if errors:
            return ConfigChanges(name, kind, [], errors)
        old, new = configs
        changes = config_changes(old.config, new.config, (old.cluster_config, new.cluster_config))
        return ConfigChanges(name, kind, changes)

    def read(self, side: Side) -> GivenConfig:
        """The config in a file, or on standard input. Raises ConfigRefused."""
        from transpiler.commands.given_config import config_of, read_given
        from transpiler.translation_state import TranspileOptions

        options = TranspileOptions(files_dir=side.files_dir or os.path.dirname(side.path) or ".", values=self.values)
        return config_of(read_given(side.path), side.shown, options)

    def files_dir_of(self, folder: str) -> str | None:
        """Where local files of the configs in a directory are: below it, or by the settings for it."""
        if self.given_files_dir:
            return os.path.join(folder, self.given_files_dir)
        return settings_above(os.path.abspath(folder)).files_dir


def _below(folder: str, files_dir: str | None) -> dict[str, str]:
    """The configs below a directory: their names there, and their paths. Parts of other configs are not named."""
    from transpiler.commands.find_configs import find_configs
    from transpiler.commands.fragments import with_whole_configs

    names = find_configs([folder])[0]
    inside = os.path.join(os.path.realpath(folder), "")
    found = [one for one in with_whole_configs(names, files_dir) if os.path.realpath(one).startswith(inside)]
    return {os.path.relpath(one, folder): one for one in found}

"""Parse the command line of Butane and of `transpile` from a table of options, as Go's package pflag does.

Source: `butane --help`, and the error messages of pflag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from provision.config.reports.did_you_mean import did_you_mean

if TYPE_CHECKING:
    import argparse


def add_path_options(parser: argparse.ArgumentParser, *, nargs: str) -> None:
    """Add the paths of configs, `nargs` of them, to the parser of a command, and the option that leaves some out."""
    parser.add_argument("paths", nargs=nargs, metavar="PATH", help="a file, a directory, or a glob such as '**/*.bu'")
    parser.add_argument(
        "-x", "--exclude", metavar="GLOB", action="append", default=[], help="leave out files and directories"
    )


def add_target_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for the release that reads the configs to the parser of a command."""
    parser.add_argument("--target", metavar="RELEASE", help="a release that reads it, such as fcos-42")


def add_value_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the values of tags to the parser of a command."""
    for name, metavar, meaning in (
        ("var", "NAME=VALUE", "a value of !var"),
        ("vars-file", "FILE", "values of !var, in YAML or JSON"),
        ("secrets-file", "FILE", "values of !secret: a file, or a directory of files"),
    ):
        parser.add_argument(f"--{name}", metavar=metavar, action="append", default=[], help=meaning)


class Option(NamedTuple):
    """One option. `bare` is the value of a text option without a value. Options without `help` are hidden. An option
    whose `kind` is list is a text option that may be given several times.

    Butane does not have options with `own`.
    """

    name: str
    letter: str
    kind: type
    help: str
    bare: str = ""
    own: bool = False


OPTIONS = (
    Option("check", "c", bool, "check config without producing output"),
    Option("color", "", str, 'control color output: "auto", "always", or "never" (default "auto")', "always"),
    Option("colour", "", str, "", "always"),
    Option("debug", "D", bool, ""),
    Option("dialect", "", str, 'Container Linux Config: "coreos" or "flatcar" (default "flatcar")', own=True),
    Option("files-dir", "d", str, "allow embedding local files from this directory"),
    Option("help", "h", bool, "show usage and exit"),
    Option("input", "", str, ""),
    Option("lowest", "", bool, "write the lowest version of the format that can say all", own=True),
    Option("output", "o", str, "write to output file instead of stdout"),
    Option("plain", "", bool, "write the config with all its parts as Butane YAML", own=True),
    Option("platform", "", str, "Container Linux Config: platform whose metadata replace {PRIVATE_IPV4}", own=True),
    Option("pretty", "p", bool, "output formatted json"),
    Option("raw", "r", bool, "never wrap in a MachineConfig; force Ignition output"),
    Option("raw-errors", "", bool, "show raw errors, rather than pretty printing them"),
    Option("secrets-file", "", list, "file, or directory, with values of !secret", own=True),
    Option("strict", "s", bool, "fail on any warning"),
    Option("target", "", str, "release that reads the config, such as fcos-42: write and check for it", own=True),
    Option("var", "", list, "NAME=VALUE: a value of !var", own=True),
    Option("vars-file", "", list, "file with values of !var, in YAML or JSON", own=True),
    Option("watch", "", bool, "run again when a file that takes part changes", own=True),
    Option("version", "V", bool, "print the version and exit"),
)

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


class UsageError(Exception):
    """The command line is wrong; the message is Butane's. `option` is the unknown option, or empty."""

    def __init__(self, message: str, option: str = "") -> None:
        super().__init__(message)
        self.option = option

    def suggestion(self) -> str:
        """The most similar option as ` (did you mean --strict?)`, or empty."""
        shown = [f"--{option.name}" for option in OPTIONS if option.help]
        return did_you_mean(self.option, shown) if self.option else ""


class CommandLine(NamedTuple):
    """A parsed command line: values of text and of boolean options, other arguments, and the options that are known.

    `lists` are the values of options that may be given several times.
    """

    texts: dict[str, str]
    booleans: dict[str, bool]
    rest: list[str]
    known: tuple[Option, ...] = OPTIONS
    lists: Mapping[str, list[str]] = {}

    def on(self, name: str) -> bool:
        """Whether a boolean option is on."""
        return self.booleans.get(name, False)


def parse(arguments: list[str], *, as_butane: bool) -> CommandLine:
    """Parse a command line, with the options of Butane only or with all. Raises UsageError if it is wrong."""
    given = CommandLine({}, {}, [], known(as_butane=as_butane), {one.name: [] for one in OPTIONS if one.kind is list})
    waiting = arguments[::-1]
    while waiting:
        argument = waiting.pop()
        if argument == "--":
            given.rest.extend(reversed(waiting))
            break
        if argument.startswith("--"):
            _long(argument, waiting, given)
        elif argument.startswith("-") and argument != "-":
            _short(argument, waiting, given)
        else:
            given.rest.append(argument)
    return given


def _long(argument: str, waiting: list[str], given: CommandLine) -> None:
    name, equals, value = argument[2:].partition("=")
    if not name or name.startswith("-"):
        raise UsageError(f"bad flag syntax: {argument}")
    option = next((option for option in given.known if option.name == name), None)
    if option is None:
        raise UsageError(f"unknown flag: --{name}", f"--{name}")
    if equals:
        _set(option, value, given)
    elif option.kind is bool or option.bare:
        _set(option, option.bare or "true", given)
    elif waiting:
        _set(option, waiting.pop(), given)
    else:
        raise UsageError(f"flag needs an argument: --{name}")


def _short(argument: str, waiting: list[str], given: CommandLine) -> None:
    letters = argument[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        option = next((option for option in given.known if option.letter == letter), None)
        if option is None:
            raise UsageError(f"unknown shorthand flag: {letter!r} in {argument}")
        if letters.startswith("=") and len(letters) > 1:
            _set(option, letters[1:], given)
            return
        if option.kind is bool:
            _set(option, "true", given)
            continue
        if not letters and not waiting:
            raise UsageError(f"flag needs an argument: {letter!r} in {argument}")
        _set(option, letters or waiting.pop(), given)
        return


def _set(option: Option, value: str, given: CommandLine) -> None:
    if option.kind is list:
        given.lists[option.name].append(value)
    elif option.kind is str:
        given.texts["color" if option.name == "colour" else option.name] = value
    elif value in _TRUE or value in _FALSE:
        given.booleans[option.name] = value in _TRUE
    else:
        flag = f"-{option.letter}, --{option.name}" if option.letter else f"--{option.name}"
        reason = f'strconv.ParseBool: parsing "{value}": invalid syntax'
        raise UsageError(f'invalid argument "{value}" for "{flag}" flag: {reason}')


def known(*, as_butane: bool) -> tuple[Option, ...]:
    """The options of Butane only, or all."""
    return tuple(option for option in OPTIONS if not (as_butane and option.own))


def usage(program: str, *, as_butane: bool) -> str:
    """Butane's usage text, without or with the options that only `transpile` has."""
    rows = [(_flag(option), option.help) for option in known(as_butane=as_butane) if option.help]
    width = max(len(flag) for flag, _ in rows) + 3
    lines = "\n".join(f"{flag:<{width}}{text}" for flag, text in rows)
    return f"Usage: {program} [options] [input-file]\nOptions:\n{lines}"


def _flag(option: Option) -> str:
    letter = f"-{option.letter}, " if option.letter else "    "
    value = "" if option.kind is bool else f' string[="{option.bare}"]' if option.bare else " string"
    return f"  {letter}--{option.name}{value}"

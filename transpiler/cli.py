"""The command `transpile`: Butane YAML or a Container Linux Config -> Ignition JSON.

Started under the name `butane`, it behaves as Butane; under the name `ct`, as ct.

In this package, only this module and `check_many` print. Slow imports stand in the functions that need them.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from provision.config.reports.did_you_mean import did_you_mean
from provision.config.reports.findings import escaped
from provision.config.reports.streams import reason_of, run_program
from transpiler.commands import options
from transpiler.commands.output import OutputFailed, write_output
from transpiler.commands.settings import (
    CheckSettings,
    SettingsError,
    files_of_settings,
    release_given,
    settings_here,
    settings_places,
    values_given,
)

if TYPE_CHECKING:
    from transpiler.composition.values import Document
    from transpiler.result import Result
    from transpiler.translation_state import TranspileOptions

HELP = """\
Usage: transpile [options] [FILE...]
       transpile check [options] PATH...
       transpile convert [options] [FILE]
       transpile diff [options] A B
       transpile explain [options] FILE [WHAT]
       transpile fmt [options] [PATH...]
       transpile lsp
       transpile pack [options] FILE
       transpile schema [VARIANT VERSION]

Translate a YAML config (Butane's format) into the JSON that a machine reads at its first boot (Ignition's
format), or into a MachineConfig for OpenShift. A Container Linux Config becomes Ignition 2.3. Without FILE, read
the config from standard input. Several files become one config: each is merged over those before it.

Options:
{options}

Commands:
  check                           check many configs at once: files, directories, globs
  convert                         convert an Ignition or Container Linux Config to another version, or to YAML
  diff                            show what changes between two configs
  explain                         show what a machine will have, and which line it comes from
  fmt                             write configs in one form; comments stay
  lsp                             check configs in an editor while they are typed
  pack                            make a config fit into the user data of a platform
  schema                          print the JSON Schema of a variant, for editors

Examples:
  transpile config.yaml > config.json
  transpile --files-dir . --pretty --strict config.yaml
  transpile --check config.yaml
  transpile --var host=web1 --secrets-file secrets.yaml base.bu site.bu
  transpile --target fcos-42 --strict config.yaml
  transpile --output config.ign config.yaml     (a new file is readable by you only)
  transpile check --format github .
  transpile schema fcos 1.6.0

Exit status: 0 success; 1 the config has errors (or warnings, with --strict), or a file cannot be read or
written; 2 the command line is wrong.
"""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command with `arguments` (default: those of the process) and exit. It never returns.

    The garbage collector runs less often than usual: it would take a tenth of the time of a large config.
    """
    gc.set_threshold(50_000)
    given = sys.argv[1:] if arguments is None else arguments
    program = os.path.basename(sys.argv[0])
    run_program("transpile", lambda: _guarded(given, program))


def _guarded(arguments: list[str], program: str) -> int:
    try:
        if program == "ct":
            from transpiler.commands.ct import run_ct

            return run_ct(arguments)
        return _run(arguments, as_butane=program == "butane")
    except OutputFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception:  # noqa: BLE001 - a bug has an exit status of its own (70)
        import traceback

        traceback.print_exc()
        print("transpile: this is a bug; please report it with the config that shows it", file=sys.stderr)
        return 70


def _run(arguments: list[str], *, as_butane: bool) -> int:
    command = None if as_butane else _COMMANDS.get(arguments[0] if arguments else "")
    if command is not None:
        return command(arguments[1:])
    try:
        given = options.parse(arguments, as_butane=as_butane)
    except options.UsageError as error:
        print(f"{_usage(as_butane=as_butane)}\n{error}{'' if as_butane else error.suggestion()}", file=sys.stderr)
        return 2
    if "input" in given.texts:
        print("Flag --input has been deprecated, specify filename directly on command line", file=sys.stderr)
    if len(given.rest) > (0 if given.texts.get("input") else 1) and (as_butane or not _are_files(given)):
        print(_usage(as_butane=as_butane) + ("" if as_butane else _command_suggestion(given.rest[0])), file=sys.stderr)
        return 2
    for name, text_for in (("help", _help), ("version", _version)):
        if given.on(name):
            print(text_for(as_butane=as_butane))
            return 0
    if given.on("watch"):
        return _watch(given)
    return _translate(given, as_butane=as_butane)


def _watch(given: options.CommandLine) -> int:
    from transpiler.commands.watching import is_pipe, watch

    if not given.rest:
        print("transpile: --watch needs the name of a file", file=sys.stderr)
        return 2

    def run(files: set[str]) -> int:
        files.update(given.rest)
        pipes = [name for name in given.rest if is_pipe(name)]
        if pipes:
            print(f"failed to read {escaped(pipes[0])}: it is a named pipe", file=sys.stderr)
            return 1
        status = _translate(given, as_butane=False, files_read=files)
        sys.stdout.flush()
        return status

    return watch(run)


def _are_files(given: options.CommandLine) -> bool:
    """Whether several arguments are the documents of one config, and not a misspelled command with its arguments."""
    return not given.texts.get("input") and (os.path.exists(given.rest[0]) or not _command_suggestion(given.rest[0]))


def _command_suggestion(word: str) -> str:
    """A line with the command that is similar to `word`; empty if there is none or if a file has this name."""
    near = did_you_mean(word, _COMMANDS)
    return f"\n{escaped(word)} is neither a file nor a command{near}" if near and not os.path.exists(word) else ""


def _check(arguments: list[str]) -> int:
    from transpiler.commands.check_many import check_many

    return check_many(arguments)


def _diff(arguments: list[str]) -> int:
    from transpiler.commands.diff import diff

    return diff(arguments)


def _explain(arguments: list[str]) -> int:
    from transpiler.commands.explain import explain

    return explain(arguments)


def _fmt(arguments: list[str]) -> int:
    from transpiler.commands.fmt import fmt

    return fmt(arguments)


def _lsp(arguments: list[str]) -> int:
    from transpiler.commands.lsp import lsp

    return lsp(arguments)


def _pack(arguments: list[str]) -> int:
    from transpiler.commands.pack import pack

    return pack(arguments)


def _usage(*, as_butane: bool) -> str:
    return options.usage(sys.argv[0] if as_butane else "transpile", as_butane=as_butane)


def _help(*, as_butane: bool) -> str:
    if as_butane:
        return _usage(as_butane=True)
    return HELP.format(options=options.usage("", as_butane=False).split("\n", 2)[2]).rstrip()


def _version(*, as_butane: bool) -> str:
    from provision import __version__

    return f"Butane {__version__}" if as_butane else f"transpile {__version__}"


def _translate(given: options.CommandLine, *, as_butane: bool, files_read: set[str] | None = None) -> int:
    """Translate the config once; returns the exit status. The paths of all files are added to `files_read`."""
    documents = _documents(given, as_butane=as_butane)
    if documents is None:
        return 1
    files_read = set() if files_read is None else files_read
    files_read.update(_names(given))
    plain = as_butane or given.on("raw-errors")
    chosen = _transpile_options(given, plain=plain, files_read=files_read)
    if chosen is None:
        return 2
    from transpiler.phases import transpile

    *bases, (name, raw) = documents
    result = transpile(raw, chosen._replace(name=name, bases=bases))
    _report(result, raw_errors=given.on("raw-errors"), plain=plain, color=_colored(given.texts.get("color", "auto")))
    if result.error:
        print(_butane_verdict(result) if plain else _verdict(result), file=sys.stderr)
        return 1
    if not given.on("check"):
        _deliver(_output(result, plain=given.on("plain")), given.texts.get("output", ""), files_read)
    return 0


def _transpile_options(given: options.CommandLine, *, plain: bool, files_read: set[str]) -> TranspileOptions | None:
    """The options of the command line and of the settings; None if they are wrong, which is reported."""
    from transpiler.composition.values import ValuesError
    from transpiler.translation_state import TranspileOptions

    dialect = given.texts.get("dialect", "")
    if dialect and not _is_dialect(dialect):
        return None
    try:
        files_read.update(settings_places())
        settings = CheckSettings() if plain else settings_here()
        files_read.update(files_of_settings(given.lists, settings))
        values = None if plain else values_given(given.lists, settings)
        release = release_given(given.texts.get("target", settings.target))
    except (SettingsError, ValuesError) as wrong:
        print(wrong, file=sys.stderr)
        return None
    return TranspileOptions(
        files_dir=given.texts.get("files-dir", settings.files_dir),
        strict=given.on("strict") or settings.strict,
        ignore=settings.ignore,
        pretty=given.on("pretty"),
        raw=given.on("raw"),
        butane_paths=plain,
        release=release,
        lowest=given.on("lowest"),
        files_read=files_read,
        platform=given.texts.get("platform", ""),
        dialect=dialect,
        values=values,
    )


def _documents(given: options.CommandLine, *, as_butane: bool) -> list[Document] | None:
    """The texts that the command line names; None if one cannot be read, which is reported."""
    from transpiler.composition.values import Document
    from transpiler.reading.tree import read_input

    documents = []
    for name in _names(given):
        try:
            documents.append(Document(name or "<stdin>", read_input(name)))
        except OSError as error:
            verb = "read" if not name or isinstance(error, IsADirectoryError) else "open"
            shown = escaped(name) or "/dev/stdin"
            suggestion = "" if as_butane else _command_suggestion(name)
            print(f"failed to {verb} {shown}: {verb} {shown}: {reason_of(error)}{suggestion}", file=sys.stderr)
            return None
    return documents


def _names(given: options.CommandLine) -> list[str]:
    """The names of the documents; the empty name is standard input."""
    return given.rest or [given.texts.get("input", "")]


def _output(result: Result, *, plain: bool) -> str:
    """The result as text; with `plain`, the config with all its parts as YAML."""
    if not plain:
        return result.json + "\n"
    from transpiler.composition.plain_yaml import plain_yaml

    return plain_yaml(result.text.root)


def _is_dialect(name: str) -> bool:
    """Whether there is such a dialect of Container Linux Configs; if not, the known ones are shown."""
    from transpiler.container_linux.dialects import BY_NAME

    if name in BY_NAME:
        return True
    print(f"transpile: no dialect {escaped(name)!r}: dialects are {', '.join(BY_NAME)}", file=sys.stderr)
    return False


def _report(result: Result, *, raw_errors: bool, plain: bool, color: bool) -> None:
    if plain:
        shown = result.render_as_butane(color=color, raw=raw_errors)
        shown += "\n" if shown else ""
    else:
        shown = result.render(color=color)
    sys.stderr.write(shown)
    sys.stderr.flush()


def _butane_verdict(result: Result) -> str:
    from transpiler.result import STRICT_ERROR

    return result.error if result.error == STRICT_ERROR else f"Error translating config: {result.error}"


def _verdict(result: Result) -> str:
    from provision.config.problems import count_of

    problems = [finding.problem for finding in result.findings()]
    reason = "" if any(problem.fatal for problem in problems) else "; warnings are errors with --strict"
    return f"{escaped(result.text.name)}: not transpiled: {count_of(problems)}{reason}"


def _colored(wanted: str) -> bool:
    if wanted == "auto":
        return "NO_COLOR" not in os.environ and sys.stderr.isatty()
    return wanted in {"always", "yes"}


def _deliver(text: str, output: str, sources: set[str]) -> None:
    if output:
        write_output(output, text, sources)
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))


def _schema(arguments: list[str]) -> int:
    from provision.config.json_text.decode import parse_version
    from transpiler.butane.schemas import combined_schema, schema_text, variant_schema
    from transpiler.butane.variants import table
    from transpiler.container_linux import dialects, schemas

    rows = table()
    if not arguments:
        sys.stdout.write(schema_text(combined_schema()))
        return 0
    name, version = arguments if len(arguments) == 2 else ("", "")
    if name == schemas.NAME and version in dialects.BY_NAME:
        sys.stdout.write(schema_text(schemas.dialect_schema(dialects.BY_NAME[version])))
        return 0
    row = rows.get((name, parse_version(version) or ""))
    if row is None:
        print(
            "usage: transpile schema [VARIANT VERSION]; without arguments, it prints one schema for all variants",
            file=sys.stderr,
        )
        for known in dict.fromkeys(one for one, _ in rows):
            print(f"  {known} {' '.join(version for one, version in rows if one == known)}", file=sys.stderr)
        print(f"  {schemas.NAME} {' '.join(dialects.BY_NAME)}", file=sys.stderr)
        if arguments in (["-h"], ["--help"]):
            return 0
        print(f"transpile schema: error: there is no schema for {escaped(' '.join(arguments))}", file=sys.stderr)
        return 2
    sys.stdout.write(schema_text(variant_schema(row)))
    return 0


def _convert(arguments: list[str]) -> int:
    from transpiler.convert.command import convert_command

    return convert_command(arguments)


_COMMANDS = {
    "check": _check,
    "convert": _convert,
    "diff": _diff,
    "explain": _explain,
    "fmt": _fmt,
    "lsp": _lsp,
    "pack": _pack,
    "schema": _schema,
}

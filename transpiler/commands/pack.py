"""`transpile pack`: a config that fits into the user data of a platform."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from transpiler.commands.options import add_target_option, add_value_options
from transpiler.commands.settings import SettingsError, files_of_settings, release_given, settings_here, values_given

if TYPE_CHECKING:
    from transpiler.authoring.packing import Packed, Reader
    from transpiler.commands.given_config import GivenConfig

DESCRIPTION = """\
Make a config fit into the user data of a platform. A config that is small enough stays as it is. Otherwise the result
is a small config that holds the whole one, compressed; the machine unpacks it. If that is still too large, the largest
files and units go into a second config, which you put at the address of --url: on any https server or object store.
The machine fetches it, and refuses it if it is not the one whose hash the first config has.

Ignition reads gzip only. With --engine provision, zstd is used if it is smaller; and on platforms whose user data can
be any bytes (%s), the config is compressed as a whole.

FILE is a config in YAML or JSON.

  transpile pack --platform aws site.bu > user-data.ign
  transpile pack --platform aws --url https://example.com/site-2.ign --second site-2.ign -o user-data.ign site.bu
  transpile pack --limit 16K --json -o user-data.ign site.ign

Exit status: 0 it fits; 1 it cannot be made to fit, and nothing is written; 2 the config has errors, or the command
line is wrong.
"""


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile pack`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine
    from transpiler.authoring.user_data_limits import LIMITS, TAKE_BYTES

    parser = CommandLine(prog="transpile pack", description=DESCRIPTION % ", ".join(sorted(TAKE_BYTES)))
    parser.add_argument("config", metavar="FILE", help="the config; `-` is standard input")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--platform", metavar="NAME", choices=sorted(LIMITS), help=f"one of {', '.join(sorted(LIMITS))}")
    size.add_argument("--limit", metavar="SIZE", help="bytes, or such as 16K (1024 bytes) or 1M")
    engines = ("ignition", "provision")
    parser.add_argument("--engine", choices=engines, default=engines[0], help="what the machine runs (ignition)")
    parser.add_argument("--url", metavar="URL", default="", help="where the machine finds the second config")
    parser.add_argument("--second", metavar="FILE", default="", help="write the second config, if there is one")
    parser.add_argument("-o", "--output", metavar="FILE", default="", help="write to a file, not to standard output")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="where local files are (default: beside the config)")
    add_value_options(parser)
    add_target_option(parser)
    parser.add_argument("--json", action="store_true", help="report in JSON on standard output; needs --output")
    return parser


def pack(arguments: list[str]) -> int:
    """Run the command; returns its exit status. Raises SystemExit(2) for wrong usage, and OutputFailed."""
    parser = command_line()
    given = parser.parse_args(arguments)
    limit = _limit(given, parser)
    if bool(given.url) is not bool(given.second):
        parser.error(
            "--url and --second belong together: the address of the second config, and the file that goes there"
        )
    written = [os.path.realpath(one) for one in (given.output, given.second) if one]
    if len(set(written)) < len(written):
        parser.error("--second and --output are the same file")
    if given.json and not given.output:
        parser.error("--json needs --output: standard output is for the report")
    from transpiler.authoring.packing import CannotPackError
    from transpiler.authoring.packing import pack as packed_config
    from transpiler.commands.given_config import given_config
    from transpiler.composition.values import ValuesError
    from transpiler.translation_state import TranspileOptions

    try:
        settings = settings_here()
        lists = {"var": given.var, "vars-file": given.vars_file, "secrets-file": given.secrets_file}
        values = values_given(lists, settings)
        release = release_given(settings.target if given.target is None else given.target)
    except (SettingsError, ValuesError) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    files_read = {"" if given.config == "-" else given.config, *files_of_settings(lists, settings)}
    directory = given.files_dir or settings.files_dir
    options = TranspileOptions(files_dir=directory, values=values, release=release, files_read=files_read)
    config = given_config(given.config, options)
    if config is None or config.spec_minor is None or config.cluster_config is not None:
        return _not_packable(config)
    if problem := _url_problem(given.url, config.spec_minor):
        parser.error(problem)
    try:
        packed = packed_config(config.config, config.spec_minor, limit, given.url, _reader(given))
    except CannotPackError as failed:
        return _too_large(failed.smallest, limit, given)
    _write(packed, given, files_read)
    _report(packed, limit, given)
    return 0


def _reader(given: argparse.Namespace) -> Reader:
    """What reads the first config: an engine, through a platform."""
    from transpiler.authoring.packing import IGNITION, Reader, zstd_compressor
    from transpiler.authoring.user_data_limits import TAKE_BYTES

    if given.engine == "ignition":
        return IGNITION
    zstd = zstd_compressor()
    return Reader({"zstd": zstd} if zstd else {}, given.platform in TAKE_BYTES)


def _limit(given: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from transpiler.authoring.user_data_limits import LIMITS

    if given.platform:
        return LIMITS[given.platform]
    match = re.fullmatch(r"(\d{1,12})([KM]?)(?:i?B)?", given.limit, re.ASCII | re.IGNORECASE)
    if match is None or not int(match[1]):
        parser.error(f"--limit takes a number of bytes, or such as 16K, and not {given.limit!r}")
    return int(match[1]) << {"": 0, "k": 10, "m": 20}[match[2].lower()]


def _not_packable(config: GivenConfig | None) -> int:
    """Say why a config without errors cannot be packed."""
    if config is not None and config.cluster_config is not None:
        print("a MachineConfig is not packed: the cluster hands it to its machines, not the platform", file=sys.stderr)
    elif config is not None:
        print(
            "a config of version 1 or 2.x is not packed; `transpile convert` makes a newer one of it", file=sys.stderr
        )
    return 2


def _url_problem(url: str, spec_minor: int) -> str:
    """Why no machine can fetch the second config from an address; empty if one can."""
    from provision.config.format import Config, ConfigResource, Ignition, IgnitionConfig
    from provision.config.json_text.encode import encode
    from provision.config.validate import validate

    if not url:
        return ""
    reference = IgnitionConfig(merge=(ConfigResource(source=url),))
    found = validate(encode(Config(ignition=Ignition(version="", config=reference)), spec_minor).encode())
    wrong = next((one.message for one in found.problems if one.fatal), "")
    if not wrong and re.match(r"\w+://(/|$)", url):
        wrong = "it has no host"
    if not wrong and url.startswith("data:"):
        wrong = "a data URL has no place for it"
    return f"--url: {wrong}" if wrong else ""


def _too_large(smallest: int, limit: int, given: argparse.Namespace) -> int:
    hint = "the other parts cannot be moved" if given.url else "move parts with --url URL --second FILE"
    message = f"{_name(given)}: error: it needs {smallest} bytes, and {limit} are allowed"
    print(f"{message} (hint: {hint}); nothing is written", file=sys.stderr)
    return 1


def _write(packed: Packed, given: argparse.Namespace, sources: set[str]) -> None:
    """Write the second config before the first one, which is of no use without it."""
    from transpiler.commands.output import write_all

    files = {given.second: packed.second.encode("utf-8", "backslashreplace")} if packed.second else {}
    if given.output:
        files[given.output] = packed.first.data
    write_all(files, sources)
    if not given.output:
        sys.stdout.buffer.write(packed.first.data)


def _report(packed: Packed, limit: int, given: argparse.Namespace) -> None:
    if given.json:
        from provision.config.resources.urls import redacted

        document: dict[str, Any] = {
            "form": packed.form,
            "compression": packed.first.compression or None,
            "bytes": packed.size,
            "limit": limit,
            "second": None,
        }
        if packed.second:
            document["second"] = {
                "url": redacted(given.url),
                "file": given.second,
                "bytes": len(packed.second.encode()),
                "hash": packed.hash,
                "moved": [{"kind": one.kind, "name": one.name, "private": one.private} for one in packed.moved],
            }
        print(json.dumps(document, indent=2))
    for line in _lines(packed, limit, given):
        print(line, file=sys.stderr)


def _reason(packed: Packed, given: argparse.Namespace) -> str:
    """Why this compression was chosen."""
    if given.engine == "ignition":
        return "Ignition reads no other compression"
    others = [f"{size} bytes with {name}" for name, size in packed.first.other_sizes.items()]
    return ", ".join(others) or "zstd needs Python 3.14, or the package backports.zstd"


def _name(given: argparse.Namespace) -> str:
    from provision.config.reports.findings import escaped

    return "<stdin>" if given.config == "-" else escaped(given.config)


def _lines(packed: Packed, limit: int, given: argparse.Namespace) -> Iterator[str]:
    """The report for people."""
    from provision.config.reports.findings import escaped
    from provision.config.resources.urls import redacted

    how = {"plain": "as it is", "compressed": "compressed", "split": "with a second config"}[packed.form]
    yield f"{_name(given)}: fits {how}: {packed.size} of {limit} bytes"
    if packed.first.compression:
        yield f"{packed.first.compression}: {_reason(packed, given)}"
    if not packed.second:
        return
    address = escaped(redacted(given.url))
    yield f"put {escaped(given.second)} ({len(packed.second.encode())} bytes) at {address}; it has"
    for one in packed.moved:
        yield f"  {one.kind} {escaped(one.name)}{' (not every user of the machine may read it)' if one.private else ''}"
    yield "the machine needs a network to fetch it, and stops if its hash is another one"
    if any(one.private for one in packed.moved):
        yield "warning: not all of the second config is for everyone: let only the machine read that address"

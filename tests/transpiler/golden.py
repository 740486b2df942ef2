"""Golden cases: our own inputs with the exact answers of Butane, and the comparison of our answers with them.

A case is a folder below `cases/<topic>/`:

    case.bu         the input
    case.ign        Butane's output (`case.yaml` for a MachineConfig); absent if there is none
    case.report     what Butane prints with `--raw-errors`; absent if it prints nothing
    case.excerpts   what Butane prints without `--raw-errors`; only in some cases
    case.options    options of the command line, if they are not OPTIONS

Local files are read below `cases/files`. `make golden` runs the `butane` on PATH and writes all files anew, except
inputs and options. A new case needs only its `case.bu`.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.transpiler.golden_case import GoldenCase
from transpiler.phases import transpile
from transpiler.result import STRICT_ERROR, Result
from transpiler.translation_state import TranspileOptions

CASES = Path(__file__).parent / "cases"
FILES = CASES / "files"
OPTIONS = ("--files-dir", ".", "--pretty")


class Answer(NamedTuple):
    """The answer of a program to an input: its output, its report, and whether it failed."""

    output: str
    report: str
    failed: bool


class Case(GoldenCase):
    """One golden case: an input with Butane's answer."""

    input = "case.bu"

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the command line."""
        options = self.folder / "case.options"
        return tuple(options.read_text().split()) if options.exists() else OPTIONS

    @property
    def answer(self) -> Answer:
        """Butane's answer."""
        output = self.read("case.ign") or self.read("case.yaml")
        return Answer(output, self.read("case.report"), failed=not output)

    @property
    def excerpts(self) -> str:
        """Butane's report with excerpts; empty if the case has none."""
        return self.read("case.excerpts")


@cache
def cases() -> list[Case]:
    """All cases."""
    return Case.all_below(CASES)


def ours(text: bytes, options: tuple[str, ...], *, butane_paths: bool = True) -> Result:
    """Our result; by default with the paths that Butane prints."""
    return transpile(
        text,
        TranspileOptions(
            files_dir=options[options.index("--files-dir") + 1] if "--files-dir" in options else None,
            strict="--strict" in options,
            pretty="--pretty" in options,
            raw="--raw" in options,
            butane_paths=butane_paths,
        ),
    )


def our_answer(result: Result) -> Answer:
    """Our answer as the command prints it with `--raw-errors`."""
    return Answer("" if result.failed else f"{result.json}\n", report(result, raw=True), result.failed)


def report(result: Result, *, raw: bool) -> str:
    """What the command prints on standard error when it behaves as Butane."""
    shown = result.render_as_butane(raw=raw)
    final = result.error if result.error in {"", STRICT_ERROR} else f"Error translating config: {result.error}"
    return "".join(f"{part}\n" for part in (shown, final) if part)


def answer_of_butane(butane: str, text: bytes, options: tuple[str, ...], *, raw: bool = True) -> Answer:
    """The answer of the program `butane`."""
    argv = [butane, *(["--raw-errors"] if raw else []), *options]
    done = subprocess.run(argv, input=text, capture_output=True, cwd=FILES, check=False)
    return Answer(done.stdout.decode(), done.stderr.decode("utf-8", "replace"), done.returncode != 0)


def comparable(answer: Answer) -> Answer:
    """An answer without parts that may differ: the order of unknown keys, names of Go types, compressed bytes."""
    output = unpacked(answer.output)
    if output.startswith("# Generated") and re.search("[\u2028\u2029]|\\\\[LP]", output):
        output = json.dumps(yaml.safe_load(output))  # decision 4: we escape these line breaks, Butane writes them raw
    return Answer(output, "\n".join(comparable_lines(answer.report)), answer.failed)


def comparable_lines(text: str) -> list[str]:
    """The lines of a report without names of Go types; the lines of unknown keys come first, sorted."""
    lines = re.sub(r"into \S+$", "into X", text, flags=re.MULTILINE).splitlines()
    unknown = [line for line in lines if "unused key" in line]
    return [*sorted(unknown), *(line for line in lines if "unused key" not in line)]


def unpacked(text: str) -> str:
    """A result with decompressed contents, because different compressors may make different bytes."""
    return re.sub(r"(data:;base64,)(H4sI[A-Za-z0-9+/=]*)", lambda match: match[1] + _unpacked(match[2]), text)


def _unpacked(encoded: str) -> str:
    try:
        return gzip.decompress(base64.b64decode(encoded)).decode("latin-1")
    except (OSError, EOFError, ValueError, zlib.error):
        return encoded


def refresh(case: Case, butane: str) -> None:
    """Write the files of a case anew with Butane's answer."""
    answer = answer_of_butane(butane, case.text, case.options)
    wrapped = answer.output.startswith("#")
    _write(case.folder / "case.ign", "" if wrapped else answer.output)
    _write(case.folder / "case.yaml", answer.output if wrapped else "")
    _write(case.folder / "case.report", answer.report)
    if (case.folder / "case.excerpts").exists():
        _write(case.folder / "case.excerpts", answer_of_butane(butane, case.text, case.options, raw=False).report)


def _write(path: Path, text: str) -> None:
    """Write a file; remove it if the text is empty; keep it if only compressed bytes or the order of lines differ."""
    if not text:
        path.unlink(missing_ok=True)
    elif not path.exists() or _in_order(path, path.read_text("utf-8")) != _in_order(path, text):
        path.write_text(text, "utf-8")


def _in_order(path: Path, text: str) -> list[str]:
    """The lines of an output, or the sorted lines of a report, in which Butane gives unknown keys in any order."""
    lines = unpacked(text).split("\n")
    return lines if path.suffix in {".ign", ".yaml"} else sorted(lines)


if __name__ == "__main__":
    program = shutil.which("butane") or sys.exit("butane is not on PATH: nothing can be refreshed")
    for one in cases():
        refresh(one, program)

"""Golden cases of Container Linux Configs: our own inputs with the exact answers of ct.

A case is a folder below `cases/<topic>/`:

    case.yaml       the input
    case.ign        ct's output; absent if there is none
    case.report     what ct prints on standard error; absent if it prints nothing
    case.options    options of the command line besides `-files-dir files`

`make golden` runs the `ct` on PATH, which is Flatcar's; cases of the topic `coreos` need CoreOS's, as `ct-coreos`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from provision.config.reports.go_flags import parse_flags
from tests.transpiler.golden import Answer
from tests.transpiler.golden_case import GoldenCase
from transpiler.commands.ct import FLAGS as CT_FLAGS
from transpiler.container_linux.report import ct_report
from transpiler.phases import run
from transpiler.result import result_of
from transpiler.translation_state import TranspileOptions

CASES = Path(__file__).parent / "cases"
FILES = ("-files-dir", "files")


class Case(GoldenCase):
    """One golden case: an input with ct's answer."""

    @property
    def options(self) -> list[str]:
        """The options of the command line."""
        options = self.folder / "case.options"
        return options.read_text().split() if options.exists() else list(FILES)

    @property
    def dialect(self) -> str:
        """The dialect whose program gave the answer."""
        return "coreos" if self.folder.parent.name == "coreos" else "flatcar"

    @property
    def answer(self) -> Answer:
        """The answer of ct."""
        output = self.read("case.ign")
        return Answer(output, self.read("case.report"), failed=not output)


@cache
def cases() -> list[Case]:
    """All cases."""
    return Case.all_below(CASES)


def ours(text: bytes, options: list[str], dialect: str) -> Answer:
    """Our answer as the command prints it under the name ct; local files are read in the working directory."""
    given = parse_flags(options, CT_FLAGS)
    work = run(
        text,
        TranspileOptions(
            files_dir=given.get("files-dir", ""),
            strict=given.get("strict") == "true",
            butane_paths=True,
            platform=given.get("platform", ""),
            dialect=dialect,
            container_linux=True,
        ),
    )
    report = ct_report(work, strict=work.options.strict)
    result = result_of(work)
    return Answer("" if result.failed else result.json, report, result.failed)


def answer_of_ct(program: str, text: bytes, options: list[str]) -> Answer:
    """The answer of the program ct."""
    done = subprocess.run([program, *options], input=text, capture_output=True, cwd=CASES, check=False)
    return Answer(done.stdout.decode(), done.stderr.decode("utf-8", "replace"), done.returncode != 0)


def comparable(answer: Answer) -> tuple[Any, list[str], bool]:
    """The output as values, and the sorted entries of the report without names of Go types and Go's words for URLs."""
    value = json.loads(answer.output) if answer.output else None
    report = re.sub(r"into \S+$", "into X", answer.report, flags=re.MULTILINE)
    report = re.sub(r'^parse ".*": .*$', "unable to parse url", report, flags=re.MULTILINE)
    report = re.sub(r'^invalid url ".*": ', "", report, flags=re.MULTILINE)
    return value, sorted(re.split(r"\n(?=\w+ at line |\w+: |Failed)", report.rstrip("\n"))), answer.failed


def refresh(case: Case, program: str) -> None:
    """Write the answer of a case anew. Only the order of unknown keys, which is random, does not change a report."""
    answer = answer_of_ct(program, case.text, case.options)
    for name, text in (("case.ign", answer.output), ("case.report", answer.report)):
        path = case.folder / name
        if not text:
            path.unlink(missing_ok=True)
        elif not path.exists() or sorted(path.read_text("utf-8").split("\n")) != sorted(text.split("\n")):
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    for dialect, name in (("flatcar", "ct"), ("coreos", "ct-coreos")):
        found = shutil.which(name) or sys.exit(f"{name} is not on PATH: its cases cannot be refreshed")
        for one in cases():
            if one.dialect == dialect:
                refresh(one, found)

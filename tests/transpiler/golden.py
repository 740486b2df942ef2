"""Golden pairs: inputs of our own with the exact answers of Butane, and how ours are compared with them.

`golden.jsonl` was made by running Butane (v0.24 and later sources) in `tests/data/transpiler/files`; `probes.jsonl` are
small texts about YAML itself. `test_peer.py` runs Butane again over all of them where it is on PATH.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from transpiler.phases import STRICT_ERROR, Result, transpile

DATA = Path(__file__).resolve().parents[1] / "data" / "transpiler"
FILES = DATA / "files"


class Pair(NamedTuple):
    """An input with its answer; `drawn` is the report without `--raw-errors`, where it is kept."""

    name: str
    text: bytes
    args: tuple[str, ...]
    exit: int
    output: str
    report: str
    drawn: str | None


def pairs(name: str) -> list[Pair]:
    """The pairs of a file."""
    return [_pair(json.loads(line)) for line in (DATA / name).read_text("utf-8").splitlines()]


def _pair(row: dict[str, Any]) -> Pair:
    text = row["input"].encode("utf-8", "surrogateescape")
    # One probe reads below a directory: that of the answers was empty.
    args = row.get("args", ["-d", "no-such-directory"] if row["name"] == "local_abs" else [])
    return Pair(row["name"], text, tuple(args), row["exit"], row["output"], row["report"], row.get("drawn"))


def ours(pair: Pair) -> Result:
    """Our answer to a pair, in Butane's way."""
    args = pair.args
    return transpile(
        pair.text,
        files_dir=args[args.index("-d") + 1] if "-d" in args else None,
        strict="--strict" in args,
        pretty="-p" in args,
        raw="--raw" in args,
        butane_paths=True,
    )


def report(result: Result, *, raw: bool) -> str:
    """What the command line prints on standard error as Butane does."""
    shown = result.render_as_butane(raw=raw)
    final = result.error if result.error in {"", STRICT_ERROR} else f"Error translating config: {result.error}"
    return "".join(f"{part}\n" for part in (shown, final) if part)


def comparable(text: str) -> list[str]:
    """A report without what need not be equal: the order of unknown keys, names of Go types."""
    without_types = re.sub(r"into \S+$", "into X", text, flags=re.MULTILINE)
    lines = without_types.replace("open no-such-directory/etc", "open etc").splitlines()
    unknown = [line for line in lines if "unused key" in line]
    return [*sorted(unknown), *(line for line in lines if "unused key" not in line)]


def unpacked(text: str) -> str:
    """A result with compressed contents unpacked: different compressors need not make the same bytes."""
    return re.sub(r"(data:;base64,)(H4sI[A-Za-z0-9+/=]*)", lambda match: match[1] + _unpacked(match[2]), text)


def _unpacked(encoded: str) -> str:
    return gzip.decompress(base64.b64decode(encoded)).decode("latin-1")

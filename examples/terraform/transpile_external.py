"""A program for the data source `external` of Terraform and OpenTofu: runs `transpile` and returns its output.

The protocol: an object of texts on standard input, an object of texts on standard output; or a message on standard
error and an exit status that is not 0. Source: the documentation of hashicorp/external.

The query has `path`, the path of the config; it may have `files_dir`, `target`, `strict` (`true` or `false`), and
`variables`, a JSON object with the values of `!var`. The result has `ignition`, the output, and `report`, the warnings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

KEYS = {"path", "files_dir", "target", "strict", "variables"}


def main() -> int:
    """Answer one query; returns the exit status."""
    try:
        query = _query(sys.stdin.buffer.read() if sys.stdin else b"")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(_command(query, folder), capture_output=True, encoding="utf-8", check=False)
    except WrongQueryError as wrong:
        print(f"the query {wrong}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"transpile cannot be run: {error}", file=sys.stderr)
        return 1
    if done.returncode != 0:
        print(done.stderr, end="", file=sys.stderr)
        return 1
    print(json.dumps({"ignition": done.stdout.rstrip("\n"), "report": done.stderr}))
    return 0


class WrongQueryError(Exception):
    """The standard input is no query that this program knows; the message goes on after "the query"."""


def _query(text: bytes) -> dict[str, str]:
    """The query: an object of texts. Raises WrongQueryError."""
    if not text.strip():
        raise WrongQueryError("is empty: write a JSON object to standard input")
    try:
        query = json.loads(text)
    except (ValueError, RecursionError):
        raise WrongQueryError("is not JSON") from None
    if not isinstance(query, dict):
        raise WrongQueryError("is not a JSON object")
    unknown = ", ".join(sorted(query.keys() - KEYS))
    if unknown or not query.get("path"):
        wrong = f"unknown key {unknown!a}" if unknown else "no path"
        raise WrongQueryError(f"has {wrong}; it may have {', '.join(sorted(KEYS))}")
    not_texts = sorted(key for key, value in query.items() if not isinstance(value, str))
    if not_texts:
        raise WrongQueryError(f"has a value that is no text: {', '.join(not_texts)}")
    return query


def _command(query: dict[str, str], folder: str) -> list[str]:
    """The command line. Values go through a file, because other users can read command lines."""
    command = [os.environ.get("TRANSPILE", "transpile")]
    command += ["--files-dir", query.get("files_dir") or os.path.dirname(query["path"]) or "."]
    if query.get("target"):
        command += ["--target", query["target"]]
    if query.get("strict") == "true":
        command += ["--strict"]
    if query.get("variables"):
        values = os.path.join(folder, "variables.json")
        with open(values, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(query["variables"])
        command += ["--vars-file", values]
    return [*command, "--", query["path"]]


if __name__ == "__main__":
    sys.exit(main())

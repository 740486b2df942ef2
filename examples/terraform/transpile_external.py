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
    query = json.load(sys.stdin)
    unknown = sorted(query.keys() - KEYS)
    if unknown or not query.get("path"):
        wrong = f"unknown key {', '.join(unknown)}" if unknown else "no path"
        print(f"the query has {wrong}; it may have {', '.join(sorted(KEYS))}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(_command(query, folder), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stderr, end="", file=sys.stderr)
        return 1
    json.dump({"ignition": done.stdout.rstrip("\n"), "report": done.stderr}, sys.stdout)
    return 0


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

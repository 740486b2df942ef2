"""The sections about differences of all decisions -> one list, as a reference page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PAGE = Path("docs/reference/differences.md")
DECISIONS = Path(__file__).resolve().parents[1] / "decisions"

_HEAD = """\
# Differences to the programs that it replaces

Generated from the [decisions](../decisions/0001-record-decisions.md) by `make generate`; do not edit.

Ignition, Butane, ct, Afterburn and coreos-cloudinit can be exchanged for these programs. This list has every known case
in which the result is another one. Most are stricter on purpose: what would be lost, or would fail half-way,
is refused.
"""


def generated() -> dict[Path, str]:
    """The page, by its path."""
    return {PAGE: "\n".join((_HEAD, *_sections()))}


def _sections() -> Iterator[str]:
    for path in sorted(DECISIONS.glob("*.md")):
        text = path.read_text("utf-8")
        title = re.split("[:;]", re.sub(r"^# \d+\. ", "", text.partition("\n")[0]))[0]
        for match in re.finditer(
            r"^## ([^\n]*\bdifferences\b[^\n]*)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
        ):
            heading = re.sub(r"^(Deliberate|Known) differences", "", match[1]).strip()
            yield f"## {title}{f' ({heading})' if heading else ''}\n"
            yield f"From [decision {int(path.name[:4])}](../decisions/{path.name}).\n"
            yield f"{_moved(match[2].strip())}\n"


def _moved(text: str) -> str:
    """The text with its links as they are in the folder of the page."""
    return re.sub(r"\]\((?!https?:|\.\./|#)", "](../decisions/", text)

"""Text for a console of 80 columns: a report has to fit on its screen, beside the lines of systemd."""

from __future__ import annotations

from collections.abc import Sequence

ROWS = 12
"""How many rows a report takes at most, without the blank one before it."""

COLUMNS = 80

_CUT = "..."


def row_count(lines: Sequence[str]) -> int:
    """How many rows of a console these lines take."""
    return sum(_rows(line) for line in lines)


def cut(line: str, rows: int) -> str:
    """The line in at most so many rows: of a longer line the middle is left out."""
    room = rows * COLUMNS
    if len(line) <= room:
        return line
    kept = room - len(_CUT)
    return f"{line[: kept - kept // 3]}{_CUT}{line[len(line) - kept // 3 :]}"


def fitted(lines: Sequence[str], rows: int, least: int = 2) -> list[str]:
    """The first of these lines, in at most so many rows. Long lines share the rows: each gets at least `least`."""
    share = max(least, rows // max(len(lines), 1))
    shown: list[str] = []
    for line in lines:
        left = rows - row_count(shown)
        if left <= 0:
            break
        shown.append(cut(line, min(share, left)))
    return shown


def _rows(line: str) -> int:
    return max(1, -(-len(line) // COLUMNS))

"""What is wrong in a line of a text."""

from __future__ import annotations

from typing import NamedTuple


class WrongLine(NamedTuple):
    """The number of a line from 0, the rule that it breaks, what is wrong, and what to write."""

    line: int
    rule: str
    message: str
    hint: str

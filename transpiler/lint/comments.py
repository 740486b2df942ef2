"""Lint about the end of a text that YAML takes for a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.problems import Position, Problem
from transpiler.lint.source import LintInput, remark

_CUT = re.compile(r" *(?:- +)*(?:inline|gecos): +[^\s\"'|>&*!{\[#][^#]*? (#)[^\s#]")


def cut_texts(source: LintInput) -> Iterator[Problem]:
    """Warnings about `inline: color #fff`: a comment begins at a `#` after a space. Comments have a space after it."""
    for file, lines in source.lines.items():
        for number, line in enumerate(lines, 1):
            match = _CUT.match(line) if "#" in line else None
            if match:
                message = "a comment begins here, so the rest of the line is not part of the text"
                hint = "put the text in quotes; or write a space after the #, if it is a comment"
                yield remark((), "comment-in-text", message, hint, Position(number, match.start(1) + 1, file))

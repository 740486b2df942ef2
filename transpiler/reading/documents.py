"""An error about content after the first document of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provision.config.problems import Position, Problem
from transpiler.reading.yaml_parser import parse_events


def second_document(raw: bytes) -> Iterator[Problem]:
    """An error if the text has a second document, because only the first is read."""
    if not re.search(rb"^---", raw, re.MULTILINE):
        return
    import yaml

    ends = {yaml.DocumentEndEvent, yaml.StreamEndEvent}
    started: Position | None = None
    count = 0
    event: Any
    try:
        for event in parse_events(raw):
            kind = type(event)
            if kind is yaml.DocumentStartEvent:
                count += 1
                started = Position(event.start_mark.line + 1, event.start_mark.column + 1)
            elif count > 1 and kind not in ends and (kind is not yaml.ScalarEvent or event.value):
                break
        else:
            return
    except yaml.YAMLError:
        if count < 2:
            return
    message = "a second document begins here, but only the first document is read"
    hint = "remove this line to join the two, or move the second document to its own file"
    yield Problem((), message, hint=hint, at=started, rule="second-document")

"""A log that keeps what it is given."""

from __future__ import annotations


class RecordedLog:
    """A log that keeps every message with its level."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, level: str, message: str) -> None:
        self.lines.append((level, message))

    def at(self, level: str) -> list[str]:
        return [message for one, message in self.lines if one == level]

    def __str__(self) -> str:
        return "\n".join(f"{level}: {message}" for level, message in self.lines)

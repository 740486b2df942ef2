"""What tests of fetching share."""

from __future__ import annotations

import pytest

from tests.fetch.certificates import Authority, authority


class Words:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, level: str, message: str) -> None:
        self.lines.append((level, message))

    def at(self, level: str) -> list[str]:
        return [message for one, message in self.lines if one == level]

    def __str__(self) -> str:
        return "\n".join(f"{level}: {message}" for level, message in self.lines)


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca"))

"""Images that all tests of this folder start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.boot.machine import Images, build


@pytest.fixture(scope="session")
def images(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Images:
    return build(wheel, tmp_path_factory.mktemp("images"))

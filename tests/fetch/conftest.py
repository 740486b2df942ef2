"""What tests of fetching share."""

from __future__ import annotations

import pytest

from tests.fetch.certificates import Authority, authority


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca"))

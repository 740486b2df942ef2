"""A short run of the fuzzer, so that it stays able to run; `make fuzz` is the long run."""

from __future__ import annotations

import pytest

from tests.config.fuzz import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [1, 2])
def test_a_short_run_of_the_fuzzer_finds_nothing(seed: int) -> None:
    batch = run(seed)
    assert batch.surprise == ""
    assert batch.valid > 0

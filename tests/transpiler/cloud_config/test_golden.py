"""Our conversion of each golden case makes what coreos-cloudinit made, and our report is the pinned one."""

from __future__ import annotations

import pytest

from tests.transpiler.cloud_config.golden import Case, cases, comparable, made_by, report


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_machine_makes_the_same(case: Case) -> None:
    converted = case.converted
    assert report(converted) == case.read("case.report")
    assert converted.config is not None
    assert made_by(converted.config) == comparable(case.made)

"""The golden pairs again, asked of the real Butane: they go stale when it changes."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.transpiler.golden import FILES, Pair, comparable, pairs

BUTANE = shutil.which("butane") or ""


@pytest.mark.peer
@pytest.mark.skipif(not BUTANE, reason="butane is not on PATH")
@pytest.mark.parametrize("pair", pairs("golden.jsonl"), ids=lambda pair: pair.name)
def test_butane_still_answers_so(pair: Pair) -> None:
    done = subprocess.run(
        [BUTANE, "--raw-errors", *pair.args], input=pair.text, capture_output=True, cwd=FILES, check=False
    )
    assert comparable(done.stderr.decode()) == comparable(pair.report)
    assert done.stdout.decode() == pair.output
    assert done.returncode == pair.exit

"""Comparison with a real Butane: golden cases, which must still be its answers, and random configs."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.config.resources.data_urls import decode_data_url
from tests.transpiler.golden import (
    FILES,
    OPTIONS,
    Answer,
    Case,
    answer_of_butane,
    cases,
    comparable,
    our_answer,
    ours,
)
from tests.transpiler.strategies import configs, mistakes
from transpiler.butane.variants import table

BUTANE = shutil.which("butane") or ""
EXAMPLES = int(os.environ.get("PEER_EXAMPLES", "300"))

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not BUTANE, reason="butane is not on PATH")]


@pytest.fixture(autouse=True)
def _in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)


def both(text: bytes, options: tuple[str, ...]) -> tuple[Answer, Answer]:
    """Our answer and Butane's."""
    return our_answer(ours(text, options)), answer_of_butane(BUTANE, text, options)


def in_any_order(answer: Answer) -> Answer:
    """An answer with a sorted report: in spec 3.0, problems of two certificate authorities have another order."""
    return answer._replace(report="\n".join(sorted(answer.report.splitlines())))


def by_contents(answer: Answer) -> Answer:
    """An answer with decoded data URLs: near the threshold only one of the two programs compresses contents."""
    output = re.sub(r'^[ -]*"?compression"?: "?(gzip)?"?,?\n', "", answer.output, flags=re.MULTILINE)
    return answer._replace(output=re.sub(r'data:[^"\s]*', _contents, output))


def _contents(url: re.Match[str]) -> str:
    contents = decode_data_url(url[0])
    return repr(gzip.decompress(contents) if contents.startswith(b"\x1f\x8b") else contents)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_golden_cases(case: Case) -> None:
    own, butanes = both(case.text, case.options)
    assert comparable(own) == comparable(butanes)
    assert comparable(butanes) == comparable(case.answer)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_random_configs(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(list(table().values())))
    config = data.draw(mistakes(data.draw(configs(row))))
    options = data.draw(st.sampled_from([OPTIONS, (*OPTIONS, "--raw"), (*OPTIONS, "--strict")]))
    own, butanes = map(in_any_order, both(json.dumps(config).encode(), options))
    if comparable(own) != comparable(butanes):
        assert comparable(by_contents(own)) == comparable(by_contents(butanes))

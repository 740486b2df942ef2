"""Each message of libyaml has words for authors and a remedy."""

from __future__ import annotations

import pytest
import yaml

from tests.transpiler.lint.test_syntax import HEAD
from transpiler.phases import transpile
from transpiler.reading.syntax_messages import INCOMPATIBLE, SYNTAX_MESSAGES
from transpiler.reading.yaml_parser import parse_events

TEXTS = {
    "block sequence entries are not allowed in this context": "a: - b",
    "could not find expected ':'": "a: b\nc\n",
    "could not find expected directive name": "%\n",
    "did not find URI escaped octet": "a: !%zz b",
    "did not find expected '!'": "%TAG a b\n---\n",
    "did not find expected ',' or ']'": "a: [b\nc: d\n",
    "did not find expected ',' or '}'": "a: {b: c\nd: e\n",
    "did not find expected '-' indicator": "a:\n  - b\n  c: d",
    "did not find expected <document start>": "{a: b}}",
    "did not find expected alphabetic or numeric character": "a: *.log",
    "did not find expected comment or line break": "a: |x\n b",
    "did not find expected digit or '.' character": "%YAML 1\n---\n",
    "did not find expected hexdecimal number": 'a: "\\x4"',
    "did not find expected key": "a:\n  b: c\n d: e",
    "did not find expected node content": "a: {- b: c}",
    "did not find expected tag URI": "a: !<> b",
    "did not find expected version number": "%YAML x\n---\n",
    "did not find expected whitespace": "%TAG !a!\n---\n",
    "did not find expected whitespace or line break": "a: !x{y",
    "did not find the expected '>'": "a: !<x b",
    "found a tab character that violates indentation": "a: b\n\t- c",
    "found a tab character where an indentation space is expected": "a: |\n\tb",
    "found an incorrect leading UTF-8 octet": "a: !%ff b",
    "found an incorrect trailing UTF-8 octet": "a: !%c3%28 b",
    "found an indentation indicator equal to 0": "a: |0\n b",
    "found character that cannot start any token": "a: @b",
    "found duplicate %TAG directive": "%TAG !a! x\n%TAG !a! y\n---\n",
    "found duplicate %YAML directive": "%YAML 1.1\n%YAML 1.1\n---\n",
    "found extremely long version number": "%YAML 11111111111.1\n---",
    INCOMPATIBLE: "%YAML 2.0\n---\na: b",
    "found invalid Unicode character escape code": 'a: "\\ud800"',
    "found undefined tag handle": "a: !foo!bar x",
    "found unexpected ':'": "[x, a:]: y",
    "found unexpected document indicator": 'a: "b\n---\n',
    "found unexpected end of stream": "a: 'b",
    "found unexpected non-alphabetical character": "%YAML?\n",
    "found unknown directive name": "%FOO bar\n---\na: b",
    "found unknown escape character": 'a: "\\q"',
    "mapping keys are not allowed in this context": "a: ? b",
    "mapping values are not allowed in this context": "a: b: c",
    "control characters are not allowed": "a: \x01",
}


def test_each_message_has_a_text() -> None:
    assert TEXTS.keys() == SYNTAX_MESSAGES.keys()


@pytest.mark.parametrize("message", TEXTS)
@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML has no libyaml")
def test_libyaml_has_this_message(message: str) -> None:
    with pytest.raises(yaml.YAMLError) as raised:
        list(parse_events(TEXTS[message].encode()))
    assert message in {getattr(raised.value, "problem", ""), getattr(raised.value, "reason", "")}


@pytest.mark.parametrize("message", TEXTS)
def test_an_author_gets_words_and_a_remedy(message: str) -> None:
    text = TEXTS[message] if TEXTS[message].startswith("%") else HEAD + TEXTS[message]
    (found,) = transpile(text.encode()).findings()
    assert found.problem.hint
    assert found.problem.message not in TEXTS
    assert found.at is not None
    assert found.at.line

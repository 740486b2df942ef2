"""No piece of a secret is in a message or a hint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.problems import Problem
from transpiler.composition.quoted_secrets import PIECE, without_secrets
from transpiler.composition.values import Values, text_node
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

HEAD = "variant: fcos\nversion: 1.5.0\n"


def shown(text: str, secret: str) -> str:
    return without_secrets(Problem((), text), frozenset({secret})).message


def test_pieces_are_hidden_and_the_rest_stays() -> None:
    assert shown("`horse battery` is no day of the week", "correct horse battery") == "`***` is no day of the week"
    assert shown("write /dev/disk/by-label/hunter2hunter2", "LABEL=hunter2hunter2") == "write /dev/disk/by-label/***"
    assert shown("ab", "ab") == "***"


@given(st.text("abc ", max_size=60), st.text("abc ", min_size=PIECE, max_size=20))
def test_no_piece_of_a_secret_is_left(text: str, secret: str) -> None:
    left = shown(text, secret)
    assert not any(secret[at : at + PIECE] in left for at in range(len(secret) - PIECE + 1))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("systemd: {units: [{name: a.timer, contents: !secret x}]}", "[Timer]\nOnCalendar=Zq9XwKv7Rt\n"),
        ("storage: {files: [{path: !secret x}]}", "/etc//Zq9XwKv7Rt/"),
        ("storage: {filesystems: [{device: !secret x, format: ext4}]}", "LABEL=Zq9XwKv7Rt"),
        ('systemd: {units: [{name: !format "{secret.x}.servce"}]}', "Zq9XwKv7Rt"),
        ("storage: {trees: [{local: !secret x}]}", "a//Zq9XwKv7Rt"),
    ],
)
def test_rules_that_quote_a_part_of_a_value(text: str, secret: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    options = TranspileOptions(
        lints=True, files_dir=str(tmp_path_factory.mktemp("d")), values=Values(secrets={"x": secret})
    )
    result = transpile((HEAD + text + "\n").encode(), options)
    assert result.problems
    assert "Zq9" not in result.render() + result.error + repr(result.problems)


def test_a_value_does_not_join_lines() -> None:
    text = (
        HEAD
        + 'systemd: {units: [{name: a.service, contents: !format "[Service]\\nEnvironment=A={v}\\nUser=nobody\\n"}]}\n'
    )

    def told(value: str) -> str:
        return transpile(text.encode(), TranspileOptions(lints=True, values=Values({"v": text_node(value)}))).render()

    assert "ends with a backslash" in told("x\\")
    assert "backslash" not in told("x\\y")


def test_a_local_path_with_a_null_character_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = TranspileOptions(lints=True, files_dir=str(tmp_path_factory.mktemp("d")))
    result = transpile((HEAD + 'storage: {trees: [{local: "\\0a"}]}\n').encode(), options)
    assert result.failed

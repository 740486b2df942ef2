"""Command lines as Go's package flag reads them."""

from __future__ import annotations

import pytest

from provision.config.reports.go_flags import Flag, FlagError, parse_flags, usage

FLAGS = (Flag("check", bool, "only check"), Flag("in", str, "the input"))


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ([], {}),
        (["-check"], {"check": "true"}),
        (["--check=F", "-in=a"], {"check": "false", "in": "a"}),
        (["-in", "-check"], {"in": "-check"}),
        (["-in=", "--in", "b=c"], {"in": "b=c"}),
        (["-check", "T", "-in=a"], {"check": "true"}),
        (["--", "-in=a"], {}),
        (["-", "-in=a"], {}),
        (["word", "-nope"], {}),
    ],
)
def test_options_end_at_the_first_word(arguments: list[str], given: dict[str, str]) -> None:
    assert parse_flags(arguments, FLAGS) == given


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["---in"], "bad flag syntax: ---in"),
        (["-=a"], "bad flag syntax: -=a"),
        (["--nope"], "flag provided but not defined: -nope"),
        (["-h"], ""),
        (["-in"], "flag needs an argument: -in"),
        (["-check=yes"], 'invalid boolean value "yes" for -check: parse error'),
    ],
)
def test_a_wrong_command_line(arguments: list[str], message: str) -> None:
    with pytest.raises(FlagError) as raised:
        parse_flags(arguments, FLAGS)
    assert str(raised.value) == message


def test_the_usage() -> None:
    expected = "Usage of ct:\n  -check\n    \tonly check\n  -in string\n    \tthe input"
    assert usage("ct", FLAGS) == expected

"""Words of a kernel command line, as Ignition reads them."""

from __future__ import annotations

import pytest

from provision.failures import Failure, FetchFailed
from provision.kernel_command_line import (
    ConfigArguments,
    arguments,
    check_network_argument,
    config_arguments,
    last_value,
    propagates_network,
)


def test_words_are_split_at_white_space_and_keep_their_quotes() -> None:
    line = 'quiet ignition.config.url="http://a b"\tx==y ='
    assert [*arguments(line)] == [
        ("quiet", None),
        ("ignition.config.url", '"http://a'),
        ('b"', None),
        ("x", "=y"),
        ("", ""),
    ]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        *[("", None), ("a", "bare"), ("a=", ""), ("a=1 a=2", "2"), ('a="x=y"', "x=y"), ("ab=1", None)],
        *[("a=1 a", "bare"), ('a="x y" z', "x y"), ("a='x y' z", "x y"), ('"a=x y" z', "x y"), ('a=1 b="2 a=3"', "1")],
        *[('a=x"y z"', "xy z"), ('a="x', "x"), ("""a="it's" """, "it's")],
    ],
)
def test_the_last_value_counts(line: str, value: str | None) -> None:
    assert last_value(line, "a", bare="bare") == value


def test_settings_of_the_network_are_for_the_root_only_if_that_is_asked_for_last() -> None:
    assert propagates_network("quiet provision.network=keep provision.network=propagate")
    for line in (
        "",
        "provision.network",
        "provision.network=keep",
        "provision.network=propagate provision.network=end",
    ):
        assert not propagates_network(line)


def test_a_typing_error_in_a_wish_for_the_network_is_told_with_what_can_be_written() -> None:
    with pytest.raises(Failure, match=r"provision\.network=Propagate is unknown") as caught:
        check_network_argument("provision.network=Propagate")
    assert caught.value.hint == "write provision.network=keep, or propagate, or leave it out"


@pytest.mark.parametrize("command_line", ["quiet", "provision.network=keep", "provision.network=propagate"])
def test_known_wishes_for_the_network(command_line: str) -> None:
    check_network_argument(command_line)


def test_where_the_config_is() -> None:
    line = "ignition.config.url=http://a flatcar.config.url=http://b coreos.config.hash=sha256-aa ignition.config.url="
    assert config_arguments(line) == ConfigArguments(("http://a", "http://b"), "sha256-aa")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ignition.config.hash=", "ignition.config.hash has no value"),
        ("ignition.config.url=http://a ignition.config.hash", "ignition.config.hash has no value"),
        ("ignition.config.device=a", "must be provided together"),
        ("ignition.config.device=a ignition.config.path=", "must be provided together"),
        ("ignition.config.device=../a ignition.config.path=/b", "single path component"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(line: str, told: str) -> None:
    with pytest.raises(FetchFailed, match=told):
        config_arguments(line)

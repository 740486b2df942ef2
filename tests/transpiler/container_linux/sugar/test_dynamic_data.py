"""Fields in the options of etcd and flannel."""

from __future__ import annotations

import pytest

from transpiler.container_linux.sugar.dynamic_data import UnknownField, filled_in, may_have_fields


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a", "a"),
        ("{HOSTNAME}", "${COREOS_EC2_HOSTNAME}"),
        ("http://{PRIVATE_IPV4}:1,{PUBLIC_IPV4}", "http://${COREOS_EC2_IPV4_LOCAL}:1,${COREOS_EC2_IPV4_PUBLIC}"),
        ("a}b{", "a}b{"),
        ("{", "{"),
    ],
)
def test_fields(text: str, filled: str) -> None:
    assert filled_in(text, "ec2", "name") == filled


def test_one_brace_is_enough() -> None:
    assert may_have_fields("a}")
    assert not may_have_fields("$b")


@pytest.mark.parametrize(("text", "platform"), [("{NAME}", "ec2"), ("{HOSTNAME}", "azure"), ("a{", "")])
def test_what_a_platform_does_not_have(text: str, platform: str) -> None:
    with pytest.raises(UnknownField) as refused:
        filled_in(text, platform, "name")
    assert refused.value.option == "name"


def test_a_text_of_many_fields_is_filled_in_once() -> None:
    """A text that was copied for each field took minutes."""
    assert filled_in("{PRIVATE_IPV4}" * 100_000, "custom", "name") == "${COREOS_CUSTOM_PRIVATE_IPV4}" * 100_000

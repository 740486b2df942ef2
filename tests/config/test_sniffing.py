"""Whether a config is YAML or JSON: commands and the machine use the same function."""

from __future__ import annotations

import pytest

from provision.commands.given_config import ConfigText, validate_given
from provision.config.sniffing import BYTE_ORDER_MARK, is_cloud_config, is_yaml
from provision.fetch.user_data.reading import read_config
from provision.log import silent

YAML = (
    b"variant: fcos\nversion: 1.5.0\n",
    b'"variant": fcos\n"version": 1.5.0\n',
    b"'variant' : fcos\nversion: 1.5.0\n",
    b"? variant\n: fcos\n? version\n: 1.5.0\n",
    b"# a comment\n--- # more\nvariant: fcos\nversion: 1.5.0\n",
    b"\r\n\t\n" + BYTE_ORDER_MARK,
    b"version: 1.5.0\n",
)
JSON = (b"", b"{}", b" \r\n\t{", b"[]", BYTE_ORDER_MARK + b'\n{"ignition": {"version": "3.4.0"}}')


@pytest.mark.parametrize("raw", YAML)
def test_yaml(raw: bytes) -> None:
    assert is_yaml(raw)


@pytest.mark.parametrize("raw", JSON)
def test_json(raw: bytes) -> None:
    assert not is_yaml(raw)


@pytest.mark.parametrize("raw", YAML[:5])
def test_commands_and_the_machine_agree(raw: bytes) -> None:
    assert validate_given(ConfigText("site.yaml", raw), None).config is not None
    read_config(raw, "user.ign", silent)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"#cloud-config", True),
        (b"#cloud-config\n", True),
        (b"#cloud-config \t\r\nhostname: a\n", True),
        (b"#cloud-config\n \n", True),
        (b"#cloud-config x", False),
        (b"#cloud-config x\n", False),
        (b"#cloud-config-archive\n", False),
        (b"#cloud-confi\ng", False),
        (b" #cloud-config\n", False),
        (b"", False),
    ],
)
def test_a_cloud_config_has_its_own_first_line(text: bytes, expected: bool) -> None:
    assert is_cloud_config(text) is expected

"""The reference of the YAML format speaks of variants and their versions."""

from __future__ import annotations

import re

import pytest

from docs.generate.yaml_page import page
from transpiler import transpile

PAGE = page()


def line(section: str, field: str) -> str:
    """The row of a field in a section."""
    part = PAGE.split(f"\n## `{section}`\n", 1)[1].split("\n## ", 1)[0]
    return next(row for row in part.splitlines() if row.startswith(f"| `{field}` |"))


@pytest.mark.parametrize(
    ("section", "field", "where"),
    [
        ("storage.luks[]", "discard", "`fcos 1.5.0`, `flatcar 1.1.0`, `openshift 4.14.0`"),
        ("storage.luks[]", "clevis", "`fcos 1.2.0`, `flatcar 1.2.0-experimental`, `openshift`"),
        ("storage", "disks", "`fcos`, `flatcar`, `openshift`"),
        ("storage", "files", ""),
        ("passwd.users[]", "password_hash", "`fcos`, `flatcar`, `r4e`, `fiot`, `openshift 4.13.0`"),
    ],
)
def test_which_variants_have_a_field(section: str, field: str, where: str) -> None:
    assert line(section, field).split(" | ")[2].strip() == where


def test_modes_are_shown_in_octal() -> None:
    assert "such as `0644`" in line("storage.files[]", "mode")
    assert "such as `0755`" in line("storage.directories[]", "mode")
    assert "such as `0755`" in line("storage.trees[]", "dir_mode")


def test_the_versions_are_those_that_accept_a_field() -> None:
    text = "variant: {}\nversion: {}\nstorage: {{luks: [{{name: a, device: /dev/a, discard: true}}]}}\n"
    for variant, version, accepted in (("fcos", "1.4.0", False), ("fcos", "1.5.0", True), ("flatcar", "1.0.0", False)):
        problems = transpile(text.format(variant, version).encode()).problems
        assert any("discard" in one.message for one in problems) != accepted


def test_versions_of_ignition_stand_beside_those_of_a_variant() -> None:
    body = PAGE.split("## Top level", 1)[1]
    assert re.findall(r"(?<!Ignition )3\.\d\.0", body) == []
    assert "since `fcos 1.5.0` (Ignition 3.4.0) `arn`" in body
    assert "Up to `fcos 1.6.0` (Ignition 3.5.0) one of `tpm2`" in body

"""Versions of etcd and flannel, and the options that they choose."""

from __future__ import annotations

import pytest

from transpiler.container_linux.dialects import BY_NAME, BadVersion, etcd_options, flannel_options, parse_version


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3.5.0", "3.5.0"),
        ("1.2.3-", "1.2.3"),
        ("03.01.2", "3.1.2"),
        ("1.2.3-rc.1+b", "1.2.3-rc.1+b"),
        ("3." + "0" * 5000 + "1.2", "3.1.2"),
    ],
)
def test_versions(text: str, shown: str) -> None:
    assert parse_version(text).text == shown


@pytest.mark.parametrize("text", ["3.5", "a.b.c", "3..0", "1.2.3-_", "1.2.9223372036854775808", "9" * 5000 + ".0.0"])
def test_what_is_not_a_version(text: str) -> None:
    with pytest.raises(BadVersion):
        parse_version(text)


@pytest.mark.parametrize(
    ("version", "coreos", "flatcar"),
    [("2.3.8", "2.3", "2.3"), ("2.2.0", "", ""), ("3.2.1", "3.2", "3.2"), ("3.4.0", "3.3", "3.4"), ("4.0.0", "", "")],
)
def test_options_of_etcd(version: str, coreos: str, flatcar: str) -> None:
    found = parse_version(version)
    assert (etcd_options(found, BY_NAME["coreos"]), etcd_options(found, BY_NAME["flatcar"])) == (coreos, flatcar)


@pytest.mark.parametrize(("version", "known"), [("0.4.0", ""), ("0.5.5", "0.5"), ("0.9.1", "0.7"), ("1.0.0", "")])
def test_options_of_flannel(version: str, known: str) -> None:
    assert flannel_options(parse_version(version)) == known

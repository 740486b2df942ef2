"""Configs as Butane YAML: what is made of the YAML means the same."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.format import Config
from provision.config.validate import Validation, validate
from tests.config.configs import valid_config
from transpiler.butane.variants import table
from transpiler.convert.butane_yaml import write_butane

TESTS = Path(__file__).parents[2]
ROWS = {row.spec_minor: row for row in table().values() if row.name == "fcos"}
"""The newest version of a variant for each version of the format."""


def corpus() -> dict[str, Validation]:
    """Every config of version 3.x among the golden cases."""
    found = {str(path.relative_to(TESTS)): validate(path.read_bytes()) for path in TESTS.rglob("*.ign")}
    return {name: one for name, one in found.items() if one.config and one.version is not None}


def decompiled(sections: dict[str, Any]) -> str:
    """The YAML of a config, below the lines that name the variant."""
    config = validate(json.dumps({"ignition": {"version": "3.4.0"}, **sections}).encode()).config
    assert config is not None
    written = write_butane(config, table()["fcos", "1.5.0"])
    assert written.losses == ()
    return written.text.split("\n", 2)[2]


def file(**fields: Any) -> dict[str, Any]:
    return {"storage": {"files": [{"path": "/a", **fields}]}}


def test_nothing_of_any_golden_case_is_lost() -> None:
    cases = corpus()
    assert len(cases) > 150
    for name, case in cases.items():
        assert case.config is not None
        assert case.version is not None
        assert (name, write_butane(case.config, ROWS[case.version]).losses) == (name, ())


@given(st.randoms(use_true_random=False), st.sampled_from(sorted(ROWS)))
def test_nothing_of_any_valid_config_is_lost(random: Any, version: int) -> None:
    written = write_butane(valid_config(random, version), ROWS[version])
    butane_only = {"shouldExist is false for a partition and other partition(s) has start or size 0"}
    assert {one.message for one in written.losses} <= butane_only, written.text


@pytest.mark.parametrize(
    "contents",
    [
        {"source": "data:,a%20b%0Ac%0A"},
        {"source": "data:text/plain;charset=utf-8;base64,YSBiCmMK"},
        {
            "source": "data:;base64," + b64encode(gzip.compress(b"a b\nc\n")).decode(),
            "compression": "gzip",
        },
    ],
)
def test_every_encoding_of_a_text_becomes_a_block(contents: dict[str, str]) -> None:
    assert decompiled(file(contents=contents, mode=0o644)) == (
        "storage:\n"
        "  files:\n"
        "    - path: /a\n"
        "      mode: 0644\n"
        "      contents:\n"
        "        inline: |\n"
        "          a b\n"
        "          c\n"
    )


def test_bytes_that_are_no_text_stay_a_url() -> None:
    source = "data:;base64," + b64encode(b"\xff\x00").decode()
    assert f"source: {source}\n" in decompiled(file(contents={"source": source}))


def test_contents_with_a_wrong_checksum_stay_as_they_are() -> None:
    contents = {"source": "data:,a", "verification": {"hash": f"sha512-{'0' * 128}"}}
    assert "source: data:,a\n" in decompiled(file(contents=contents))


def test_units_and_their_drop_ins_are_readable() -> None:
    unit = {"name": "a.service", "contents": "[Service]\nType=oneshot\n", "enabled": True}
    dropin = {"name": "x.conf", "contents": "[Unit]\nAfter=b.service"}
    assert decompiled({"systemd": {"units": [{**unit, "dropins": [dropin]}]}}) == (
        "systemd:\n"
        "  units:\n"
        "    - name: a.service\n"
        "      enabled: true\n"
        "      contents: |\n"
        "        [Service]\n"
        "        Type=oneshot\n"
        "      dropins:\n"
        "        - name: x.conf\n"
        "          contents: |-\n"
        "            [Unit]\n"
        "            After=b.service\n"
    )


def test_names_are_those_of_yaml() -> None:
    tang = {"url": "https://tang.example.com", "thumbprint": "x", "advertisement": "{}"}
    luks = {"name": "data", "device": "/dev/vdb", "clevis": {"tang": [tang], "threshold": 1}, "wipeVolume": True}
    text = decompiled({"storage": {"luks": [luks]}})
    assert "wipe_volume: true" in text
    assert "threshold: 1" in text
    assert "advertisement: '{}'" in text


def test_a_merged_config_is_a_text_only_if_it_is_valid() -> None:
    good = 'data:,{"ignition":{"version":"3.4.0"}}'.replace('"', "%22").replace("{", "%7B").replace("}", "%7D")
    bad = "data:,nonsense"
    text = decompiled({"ignition": {"version": "3.4.0", "config": {"merge": [{"source": good}, {"source": bad}]}}})
    assert '- inline: \'{"ignition":{"version":"3.4.0"}}\'\n' in text
    assert f"- source: {bad}\n" in text


def test_what_butane_refuses_is_named_with_its_place() -> None:
    partitions = [{"number": 1, "shouldExist": False}, {"label": "a"}]
    config = {"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "/dev/a", "partitions": partitions}]}}
    read = validate(json.dumps(config).encode()).config
    losses = write_butane(read or Config(), table()["fcos", "1.5.0"]).losses
    assert [one.path for one in losses] == [("storage", "disks", 0, "partitions")]


def test_what_a_variant_does_not_allow_is_named() -> None:
    config = {"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}
    read = validate(json.dumps(config).encode()).config
    losses = write_butane(read or Config(), table()["fiot", "1.0.0"]).losses
    assert [(one.path, one.fatal) for one in losses] == [(("kernelArguments",), True)]

"""Required units that nothing brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transpiler.lint.test_lints import HEAD
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

CONFIG = """\
systemd:
  units:
    - name: a.service
      contents: |
        [Unit]
        {}
        [Service]
        ExecStart=/usr/bin/true
"""

QUADLET = """\
storage:
  files:
    - path: /etc/containers/systemd/{}
      contents:
        inline: |
          [Container]
          Image=x
"""


def missing(text: str, head: str = HEAD) -> list[int]:
    """The lines with a required unit that is missing."""
    found = transpile((head + text).encode()).findings()
    return [one.at.line for one in found if one.at and one.rule == "missing-unit"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Requires=other-of-mine.service", [8]),
        ("Requisite=other-of-mine.timer", [8]),
        ("BindsTo=other-of-mine.socket", [8]),
        ("Requires=multi-user.target other-of-mine.target", [8]),
        ("Wants=other-of-mine.service", []),
        ("After=other-of-mine.service", []),
        ("Requires=a.service", []),
        ("Requires=podman.socket", []),
        ("Requires=docker.service", []),
        ("Requires=chronyd.service sshd.service", []),
        ("Requires=dev-sdb.device", []),
        ("Requires=var-lib-x.mount", []),
        ("Requires=system-x.slice", []),
        ("Requires=getty@tty1.service", []),
        ("Requires=other@one.service", []),
        ("Requires=%i.service", []),
        ("Requires=${X}.service", []),
        ("Requires=", []),
    ],
)
def test_required_units(line: str, found: list[int]) -> None:
    assert missing(CONFIG.format(line)) == found


@pytest.mark.parametrize(
    "head", ["variant: openshift\nversion: 4.14.0\nmetadata: {}\n", "variant: fiot\nversion: 1.0.0\n"]
)
def test_systems_with_units_of_others(head: str) -> None:
    assert missing(CONFIG.format("Requires=other-of-mine.service"), head) == []


@pytest.mark.parametrize(
    "more",
    [
        "    - name: other.service\n",
        "    - name: b.service\n      contents: |\n        [Install]\n        Alias=other.service\n",
        "    - name: b.service\n      contents: |\n        [Service]\n        ExecStart=/usr/bin/curl https://example.com\n",
        QUADLET.format("other.container"),
        QUADLET.format("x.container") + "          [Container]\n          ServiceName=other\n",
        "storage: {files: [{path: /etc/systemd/system/other.service, contents: {inline: '[Service]'}}]}\n",
        "storage: {links: [{path: /etc/systemd/system/other.service, target: ../x}]}\n",
        "storage: {files: [{path: /opt/x, contents: {source: 'https://example.com/x'}}]}\n",
        "storage: {links: [{path: /etc/extensions/x.raw, target: /opt/x.raw}]}\n",
        "storage: {trees: [{local: x}]}\n",
        "ignition: {config: {merge: [{source: 'https://example.com/x'}]}}\n",
    ],
)
def test_a_unit_that_is_brought_or_may_be(more: str) -> None:
    assert missing(CONFIG.format("Requires=other.service") + more) == []


def test_units_that_quadlets_make() -> None:
    text = QUADLET.format("x.pod").replace("Container]\n          Image=x", "Unit]\n          Requires=y.service")
    assert missing(text.format()) == [9]
    assert missing(text + CONFIG.format("Requires=x-pod.service")) == [9]


@pytest.mark.parametrize(("scripts", "found"), [(["setup"], []), ([], [8])])
def test_units_in_trees(tmp_path: Path, scripts: list[str], found: list[int]) -> None:
    folder = tmp_path / "tree" / "systemd" / "system"
    folder.mkdir(parents=True)
    (folder / "one.service").write_text("[Service]\nExecStart=/usr/bin/true\n")
    (folder / "two.service").symlink_to("one.service")
    for name in scripts:
        (tmp_path / "tree" / name).write_text("#!/bin/sh\n")
    text = CONFIG.format("Requires=one.service two.service three-is-missing.service")
    text += "storage: {trees: [{local: tree, path: /etc}]}\n"
    result = transpile((HEAD + text).encode(), TranspileOptions(files_dir=tmp_path))
    assert [one.at.line for one in result.findings() if one.at and one.rule == "missing-unit"] == found
    assert not result.failed

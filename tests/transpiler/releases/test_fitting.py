"""Configs for a release of a distribution, and in the lowest version that suffices."""

from __future__ import annotations

import json

import pytest

from provision.config.validate import validate
from tests.transpiler.golden import FILES, cases
from transpiler.authoring.compare import config_changes
from transpiler.phases import transpile
from transpiler.releases.table import releases
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

NEW = """\
variant: fcos
version: 1.6.0
storage:
  luks:
    - name: data
      device: /dev/vdb
      cex: {enabled: true}
"""

PLAIN = "variant: fcos\nversion: 1.7.0\nstorage: {files: [{path: /etc/a, mode: 0644, contents: {inline: a}}]}\n"

OPENSHIFT = """\
variant: openshift
version: 4.19.0
metadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}
"""


def made(text: str, target: str = "", *, is_lowest: bool = False) -> Result:
    """The result for a target."""
    release = releases()[target] if target else None
    return transpile(text.encode(), TranspileOptions(release=release, lowest=is_lowest))


def version(result: Result) -> str:
    assert not result.failed, result.render()
    return str(json.loads(result.json)["ignition"]["version"])


@pytest.mark.parametrize(
    ("target", "is_lowest", "found"),
    [
        ("", False, "3.6.0"),
        ("", True, "3.0.0"),
        ("fcos-44", False, "3.6.0"),
        ("fcos-42", False, "3.5.0"),
        ("fcos-36", False, "3.3.0"),
        ("fcos-36", True, "3.0.0"),
        ("debian-13", False, "3.6.0"),
    ],
)
def test_the_version_that_is_written(target: str, is_lowest: bool, found: str) -> None:
    assert version(made(PLAIN, target, is_lowest=is_lowest)) == found


def test_what_needs_a_newer_version_is_refused_at_its_line() -> None:
    result = made(NEW, "fcos-40")
    (finding,) = result.findings()
    assert result.json == ""
    assert (finding.place, finding.problem.rule) == ("<stdin>:7:12", "target-version")
    assert "fcos-40 reads version 3.4.0 at most" in finding.problem.message
    assert "choose fcos-41 or a newer target" in finding.problem.hint
    assert version(made(NEW, "fcos-41")) == "3.5.0"


def test_a_part_that_sugar_made_is_shown_where_the_author_wrote_it() -> None:
    device = "boot_device: {layout: s390x-eckd, luks: {device: /dev/dasda, cex: {enabled: true}}}"
    text = f"variant: fcos\nversion: 1.6.0\n{device}\n"
    found = [one for one in made(text, "fcos-40").findings() if one.problem.fatal]
    assert found
    assert {one.at.line if one.at else 0 for one in found} == {3}


def test_without_a_newer_target_the_hint_says_so() -> None:
    text = "variant: flatcar\nversion: 1.2.0-experimental\nstorage: {files: [{path: /a, mode: 04755}]}\n"
    (finding,) = (one for one in made(text, "flatcar-4593").findings() if one.problem.fatal)
    assert "no flatcar target reads 3.6.0" in finding.problem.hint


def test_another_distribution_is_a_warning() -> None:
    result = made(PLAIN, "flatcar-4230")
    assert [one.rule for one in result.problems] == ["target-variant"]
    assert made(PLAIN, "debian-12").problems == ()


def test_a_machine_config_for_an_older_openshift() -> None:
    assert "version: 3.5.0" in made(OPENSHIFT, "openshift-4.19").json
    assert "version: 3.4.0" in made(OPENSHIFT, "openshift-4.16").json


def test_container_linux_configs_need_a_reader_of_old_versions() -> None:
    text = "etcd: {version: 3.5.0}\n"
    assert not made(text, "flatcar-4230").failed
    assert made(text, "fcos-42").failed


def test_nothing_changes_without_a_target() -> None:
    assert made(PLAIN).json == made(PLAIN, "fcos-44").json == transpile(PLAIN.encode()).json


def test_an_error_of_the_config_is_no_question_of_the_target() -> None:
    result = made("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: a}]}\n", "fcos-42")
    assert [one.message for one in result.problems] == ["path not absolute"]


@pytest.mark.parametrize(
    ("version_of_variant", "target", "found"), [("1.5.0", "fcos-36", "3.3.0"), ("1.7.0", "", "3.6.0")]
)
def test_bits_that_the_version_ignores_are_no_loss(version_of_variant: str, target: str, found: str) -> None:
    text = f"variant: fcos\nversion: {version_of_variant}\nstorage: {{files: [{{path: /a, mode: 04755}}]}}\n"
    assert version(made(text, target, is_lowest=not target)) == found


EMBEDDED = """\
variant: fcos
version: 1.7.0
ignition:
  config:
    merge:
      - inline: '{"ignition": {"version": "3.1.0"}}'
      - inline: '{"ignition": {"version": "3.5.0"}}'
"""


def test_a_config_in_the_config_must_be_readable_too() -> None:
    assert version(made(EMBEDDED, is_lowest=True)) == "3.5.0"
    assert version(made(EMBEDDED, "fcos-42")) == "3.5.0"
    (finding,) = (one for one in made(EMBEDDED, "fcos-40").findings() if one.problem.fatal)
    assert finding.place == "<stdin>:7:9"
    assert finding.problem.message == "fcos-40 reads version 3.4.0 at most: this config in it has 3.5.0"


def test_the_lowest_version_means_the_same() -> None:
    compared = 0
    for case in cases()[::6]:
        options = TranspileOptions(files_dir=FILES, raw=True, lints=False)
        whole, low = (transpile(case.text, options._replace(lowest=on)) for on in (False, True))
        assert low.failed is whole.failed, case.name
        if whole.config is not None and whole.spec_minor is not None and not whole.failed:
            read = [validate(one.json.encode()).config for one in (whole, low)]
            assert read[0] is not None
            assert read[1] is not None
            assert config_changes(read[0], read[1]) == [], case.name
            compared += 1
    assert compared > 10

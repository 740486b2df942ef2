"""The table of targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config.model import VERSIONS
from transpiler.butane.variants import SPECS
from transpiler.lint.content.tables import table
from transpiler.releases.table import Release, releases, spec_of

ROOT = Path(__file__).resolve().parents[3]
ALL = [pytest.param(one, id=one.name) for one in releases().values()]


@pytest.mark.parametrize(
    ("ignition", "spec"), [("2.2", "3.0.0"), ("2.14", "3.3.0"), ("2.19", "3.4.0"), ("2.20", "3.5.0"), ("2.30", "3.6.0")]
)
def test_the_version_that_an_ignition_reads(ignition: str, spec: str) -> None:
    assert VERSIONS[spec_of(ignition)] == spec


@pytest.mark.parametrize("one", ALL)
def test_names_and_variants_exist(one: Release) -> None:
    assert one.variants <= SPECS.keys()
    names = {
        setting
        for which in ("units", "networkd", "link", "sshd")
        for known in table(which).values()
        for setting in known
    }
    assert one.backports <= names


def test_openshift_reads_what_its_variant_makes() -> None:
    for version, spec in SPECS["openshift"].items():
        known = releases().get(f"openshift-{version.removesuffix('.0')}")
        assert known is None or known.spec == f"{spec}.0"


@pytest.mark.parametrize("shell", ["transpile.bash", "_transpile", "transpile.fish"])
def test_completions_know_all_targets(shell: str) -> None:
    words = (ROOT / "completion" / shell).read_text().replace("(", " ").replace(")", " ").replace("'", " ").split()
    assert releases().keys() <= {word.strip('"') for word in words}

"""The table of targets -> its reference page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docs.generate.markdown import row
from transpiler.releases import table
from transpiler.releases.table import Release, releases

HEAD = """\
# Targets

Generated from the table by `make generate`; do not edit.

`transpile --target NAME` and `transpile check --target NAME` write and check for one of these releases. The version of
the format is the newest that the release reads; of a release of Fedora CoreOS or Flatcar, the first images count, and
later ones may have newer programs. An empty field is not known, or does not matter.

| target | release | variant | Ignition | version of the format | systemd | podman | OpenSSH | NetworkManager |
|---|---|---|---|---|---|---|---|---|
"""

PAGE = Path("docs/reference/targets.md")


def generated() -> dict[Path, str]:
    """The page, by its path."""
    sources = (table.__doc__ or "").partition("\n\n")[2]
    return {PAGE: HEAD + "".join(f"{line}\n" for line in _rows()) + "\n" + sources}


def _rows() -> Iterator[str]:
    for one in releases().values():
        variants = ", ".join(sorted(one.variants)) or "any"
        programs = f"{one.systemd}", one.podman, one.openssh, one.networkmanager
        yield row(f"`{one.name}`", one.title, variants, one.ignition, _versions(one), *programs)


def _versions(one: Release) -> str:
    return f"{one.spec}, and 2.3.0" if one.reads_old else one.spec

"""Hints about keys that a Container Linux Config does not have."""

from __future__ import annotations

from provision.config.model import Record
from provision.config.problems import Path
from transpiler.butane.hints import nearest, other_spelling, record_at
from transpiler.container_linux import option_versions
from transpiler.container_linux.records import SPEC_MINOR

_HINTS = {
    "source": "write the URL as contents.remote.url",
    "should_exist": "Ignition 2.3 creates partitions only; it cannot remove them from this format",
    "size_mib": "write size with a unit, such as 512MiB",
    "start_mib": "write start with a unit, such as 1MiB",
    "with_mount_unit": "write a mount unit under systemd.units",
    "device": "devices belong under mount",
    "format": "formats belong under mount",
    "http_headers": "Ignition 2.3 sends no headers of the author's choice",
}
"""Unknown key -> hint: above all keys of Butane."""


def key_hint(path: Path, record: type[Record]) -> str:
    """The hint for an unknown key: the version that has it, its right place, or the most similar name; may be empty."""
    key, above = str(path[-1]), path[:-1]
    tables = {"etcd": option_versions.ETCD, "flannel": option_versions.FLANNEL}
    if len(above) == 1 and above[0] in tables:
        versions = [version for version, names in tables[above[0]].items() if key in names]
        if versions:
            return f"an option of {above[0]} {', '.join(versions)}: write such a version, or remove the line"
    at = record_at(record, above)
    known = {field.name for field in at.FIELDS if field.exists(SPEC_MINOR)} if at else set()
    return other_spelling(key, known) or _HINTS.get(key, "") or nearest(key, known)

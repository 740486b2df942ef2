"""Finds the line of the root file system in /etc/fstab that would be wrong for a new root file system."""

from __future__ import annotations

from provision.boot.root.replacement import Replacement
from provision.planning.device_names import link

FSTAB = "/etc/fstab"

_BY = {"LABEL": "by-label", "UUID": "by-uuid", "PARTLABEL": "by-partlabel", "PARTUUID": "by-partuuid"}


def stale_line(text: str, found: Replacement) -> str:
    """What the file says about the root file system and the new one does not have; empty if it fits (fstab(5)).

    systemd-remount-fs.service would fail, and a check of the file system would wait for a device that does not exist.
    """
    for line in text.splitlines():
        fields = line.split("#", 1)[0].split()
        if len(fields) < 3 or fields[1] != "/" or found.made is None:
            continue
        source, _, kind = fields[:3]
        if kind not in {"auto", found.made.type}:
            return f"the type {kind}"
        if not _leads_to(source, found):
            return source
    return ""


def _leads_to(source: str, found: Replacement) -> bool:
    by, equals, value = source.partition("=")
    value = value.strip('"')
    name = link(_BY[by], value.lower() if by == "UUID" else value) if equals and by in _BY else source
    made = found.made
    if made is None or name in {found.name, "/dev/root"}:
        return True
    return name == link("by-label", made.label or "") or name == link("by-uuid", (made.uuid or "").lower())

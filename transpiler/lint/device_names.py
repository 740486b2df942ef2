"""Lint about devices that are named by a label, a volume or an array which the config probably means to make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provision.config.problems import Path, Problem
from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.source import LintInput, remark

_NAMED = re.compile(r"(/dev/(?:disk/by-partlabel|disk/by-id/dm-name-|mapper|md)/?)([\w.-]+)")

_OF_SYSTEMS = re.compile(r"(?i:root|boot|efi.*|bios.*|prep|usr.*|oem.*|swap|esp|var|home|reserved|powerpc.*)")
"""Labels of partitions and volumes that images of systems have."""


def device_names(source: LintInput) -> Iterator[Problem]:
    """Warnings about names of devices that nothing makes, and that are almost names which nothing uses."""
    storage = source.record.storage
    made = {
        "partlabel": {one.label for disk in storage.disks for one in disk.partitions if one.label},
        "mapper": {one.name for one in getattr(storage, "luks", ()) if one.name},
        "md": {one.name for one in storage.raid if one.name},
    }
    named = [(path, *_parts(device)) for path, device in _devices(storage)]
    for path, start, kind, name in named:
        used = {other for _, _, other_kind, other in named if other_kind == kind}
        known = made.get(kind, set())
        unused = sorted(one for one in known - used if not _OF_SYSTEMS.fullmatch(one) and _letters(one, name))
        if not name or name in known or _OF_SYSTEMS.fullmatch(name):
            continue
        near = did_you_mean(name, unused).strip(" ()").removeprefix("did you mean ").rstrip("?")
        if near:
            what = {"partlabel": "partition", "mapper": "volume", "md": "array"}[kind]
            message = f"no {what} of this config is {name}, and nothing uses {near}"
            yield remark(path, "unused-label", message, f"did you mean {start}{near}?")


def _letters(one: str, other: str) -> bool:
    """Whether two names have the same digits: disks such as `data1` and `data2` differ on purpose."""
    return re.sub(r"\D", "", one) == re.sub(r"\D", "", other) and abs(len(one) - len(other)) <= 1


def _parts(device: str) -> tuple[str, str, str]:
    """The beginning of a path, the kind of name that follows, and the name; empty texts for any other path."""
    found = _NAMED.fullmatch(device)
    if not found:
        return "", "", ""
    kind = next(one for one in ("partlabel", "mapper", "dm-name", "md") if one in found[1])
    return found[1], kind.replace("dm-name", "mapper"), found[2]


def _devices(storage: Any) -> Iterator[tuple[Path, str]]:
    """The devices that file systems, volumes and arrays are on, with the author's paths."""
    for kind in ("filesystems", "luks"):
        for index, one in enumerate(getattr(storage, kind, ())):
            if getattr(one, "device", None):
                yield ("storage", kind, index, "device"), one.device
    for index, one in enumerate(storage.raid):
        for number, device in enumerate(one.devices):
            yield ("storage", "raid", index, "devices", number), device

"""Files of the OEM partition, which configs of version 2.x name as `oem:///path`.

Container Linux keeps them in the initramfs below /usr/share/oem, or on the partition with the label OEM. They are read
when the config is fetched, and are data URLs after that. Source: coreos/ignition 0.35, `internal/resource/url.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from posixpath import normpath
from typing import TypeVar

from provision.config.format import Config
from provision.config.model import Record
from provision.config.old_versions.conversion import convert
from provision.config.old_versions.format import OldContents, OldReference
from provision.config.resources.data_urls import base64_encoded
from provision.config.resources.urls import parse_url
from provision.failures import FetchFailed
from provision.fetch.running_system import RunningSystem

_Record = TypeVar("_Record", bound=Record)

LABEL = "OEM"
"""The label of the partition's file system."""

SECONDS = 30.0
"""How long the partition is waited for."""


def with_oem_files(config: Config, read: Callable[[str], bytes | None] | None) -> Config:
    """A config of version 2.x with a data URL in place of each `oem:` URL. Raises FetchFailed for a missing file."""
    older = _replaced(config.older, lambda source: data_url(source, read))
    return config if older is config.older else convert(older).config


def _replaced(record: _Record, new_source: Callable[[str], str]) -> _Record:
    """The record with other sources; the same one if no source changes."""
    changes: dict[str, object] = {}
    for field in type(record).FIELDS:
        value = record.__dict__.get(field.name)
        if not value or field.record is None:
            continue
        if field.many:
            made = tuple(_replaced(one, new_source) for one in value)
            if any(new is not old for new, old in zip(made, value, strict=True)):
                changes[field.name] = made
        elif (below := _replaced(value, new_source)) is not value:
            changes[field.name] = below
    if isinstance(record, OldContents | OldReference) and record.source[:4].lower() == "oem:":
        changes["source"] = new_source(record.source)
    return record.changed(**changes) if changes else record


def data_url(source: str, read: Callable[[str], bytes | None] | None) -> str:
    """An `oem:` URL as a data URL. `read` returns a file of the partition. Raises FetchFailed for a missing file."""
    url = parse_url(source)
    path = normpath("/" + (url.path if url else "").lstrip("/"))
    if read is None:
        raise FetchFailed(source, "is on the OEM partition of the machine", hint="only a boot of the machine reads it")
    raw = read(path)
    if raw is None:
        raise FetchFailed(source, f"there is no {path} below /usr/share/oem and on the partition {LABEL}")
    return base64_encoded(raw)


def oem_reader(running_system: RunningSystem) -> Callable[[str], bytes | None]:
    """A function that returns a file of the OEM partition of a machine; the file in the initramfs comes first."""

    def read(path: str) -> bytes | None:
        paths = running_system.paths
        found = running_system.read(paths.oem_lookaside_dir + path)
        if found is not None:
            return found
        device = paths.oem_device or running_system.drive(LABEL)
        return running_system.read_from(device, path) if device else None

    return read

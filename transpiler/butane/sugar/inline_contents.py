"""Make the first draft from the author's record: `inline`, `local` and similar fields become plain Ignition fields.

Source: coreos/butane `base/*/translate.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from provision.config import format as ignition_format
from provision.config.model import VERSIONS, Record
from provision.config.problems import Path, Problem
from transpiler.butane import records
from transpiler.butane.source_map import Draft, SourcePath
from transpiler.butane.sugar.data_url import data_url, escaped_data_url
from transpiler.butane.sugar.sugar_input import SugarInput
from transpiler.butane.translation import Translation
from transpiler.butane.variants import Variant
from transpiler.reading.local_files import FilesDirectory


def inline_contents(source: SugarInput, _draft: Draft) -> tuple[Draft, list[Problem]]:
    """Returns the first draft, a plain config made from a record of any variant, and problems of local files."""
    variant = source.variant
    translation = _Translation(variant, source.files, gzip=source.gzip)
    config: ignition_format.Config = translation.record(source.record, ignition_format.Config, ())
    ignition = config.ignition.changed(version=VERSIONS[variant.spec_minor])
    translation.origins["ignition", "version"] = SourcePath(("version",))
    config = config.changed(ignition=ignition)
    return Draft(config).with_step(config, translation.origins), translation.problems


class _Translation(Translation):
    """The translation of a config of a variant."""

    def __init__(self, variant: Variant, files: FilesDirectory, *, gzip: bool) -> None:
        super().__init__(files)
        self.variant = variant
        self.gzip = gzip
        self.origins: dict[Path, SourcePath] = {}

    def replace(self, source: Any, values: dict[str, Any], path: Path) -> None:
        """Replace the fields that only YAML has by plain fields."""
        place_in = _REPLACERS.get(type(source))
        if place_in is not None:
            place_in(self, source, values, path)

    def resource(self, source: records.Resource, values: dict[str, Any], path: Path) -> None:
        """`inline` and `local` become a data URL."""
        for name in ("local", "inline"):
            given = getattr(source, name)
            if given is None:
                continue
            place = (*path, name)
            contents = given.encode("utf-8", "surrogateescape") if name == "inline" else self.read(given, place)
            if contents is None:
                return
            compression = values.get("compression")
            modern = self.variant.since("3.1")
            url = data_url(contents, compression, gzip=self.gzip) if modern else escaped_data_url(contents)
            values["source"] = url.source
            self.origins[(*path, "source")] = SourcePath(place)
            if url.compression is not None:
                values["compression"] = url.compression
                self.origins[(*path, "compression")] = SourcePath(place)

    def unit(self, source: records.Unit | records.Dropin, values: dict[str, Any], path: Path) -> None:
        """`contents_local` becomes `contents`."""
        if source.contents_local:
            place = (*path, "contents_local")
            contents = self.read(source.contents_local, place)
            if contents is not None:
                values["contents"] = contents.decode("utf-8", "surrogateescape")
                self.origins[(*path, "contents")] = SourcePath(place)

    def user(self, source: records.User, values: dict[str, Any], path: Path) -> None:
        """Every line of the files of `ssh_authorized_keys_local` is a key."""
        if not source.ssh_authorized_keys_local:
            return
        place = (*path, "ssh_authorized_keys_local")
        if not self.files.directory:
            self.read("", place)
            return
        keys = list(values.get("ssh_authorized_keys", ()))
        for index, local in enumerate(source.ssh_authorized_keys_local):
            contents = self.read(local, (*place, index)) or b""
            for line in re.split("\r?\n", contents.decode("utf-8", "surrogateescape")):
                if line:
                    self.origins[(*path, "ssh_authorized_keys", len(keys))] = SourcePath((*place, index))
                    keys.append(line)
        values["ssh_authorized_keys"] = tuple(keys)


_REPLACERS: dict[type[Record], Callable[[_Translation, Any, dict[str, Any], Path], None]] = {
    records.Resource: _Translation.resource,
    records.ConfigResource: _Translation.resource,
    records.Unit: _Translation.unit,
    records.Dropin: _Translation.unit,
    records.User: _Translation.user,
}

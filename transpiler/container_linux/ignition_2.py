"""The author's records -> the records of an Ignition 2.3 config: the parts that both have.

Source: `config/types` of coreos/container-linux-config-transpiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provision.config.model import Record
from provision.config.old_versions.format import OldConfig, OldContents, OldVerification
from provision.config.problems import Path, Problem
from provision.config.resources.data_urls import percent_encoded
from provision.config.resources.urls import parse_url
from transpiler.butane.translation import Translation
from transpiler.container_linux import records
from transpiler.container_linux.sugar.go_url import as_go_writes
from transpiler.container_linux.sugar.sizes import BadSize, mebibytes
from transpiler.reading.local_files import FilesDirectory

FILE_MODE = 0o644
DIRECTORY_MODE = 0o755
NO_FILES_DIR = "local files require setting the --files-dir flag to the directory that contains the file"


def ignition_2(source: records.ContainerLinuxConfig, files: FilesDirectory) -> tuple[OldConfig, list[Problem]]:
    """The config without the sections that only ct has, and the problems of local files, URLs and sizes."""
    translation = _Translation(files)
    return translation.record(source, OldConfig, ()), translation.problems


class _Translation(Translation):
    """The translation of a config."""

    def replace(self, source: Any, values: dict[str, Any], path: Path) -> None:
        """Replace the fields that Ignition has in another form."""
        place_in = _REPLACERS.get(type(source))
        if place_in is not None:
            place_in(self, source, values, path)

    def verification(self, source: records.Verification, values: dict[str, Any], _path: Path) -> None:
        """`{function, sum}` becomes `function-sum`."""
        values.clear()
        if source.hash.function and source.hash.sum:
            values["hash"] = f"{source.hash.function}-{source.hash.sum}"

    def reference(self, source: records.Reference, _values: dict[str, Any], path: Path) -> None:
        """The source of another config must be a URL. ct leaves those of certificates to Ignition's rules."""
        if path[:2] == ("ignition", "config") and source.source and parse_url(source.source) is None:
            self.problems.append(Problem((*path, "source"), "unable to parse url"))

    def partition(self, source: records.Partition, values: dict[str, Any], path: Path) -> None:
        """Sizes with units become sizes in MiB, and words become GUIDs."""
        for name in ("size", "start"):
            values.pop(name, None)
            try:
                values[f"{name}_mib"] = mebibytes(getattr(source, name))
            except BadSize as error:
                self.problems.append(
                    Problem((*path, name), str(error), hint="write a size such as 512MiB or 10GiB", rule="size-form")
                )
        if source.type_guid in records.TYPE_GUIDS:
            values["type_guid"] = records.TYPE_GUIDS[source.type_guid]

    def node(self, source: Any, values: dict[str, Any], _path: Path) -> None:
        """The default of the file system is written."""
        values["filesystem"] = source.filesystem or "root"

    def directory(self, source: records.Directory, values: dict[str, Any], path: Path) -> None:
        """The defaults of file system and mode are written."""
        self.node(source, values, path)
        values["mode"] = DIRECTORY_MODE if source.mode is None else source.mode

    def file(self, source: records.File, values: dict[str, Any], path: Path) -> None:
        """The contents become a URL, and the defaults of file system and mode are written."""
        self.node(source, values, path)
        values["mode"] = FILE_MODE if source.mode is None else source.mode
        remote, place = source.contents.remote, (*path, "contents")
        values["contents"] = OldContents(
            source=self.url(source.contents, place),
            compression=remote.compression,
            verification=self.record(remote.verification, OldVerification, (*place, "remote", "verification")),
        )

    def url(self, contents: records.Contents, path: Path) -> str:
        """The URL of a file's contents."""
        if contents.remote.url:
            url = as_go_writes(contents.remote.url)
            if url is None:
                self.problems.append(Problem((*path, "remote", "url"), "unable to parse url"))
            return url or ""
        if contents.local and not self.files.directory:
            hint = "add --files-dir with the directory of the local files"
            self.problems.append(Problem((*path, "local"), NO_FILES_DIR, hint=hint))
        elif contents.local:
            return percent_encoded(self.read(contents.local, (*path, "local")) or b"")
        return percent_encoded(contents.inline.encode("utf-8", "surrogateescape"))


_REPLACERS: dict[type[Record], Callable[[_Translation, Any, dict[str, Any], Path], None]] = {
    records.Verification: _Translation.verification,
    records.Reference: _Translation.reference,
    records.Partition: _Translation.partition,
    records.Directory: _Translation.directory,
    records.File: _Translation.file,
    records.Link: _Translation.node,
}

"""A config of version 3.x -> version 2.x, and what that version cannot say.

Version 2.x writes one file after the other, on file systems that have names, and its defaults are others. What is
written is read again, converted back and compared, so that nothing is lost without being named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from provision.config import format as new
from provision.config.format import Config
from provision.config.model import Record
from provision.config.old_versions import format as old
from provision.config.old_versions.encode import encode_old
from provision.config.old_versions.format import OLD_VERSIONS, OldConfig
from provision.config.problems import Path, Problem
from provision.config.validate import validate
from transpiler.convert.from_old import for_authors
from transpiler.spec_versions.losses import Form, losses
from transpiler.spec_versions.writing import Written

FILE_MODE = 0o644
DIRECTORY_MODE = 0o755
ROOT = "root"


def rewrite_old(older: OldConfig, version: int, indent: int = 0) -> Written:
    """A config that was written as 2.x, in version 2.`version`. Paths of losses are those of `older`."""
    text = encode_old(older, version, indent)
    again = validate(text.encode(errors="replace"))
    if again.config is None:
        return Written(version, text, tuple(one for one in again.problems if one.fatal))
    return Written(version, text, tuple(losses(older, again.config.older, Form(version, OLD_VERSIONS))))


def write_old(config: Config, version: int, indent: int = 0) -> Written:
    """A config of version 3.x in version 2.`version`. Paths of losses are those of `config`."""
    translation = _Translation(config)
    made = translation.record(config, OldConfig, ())
    text = encode_old(made, version, indent)
    again = validate(text.encode(errors="replace"))
    if again.config is None:
        wrong = (one for one in again.problems if one.fatal)
        hint = f"this is an error in version {OLD_VERSIONS[version]}"
        lost = [one._replace(path=translation.new_path(one.path), hint=one.hint or hint) for one in wrong]
        return Written(version, text, tuple(lost))
    back = for_authors(again.config.older, translation.mounts)
    form = Form(version, OLD_VERSIONS, is_own=False)
    found = losses(_with_defaults(config, OldConfig), _with_defaults(back.config, OldConfig), form)
    return Written(version, text, (*found, *_new_meanings(config)))


class _Translation:
    """One walk over a config. `mounts`: name of a file system -> its mount point. `origins`: old path -> new path."""

    def __init__(self, config: Config) -> None:
        self.mounts: dict[str, str] = {}
        self.names: list[str] = []
        self.origins: dict[Path, Path] = {}
        for filesystem in config.storage.filesystems:
            name = filesystem.path or str(len([one for one in self.names if one.isdigit()]) + 1)
            self.names.append(ROOT if name == "/" else name)
            if filesystem.path and name != "/":
                self.mounts[name] = filesystem.path

    def record(self, source: Record, target: type[Record], path: Path) -> Any:
        """The record of version 2.x: fields of the same name are taken over, others replaced."""
        values: dict[str, Any] = {}
        for field in target.FIELDS:
            if not source.is_set(field.name):
                continue
            value = getattr(source, field.name)
            if field.record is None:
                values[field.name] = value
            elif field.many:
                values[field.name] = self.records(value, field.record, (*path, field.json))
            else:
                values[field.name] = self.record(value, field.record, (*path, field.json))
        replace = _REPLACERS.get(type(source))
        if replace is not None:
            replace(self, source, values, path)
        return target(**{name: one for name, one in values.items() if one is not None})

    def records(self, sources: tuple[Record, ...], target: type[Record], path: Path) -> tuple[Record, ...]:
        """The records of a list; a file becomes one entry for each of its contents."""
        made: list[Record] = []
        for index, one in enumerate(sources):
            entries = list(self.files(one)) if isinstance(one, new.File) else [one]
            for entry in entries:
                self.origins[(*path, len(made))] = (*path, index)
                made.append(self.record(entry, target, (*path, len(made))))
        return tuple(made)

    def files(self, file: new.File) -> Iterator[_Part]:
        """The entries of a file: its contents, then what is appended. Nothing is appended to a file to make it."""
        if file.contents.source is not None:
            yield _Part(**{**file.__dict__, "append": (), "mode": FILE_MODE if file.mode is None else file.mode})
        pieces = file.append or (() if file.contents.source is not None else (new.Resource(source=""),))
        for index, piece in enumerate(pieces):
            kept = file.__dict__ if file.contents.source is None and not index else {"path": file.path}
            yield _Part(**{**kept, "contents": piece, "append": (piece,)})

    def new_path(self, path: Path) -> Path:
        """The path in the config 3.x of what has this path in the one that was written."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                path = (*self.origins[path[:length]], *path[length:])
                break
        if path[:3] == ("ignition", "config", "append"):
            return ("ignition", "config", "merge", *path[3:])
        return tuple(one for one in path if one != "mount" or path[:2] != ("storage", "filesystems"))

    def config(self, source: new.IgnitionConfig, values: dict[str, Any], path: Path) -> None:
        """Configs are appended, not merged."""
        values["append"] = self.records(source.merge, old.OldReference, (*path, "append"))
        if source.replace.source is None:
            values.pop("replace", None)

    def filesystem(self, source: new.Filesystem, values: dict[str, Any], path: Path) -> None:
        """A file system has a name, and what is made stands in `mount`."""
        values.clear()
        values["name"] = self.names[int(path[-1])]
        kept = {field.name: getattr(source, field.name) for field in old.OldMount.FIELDS if field.name != "create"}
        values["mount"] = old.OldMount(**{name: one for name, one in kept.items() if one not in (None, ())})

    def node(self, source: Any, values: dict[str, Any], _path: Path) -> None:
        """A node is on a file system, and its path begins there."""
        filesystem = self.filesystem_of(source.path)
        values["filesystem"], values["path"] = filesystem, self.inside(filesystem, source.path)
        for name in ("user", "group"):
            if name in values and values[name].is_empty:
                del values[name]

    def directory(self, source: new.Directory, values: dict[str, Any], path: Path) -> None:
        """The default of the mode is written: in 2.x it is 0."""
        self.node(source, values, path)
        values["mode"] = DIRECTORY_MODE if source.mode is None else source.mode

    def part(self, source: _Part, values: dict[str, Any], path: Path) -> None:
        """A file that is there is kept, unless the config says otherwise; it is appended to in every case."""
        self.node(source, values, path)
        values["append"] = True if source.append else None
        values["overwrite"] = None if source.append else bool(source.overwrite)

    def link(self, source: new.Link, values: dict[str, Any], path: Path) -> None:
        """The target of a hard link is on the same file system."""
        self.node(source, values, path)
        if source.hard and self.filesystem_of(source.target or "") == values["filesystem"]:
            values["target"] = self.inside(values["filesystem"], source.target or "")

    def filesystem_of(self, path: str) -> str:
        """The name of the file system that a path of the target is on."""
        holders = [name for name, point in self.mounts.items() if path == point or path.startswith(f"{point}/")]
        return max(holders, key=lambda name: len(self.mounts[name]), default=ROOT)

    def inside(self, filesystem: str, path: str) -> str:
        """A path of the target as a path on a file system."""
        return path.removeprefix(self.mounts.get(filesystem, "")) or "/"


class _Part(new.File, key="path"):
    """One entry of version 2.x for a file: its contents, or with `append`, something that is added."""


_REPLACERS: Mapping[type[Record], Callable[[_Translation, Any, dict[str, Any], Path], None]] = {
    new.IgnitionConfig: _Translation.config,
    new.Filesystem: _Translation.filesystem,
    new.Directory: _Translation.directory,
    _Part: _Translation.part,
    new.Link: _Translation.link,
}


_DEFAULTS: Mapping[type[Record], Mapping[str, object]] = {
    new.User: {"should_exist": True},
    new.Group: {"should_exist": True},
    new.Directory: {"overwrite": False},
    new.File: {"overwrite": False},
    new.Partition: {"resize": False},
}
"""Values that mean the same as nothing."""


def _with_defaults(record: Record, target: type[Record] | None) -> Any:
    """The record with nothing written where that means the same: fields that cannot be absent in 2.x, and _DEFAULTS."""
    fields = {field.name: field for field in target.FIELDS} if target else {}
    values: dict[str, Any] = {}
    for field, value in record.items():
        counterpart = fields.get(field.name)
        inner = _COUNTERPARTS.get(field.record or Record, counterpart and counterpart.record)
        if field.record is not None and field.many:
            values[field.name] = tuple(_with_defaults(one, inner) for one in value)
        elif field.record is not None:
            values[field.name] = _with_defaults(value, inner)
        elif value or field.many or counterpart is None or counterpart.optional or field.name == "source":
            values[field.name] = value
    if isinstance(record, new.Resource) and not record.compression:
        values.pop("compression", None)
    if isinstance(record, new.Unit):
        values["dropins"] = tuple(one for one in record.dropins if one.contents is not None)
    for name, default in _DEFAULTS.get(type(record), {}).items():
        if values.get(name) == default:
            del values[name]
    made = type(record)(**values)
    if isinstance(made, new.File):
        return _plain_file(made)
    if isinstance(made, new.Directory):
        return made.changed(mode=DIRECTORY_MODE if made.mode is None else made.mode)
    if isinstance(made, new.Filesystem):
        return made.changed(path=None if made.path in {"", "/"} else made.path)
    return made


_COUNTERPARTS: Mapping[type[Record], type[Record]] = {
    new.ConfigResource: old.OldReference,
    new.Filesystem: old.OldMount,
    new.Resource: old.OldContents,
}


def _plain_file(file: new.File) -> new.File:
    """The file with a list of what it appends, which may be empty, and with the mode of a new file."""
    append = tuple(one.changed(source=one.source or "") for one in file.append)
    if file.contents.source is None:
        return file.changed(append=append or (new.Resource(source=""),))
    return file.changed(append=append, mode=FILE_MODE if file.mode is None else file.mode)


def _new_meanings(config: Config) -> Iterator[Problem]:
    """Warnings about what means something else in version 2.x."""
    ignition = config.ignition.config
    for index in range(len(ignition.merge)):
        message = "merge becomes append: the config must be of version 2.x, and lists are joined, not merged"
        yield Problem(("ignition", "config", "merge", index), message, fatal=False, rule="changed-meaning")
    if ignition.replace.source is not None:
        yield Problem(
            ("ignition", "config", "replace"), "the config must be of version 2.x", fatal=False, rule="changed-meaning"
        )
    for index, file in enumerate(config.storage.files):
        if file.mode is None and file.contents.source is None:
            message = "version 2.x makes this file with mode 0000 if it does not exist, not 0644"
            yield Problem(("storage", "files", index), message, fatal=False, hint="write a mode", rule="missing-mode")
    for index, directory in enumerate(config.storage.directories):
        if directory.mode is None:
            message = f"version 2.x sets the mode of a directory that exists too: it is {DIRECTORY_MODE:04o}"
            yield Problem(("storage", "directories", index), message, fatal=False, rule="changed-meaning")

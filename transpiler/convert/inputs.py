"""The kinds of configs that can be converted, each read into the one model: a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from provision.config.format import Config
from provision.config.old_versions.format import OldConfig
from provision.config.problems import Path, Problem
from provision.config.reports.findings import Finding
from provision.config.sniffing import is_cloud_config
from transpiler.reading.yaml_node import YamlNode


class ReadOptions(NamedTuple):
    """What the command line says about the input.

    `mounts`: file system of a config 2.x -> its mount point. `files_dir`, `platform` and `dialect` are those of
    `transpile`. `addresses` are those of the machine that a cloud-config may name. The paths of local files are added
    to `files_read`.
    """

    mounts: Mapping[str, str] = {}
    files_dir: str = ""
    platform: str = ""
    dialect: str = ""
    addresses: Mapping[str, str] = {}
    files_read: set[str] | None = None


def _same(path: Path) -> Path:
    return path


class ConvertInput(NamedTuple):
    """A config that was read, and its problems, whose paths are those of the text.

    `config` is None if it cannot be converted. `version` is the version 3.x that it states; None for other kinds.
    `older` is the config in the form of 2.4 if that is how it was written. `place` gives the path in the text of what
    has a path in `config` (JSON names), and `older_place` of what has a path in `older`. `root` is the tree of a YAML
    text. `losses` are what `config` says otherwise than `older`.
    """

    name: str
    raw: bytes
    config: Config | None
    problems: tuple[Problem, ...]
    place: Callable[[Path], Path] = _same
    version: int | None = None
    older: OldConfig | None = None
    root: YamlNode | None = None
    older_place: Callable[[Path], Path] = _same
    losses: tuple[Problem, ...] = ()

    def findings(self, problems: tuple[Problem, ...]) -> list[Finding]:
        """Problems with their places in the text."""
        from provision.config.reports import findings
        from provision.config.sniffing import is_yaml
        from transpiler.reports.text import SourceText, located

        if is_yaml(self.raw):
            return located(problems, SourceText(self.name, self.raw, self.root))
        return findings.findings(self.name, self.raw, problems)


class Input(NamedTuple):
    """A kind of config: how it is recognised, and how it is read."""

    name: str
    fits: Callable[[bytes], bool]
    read: Callable[[str, bytes, ReadOptions], ConvertInput]


def read_source(name: str, raw: bytes, options: ReadOptions) -> ConvertInput:
    """Read a config of any kind; `name` is that of the text in reports. It does not raise for any bytes."""
    return next(one for one in INPUTS if one.fits(raw)).read(name, raw, options)


def _is_json(raw: bytes) -> bool:
    from provision.config.sniffing import is_yaml

    return not is_yaml(raw)


def _always(_raw: bytes) -> bool:
    return True


def _read_json(name: str, raw: bytes, options: ReadOptions) -> ConvertInput:
    """An Ignition config of version 1, 2.x or 3.x."""
    from provision.config.validate import validate

    validation = validate(raw)
    config = validation.config
    if config is None:
        return ConvertInput(name, raw, None, validation.problems or (Problem((), validation.error),))
    if config.older is None:
        return ConvertInput(name, raw, config, validation.problems, _same, validation.version)
    from transpiler.convert.from_old import for_authors

    authored = for_authors(config.older, options.mounts)
    return ConvertInput(
        name,
        raw,
        authored.config,
        validation.problems,
        validation.path_in_text,
        older=config.older,
        older_place=validation.written_path,
        losses=tuple(one._replace(path=validation.written_path(one.path)) for one in authored.problems),
    )


def _read_cloud_config(name: str, raw: bytes, options: ReadOptions) -> ConvertInput:
    """A cloud-config of CoreOS."""
    from transpiler.butane.source_map import yaml_path
    from transpiler.cloud_config.conversion import convert

    converted = convert(raw, name=name, addresses=options.addresses)
    raw = raw.replace(b"#cloud-config", b"", 1)  # which is no comment of its author
    draft, root = converted.draft, converted.text.root
    if draft is None:
        return ConvertInput(name, raw, None, converted.problems, root=root)
    return ConvertInput(
        name, raw, draft.config, converted.problems, lambda path: draft.source_of(yaml_path(path)), root=root
    )


def _read_container_linux(name: str, raw: bytes, options: ReadOptions) -> ConvertInput:
    """A Container Linux Config; other YAML is refused."""
    from provision.config.old_versions.append import in_newest_form
    from transpiler.butane.source_map import yaml_path
    from transpiler.convert.from_old import for_authors
    from transpiler.output_text import OLD_MINOR
    from transpiler.phases import run
    from transpiler.translation_state import TranspileOptions

    given = TranspileOptions(
        files_dir=options.files_dir, platform=options.platform, dialect=options.dialect, files_read=options.files_read
    )
    work = run(raw, given)
    if work.old_config is None:
        problems = tuple(work.problems) if work.root is None else (_not_convertible(work.variant.name),)
        return ConvertInput(name, raw, None, problems, root=work.root)
    if work.error:
        return ConvertInput(name, raw, None, tuple(work.problems), root=work.root)
    older = in_newest_form(work.old_config, OLD_MINOR)
    authored = for_authors(older, options.mounts)

    def older_place(path: Path) -> Path:
        return work.old_source_of(yaml_path(path))

    def place(path: Path) -> Path:
        return older_place(authored.old_path(path))

    return ConvertInput(
        name,
        raw,
        authored.config,
        tuple(one for one in work.problems if one.rule != "no-variant"),
        place,
        older=older,
        root=work.root,
        older_place=older_place,
        losses=tuple(one._replace(path=older_place(one.path)) for one in authored.problems),
    )


def _not_convertible(variant: str) -> Problem:
    if variant:
        message, hint = f"this is a Butane config ({variant})", "transpile it, and convert what it becomes"
    else:
        message = "this is no config that can be converted"
        hint = "configs of Ignition (JSON), Container Linux Configs and cloud-configs (YAML) can be converted"
    return Problem((), message, hint=hint, rule="not-convertible")


INPUTS: tuple[Input, ...] = (
    Input("Ignition config", _is_json, _read_json),
    Input("cloud-config", is_cloud_config, _read_cloud_config),
    Input("Container Linux Config", _always, _read_container_linux),
)
"""All kinds, in the order in which they are tried. The last one fits every text, and says what is wrong with it."""

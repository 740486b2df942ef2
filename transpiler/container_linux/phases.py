"""The phases of a Container Linux Config: YAML text -> Ignition 2.3 and all problems of the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.config import rules as config_rules
from provision.config.old_versions.format import OldConfig, OldContents, OldFile
from provision.config.old_versions.rules import OLD_RULES
from provision.config.problems import Path, Problem
from provision.config.resources.data_urls import percent_encoded
from transpiler.butane.source_map import yaml_path
from transpiler.container_linux import dialects, rules
from transpiler.container_linux.dialects import Dialect
from transpiler.container_linux.ignition_2 import FILE_MODE, ignition_2
from transpiler.container_linux.keys import key_hint
from transpiler.container_linux.recognise import OWN_SECTIONS
from transpiler.container_linux.records import SPEC_MINOR, ContainerLinuxConfig, Head, config_record, public_names
from transpiler.container_linux.sugar import services
from transpiler.container_linux.sugar.dynamic_data import VARIABLES, UnknownField
from transpiler.container_linux.sugar.update_conf import PATH, update_conf
from transpiler.reading.scalars import is_null
from transpiler.reading.tree import place_of
from transpiler.reading.typed import build, read_typed
from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_problems import YamlProblem, shortened, type_errors
from transpiler.translation_state import Phase, Work

NOT_PARSED = "Failed to parse config"
NOT_CONVERTED = "the config cannot be converted"
EMPTY = "Configuration is empty"
UNKNOWN_KEY = "Config has unrecognized key: "


class Translating:
    """The state of one translation. `sections` are the author's sections from which the first units were made."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.dialect: Dialect = dialects.BY_NAME[work.options.dialect] if work.options.dialect else dialects.DEFAULT
        self.platform = work.options.platform
        self.source = ContainerLinuxConfig()
        self.config = OldConfig()
        self.sections: list[Path] = []

    def source_of(self, path: Path) -> Path:
        """The author's path of a part of the result, given with YAML names."""
        if path[:2] == ("systemd", "units") and len(path) > 2 and isinstance(path[2], int):
            made = len(self.sections)
            return self.sections[path[2]] if path[2] < made else ("systemd", "units", path[2] - made, *path[3:])
        if path[:2] == ("storage", "files") and len(path) > 2 and path[2] == len(self.source.storage.files):
            return ("update",) if self.source.is_set("update") else ("locksmith",)
        written = self.in_contents(path)
        if written != path or path[:2] != ("storage", "files") or path[3:] != ("contents", "source"):
            return written
        file = self.source.storage.files[int(path[2])]
        return (*path[:4], "local" if file.contents.local else "inline")

    def in_contents(self, path: Path) -> Path:
        """The path with the author's path of a remote file's contents, which has one level more."""
        files = self.source.storage.files
        if path[:2] != ("storage", "files") or path[3:4] != ("contents",) or not isinstance(path[2], int):
            return path
        if path[2] >= len(files) or not files[path[2]].contents.remote.url:
            return path
        rest = ("url",) if path[4:] == ("source",) else path[4:]
        return (*path[:4], "remote", *rest)


def run(work: Work) -> None:
    """Run all phases on a text that is parsed. The result is `work.old_config`."""
    state = Translating(work)
    work.public_names = public_names()
    for phase in PHASES:
        if phase.when(state):
            work.add(phase.do(state), phase.error)
        if phase.error == NOT_PARSED:
            work.parsed = work.reported
    work.old_config, work.old_source_of = state.config, state.source_of
    work.record = state.source


def _types_and_keys(state: Translating) -> list[Problem]:
    """Read the text as the record with the options of its versions of etcd and flannel."""
    work = state.work
    if work.root is None:
        return [Problem((), EMPTY, fatal=False, hint="the result is a config that changes nothing")]
    record = _record(work.root, state.dialect)
    if isinstance(record, Problem):
        work.error = record.message
        return [record]
    reading = read_typed(work.root, record, SPEC_MINOR)
    state.source = _with_null_sections(work.root, build(record, reading.values), state.dialect)
    refused = [*reading.faults, *reading.misfits.values(), *_negative_ids(work.root, state.source)]
    if refused:
        work.error = type_errors(refused)
    unknown = [
        Problem(path, f"{UNKNOWN_KEY}{key.text}", fatal=False, hint=key_hint(path, record), at=key.at, on_key=True)
        for path, key in reading.unknown_keys
        if key is not None
    ]
    return [*_without_own_section(work), *(one.problem for one in refused), *unknown]


def _without_own_section(work: Work) -> Iterator[Problem]:
    """A warning for authors, if the text may as well be a Butane config whose variant was forgotten."""
    mapping = work.root if work.root and work.root.kind == "mapping" else None
    keys = {key.text for key, _ in mapping.items} if mapping else OWN_SECTIONS
    if not work.options.container_linux and not keys & OWN_SECTIONS:
        message = "the text has no variant, so it is read as a Container Linux Config and becomes Ignition 2.3"
        hint = "for Ignition 3, add lines like `variant: fcos` and `version: 1.5.0`"
        yield Problem((), message, fatal=False, hint=hint, rule="no-variant")


def _record(root: YamlNode, dialect: Dialect) -> type[ContainerLinuxConfig] | Problem:
    """The record that the versions in the text choose, or the problem of a text that is not a version."""
    head = build(Head, read_typed(root, Head, SPEC_MINOR).values)
    for name in ("etcd", "flannel"):
        written = getattr(head, name).version
        message = rules.version_problem(written) if written is not None else ""
        if message:
            return Problem((name, "version"), message, hint="write all three numbers, such as 3.5.0")
    etcd = dialects.parse_version(dialect.etcd_default if head.etcd.version is None else head.etcd.version)
    flannel = dialects.parse_version(dialects.FLANNEL_DEFAULT if head.flannel.version is None else head.flannel.version)
    return config_record(dialects.etcd_options(etcd, dialect), dialects.flannel_options(flannel), dialect.name)


def _negative_ids(root: YamlNode, source: ContainerLinuxConfig) -> Iterator[YamlProblem]:
    """ct reads some ids as numbers that cannot be negative."""
    passwd = source.passwd
    ids: list[tuple[Path, int | None]] = [
        (("passwd", "groups", index, "gid"), group.gid) for index, group in enumerate(passwd.groups)
    ]
    ids += [(("passwd", "users", index, "create", "uid"), user.create.uid) for index, user in enumerate(passwd.users)]
    for path, number in ids:
        if number is not None and number < 0:
            at = place_of(root, path)
            yaml_v3 = f"line {at.line}: cannot unmarshal !!int `{shortened(str(number))}` into uint"
            yield YamlProblem(Problem(path, "expected a number that is not negative", at=at), yaml_v3)


def _with_null_sections(root: YamlNode, source: ContainerLinuxConfig, dialect: Dialect) -> ContainerLinuxConfig:
    """The record with the sections that are null in a form that the dialect takes for an empty section."""
    pairs = root.items if root.kind == "mapping" else []
    written = {key.text for key, value in pairs if is_null(value) and value.text in dialect.empty_section}
    empty = {field.name: field.record for field in source.FIELDS if field.name in written & OWN_SECTIONS}
    return source.changed(**{name: kind() for name, kind in empty.items() if kind is not None})


def _source_rules(state: Translating) -> Iterator[Problem]:
    for problem in (
        *config_rules.check_rules(state.source, SPEC_MINOR, rules.RULES),
        *rules.etcd_version_problems(state.source.etcd, state.dialect),
    ):
        yield problem._replace(path=yaml_path(problem.path))


def _platform(state: Translating) -> Iterator[Problem]:
    if state.platform and state.platform not in VARIABLES:
        yield Problem((), "unsupported platform", hint=f"platforms are {', '.join(VARIABLES)}")


def _plain_parts(state: Translating) -> Iterable[Problem]:
    state.config, problems = ignition_2(state.source, state.work.options.files)
    return problems


def _services(state: Translating) -> Iterator[Problem]:
    """Put the units that sections make before those of the author."""
    if state.platform and state.platform not in VARIABLES:
        return
    made = [*services.provider(state.platform), *services.docker(state.source)]
    for name, make in (("etcd", services.etcd), ("flannel", services.flannel)):
        try:
            made += make(state.source, state.platform)
        except UnknownField as error:
            yield Problem((name, error.option), str(error), hint=error.hint, rule="unsupported-option")
        except dialects.BadVersion:
            return  # reported by the first phase
    units = (*(one.unit for one in made), *state.config.systemd.units)
    state.sections = [one.path for one in made]
    state.config = state.config.changed(systemd=state.config.systemd.changed(units=units))


def _update_conf(state: Translating) -> Iterable[Problem]:
    text = update_conf(state.source)
    if text:
        contents = OldContents(source=percent_encoded(text.encode("utf-8", "surrogateescape")))
        file = OldFile(filesystem="root", path=PATH, mode=FILE_MODE, contents=contents)
        storage = state.config.storage
        state.config = state.config.changed(storage=storage.changed(files=(*storage.files, file)))
    return ()


def _ignition_rules(state: Translating) -> Iterator[Problem]:
    exact = state.work.options.butane_paths
    for problem in config_rules.check_rules(state.config, SPEC_MINOR, OLD_RULES):
        path = yaml_path(problem.path)
        yield problem._replace(path=state.in_contents(path) if exact else state.source_of(path))


def _always(_state: Translating) -> bool:
    return True


PHASES: tuple[Phase[Translating], ...] = (
    Phase("types and keys", _types_and_keys, _always, NOT_PARSED),
    Phase("ct's rules", _source_rules, _always, NOT_PARSED),
    Phase("platform", _platform, _always, NOT_CONVERTED),
    Phase("plain parts", _plain_parts, _always),
    Phase("services", _services, _always),
    Phase("update.conf", _update_conf, _always, NOT_CONVERTED),
    Phase("Ignition 2.3's rules", _ignition_rules, _always, NOT_CONVERTED),
)
"""All phases from the parsed text to the result. README shows the same names in the same order."""

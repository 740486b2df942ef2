"""The text of a cloud-config -> an Ignition config, and everything that is wrong with it or would be lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from provision.config.format import Config
from provision.config.machine_addresses import filled_in
from provision.config.problems import Problem
from provision.config.reports.findings import Finding
from provision.config.rules import check_rules, duplicates
from transpiler.butane.source_map import Draft, yaml_path
from transpiler.butane.types_and_keys import MANY
from transpiler.cloud_config.accounts import add_accounts
from transpiler.cloud_config.addresses import unknown_addresses
from transpiler.cloud_config.files import add_files
from transpiler.cloud_config.keys import key_hint
from transpiler.cloud_config.parts import NEWEST_STABLE, Parts
from transpiler.cloud_config.records import CloudConfig, config_record
from transpiler.cloud_config.units import add_units
from transpiler.reading.documents import second_document
from transpiler.reading.tree import parse_yaml
from transpiler.reading.typed import Reading, build, read_typed
from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_problems import YamlError
from transpiler.reports.text import SourceText, located


class ConvertedCloudConfig(NamedTuple):
    """The result. Fatal problems are errors, and what of the text the config does not say.

    `draft` is None if the text cannot be read, or if the config would not be valid.
    """

    text: SourceText
    draft: Draft | None
    problems: tuple[Problem, ...]

    @property
    def config(self) -> Config | None:
        """The config if it says all that the text says, else None."""
        return self.draft.config if self.draft and not any(one.fatal for one in self.problems) else None

    def findings(self) -> Sequence[Finding]:
        """All problems with their places and source lines."""
        return located(self.problems, self.text)

    def at_source(self, problems: Iterable[Problem]) -> Sequence[Problem]:
        """Problems of the config, with the paths that the author knows."""
        if self.draft is None:
            return ()
        source_of = self.draft.source_of
        return [one._replace(path=source_of(yaml_path(one.path))) for one in problems]

    def findings_of_config(self, problems: Iterable[Problem]) -> Sequence[Finding]:
        """Problems of the config with their places and source lines in the text."""
        return located(self.at_source(problems), self.text)


def convert(
    raw: bytes, *, name: str = "<stdin>", addresses: Mapping[str, str] | None = None, suffix: str = ""
) -> ConvertedCloudConfig:
    """Convert a cloud-config. It does not raise for any bytes.

    `addresses` are those of the machine: private_ipv4, public_ipv4, private_ipv6, public_ipv6, as far as known. For
    `suffix` see Parts.
    """
    known = addresses or {}
    root: YamlNode | None = None
    try:
        root = parse_yaml(filled_in(raw, known))
        root = root and with_underscores(root)
        text = SourceText(name, raw, root)
        reading = read_typed(root, config_record(), 0) if root else Reading({}, (), {}, ())
    except YamlError as error:
        return ConvertedCloudConfig(SourceText(name, raw, root), None, (error.problem,))
    source = build(config_record(), reading.values)
    refused = [one.problem for one in (*reading.faults, *reading.misfits.values())]
    problems = [*second_document(raw), *refused, *_unknown_keys(reading), *unknown_addresses(raw, root, known)]
    parts = Parts(suffix)
    add_all(source, parts)
    draft = parts.draft()
    result = ConvertedCloudConfig(text, draft, (*problems, *parts.problems))
    invalid = result.at_source(_result_problems(draft.config))
    broken = bool(refused) or any(one.fatal for one in invalid)
    related = {one.path for one in result.problems if one.fatal}
    more = [one for one in invalid if one.path not in related]
    return ConvertedCloudConfig(text, None if broken else draft, (*result.problems, *more))


def add_all(source: CloudConfig, parts: Parts) -> None:
    """Add the parts of all sections."""
    add_accounts(source, parts)
    add_files(source, parts)
    add_units(source, parts)


def with_underscores(root: YamlNode) -> YamlNode:
    """The tree with `_` in place of every `-` in a key: coreos-cloudinit takes them as the same."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.kind == "mapping":
            waiting += [value for _, value in node.items]
            node.items[:] = [(_with_underscores(key), value) for key, value in node.items]
        elif node.kind == "sequence":
            waiting += node.items
    return root


def _with_underscores(key: YamlNode) -> YamlNode:
    return key._replace(text=key.text.replace("-", "_")) if key.kind == "scalar" and "-" in key.text else key


def _unknown_keys(reading: Reading) -> Iterator[Problem]:
    """An error for each unknown key: coreos-cloudinit ignores it, and what the author meant would be lost."""
    for number, (path, key) in enumerate(reading.unknown_keys):
        if key is not None:
            message = f"coreos-cloudinit has no key {_shown(key.text)}, so it does nothing"
            hint = key_hint(path, config_record()) if number < MANY else ""
            yield Problem(path, message, hint=hint, at=key.at, on_key=True)


def _shown(key: str) -> str:
    """A key as messages quote it."""
    return key if len(key) <= 40 else f"{key[:40]}..."


def _result_problems(config: Config) -> Iterator[Problem]:
    yield from check_rules(config, NEWEST_STABLE)
    yield from duplicates(config, NEWEST_STABLE)

"""The schemas of Container Linux Configs agree with the reader about keys and types."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from provision.config.problems import Path
from tests.transpiler.container_linux.golden import Case, cases
from transpiler.container_linux import dialects
from transpiler.container_linux.records import SPEC_MINOR, config_record
from transpiler.container_linux.schemas import dialect_schema, schema_files
from transpiler.reading.tree import parse_yaml
from transpiler.reading.typed import read_typed
from transpiler.reading.yaml_problems import YamlError

VALIDATORS = {one.name: Draft202012Validator(dialect_schema(one)) for one in dialects.DIALECTS}


def unknown_keys(values: Any, dialect: str) -> set[Path]:
    """The paths of keys that the schema does not know."""
    found: set[Path] = set()
    for error in VALIDATORS[dialect].iter_errors(values):
        if error.validator == "additionalProperties":
            found.update(
                (*error.absolute_path, key) for key in error.instance.keys() - error.schema["properties"].keys()
            )
    return found


def version_of(values: Any, section: str, default: str) -> str:
    return str((values.get(section) or {}).get("version") or default)


def test_the_schema_knows_the_keys_that_the_reader_knows() -> None:
    unknown = [(case.name, *unknown_by_each(case)) for case in cases()]
    assert any(by_schema for _, by_schema, _ in unknown)
    assert [one for one in unknown if one[1] != one[2]] == []


def unknown_by_each(case: Case) -> tuple[set[Path], set[Path]]:
    """The paths of unknown keys of a case, by the schema and by the reader; none where the schema cannot know.

    The schema knows the keys of all versions of etcd and flannel in use, so other versions are left out.
    """
    nothing: tuple[set[Path], set[Path]] = set(), set()
    dialect = dialects.BY_NAME[case.dialect]
    try:
        root = parse_yaml(case.text)
    except YamlError:
        return nothing
    if root is None or root.kind != "mapping":
        return nothing
    values = read_typed(root, config_record("", "", dialect.name), SPEC_MINOR).values
    try:
        etcd = dialects.parse_version(version_of(values, "etcd", dialect.etcd_default))
        flannel = dialects.parse_version(version_of(values, "flannel", dialects.FLANNEL_DEFAULT))
    except dialects.BadVersion:
        return nothing
    record = config_record(dialects.etcd_options(etcd, dialect), dialects.flannel_options(flannel), dialect.name)
    reading = read_typed(root, record, SPEC_MINOR)
    if not (2, 3) <= etcd.numbers < (4,) or flannel.numbers < dialects.OLDEST_FLANNEL:
        return nothing
    return unknown_keys(reading.values, dialect.name), {path for path, key in reading.unknown_keys if key}


@pytest.mark.parametrize("document", schema_files().values())
def test_every_document_is_a_schema(document: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(document)


def test_the_command_prints_it() -> None:
    argv = [sys.executable, "-m", "transpiler", "schema", "container-linux", "flatcar"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == dialect_schema(dialects.BY_NAME["flatcar"])

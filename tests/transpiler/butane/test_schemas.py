"""The schemas are checked in as generated, and agree with the decoder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from docs.generate.schema_files import generated
from provision.config.format import MODE_LIMITS
from provision.config.problems import dotted
from tests.transpiler.golden import FILES, Case, cases
from tests.transpiler.strategies import configs, mistakes
from transpiler.butane.schemas import PUBLIC_ID, combined_schema, schema_files
from transpiler.butane.types_and_keys import by_schema, validator
from transpiler.butane.variants import Variant, table
from transpiler.phases import transpile
from transpiler.reading.tree import parse_yaml
from transpiler.reading.typed import Reading, read_typed
from transpiler.reading.yaml_problems import YamlError
from transpiler.translation_state import TranspileOptions

ROWS = list(table().values())


@pytest.mark.slow
def test_every_document_is_a_schema() -> None:
    """Definitions that several documents share are checked once."""
    found = schema_files()
    definitions = {json.dumps(one): one for document in found.values() for one in document["$defs"].values()}
    Draft202012Validator.check_schema({"$defs": definitions})
    for document in found.values():
        Draft202012Validator.check_schema({**document, "$defs": {}})


def reading_of(config: dict[str, Any], row: Variant) -> Reading:
    root = parse_yaml(json.dumps(config).encode())
    assert root is not None
    return read_typed(root, row.record, row.spec_minor)


NUMBERS = st.sampled_from(
    (
        *("1e30", "-1e30", "99999999999999999999", "9223372036854775807", "9223372036854775808"),
        *("18446744073709551615", "-9223372036854775808", "-9223372036854775809", "9223372036854775807.0"),
        *("1e3", "6.7", "-6.7", ".inf", "-.inf", ".nan"),
    )
)


@pytest.mark.parametrize("field", ["storage: {files: [{path: /a, mode: %s}]}", "passwd: {users: [{name: a, uid: %s}]}"])
@given(number=NUMBERS | st.integers().map(str) | st.floats().map(str))
def test_a_number_is_accepted_or_refused_but_never_dropped(field: str, number: str) -> None:
    """With and without the schema: a number that does not fit is a problem, a number that fits is in the result."""
    row = table()["fcos", "1.5.0"]
    text = f"variant: fcos\nversion: 1.5.0\n{field % number}\n".encode()
    root = parse_yaml(text)
    assert root is not None
    reading = read_typed(root, row.record, row.spec_minor)
    assert by_schema(reading.values, row).types == frozenset(reading.misfits)
    result = transpile(text)
    assert bool(reading.misfits) <= bool(result.error)
    if not result.error:
        written = re.search(r'"(?:uid|mode)":(-?[0-9]+)', result.json)
        assert written
        assert int(written[1]) == int(float(number) if re.search("[.e]", number) else number)


@given(st.data())
def test_decoder_and_schema_find_the_same_problems(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(ROWS))
    config = data.draw(mistakes(data.draw(configs(row))))
    reading = reading_of(config, row)
    verdict = by_schema(reading.values, row)
    assert verdict.types == frozenset(reading.misfits)
    assert verdict.keys == frozenset(path for path, key in reading.unknown_keys if key)
    assert reading.fits == (not verdict.types and not verdict.keys)


def schema_errors(values: Any, row: Variant) -> list[Any]:
    """The errors that an editor would show, without unknown keys and limits that give only warnings."""
    return [
        one
        for one in validator(row).iter_errors(values)
        if one.validator != "additionalProperties" and not is_author_limit(one)
    ]


def is_author_limit(error: Any) -> bool:
    """Whether the error is about a limit for authors: Ignition accepts the number, and authors get a warning."""
    limits = {key: error.schema[key] for key in ("minimum", "maximum") if key in error.schema}
    return error.validator in limits and limits != MODE_LIMITS


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("passwd: {users: [{name: core, uid: -1}]}", "passwd.users[0].uid", "uid is negative"),
        ("passwd: {users: [{name: core, uid: 4294967295}]}", "passwd.users[0].uid", "uid is too large"),
        ("passwd: {groups: [{name: a, gid: 1e10}]}", "passwd.groups[0].gid", "gid is too large"),
        ("storage: {links: [{path: /a, target: b, user: {id: -2}}]}", "storage.links[0].user.id", "id is negative"),
        (
            "storage: {disks: [{device: /dev/a, partitions: [{number: 1, size_mib: -3}]}]}",
            "storage.disks[0].partitions[0].size_mib",
            "size_mib is negative",
        ),
    ],
)
def test_editor_and_transpiler_report_numbers_out_of_range(text: str, path: str, message: str) -> None:
    row = table()["fcos", "1.5.0"]
    config = f"variant: fcos\nversion: 1.5.0\n{text}\n".encode()
    root = parse_yaml(config)
    assert root is not None
    errors = list(validator(row).iter_errors(read_typed(root, row.record, row.spec_minor).values))
    assert [dotted(tuple(one.absolute_path)) for one in errors] == [path]
    assert [is_author_limit(one) for one in errors] == [True]
    assert f"{path}: {message}" in transpile(config).render()


def golden_rows() -> Iterator[tuple[Case, Variant, Reading]]:
    """Golden texts that can be read, with their variants."""
    for case in cases():
        with suppress(YamlError):
            root = parse_yaml(case.text)
            head = {key.text: value.text for key, value in root.items} if root and root.kind == "mapping" else {}
            row = table().get((head.get("variant", ""), head.get("version", "")))
            if root and row:
                yield case, row, read_typed(root, row.record, row.spec_minor)


def test_a_schema_accepts_what_butane_accepts() -> None:
    """Without `--strict`, which refuses warnings, and `--raw`, which ignores what a MachineConfig must keep."""
    accepted = [
        (case.name, schema_errors(reading.values, row))
        for case, row, reading in golden_rows()
        if "--raw" not in case.options and (not case.answer.failed or "--strict" in case.options)
    ]
    assert len(accepted) > 100
    assert [one for one in accepted if one[1]] == []


@given(st.data())
def test_a_schema_refuses_only_what_the_transpiler_refuses(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(ROWS))
    config = data.draw(mistakes(data.draw(configs(row))))
    if schema_errors(reading_of(config, row).values, row):
        assert any(
            one.fatal for one in transpile(json.dumps(config).encode(), TranspileOptions(files_dir=str(FILES))).problems
        )


def test_the_id_of_each_schema_is_its_address() -> None:
    """One rule for the schemas of Ignition, of the variants and of Container Linux Configs; no two are equal."""
    for path, text in generated().items():
        document = json.loads(text)
        assert document["$id"] == f"{PUBLIC_ID.removesuffix('butane.json')}{path.name}"
        assert set(re.findall(r'"\$ref": "(.)', text)) == {"#"}


@pytest.mark.slow
def test_the_schema_for_all_variants_can_be_published() -> None:
    """One document without references to others, under an address that everyone can read, as SchemaStore wants it."""
    schema = combined_schema()
    text = json.dumps(schema)
    assert schema["$id"] == PUBLIC_ID
    assert PUBLIC_ID.startswith("https://")
    assert PUBLIC_ID.endswith("/schemas/butane.json")
    assert text.count('"$id"') == 1
    assert set(re.findall(r'"\$ref": "(.)', text)) == {"#"}
    Draft202012Validator.check_schema(schema)
    judge = Draft202012Validator(schema)
    assert judge.is_valid({"variant": "fcos", "version": "1.6.0"})
    assert not judge.is_valid({"variant": "fcos", "version": "1.6.0", "storage": {"files": [{"path": 1}]}})

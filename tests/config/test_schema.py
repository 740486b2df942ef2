"""Schemas and the reference page: current, complete, and in agreement with the decoder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from docs.generate.format_page import PAGE
from provision.config.format import Config
from provision.config.json_text.decode import decode_record
from provision.config.json_text.parse import parse_json
from provision.config.model import VERSIONS, Record
from provision.config.problems import Path as ConfigPath
from provision.config.rules import RULES
from provision.config.rules.declare import Rule
from provision.config.rules.files_and_links import ABSOLUTE_PATH, path_error
from provision.config.schema import file_name, format_schema, schema_id
from provision.config.validate import validate
from tests.config.configs import config, mutate
from tests.config.rules.test_rules import GOLDEN

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

ROOT = Path(__file__).parents[2]
ALL = range(len(VERSIONS))


@pytest.mark.parametrize("version", ALL)
def test_schemas_are_schemas_with_stable_names(version: int) -> None:
    Draft202012Validator.check_schema(format_schema(version))
    assert format_schema(version)["$id"] == schema_id(file_name(version))


@pytest.mark.parametrize("version", ALL)
def test_every_object_is_closed_and_every_property_described(version: int) -> None:
    built = format_schema(version)
    for one in (built, *built["$defs"].values()):
        assert one["additionalProperties"] is False
        assert one["description"]
        assert all(inner["description"] for inner in one["properties"].values())


def test_the_page_has_every_field() -> None:
    page = (ROOT / PAGE).read_text()
    for record in records(Config):
        for field in record.FIELDS:
            assert (f"| `{field.json}` |" in page) == field.is_published


def records(root: type[Record]) -> set[type[Record]]:
    return {root}.union(*(records(field.record) for field in root.FIELDS if field.record))


def field_names(version: str) -> Any:
    return json.loads((Path(__file__).parent / "data" / "fields.json").read_text())[version]


@pytest.mark.parametrize("version", ALL)
def test_the_model_has_the_fields_of_ignition(version: int) -> None:
    expected = field_names(VERSIONS[version])
    if version == 0:  # the only place where a source was not a pointer; a separate rule checks it
        expected["ignition"]["security"]["tls"]["certificateAuthorities"][0]["source"] = "string?"
    assert json.dumps(shape(Config, version)) == json.dumps(expected)


def shape(record: type[Record], version: int) -> dict[str, Any]:
    """Names in order, types, and whether absent differs from empty, in the form of Ignition's declarations."""
    return {
        field.json: [inner] if field.many else inner
        for field in record.FIELDS
        if field.exists(version)
        for inner in [shape(field.record, version) if field.record else scalar(field, version)]
    }


def scalar(field: Any, version: int) -> str:
    name = {str: "string", int: "int", bool: "bool"}[field.scalar]
    return f"{name}?" if field.optional and version >= field.value_until else name


def _is_whole(_checker: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKER = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole)
Strict = extend(Draft202012Validator, type_checker=_CHECKER)  # type: ignore[no-untyped-call] # so in its stubs
"""JSON Schema takes 6.0 for an integer, Go does not."""

VALIDATORS = [Strict(format_schema(version)) for version in ALL]


@st.composite
def values(draw: st.DrawFn) -> tuple[int, Any]:
    random = draw(st.randoms(use_true_random=False))
    version = random.randrange(len(VERSIONS))
    value = config(random, version, faults=random.choice((0, 0.1)))
    for _ in range(random.choice((0, 1, 1, 2))):
        mutate(random, value)
    value["ignition"] = {"version": VERSIONS[version]}
    return version, canonical(value, Config, version)


def canonical(value: Any, record: type[Record] | None, version: int) -> Any:
    """The value with its keys in the format's spelling; of two keys with the same spelling only one is left."""
    if isinstance(value, list):
        return [canonical(one, record, version) for one in value]
    if not isinstance(value, dict):
        return value
    fields = {field.json.lower(): field for field in record.FIELDS if field.exists(version)} if record else {}
    spelled = {}
    for key, one in value.items():
        field = fields.get(key.lower().replace("\u017f", "s"))
        spelled[field.json if field else key] = canonical(one, field.record if field else None, version)
    return spelled


def is_absence(error: ValidationError) -> bool:
    """Whether a value is null where a rule requires one: the decoder treats null as absent, not as a wrong type."""
    return error.validator == "type" and error.instance is None and isinstance(error.validator_value, str)


def places(error: ValidationError) -> list[ConfigPath]:
    """The places at which a rule may report the problem that an error of the schema means."""
    path = tuple(error.absolute_path)
    if error.validator == "required":
        missing: Any = error.validator_value
        return [(*path, name) for name in missing if name not in cast("dict[str, Any]", error.instance)]
    return [path]


def kinds(errors: list[ValidationError]) -> set[str]:
    """The keywords that a value breaks, of those that the decoder checks, too."""
    bounds = {-(1 << 63), (1 << 63) - 1}
    return {
        "type"
        if error.validator in {"minimum", "maximum"} and error.validator_value in bounds
        else str(error.validator)
        for error in errors
        if not is_absence(error)
    }


@given(values())
def test_schema_and_decoder_agree(drawn: tuple[int, Any]) -> None:
    """For both a config is clean, or has only unknown keys, or is refused."""
    version, value = drawn
    errors = list(VALIDATORS[version].iter_errors(value))
    decoded = decode_record(Config, value, version)
    assert ("type" in kinds(errors)) == bool(decoded.problems)
    if not decoded.problems:
        unknown = [one for one in validate(json.dumps(value).encode()).problems if one.message.startswith("unused key")]
        named = [name for error in errors if error.validator == "additionalProperties" for name in extras(error)]
        assert sorted(str(one.path[-1]) for one in unknown) == sorted(named)


def extras(error: ValidationError) -> list[str]:
    assert isinstance(error.instance, dict)
    assert isinstance(error.schema, dict)
    return [key for key in error.instance if key not in error.schema["properties"]]


@given(values())
def test_every_other_finding_of_a_schema_is_one_of_a_rule(drawn: tuple[int, Any]) -> None:
    version, value = drawn
    errors = list(VALIDATORS[version].iter_errors(value))
    if kinds(errors) & {"type"}:
        return
    fatal = {problem.path for problem in validate(json.dumps(value).encode()).problems if problem.fatal}
    for error in errors:
        if error.validator != "additionalProperties":
            assert any(path[: len(place)] == place for place in places(error) for path in fatal), error


RELATIONS = {
    "template_can_be_enabled",
    "unit_owns_its_path",
    "nothing_lies_below_a_link",
    "filesystem_respects_the_table",
    "partitions_differ",
    "partition_labels_differ",
    "headers_need_http",
    "key_file_has_a_good_source",
    "compression_is_known",
    "file_mode_is_legal",
    "directory_mode_is_legal",
}
"""Rules without keywords of JSON Schema: they compare elements, read texts, warn, or report by data of a field."""


def test_a_rule_has_a_schema_if_json_schema_can_express_it() -> None:
    assert {rule.name for rule in RULES if not rule.schema} == RELATIONS


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.schema], ids=lambda rule: rule.name)
def test_what_a_rule_refuses_a_schema_refuses(rule: Rule) -> None:
    broken = [case["config"] for case in GOLDEN if case["rule"] == rule.name and case["problems"]]
    found = [one for one in broken if not VALIDATORS[VERSIONS.index(one["ignition"]["version"])].is_valid(one)]
    assert found


def test_a_schema_never_objects_to_what_ignition_accepts() -> None:
    """The results of ignition-validate are recorded."""
    accepted = [case for case in GOLDEN if not any(problem.startswith("error") for problem in case["problems"])]
    assert accepted
    for case in accepted:
        errors = VALIDATORS[VERSIONS.index(case["config"]["ignition"]["version"])].iter_errors(case["config"])
        assert {error.validator for error in errors} <= {"additionalProperties"}, case


PATHS = st.text("/.a\u00e9 ", max_size=8)


@given(PATHS | PATHS.map(lambda path: "/" + path))
def test_the_pattern_of_paths_is_the_rule_of_paths(path: str) -> None:
    assert bool(re.search(ABSOLUTE_PATH["pattern"], path)) == (not path_error(path))


NUMBERS = st.sampled_from(
    (
        *("1e30", "-1e30", "1e3", "6.0", "-0", "-0.0", "9" * 30, "1E400", "9223372036854775807"),
        *("9223372036854775808", "18446744073709551615", "-9223372036854775808", "-9223372036854775809"),
    )
)


@given(NUMBERS | st.integers().map(str) | st.floats(allow_nan=False, allow_infinity=False).map(str))
def test_a_number_in_json_is_taken_or_refused_by_both(number: str) -> None:
    """Go's decoder accepts whole numbers without point and exponent, within 64 bits."""
    raw = f'{{"ignition": {{"version": "3.4.0"}}, "passwd": {{"users": [{{"name": "a", "uid": {number}}}]}}}}'
    value = parse_json(raw.encode()).value
    decoded = decode_record(Config, value, 4)
    fits = re.fullmatch("-?[0-9]+", number) is not None and -(1 << 63) <= int(number) < 1 << 63
    assert bool(decoded.problems) != fits
    assert bool(list(VALIDATORS[4].iter_errors(value))) != fits
    if fits:
        assert decoded.record.passwd.users[0].uid == int(number)

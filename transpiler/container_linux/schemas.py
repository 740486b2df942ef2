"""JSON Schemas of Container Linux Configs, one for each dialect, generated from the records, for editors.

The options of etcd and flannel depend on the version that the config names, so the schemas choose them by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provision.config.model import Field
from provision.config.schema import DIALECT, SchemaDialect, example, schema_id
from provision.config.schema import schema as projected
from transpiler.container_linux import dialects, option_versions
from transpiler.container_linux.dialects import Dialect
from transpiler.container_linux.records import SPEC_MINOR, config_record

Schema = dict[str, Any]

NO_OPTIONS = "other"
"""Stands for the versions of a program for which ct has no options."""

NAME = "container-linux"
"""Stands for the variant where a variant is asked for, with the dialect in the place of its version."""


def schema_files() -> dict[str, Schema]:
    """File name -> schema."""
    return {file_name(dialect): dialect_schema(dialect) for dialect in dialects.DIALECTS}


def file_name(dialect: Dialect) -> str:
    """The name of the file with the schema of a dialect."""
    return f"{NAME}-{dialect.name}.json"


def dialect_schema(dialect: Dialect) -> Schema:
    """The schema of the configs of a dialect."""
    defaults = (dialects.parse_version(dialect.etcd_default), dialects.parse_version(dialects.FLANNEL_DEFAULT))
    etcd, flannel = dialects.etcd_options(defaults[0], dialect), dialects.flannel_options(defaults[1])
    built = _schema(etcd, flannel, dialect)
    newest = {"etcd": dialect.etcd_newest, "flannel": max(option_versions.FLANNEL, key=_numbers)}
    for name, table, default in (("etcd", option_versions.ETCD, etcd), ("flannel", option_versions.FLANNEL, flannel)):
        known = sorted((one for one in table if _numbers(one) <= _numbers(newest[name])), key=_numbers)
        for version in (*known, ""):
            one = _schema(version if name == "etcd" else etcd, version if name == "flannel" else flannel, dialect)
            built["$defs"][f"{name}-{version or NO_OPTIONS}"] = one["$defs"][name.capitalize()]
        shared = built["$defs"][name.capitalize()]
        built["$defs"][name.capitalize()] = {
            "description": shared["description"],
            "type": shared["type"],
            "properties": {"version": {**shared["properties"]["version"], "pattern": r"^\d+\.\d+\.\d+"}},
            "allOf": list(_choices(name, known, default)),
        }
    return {"$schema": DIALECT, "$id": schema_id(file_name(dialect)), **built}


def _choices(name: str, known: list[str], default: str) -> Iterator[Schema]:
    """The options by the version that is written; without one, those of the default version."""
    absent = {"not": {"required": ["version"]}}
    yield {"if": absent, "then": {"$ref": f"#/$defs/{name}-{default}"}}
    for index, version in enumerate(known):
        pattern = _pattern(version, known[index + 1 : index + 2])
        written = {"properties": {"version": {"pattern": pattern}}, "required": ["version"]}
        yield {"if": written, "then": {"$ref": f"#/$defs/{name}-{version}"}}
    majors = "|".join(sorted({str(_numbers(version)[0]) for version in known}))
    written = {"properties": {"version": {"pattern": rf"^(?!(?:{majors})\.)"}}, "required": ["version"]}
    yield {"if": written, "then": {"$ref": f"#/$defs/{name}-{NO_OPTIONS}"}}


def _pattern(version: str, following: list[str]) -> str:
    """The versions that have the options of `version`: also newer ones, up to those of the following table entry."""
    major, minor = _numbers(version)
    if following and _numbers(following[0])[0] == major:
        minors = "|".join(str(one) for one in range(minor, _numbers(following[0])[1]))
    else:
        minors = rf"[{minor}-9]|\d\d+"
    return rf"^{major}\.(?:{minors})\."


def _schema(etcd: str, flannel: str, dialect: Dialect) -> Schema:
    title = f"Container Linux Config ({dialect.name})"
    form = SchemaDialect(lambda field: field.name, _described, (), lambda _rule, _version: {}, _limits)
    return projected(config_record(etcd, flannel, dialect.name), SPEC_MINOR, form, title=title)


def _described(field: Field) -> Schema:
    """The description of a field for editors, with modes in octal."""
    if field.is_mode:
        return {"description": f"{field.meaning}; in octal with a leading zero, such as `0644`"}
    return {"description": field.meaning, **example(field)}


def _limits(field: Field) -> Mapping[str, Any]:
    return {**field.limits, **field.author_limits}


def _numbers(version: str) -> tuple[int, int]:
    major, minor = re.findall(r"\d+", version)[:2]
    return int(major), int(minor)

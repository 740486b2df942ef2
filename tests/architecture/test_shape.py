"""How the code looks: one purpose a module, short functions, no second-hand names."""

from __future__ import annotations

import ast
from statistics import median

import pytest

from tests.architecture.imports import sources, tree

MODULES = sorted(sources())
TABLES = {"provision.config.format", "provision.planning.actions"}
"""Modules that are tables of data, and may be long."""

VAGUE = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    said = ast.get_docstring(tree(module))
    if sources()[module].name == "__init__.py" and not tree(module).body:
        return
    assert said, f"{module} has no docstring"


@pytest.mark.parametrize("module", sorted(set(MODULES) - TABLES))
def test_modules_are_short(module: str) -> None:
    assert len(sources()[module].read_text().splitlines()) <= 400


@pytest.mark.parametrize("module", MODULES)
def test_names_say_something(module: str) -> None:
    assert not VAGUE & set(module.split("."))


def test_functions_are_short() -> None:
    lengths = {
        f"{module}.{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > 50} == {}
    assert median(lengths.values()) <= 8

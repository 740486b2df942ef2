"""How the code looks: one purpose a module, short functions, no second-hand names."""

from __future__ import annotations

import ast

from tests.architecture.imports import sources, tree

MODULES = sorted(sources())
TABLES = {"provision.config.format", "provision.planning.actions"}
"""Modules that are tables of data, and may be long."""

VAGUE = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def test_a_module_says_what_it_is_for() -> None:
    assert [module for module in MODULES if tree(module).body and not ast.get_docstring(tree(module))] == []


def test_modules_are_short() -> None:
    lengths = {module: len(sources()[module].read_text().splitlines()) for module in set(MODULES) - TABLES}
    assert {module: length for module, length in lengths.items() if length > 400} == {}


def test_names_say_something() -> None:
    assert [module for module in MODULES if VAGUE & set(module.split("."))] == []


def test_functions_are_short() -> None:
    lengths = {
        f"{module}.{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > 50} == {}

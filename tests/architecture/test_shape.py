"""How the code looks: one purpose a module, short functions, no second-hand names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.imports import sources, tree

MODULES = sorted(sources())
TABLES = {"provision.config.format", "provision.metadata.providers", "provision.planning.actions"}
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


def raised(node: ast.AST) -> Iterator[str]:
    """The exceptions that a function raises itself and does not catch, by name; not those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        caught = {name for one in getattr(child, "handlers", ()) for name in names(one.type)}
        yield from (name for name in raised(child) if name not in caught)
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            yield ast.unparse(child.exc.func)


def names(node: ast.AST | None) -> Iterator[str]:
    """The names in an expression."""
    return (
        ast.unparse(one) for one in ast.walk(node or ast.Module([], [])) if isinstance(one, ast.Name | ast.Attribute)
    )


def silent(module: str) -> Iterator[str]:
    """Public functions and methods that raise an exception, and do not say so."""
    pending = [(module, tree(module).body)]
    while pending:
        prefix, statements = pending.pop()
        for node in statements:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                pending.append((f"{prefix}.{node.name}", node.body))
            elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found = sorted(set(raised(node)))
                if found and not re.search(r"\b[Rr]aises?\b|refuse", ast.get_docstring(node) or ""):
                    yield f"{prefix}.{node.name} raises {', '.join(found)}"


def test_a_public_function_says_what_it_raises() -> None:
    assert [found for module in MODULES for found in silent(module)] == []

"""Tests run real things: none patches, mocks or reaches into a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.imports import HOUSE

TESTS = sorted((HOUSE / "tests").rglob("*.py"))
PATCHERS = {"mocker", "patch", "setattr", "delattr", "setitem", "syspath_prepend"}


def name(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def imported_modules(module: ast.Module) -> set[str]:
    """Names that stand for modules: those of `import x`, and of `from package import module` by their spelling."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            folder = HOUSE / node.module.replace(".", "/")
            names |= {alias.asname or alias.name for alias in node.names if (folder / f"{alias.name}.py").exists()}
    return names


def patches(module: ast.Module) -> Iterator[str]:
    modules = imported_modules(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            if any("mock" in one.split(".") for one in imported):
                yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in {"mocker", "mock"} or (node.value.id == "monkeypatch" and node.attr in PATCHERS):
                yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            for target in targets:
                if isinstance(target, ast.Attribute) and _root(target) in modules:
                    yield f"line {node.lineno}: {ast.unparse(target)} is set"


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def test_no_test_patches() -> None:
    found = {name(path): list(patches(ast.parse(path.read_text()))) for path in TESTS}
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "code",
    [
        "from unittest import mock",
        "import unittest.mock",
        "def test_x(monkeypatch): monkeypatch.setattr('os.name', 'nt')",
        "def test_x(mocker): mocker.patch('os.name')",
        "import os\nos.environ = {}",
        "import provision.boot\nprovision.boot.JOURNAL = ''",
    ],
)
def test_a_patch_would_be_found(code: str) -> None:
    assert list(patches(ast.parse(code)))


def test_setting_the_environment_is_no_patch() -> None:
    assert not list(patches(ast.parse("def test_x(monkeypatch): monkeypatch.setenv('A', 'b')")))

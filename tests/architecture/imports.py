"""Reads what the modules of the project import, from their source: at start, and anywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

HOUSE = Path(__file__).parents[2]
PACKAGES = ("provision", "transpiler")


class Import(NamedTuple):
    """One name a module imports. `lazy` stands in a function; `for_types` under `if TYPE_CHECKING:`."""

    target: str
    lazy: bool = False
    for_types: bool = False


@cache
def sources() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    files = (path for package in PACKAGES for path in sorted((HOUSE / package).rglob("*.py")))
    return {_dotted(path): path for path in files}


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(sources()[module].read_text(), filename=module)


@cache
def imports(module: str) -> tuple[Import, ...]:
    """All imports of a module; of our own packages, what is named is the module that is imported."""
    return tuple(_imports(tree(module), Import("")))


def matches(target: str, *packages: str) -> bool:
    """Whether a module is one of these packages or lies in one."""
    return any(target == package or target.startswith(package + ".") for package in packages)


def at_start(module: str) -> frozenset[str]:
    """Modules of the project that importing this one imports, directly or not, packages' own modules included."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in sources():
            continue
        seen.add(name)
        waiting += [one.target for one in imports(name) if not one.lazy and not one.for_types]
        waiting.append(name.rpartition(".")[0])
    return frozenset(seen)


def _dotted(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(node: ast.AST, context: Import) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (context._replace(target=name.name) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, "imports are absolute"
            yield from (context._replace(target=target) for target in _targets(child))
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(child, context._replace(lazy=True))
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from _imports(child, context._replace(for_types=True))
        else:
            yield from _imports(child, context)


def _targets(statement: ast.ImportFrom) -> set[str]:
    """`from provision import journal` names a module, `from provision.log import Log` something in one."""
    package = statement.module or ""
    return {name if name in sources() else package for name in (f"{package}.{one.name}" for one in statement.names)}

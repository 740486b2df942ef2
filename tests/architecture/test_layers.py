"""Who may know whom, and who may touch a machine: the rules of the architecture, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import pytest

from provision.stages import STAGES
from tests.architecture.imports import HOUSE, Import, imports, matches, sources, tree

MODULES = sorted(sources())
BOOT_PATH = ("provision.cli", "provision.commands.compatible.ignition.stage", "provision.boot")
NEVER_AT_START = ("urllib3", "yaml", "jsonschema", "pyudev", "parted", "transpiler", "urllib.request", "asyncio")


class Rule(NamedTuple):
    """Modules in `who` never import what is in `never`, in functions neither, but for what is in `but`."""

    who: tuple[str, ...]
    never: tuple[str, ...]
    but: tuple[str, ...] = ()


RULES = (
    Rule(("provision.config",), ("provision", "transpiler", "yaml", "jsonschema"), ("provision.config",)),
    Rule(
        ("provision.planning",),
        ("provision", "transpiler", "subprocess", "urllib3"),
        ("provision.planning", "provision.config", "provision.failures"),
    ),
    Rule(
        ("provision.stages",),
        ("provision", "transpiler", "subprocess", "urllib3"),
        ("provision.stages", "provision.planning", "provision.config", "provision.failures"),
    ),
    *(
        Rule((f"provision.stages.{stage}",), tuple(f"provision.stages.{other}" for other in STAGES if other != stage))
        for stage in STAGES
    ),
    Rule(
        ("provision.engine",),
        ("provision.system", "provision.boot", "provision.commands", "provision.cli", "transpiler"),
    ),
    Rule(("provision.fetch",), ("provision.system", "provision.boot", "provision.commands", "provision.cli")),
    Rule(("provision.system",), ("provision.stages", "provision.commands", "provision.cli")),
    Rule(("provision",), ("transpiler",), ("provision.yaml_or_json",)),
    Rule(("transpiler",), ("provision",), ("provision.config",)),
    Rule(("provision", "transpiler"), ("urllib3",), ("provision.fetch.http.transport",)),
)
"""`but` names what may be imported after all, and single modules to which the rule does not apply."""

MACHINE_LIBRARIES = ("subprocess", "ctypes", "fcntl", "pyudev", "parted", "_ped")
DEVICE_SOCKETS = frozenset({"AF_NETLINK", "AF_VSOCK", "AF_PACKET", "AF_ALG"})
TOUCHES = {
    "provision.fetch.http.network": frozenset({"AF_NETLINK"}),  # whether there is a network
    "provision.config.reports.streams": frozenset({"os.open"}),  # /dev/null in place of a closed stream
}
"""What modules outside provision.system may do to the machine they run on."""


def known(module: str) -> list[Import]:
    """What a module imports anywhere, except what only its annotations need."""
    return [one for one in imports(module) if not one.for_types]


def graph() -> dict[str, set[str]]:
    """Each module, and the modules of the project that it imports anywhere, for annotations too."""
    ours = {module: {one.target for one in imports(module)} & sources().keys() for module in MODULES}
    return {module: targets - {module} for module, targets in ours.items()}


def cycle(edges: Mapping[str, set[str]]) -> str:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as found:
        return " -> ".join(found.args[1])
    return ""


def broken(rule: Rule) -> Iterator[tuple[str, str]]:
    for module in MODULES:
        if matches(module, *rule.who) and module not in rule.but:
            for one in imports(module):
                if (
                    matches(one.target, *rule.never)
                    and not matches(one.target, *rule.but)
                    and one.target != "provision"
                ):
                    yield module, one.target


def touched(module: str) -> set[str]:
    """What a module does to the machine, as far as its source shows."""
    libraries = {one.target for one in known(module) if matches(one.target, *MACHINE_LIBRARIES)}
    return libraries | set(touches(tree(module)))


def touches(source: ast.Module) -> Iterator[str]:
    """The nodes that a source opens, its calls of ioctl, its sockets to devices."""
    for node in ast.walk(source):
        if isinstance(node, ast.Attribute) and node.attr in DEVICE_SOCKETS:
            yield node.attr
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"os.open", "os.mknod", "fcntl.ioctl", "ioctl"}:
            yield ast.unparse(node.func)


def test_imports_follow_the_rules() -> None:
    assert [one for rule in RULES for one in broken(rule)] == []


def test_one_package_touches_the_machine() -> None:
    outside = [one for one in MODULES if matches(one, "provision") and not matches(one, "provision.system")]
    found = {module: touched(module) - TOUCHES.get(module, frozenset()) for module in outside}
    assert {module: what for module, what in found.items() if what} == {}


def test_libraries_of_the_machine_are_imported_lazily() -> None:
    heavy = [(module, one) for module in MODULES for one in known(module) if not one.lazy]
    assert [(module, one.target) for module, one in heavy if matches(one.target, "pyudev", "parted", "_ped")] == []
    ours = [(module, one.target) for module, one in heavy if matches(module, "provision")]
    assert [one for one in ours if matches(one[1], "transpiler", "yaml", "jsonschema")] == []


def test_no_module_imports_itself_over_others() -> None:
    """In functions neither: what calls each other is one module."""
    assert cycle(graph()) == ""


def test_neighbours_in_a_folder_form_no_circle() -> None:
    """Neither modules nor folders that lie side by side; `provision` and `transpiler` know each other."""
    folders: dict[str, dict[str, set[str]]] = {}
    for module, targets in graph().items():
        for target in targets:
            one, other = module.split("."), target.split(".")
            level = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
            if level:
                folders.setdefault(".".join(one[:level]), {}).setdefault(one[level], set()).add(other[level])
    assert {folder: cycle(edges) for folder, edges in folders.items() if cycle(edges)} == {}


def test_what_the_boot_path_never_imports_at_start() -> None:
    code = "import importlib, sys; importlib.import_module(sys.argv[1]); print(*sys.modules)"
    for module in BOOT_PATH:
        argv = [sys.executable, "-c", code, module]
        loaded = subprocess.run(argv, cwd=HOUSE, check=True, capture_output=True, text=True).stdout.split()
        assert set(loaded) & set(NEVER_AT_START) == set(), module


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import os\nos.open('/dev/x', 0)", "os.open"),
        ("def f():\n    from fcntl import ioctl\n    ioctl(0, 1)", "ioctl"),
        ("import socket\nsocket.socket(socket.AF_VSOCK)", "AF_VSOCK"),
    ],
)
def test_a_touch_would_be_found(code: str, what: str) -> None:
    assert list(touches(ast.parse(code))) == [what]

"""Who may know whom: the rules of the house, read from the imports."""

from __future__ import annotations

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.imports import Import, at_start, imports, matches, sources

MODULES = sorted(sources())
NEVER_AT_START = ("requests", "yaml", "jsonschema", "pyudev", "parted", "transpiler", "urllib.request", "asyncio")


def known(module: str) -> list[Import]:
    """What a module imports, wherever, but for what only its annotations need."""
    return [one for one in imports(module) if not one.for_types]


def inside(*packages: str) -> list[str]:
    return [module for module in MODULES if matches(module, *packages)]


@pytest.mark.parametrize("module", inside("provision.config"))
def test_the_format_knows_the_standard_library_and_itself(module: str) -> None:
    for one in known(module):
        assert matches(one.target, "provision.config") or one.target.partition(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize(
    "module", inside("provision.stages", "provision.planning.forecast", "provision.planning.actions")
)
def test_plans_know_neither_machine_nor_network(module: str) -> None:
    for one in imports(module):
        assert not matches(one.target, "provision.system", "provision.fetch", "subprocess", "requests"), one
        assert not matches(one.target, "provision.engine", "provision.commands", "provision.cli"), one


@pytest.mark.parametrize("module", MODULES)
def test_one_package_touches_the_machine(module: str) -> None:
    in_system = matches(module, "provision.system")
    for one in imports(module):
        if matches(one.target, "subprocess", "pyudev", "parted", "_ped"):
            assert in_system, f"{one.target} belongs to provision.system"
        if matches(one.target, "pyudev", "parted", "_ped"):
            assert one.lazy or one.for_types, f"{one.target} is imported lazily"


def test_one_module_speaks_http() -> None:
    users = {module for module in MODULES for one in known(module) if matches(one.target, "requests", "urllib3")}
    assert users <= {"provision.fetch.http.transport"}


@pytest.mark.parametrize("module", inside("provision"))
def test_the_engine_starts_without_the_transpiler(module: str) -> None:
    for one in imports(module):
        if matches(one.target, "transpiler", "yaml", "jsonschema"):
            assert one.lazy or one.for_types, one


@pytest.mark.parametrize("module", inside("transpiler"))
def test_the_transpiler_knows_the_format_only(module: str) -> None:
    for one in imports(module):
        if matches(one.target, "provision"):
            assert matches(one.target, "provision.config") or one.target == "provision", one


def test_no_cycles() -> None:
    graph = {
        module: {one.target for one in imports(module) if not one.lazy and not one.for_types and one.target != module}
        for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(" -> ".join(cycle.args[1]))


@pytest.mark.parametrize("module", ["provision.cli", "provision.commands.ignition.stage", "provision.boot"])
def test_what_the_boot_path_never_imports_at_start(module: str) -> None:
    assert module in sources()
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({NEVER_AT_START})))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert loaded == []


def test_planning_is_possible_without_the_machine() -> None:
    """What the stages import, all taken together, is pure."""
    for module in inside("provision.stages"):
        assert not any(matches(name, "provision.system", "provision.fetch") for name in at_start(module))

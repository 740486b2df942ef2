"""Kernel arguments: one call of the distribution's helper."""

from __future__ import annotations

import pytest

from provision.config.format import Config, KernelArguments
from provision.failures import PlanRefused
from provision.planning.actions import RunProgram
from provision.stages import kargs
from tests.stages.world import World, actions, run

CONFIG = Config(kernel_arguments=KernelArguments(should_exist=("a=b c", "quiet"), should_not_exist=("x",)))


def test_what_should_exist_comes_first() -> None:
    (action,) = actions(run(kargs.plan, CONFIG, World())[0])
    assert isinstance(action, RunProgram)
    assert action.argv == (
        *("ignition-kargs-helper", "--should-exist", "a=b c", "--should-exist", "quiet"),
        *("--should-not-exist", "x"),
    )
    assert action.config_path == ("kernelArguments",)


def test_nothing_asked_for_is_nothing_done() -> None:
    assert run(kargs.plan, Config(), World(lacking=[kargs.HELPER]))[0] == []


def test_without_a_helper_it_is_refused() -> None:
    with pytest.raises(PlanRefused, match=r"^kernelArguments: ignition-kargs-helper is not on PATH"):
        run(kargs.plan, CONFIG, World(lacking=[kargs.HELPER]))

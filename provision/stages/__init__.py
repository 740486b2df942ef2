"""The stages: each a plan, a generator that looks at a view and yields waves of actions. None of them changes anything.

A plan goes on when its wave has been carried out (or laid over a forecast), so it sees what the wave brought about.
Reasons why a config cannot be carried out are collected and raised together as PlanRefused, before the first wave
where that is possible.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from provision.planning.stage import Plan

PLANNED = ("kargs", "disks", "mount", "files", "umount")
"""Stages that have a plan, in the order in which they run; each is the module of that name."""


def stage_plan(name: str) -> Plan:
    """The plan of a stage; only that stage's module is loaded."""
    return cast("Plan", import_module(f"provision.stages.{name}").plan)

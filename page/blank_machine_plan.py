"""The plan of a config on a machine with blank disks, as `provision plan` shows it, for the page.

The browser has no machine to look at and fetches nothing, so the answer also says what was assumed. It is made by the
stages themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from provision.commands.config_places import ConfigPart, ConfigPlaces
from provision.commands.plan_output import HIDDEN, step_json, summary
from provision.config.format import Config
from provision.config.problems import Problem, dotted
from provision.config.reports.findings import Finding
from provision.config.reports.text import printable
from provision.config.resources.urls import redacted
from provision.engine.preflight import simulate
from provision.failures import PlanRefused
from provision.planning.machine_view import ASSUMED_SIZE, Device
from provision.planning.root.unknown_machine import UnknownMachine
from provision.stages import all_stages
from transpiler.authoring.config_entries import with_held_configs
from transpiler.reports.secret_text import secrets_hidden
from transpiler.result import Result


def plan_of(result: Result) -> dict[str, Any] | None:
    """The steps of a config, or the reasons why it is refused, and what was assumed; without secrets. None for errors.

    Configs in `data:` URLs that it merges take part. There are no steps if a config elsewhere replaces this one.
    """
    if result.config is None:
        return None
    config = with_held_configs(result.config)
    locate = _nowhere if result.draft is None else result.findings_of_config
    places = ConfigPlaces(config, [ConfigPart(config, _nowhere), ConfigPart(result.config, locate)])
    replacement = config.ignition.config.replace.source
    if replacement:
        told = f"the machine uses the config at {redacted(replacement)} in place of this one; it is not fetched here"
        return _answer(reasons=_reasons(places.findings([Problem(("ignition", "config", "replace"), told)])))
    assumed = [*assumptions(config), *_of_a_cluster(result)]
    try:
        with places.shown():
            steps = simulate(all_stages(), config, UnknownMachine(None, config), lambda _step: None)
    except PlanRefused as refused:
        return _answer(reasons=_reasons(refused.findings), assumed=assumed)
    shown = [step for step in steps if not isinstance(step.action, HIDDEN)]
    found = places.by_path(step.action.config_path for step in shown)
    written = [step_json(number, step, found) for number, step in enumerate(shown, 1)]
    hidden = [{**one, "title": _hidden(one["title"]), "destroys": _hidden(one["destroys"])} for one in written]
    return _answer(summary(steps, verbose=True), hidden, assumed=assumed)


def assumptions(config: Config) -> Iterator[str]:
    """What the plan assumes about the machine, and what it leaves out: one sentence for each thing."""
    storage = config.storage
    if storage.disks or storage.raid or storage.luks or storage.filesystems:
        sector = Device("", 0).sector
        yield (
            f"Every disk is blank and has {ASSUMED_SIZE >> 40} TiB, with sectors of {sector} bytes."
            " A disk that holds the image of a system has less room, and partitions that stay."
        )
    if any(volume.cex.enabled for volume in storage.luks):
        yield "No crypto adapter and no key file for it is seen, so volumes with `cex` are refused."
    yield (
        "The root file system has nothing of this config yet. The accounts that the config names and does not make"
        " exist, and so do the targets of its hard links."
    )
    yield "Every program that a step needs is installed."
    yield "Nothing is fetched: contents that are elsewhere are named, and neither their hash nor their size is checked."
    for reference in config.ignition.config.merge:
        yield f"The config at {redacted(reference.source or '')} is merged in on the machine: its steps are missing."


def _of_a_cluster(result: Result) -> Iterator[str]:
    """What a plan leaves out for a MachineConfig."""
    if result.cluster_config is not None:
        yield "The steps are those of the Ignition config. The cluster does what else the MachineConfig says."


def _answer(
    told: str = "",
    steps: Sequence[dict[str, Any]] = (),
    reasons: Sequence[dict[str, Any]] = (),
    assumed: Sequence[str] = (),
) -> dict[str, Any]:
    """The answer for the page; a plan that is refused has reasons and no steps."""
    return {"summary": told, "steps": steps, "reasons": reasons, "assumed": assumed}


def _reasons(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """Why a plan is refused, each with its place, if it is known."""
    return [
        {
            "path": dotted(one.problem.path),
            "message": _hidden(one.problem.message),
            "hint": _hidden(one.problem.hint),
            "line": one.at.line if one.at else None,
            "column": one.at.column if one.at else None,
        }
        for one in found
    ]


def _nowhere(problems: Sequence[Problem]) -> Sequence[Finding]:
    """Findings without places: for what comes from a config inside the config."""
    return [Finding("", one) for one in problems]


def _hidden(text: object) -> str:
    """A text as one line, without control characters, as a plan is printed, and without what looks like a secret."""
    return secrets_hidden([printable(str(text))])[0]

"""Plans as people and machines read them."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from json import dumps
from typing import NamedTuple, TextIO

from provision.config.model import masked
from provision.config.problems import Path, dotted
from provision.config.reports.findings import Finding
from provision.config.reports.text import printable, takes_colour
from provision.engine.preflight import Step
from provision.planning.actions import Action, ForgetBlob, Keep, Mount, Unmount, UpdateBootState, WaitForDevices
from provision.planning.facts import SignatureFact
from provision.planning.root.unknown_root import BY_THE_DISTRIBUTION

TRANSIENT_ACTIONS = (WaitForDevices, Keep, UpdateBootState, ForgetBlob, Mount, Unmount)
"""Actions that change nothing permanently on the machine."""

HIDDEN = (Keep, UpdateBootState, ForgetBlob)
"""Actions that are shown only with --verbose."""

Places = Mapping[Path, Finding]
"""Path in the merged config -> its place in the source text; made by `ConfigPlaces.by_path`."""

ASSUMED = "(not visible here: assumed to be blank and large enough)"
"""What a plan assumes about a device that does not exist."""

UNREADABLE = "(it cannot be read: what is on it is not known)"
"""What a plan says about a device that exists and cannot be opened; its steps are those for a blank one."""


class Style(NamedTuple):
    """Escape sequences; all empty when the output is no terminal."""

    bold: str = ""
    danger: str = ""
    faint: str = ""
    end: str = ""


COLOURS = Style(bold="\033[1m", danger="\033[1;31m", faint="\033[2m", end="\033[0m")


def style_of(stream: TextIO) -> Style:
    """Escape sequences for a terminal that shows colours; empty ones for any other stream."""
    return COLOURS if takes_colour(stream) else Style()


def is_change(action: Action) -> bool:
    """Whether the action changes the machine permanently."""
    return not isinstance(action, TRANSIENT_ACTIONS) and getattr(action, "argv", ()) != BY_THE_DISTRIBUTION


def kept_mounts(steps: Sequence[Step]) -> list[Mount]:
    """The mounts of file systems that no earlier step makes."""
    made = {fact.name for step in steps for fact in step.action.effect() if isinstance(fact, SignatureFact)}
    mounts = [step.action for step in steps if isinstance(step.action, Mount)]
    return [mount for mount in mounts if mount.device not in made]


def plan_lines(  # noqa: PLR0913 - the plan, how it is shown, and what is known of its devices
    steps: Sequence[Step],
    notes: Iterable[str],
    style: Style,
    places: Places,
    *,
    verbose: bool,
    unreadable: Container[str] = (),
) -> Iterator[str]:
    """A plan as text: numbered, grouped by stage, with `!` before what destroys something.

    `unreadable` are the devices that exist and cannot be read.
    """
    yield f"{style.bold}{summary(steps, verbose=verbose)}{style.end}"
    yield from (f"{style.faint}note: {printable(note)}{style.end}" for note in notes)
    shown = [step for step in steps if verbose or not isinstance(step.action, HIDDEN)]
    for number, (before, step) in enumerate(zip([None, *shown], shown, strict=False), 1):
        heading = before is None or before.stage != step.stage
        yield from step_lines(f"{number:4}", step, style, places, heading=heading, unreadable=unreadable)


def step_lines(  # noqa: PLR0913 - the step, how it is shown, and what is known of its devices
    number: str, step: Step, style: Style, places: Places, *, heading: bool, unreadable: Container[str] = ()
) -> Iterator[str]:
    """The lines of one step: number, mark, title, place in the config, what it destroys; first its stage as heading."""
    action = step.action
    if heading:
        yield f"\n{style.bold}{step.stage}{style.end}"
    mark = f"{style.danger}!{style.end}" if action.destroys else " "
    assumed = f" {_assumption(action, unreadable)}" if isinstance(action, WaitForDevices) else ""
    place = f"  {style.faint}[{printable(_place(action, places))}]{style.end}" if action.config_path else ""
    yield f"{number} {mark} {printable(action.title)}{assumed}{place}"
    if action.destroys:
        yield f"{' ' * len(number)}   {style.danger}destroys {printable(action.destroys)}{style.end}"


def _assumption(wait: WaitForDevices, unreadable: Container[str]) -> str:
    return UNREADABLE if any(name in unreadable for name in wait.names) else ASSUMED


def _place(action: Action, places: Places) -> str:
    """The place that asks for the action: `site.bu:12:7 storage.trees[0]`; only the path if its text is not known."""
    found = places.get(action.config_path)
    if found is None or found.at is None:
        return dotted(action.config_path)
    return f"{found.place} {dotted(found.problem.path)}"


def summary(steps: Sequence[Step], *, verbose: bool) -> str:
    """How many steps change something, how many of them destroy something, and how many things stay as they are."""
    changes = sum(is_change(step.action) for step in steps)
    losses = sum(bool(step.action.destroys) for step in steps)
    kept = sum(isinstance(step.action, Keep) for step in steps)
    known = "known to be " if any(isinstance(step.action, WaitForDevices) for step in steps) else ""
    words = [_count(changes, "change") if changes else "nothing to change"]
    words += [f"{losses or 'none'} of them {known}destructive"] if changes else []
    words += [f"{_count(kept, 'thing')} kept as found" + ("" if verbose else " (--verbose shows them)")] if kept else []
    return ", ".join(words)


def plan_json(
    steps: Sequence[Step],
    notes: Iterable[str],
    places: Places,
    unreadable: Container[str] = (),
    secrets: Collection[str] = (),
) -> str:
    """A plan as JSON, with the same steps in the same order as the text with --verbose, and `***` for `secrets`."""
    return dumps(
        {
            "changes": sum(is_change(step.action) for step in steps),
            "notes": [masked(note, secrets) for note in notes],
            "steps": [step_json(number, step, places, unreadable, secrets) for number, step in enumerate(steps, 1)],
        },
        indent=2,
    )


def step_json(
    number: int, step: Step, places: Places, unreadable: Container[str] = (), secrets: Collection[str] = ()
) -> dict[str, object]:
    """One step as an object for JSON; docs/guide describes its keys."""
    return {
        "number": number,
        "stage": step.stage,
        "action": type(step.action).__name__,
        "title": masked(step.action.title, secrets),
        **_place_json(step.action, places),
        "destroys": masked(step.action.destroys, secrets),
        "changes": is_change(step.action),
        "assumed": isinstance(step.action, WaitForDevices),
        "unreadable": [name for name in getattr(step.action, "names", ()) if name in unreadable],
    }


def _place_json(action: Action, places: Places) -> dict[str, object]:
    """Path, file, line and column in the source text; None for what is not known."""
    found = places.get(action.config_path)
    at = found.at if found else None
    return {
        "config_path": dotted(found.problem.path if found else action.config_path),
        "file": found.file if found and at else None,
        "line": at.line if at else None,
        "column": at.column if at else None,
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

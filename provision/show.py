"""Plans as people and machines read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from json import dumps
from typing import NamedTuple

from provision.actions import Action, Await, Forget, Keep, Mount, Remember, Unmount
from provision.engine import Step

PASSING = (Await, Keep, Remember, Forget, Mount, Unmount)
"""Actions that leave nothing behind on the machine."""


class Style(NamedTuple):
    """Escape sequences; all empty when the output is no terminal."""

    bold: str = ""
    danger: str = ""
    faint: str = ""
    end: str = ""


COLOURS = Style(bold="\033[1m", danger="\033[1;31m", faint="\033[2m", end="\033[0m")


def is_change(action: Action) -> bool:
    """Whether the action leaves something behind."""
    return not isinstance(action, PASSING)


def kept_mounts(steps: Sequence[Step]) -> list[Step]:
    """The steps that mount a file system which no step before has made: what is on it cannot be known to a plan."""
    made = {fact.name for step in steps for fact in step.action.effect() if fact.kind == "signature"}
    return [step for step in steps if isinstance(step.action, Mount) and step.action.device not in made]


def plan_lines(steps: Sequence[Step], notes: Iterable[str], style: Style, *, verbose: bool) -> Iterator[str]:
    """A plan as text: numbered, grouped by stage, with `!` before what destroys something."""
    shown = [step for step in steps if verbose or not isinstance(step.action, (Keep, Remember, Forget))]
    changes = sum(is_change(step.action) for step in shown)
    losses = sum(bool(step.action.loses) for step in shown)
    yield f"{style.bold}{_count(changes, 'change')}, {losses} of them destructive{style.end}"
    yield from (f"{style.faint}note: {note}{style.end}" for note in notes)
    stage = ""
    for number, step in enumerate(shown, 1):
        if step.stage != stage:
            stage = step.stage
            yield f"\n{style.bold}{stage}{style.end}"
        yield step_line(number, step.action, style)
        if step.action.loses:
            yield f"       {style.danger}loses {step.action.loses}{style.end}"


def step_line(number: int, action: Action, style: Style) -> str:
    """One step: number, mark, what it does, and what asked for it."""
    mark = f"{style.danger}!{style.end}" if action.loses else " "
    title = f"{action.title} (it is not here: assumed to be blank)" if isinstance(action, Await) else action.title
    reason = f"  {style.faint}[{action.reason}]{style.end}" if action.reason else ""
    return f"{number:4} {mark} {title}{reason}"


def plan_json(steps: Sequence[Step], notes: Iterable[str]) -> str:
    """A plan for programs; the same steps and order as the text with --verbose."""
    return dumps(
        {
            "changes": sum(is_change(step.action) for step in steps),
            "notes": list(notes),
            "steps": [
                {
                    "number": number,
                    "stage": step.stage,
                    "action": type(step.action).__name__,
                    "title": step.action.title,
                    "reason": step.action.reason,
                    "loses": step.action.loses,
                    "changes": is_change(step.action),
                    "assumed": isinstance(step.action, Await),
                }
                for number, step in enumerate(steps, 1)
            ],
        },
        indent=2,
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

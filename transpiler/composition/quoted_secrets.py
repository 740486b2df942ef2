"""Removes secrets from problems: rules quote values, and parts of them."""

from __future__ import annotations

from provision.config.model import Secret, masked
from provision.config.problems import Problem

PIECE = 6
"""Characters that a message may not have in common with a secret."""

_HIDDEN = str(Secret("hidden"))


def without_secrets(problem: Problem, secrets: frozenset[str]) -> Problem:
    """A problem whose texts quote no secret and no piece of one: a line of a unit, the label of a device."""
    return problem._replace(message=_without(problem.message, secrets), hint=_without(problem.hint, secrets))


def _without(text: str, secrets: frozenset[str]) -> str:
    text = masked(text, {part for secret in secrets for part in (secret, *secret.splitlines(), repr(secret)[1:-1])})
    pieces = {secret[at : at + PIECE] for secret in secrets for at in range(len(secret) - PIECE + 1)}
    shown, at = "", 0
    while at < len(text):
        end = at
        while text[end : end + PIECE] in pieces:
            end += 1
        shown += text[at] if end == at else _HIDDEN
        at = at + 1 if end == at else end + PIECE - 1
    return shown

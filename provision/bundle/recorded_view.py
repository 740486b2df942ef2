"""A `MachineView` that records its answers, and one that gives recorded answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from provision.bundle.redaction import redacted_answer
from provision.bundle.value_json import answer_of, to_plain
from provision.failures import ActionFailed, Failure
from provision.planning.machine_view import MachineView

Answers = dict[str, object]
"""Question (name of the method and arguments, as JSON) -> the answer as plain JSON, or a list in `_FAILED`."""

_FAILED = "failed"
_BY_DIGEST = "account_refusal"
"""Its arguments are whole files, which other answers have already."""

_HINT = "replay it with the version of provision that made it"

QUESTIONS = frozenset(name for name in dir(MachineView) if not name.startswith("_"))


class _Questions:
    """Has the methods of a view: each answers a question."""

    def __getattr__(self, question: str) -> Callable[..., Any]:
        if question not in QUESTIONS:
            raise AttributeError(question)
        return lambda *arguments: _given(question, self._answer(question, arguments))

    def _answer(self, question: str, arguments: tuple[object, ...]) -> object:
        """The answer as plain JSON."""
        raise NotImplementedError


class _Recorder(_Questions):
    """Asks a view, and keeps its answers, without secrets, under their questions."""

    def __init__(self, view: MachineView, answers: Answers) -> None:
        self._view = view
        self._answers = answers

    def _answer(self, question: str, arguments: tuple[object, ...]) -> object:
        key = _key(question, arguments)
        if key not in self._answers:
            self._answers[key] = self._ask(question, arguments)
        return self._answers[key]

    def _ask(self, question: str, arguments: tuple[object, ...]) -> object:
        try:
            answer = getattr(self._view, question)(*arguments)
        except ActionFailed as failed:
            return {_FAILED: [failed.title, failed.output, failed.hint]}
        return to_plain(redacted_answer(question, arguments[0] if arguments else "", answer))


class _Player(_Questions):
    """Gives recorded answers."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self._answers = answers

    def _answer(self, question: str, arguments: tuple[object, ...]) -> object:
        key = _key(question, arguments)
        if key not in self._answers:
            raise Failure(f"the bundle has no answer to the question {question} {_shown(arguments)}", hint=_HINT)
        return self._answers[key]


def recorded(view: MachineView, answers: Answers) -> MachineView:
    """The view; all its answers, without secrets, are kept in `answers`."""
    return cast("MachineView", _Recorder(view, answers))


def played(answers: Mapping[str, object]) -> MachineView:
    """A view that gives these answers. It raises Failure for a question without one, or an answer of a wrong type."""
    return cast("MachineView", _Player(answers))


def _key(question: str, arguments: tuple[object, ...]) -> str:
    if question == _BY_DIGEST:
        from hashlib import sha256

        return f"{question} {sha256(json.dumps(to_plain(arguments)).encode()).hexdigest()}"
    return json.dumps([question, *(to_plain(one) for one in arguments)])


def _given(question: str, answer: object) -> Any:
    if isinstance(answer, dict) and _FAILED in answer:
        texts = answer[_FAILED]
        if not isinstance(texts, list) or len(texts) != 3 or not all(isinstance(one, str) for one in texts):
            raise Failure("the bundle is damaged: an answer is of a wrong type")
        raise ActionFailed(texts[0], texts[1], hint=texts[2])
    try:
        return answer_of(question, answer)
    except (ValueError, TypeError, KeyError):
        raise Failure(f"the bundle is damaged: the answer to {question} is of a wrong type", hint=_HINT) from None


def _shown(arguments: tuple[object, ...]) -> str:
    return str(arguments[0])[:100] if arguments else ""

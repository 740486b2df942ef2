"""What the page asks, answered by the transpiler: this module runs in the browser, in Pyodide.

Every request and every answer is JSON text. Lines and characters are those of editors: from 0, in UTF-16 units. Every
rule is the transpiler's; nothing here judges a config.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from provision.config.json_text import encode
from provision.config.model import VERSIONS
from provision.config.problems import dotted
from transpiler.authoring.compare import config_changes
from transpiler.authoring.explanation import entries
from transpiler.authoring.fixes.fixed import fixed, fixes_of
from transpiler.authoring.formatted import formatted
from transpiler.commands.explain import as_document
from transpiler.editor.completion import completions
from transpiler.editor.diagnostics import Diagnostic, diagnostics
from transpiler.editor.document import OpenDocument, TextRange
from transpiler.editor.hover import hover
from transpiler.phases import transpile
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

NAME = "config.bu"
_OPTIONS = TranspileOptions(name=NAME)


class Judge:
    """Answers requests. The last text stays, so that completion and descriptions need not translate it again."""

    def __init__(self) -> None:
        self.document = OpenDocument("", _OPTIONS)

    def answer(self, request: str) -> str:
        """The answer to one request. Its key `do` names the method; the others are the arguments."""
        given: dict[str, Any] = json.loads(request)
        text = given.pop("text")
        if text != self.document.text:
            self.document = OpenDocument(text, _OPTIONS)
        actions: dict[str, Callable[..., Any]] = {
            "judge": self.judge,
            "results": self.results,
            "plan": self.plan,
            "mend": self.mend,
            "format": self.format,
            "complete": self.complete,
            "describe": self.describe,
        }
        return json.dumps(actions[given.pop("do")](**given))

    def judge(self) -> dict[str, Any]:
        """The problems of the text: what a person waits for while typing."""
        result = self.document.result
        return {
            "problems": [self.problem(one) for one in diagnostics(self.document)],
            "mendable": sum(one.is_certain for one in fixes_of(result)),
            "failed": result.failed,
            "error": result.error,
        }

    def results(self, kept: str | None = None) -> dict[str, Any]:
        """The output of the text, what the machine will have, and what changes from the kept text."""
        result = self.document.result
        return {
            "output": result.json,
            "shown": _shown(result),
            "version": "" if result.spec_minor is None else VERSIONS[result.spec_minor],
            "machine": None if result.failed else as_document(entries(result), result, NAME),
            "changes": None if kept is None else self.changes(kept),
        }

    def plan(self) -> dict[str, Any] | None:
        """The steps on a machine with blank disks; None for a text with errors."""
        from page.blank_machine_plan import plan_of  # the stages are loaded when a plan is asked for

        return plan_of(self.document.result)

    def problem(self, found: Diagnostic) -> dict[str, Any]:
        """A problem with its part of the text."""
        problem = found.problem
        return {
            **self.span(found.span),
            "severity": problem.severity,
            "message": problem.message,
            "hint": problem.hint,
            "rule": found.rule,
            "path": dotted(problem.path),
            "place": f"{found.span.start.line}:{found.span.start.column}",
        }

    def span(self, span: TextRange) -> dict[str, Any]:
        """A part of the text in the editor's terms."""
        return {"from": self.document.editor_position(span.start), "to": self.document.editor_position(span.end)}

    def changes(self, kept: str) -> dict[str, Any]:
        """What differs by meaning. `reason` says why there is no answer."""
        before, after = transpile(kept.encode("utf-8", "replace"), _OPTIONS), self.document.result
        if before.config is None or after.config is None:
            which = "kept text" if before.config is None else "config"
            return {"reason": f"The {which} has errors, so only the two texts are compared.", "entries": []}
        found = config_changes(before.config, after.config, (before.cluster_config, after.cluster_config))
        return {"reason": "", "entries": [one._asdict() for one in found]}

    def mend(self) -> dict[str, Any]:
        """The text without the problems that have one certain remedy."""
        return {"text": fixed(self.document.raw, _OPTIONS).raw.decode()}

    def format(self) -> dict[str, Any]:
        """The text in its canonical form, or the reason why it has none."""
        found = formatted(self.document.raw)
        return {"text": found.raw.decode(), "reason": found.reason}

    def complete(self, line: int, character: int) -> list[dict[str, Any]]:
        """What fits at the cursor."""
        offers = completions(self.document, self.document.position(line, character))
        return [
            {
                **self.span(one.span),
                "label": one.label,
                "text": one.text,
                "detail": one.detail,
                "documentation": one.documentation,
                "isKey": one.is_key,
            }
            for one in offers
        ]

    def describe(self, line: int, character: int) -> dict[str, Any] | None:
        """What is known about the key at a place."""
        found = hover(self.document, self.document.position(line, character))
        return found and {**self.span(found.span), "text": found.text}


def _shown(result: Result) -> str:
    """The output for people: JSON with one value a line."""
    if result.draft is not None and result.spec_minor is not None and result.json.startswith("{"):
        return encode.encode(result.draft.config, result.spec_minor, 2)
    return json.dumps(json.loads(result.json), indent=2, ensure_ascii=False) if result.json[:1] == "{" else result.json

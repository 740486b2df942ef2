"""The ids of rules: every problem has one, it is well formed, and the reference page names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from docs.generate.rules_page import ADVICE, REFUSALS
from provision.config.problems import Problem
from provision.config.reports.rule_ids import BEGINNINGS, ENDINGS, UNKNOWN, rule_of
from tests.architecture.imports import sources, tree

GIVEN_BY_POSITION = {"remark": 1, "_refused": 1, "Explanation": 3, "WrongTag": 4, "WrongLine": 1, "at": 2}
"""Functions whose argument of that number is an id."""

PROBLEMS_OF_THE_FORMAT = ("provision.config.", "transpiler.", "provision.yaml_or_json")
"""Where a message that a table knows gives the id."""

RETURN_IDS = ("transpiler.lint.units.",)
"""Where functions return an id, a message and a hint."""

ONLY_A_PLACE = {"provision.commands.config_places", "provision.config.json_text.positions"}
"""Modules whose problems are never shown: they only carry a path."""


def calls(prefix: str = "") -> Iterator[tuple[str, ast.Call, str]]:
    """Every call in modules of a prefix: the module and line, the call, the name of the function."""
    for module in sources():
        if module.startswith(prefix) and module not in ONLY_A_PLACE:
            for node in ast.walk(tree(module)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                    yield f"{module}:{node.lineno}", node, name


def rule_argument(call: ast.Call, name: str) -> ast.expr | None:
    position = GIVEN_BY_POSITION.get(name, len(call.args))
    named = next((one.value for one in call.keywords if one.arg == "rule"), None)
    return named or (call.args[position] if len(call.args) > position else None)


def texts(node: ast.expr) -> list[str]:
    """The literal texts that an expression may be."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value else []


def given() -> set[str]:
    """Every id that the code gives to a problem itself."""
    found = {"yaml-syntax"}
    for _, call, name in calls():
        node = rule_argument(call, name)
        if node is not None and (name in {"Problem", "_replace", *GIVEN_BY_POSITION}):
            found |= set(texts(node))
    for module in sources():
        for one in ast.walk(tree(module)) if module.startswith(RETURN_IDS) else ():
            if isinstance(one, ast.Return) and isinstance(one.value, ast.Tuple) and len(one.value.elts) == 3:
                found |= set(texts(one.value.elts[0]))
    return found


def test_every_problem_of_a_plan_has_an_id_of_its_own() -> None:
    without = [
        place
        for place, call, name in calls("provision.")
        if name == "Problem" and not place.startswith(PROBLEMS_OF_THE_FORMAT) and rule_argument(call, name) is None
    ]
    assert without == []


def test_every_literal_message_of_the_format_has_an_id() -> None:
    unknown = []
    for place, call, name in calls():
        if name == "Problem" and rule_argument(call, name) is None and len(call.args) > 1:
            message = call.args[1]
            parts = message.values if isinstance(message, ast.JoinedStr) else [message]
            texts_of_parts = [one.value if isinstance(one, ast.Constant) else "x" for one in parts]
            literal = isinstance(message, ast.JoinedStr | ast.Constant) and "".join(map(str, texts_of_parts))
            if literal and literal.strip("x") and rule_of(Problem((), literal)) == UNKNOWN:
                unknown.append(f"{place}: {literal}")
    assert unknown == []


def test_ids_are_words_with_dashes() -> None:
    ids = given() | {*BEGINNINGS.values(), *ENDINGS.values(), UNKNOWN}
    assert [one for one in sorted(ids) if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){0,4}", one)] == []


def test_the_page_names_every_id_once() -> None:
    described = {*REFUSALS, *ADVICE}
    of_the_format = {*BEGINNINGS.values(), *ENDINGS.values()}
    assert sorted(given() - described - of_the_format) == []
    assert sorted(described - given()) == []
    for table in (REFUSALS, ADVICE):
        assert all(one < other for one, other in pairwise(table)), "in order, each once"


def test_an_id_does_not_depend_on_the_values_in_a_message() -> None:
    assert rule_of(Problem((), "there is something new: /dev/vda2")) == UNKNOWN
    assert rule_of(Problem((), 'shouldExist is false for a partition "x"')) == "size-beside-absent-partition"
    assert rule_of(Problem((), "files are not supported in this spec version")) == "unsupported-field"
    assert rule_of(Problem((), "foo is not in dotted-tri format")) == "version-form"
    assert rule_of(Problem(("storage", "files", 0), "/x: is a directory", rule="unit-name")) == "unit-name"

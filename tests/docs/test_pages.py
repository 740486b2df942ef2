"""The pages of the site: all are in its navigation, links lead somewhere, decisions have a date, messages exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md"))


def names(nav: Any) -> Iterator[str]:
    """The files in a navigation."""
    if isinstance(nav, str):
        yield nav
    for one in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from names(one)


def anchors(page: Path) -> set[str]:
    """What links can name in a page, as both mkdocs and GitHub make it of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", one.replace("`", "").lower()).strip() for one in headings)
    return {re.sub(r"\s+", "-", one) for one in words}


def test_every_page_is_in_the_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(names(nav)) == [str(page.relative_to(DOCS)) for page in PAGES]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target
        assert page.name == "README.md" or file.is_relative_to(DOCS), f"{target}: not a page of the site"


@pytest.mark.parametrize("page", sorted((DOCS / "decisions").glob("*.md")), ids=lambda page: page.name)
def test_a_decision_has_a_status_and_a_date(page: Path) -> None:
    title, empty, status = page.read_text("utf-8").split("\n")[:3]
    assert re.match(r"# \d+\. ", title)
    assert not empty
    assert re.fullmatch(r"Status: (accepted|replaced by [^,]+), \d{4}-\d\d-\d\d\.", status)


def test_all_sections_about_differences_are_in_the_one_list() -> None:
    decisions = [path.read_text("utf-8") for path in sorted((DOCS / "decisions").glob("*.md"))]
    headings = [one for text in decisions for one in re.findall(r"(?mi)^##+ (.*\bdiffer.*)$", text)]
    listed = (DOCS / "reference/differences.md").read_text("utf-8").count("\nFrom [decision ")
    assert len(headings) == listed, headings
    assert [text.partition("\n")[0] for text in decisions if re.search(r"(?i)\bdifferences?\b[^\n]*:\n\n", text)] == []


def test_the_messages_to_look_up_are_those_of_the_programs() -> None:
    files = (path for folder in ("provision", "transpiler", "page/src") for path in (ROOT / folder).rglob("*"))
    source = "\n".join(path.read_text("utf-8") for path in files if path.suffix in {".py", ".js"})
    messages = re.findall(r"^\| `([^`]+)` \|", (DOCS / "troubleshooting.md").read_text("utf-8"), re.MULTILINE)
    assert len(messages) > 60
    assert [one for one in messages if one not in source] == []

"""Changes as Markdown: what an author writes stays code, and a comment is not too large for GitHub."""

from __future__ import annotations

import re
from base64 import b64encode

import pytest

from provision.config.format import Config, File, Resource, Storage
from transpiler.authoring.changes_as_markdown import LIMIT, as_markdown
from transpiler.authoring.compare import Change, ConfigChanges, config_changes

HOSTILE = [
    "```\n</details><script>alert(1)</script>",
    "`````` @everyone [a](https://evil.example) ![x](https://evil.example/x.png)",
    "~~~\n# heading\n<img src=x>",
    "<!--",
    "a`b``c",
    "\r```\r@everyone\u2028```\x0b```\x85```",
    "    ```\n   ```",
]


def outside_of_code(markdown: str) -> str:
    """What is neither in a fenced block nor in a code span, as the specification of GitHub's Markdown says."""
    kept, fence = [], ""
    for line in re.split(r"\r\n|[\r\n]", markdown):
        match = re.match(r" {0,3}(`{3,})([^`]*)$", line)
        if fence:
            fence = "" if match and len(match[1]) >= len(fence) and not match[2].strip() else fence
        elif match:
            fence = match[1]
        else:
            kept.append(re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    assert not fence
    return "\n".join(kept)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_the_code(text: str) -> None:
    contents = Resource(source=f"data:;base64,{b64encode(text.encode()).decode()}")
    config = Config(storage=Storage(files=(File(path=f"/{text}", contents=contents),)))
    for before, after in ((Config(), config), (config, Config()), (config, Config(storage=Storage()))):
        changes = config_changes(before, after)
        shown = as_markdown([ConfigChanges(text, "changed", changes), ConfigChanges("b", "added", [], f"{text}\n")])
        left = outside_of_code(shown).replace("<!-- transpile diff -->", "")
        assert re.sub(r"[\w .:,(#)*\n]", "", left) == ""


@pytest.mark.parametrize("line", ["x" * 80, "`" * 300, "ä€😀" * 30, "x" * 100_000])
def test_a_comment_is_small_enough(line: str) -> None:
    some = [ConfigChanges(f"{number}.bu", "changed", [Change("changed", line, [line] * 400)]) for number in range(9)]
    shown = as_markdown(some)
    assert len(shown.encode()) <= LIMIT
    assert outside_of_code(shown)
    said = re.search(r"\n(?:(\d+) more lines? and )?(\d+) more configs left out, because a comment has a limit", shown)
    assert said is not None
    assert shown.count(".bu`**") == 9 - int(said[2])


def test_nothing_is_left_out_of_a_small_comment() -> None:
    some = [ConfigChanges("a.bu", "changed", [Change("removed", "x", [])])]
    assert "left out" not in as_markdown(some)
    assert "1 more config left out" in as_markdown([*some, *some], 330)


def test_a_new_config_without_entries_hides_no_other() -> None:
    new = ConfigChanges("a.bu", "added", [])
    after = ConfigChanges("b.bu", "changed", [Change("removed", "x", [])])
    shown = as_markdown([new, after])
    assert "\n**`a.bu`** (new): no entries\n\n**`b.bu`**: 1 removed\n" in shown
    assert "left out" not in shown
    assert "2 more configs left out" in as_markdown([new, after], 240)

"""What the guides say for other programs: the settings can be read, and match what they are for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import indent
from typing import Any

from transpiler.butane.schemas import PUBLIC_ID

GUIDE = Path(__file__).parents[2] / "docs" / "guide"

QUADLET = """\
variant: fcos
version: 1.6.0
storage:
  files:
    - path: /opt/tool
      contents: {source: https://github.com/example/tool/releases/download/v1.2.3/tool-linux}
    - path: /etc/containers/systemd/web.container
      contents:
        inline: |
          [Container]
          Image=docker.io/library/caddy:2.8@sha256:DIGEST
"""


def json_with(page: str, key: str) -> Any:
    """The JSON object of a guide's block that has this key."""
    text = (GUIDE / page).read_text()
    blocks = re.findall(r"(?m)^    \{\n(?:    .*\n)+?    \}$", text)
    (block,) = (one for one in blocks if f'"{key}"' in one)
    return json.loads(block)


def test_renovate_finds_versions() -> None:
    text = QUADLET.replace("DIGEST", "0" * 64)
    found = []
    for manager in json_with("transpile.md", "customManagers")["customManagers"]:
        (pattern,) = manager["managerFilePatterns"]
        assert re.search(pattern.strip("/"), "configs/site.bu")
        for one in manager["matchStrings"]:
            match = re.search(one.replace("(?<", "(?P<"), text)
            assert match is not None
            found.append((manager["datasourceTemplate"], match["depName"], match["currentValue"]))
    assert found == [("docker", "docker.io/library/caddy", "2.8"), ("github-releases", "example/tool", "v1.2.3")]


def test_the_steps_for_pull_requests_are_those_of_the_example() -> None:
    text = (GUIDE / "ci.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    workflow = (GUIDE.parents[1] / "examples/github/config-changes.yml").read_text()
    assert workflow.endswith(indent(block, " " * 6))


def test_the_entry_of_a_catalog_names_the_schema() -> None:
    entry = json_with("editor.md", "fileMatch")
    assert entry["url"] == PUBLIC_ID
    assert f"$schema={PUBLIC_ID}" in (GUIDE / "editor.md").read_text()

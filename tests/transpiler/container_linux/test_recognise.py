"""Which texts are taken for Container Linux Configs, and what is loaded for others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from transpiler.container_linux.recognise import is_container_linux_config
from transpiler.phases import transpile
from transpiler.reading.tree import parse_yaml
from transpiler.translation_state import TranspileOptions


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("etcd: {}\n", True),
        ("docker: {}\nfoo: 1\n", True),
        ("version: 0\nupdate: {}\n", True),
        ("storage: {}\nsystemd: {}\n", True),
        ("variant: fcos\nversion: 1.5.0\netcd: {}\n", False),
        ("version: 1.5.0\nstorage: {}\n", False),
        ("storage: {}\nfoo: 1\n", False),
        ('{"ignition": {"version": "3.4.0"}, "storage": {}}\n', False),
        ("ignition: []\nstorage: {}\n", True),
        ("ignition: [a]\nstorage: {}\n", True),
        ("version: 0\n", False),
        ("- etcd\n", False),
        ("etcd\n", False),
        ("", False),
    ],
)
def test_recognised(text: str, is_one: bool) -> None:
    assert is_container_linux_config(parse_yaml(text.encode())) == is_one


def test_a_text_that_may_be_a_butane_config_gets_a_warning() -> None:
    result = transpile(b"storage: {links: [{path: /a, target: b}]}\n")
    assert not result.failed
    assert "has no variant" in result.render()
    assert "has no variant" not in transpile(b"docker: {}\n").render()


def test_butane_knows_no_such_texts() -> None:
    assert (
        transpile(b"docker: {}\n", TranspileOptions(butane_paths=True)).error
        == "error parsing variant; must be specified"
    )


def test_a_butane_config_loads_nothing_of_it() -> None:
    code = """
import sys
from transpiler import transpile
assert transpile(b"variant: fcos\\nversion: 1.5.0\\nstorage: {files: [{path: /a}]}\\n").json
print(sorted(one for one in sys.modules if "container_linux" in one or "old_versions" in one))
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told == "['transpiler.container_linux', 'transpiler.container_linux.recognise']\n"

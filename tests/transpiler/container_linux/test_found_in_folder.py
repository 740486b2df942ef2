"""Which files of a folder are taken for Container Linux Configs."""

from __future__ import annotations

import pytest

from transpiler.container_linux.found_in_folder import looks_like_container_linux_config


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("etcd:\n  name: a\n", True),
        ("# x\n\nsystemd:\n  units:\n    - name: a.service\nnetworkd:\n  units: []\n", True),
        ("passwd:\n  users: []\n", False),
        ("update:\n  group: stable\n  tpyo: 1\n", True),
        ("etcd: {}\n", False),
        ("docker:\n  image: a\n", False),
        ("storage:\n  version: 1\n  config: []\n", False),
        ("storage:\n  files: []\nservices:\n  a: b\n", False),
        ("version: '3'\nservices:\n  a: b\n", False),
        ("name: x\n", False),
        ("- etcd\n", False),
        ("", False),
    ],
)
def test_found_in_a_folder(text: str, is_one: bool) -> None:
    assert looks_like_container_linux_config(text) == is_one

"""Rules of Container Linux Configs; that ct has them too is shown by the golden cases."""

from __future__ import annotations

import pytest

from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions


def hints(text: str) -> list[str]:
    """The hints of the problems of a Container Linux Config."""
    options = TranspileOptions(container_linux=True, dialect="coreos")
    return [problem.hint for problem in transpile(text.encode(), options).problems]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("locksmith: {window_start: '04:00'}", "add window_length"),
        ("locksmith: {window_length: 1h}", "add window_start"),
        ("locksmith: {window_start: '04:00', window_length: '1'}", "write a duration such as 1h30m"),
        ("flannel: {version: 0.4.9}", "the oldest one is 0.5.0"),
        ("flannel: {version: 0.8.0}", "the options are those of flannel 0.7"),
        ("update: {group: other}", "the groups are stable, beta and alpha"),
        ("etcd: {version: 2.2.9}", "the oldest one is 2.3.0"),
        ("etcd: {version: 2.4.0}", "the options are those of etcd 2.3"),
        ("etcd: {version: 3.4.0}", "the options are those of etcd 3.3"),
        ("etcd: {version: 4.0.0}", "the newest one is 3.3"),
    ],
)
def test_a_hint_says_what_to_write(text: str, hint: str) -> None:
    assert hint in hints(text)


@pytest.mark.parametrize(
    "text",
    [
        "locksmith: {window_start: '04:00', window_length: 1h, reboot_strategy: OFF}",
        "flannel: {version: 0.5.0, network_config: '{}'}",
        "flannel: {version: 0.7.9, network_config: 'null'}",
        "flannel: {version: 1.0.0}",
        "update: {group: Beta}",
        "update: {group: other, server: 'https://example.com'}",
        "etcd: {version: 2.3.0}",
        "etcd: {version: 3.3.99}",
    ],
)
def test_valid_texts_have_no_hint(text: str) -> None:
    assert hints(text) == []

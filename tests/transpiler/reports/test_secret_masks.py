"""Which values of a Container Linux Config an excerpt shows."""

from __future__ import annotations

import pytest

from provision.config.problems import Position
from transpiler.container_linux.records import public_names
from transpiler.reading.tree import parse_yaml
from transpiler.reports.secret_masks import Masks


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("locksmith: {reboot_strategy: soon}", "locksmith: {reboot_strategy: soon}"),
        ("etcd: {election_timeout: often}", "etcd: {election_timeout: often}"),
        ("update: {server: https://update.example.com}", "update: {server: https://update.example.com}"),
        ("update: {server: https://me:hunter2@h}", "update: {server: ********************}"),
        ("update: {download_password: hunter2}", "update: {download_password: *******}"),
        ("update: {downlod_password: hunter2}", "update: {downlod_password: *******}"),
        ("etcd: {initial_cluster_token: hunter2}", "etcd: {initial_cluster_token: *******}"),
        ("etcd: {discovery: https://discovery/token}", "etcd: {discovery: ***********************}"),
    ],
)
def test_only_secrets_of_a_container_linux_config_are_hidden(text: str, shown: str) -> None:
    assert Masks([parse_yaml(text.encode())], public_names()).masked_line(Position(1, 1), text) == shown

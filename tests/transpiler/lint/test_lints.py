"""Texts that lints warn about, and texts that they accept."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest

from provision.config.reports.rule_ids import rule_of
from transpiler.lint.units.unit_text import escaped_path
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

HEAD = "variant: fcos\nversion: 1.5.0\n"


def key(kind: str = "ssh-ed25519") -> str:
    """A random SSH public key."""
    parts = (kind.encode(), bytes(32))
    return f"{kind} {base64.b64encode(b''.join(struct.pack('>I', len(one)) + one for one in parts)).decode()}"


def findings_of(text: str, files_dir: Path | None = None) -> list[str]:
    """The findings of a config: `line:rule`."""
    result = transpile((HEAD + text).encode(), TranspileOptions(files_dir=files_dir))
    return [f"{one.at.line if one.at else 0}:{one.rule}" for one in result.findings()]


def user(line: str) -> list[str]:
    """The rules that a line of a user breaks."""
    return [one.partition(":")[2] for one in findings_of(f"passwd:\n  users:\n    - name: core\n      {line}\n")]


@pytest.mark.parametrize(
    ("wanted", "unwanted", "contradicts"),
    [
        ("a b", "b", True),
        ("a b", "a b", False),  # Butane's error
        ("a, b", "a b", True),
        ("a b c", "b  c", True),
        ("a b", "c", False),
        ("ab", "b", False),
        ("a=b", "b", False),
        ("a b", "", False),
        ("", "b", False),
    ],
)
def test_contradicting_kernel_arguments(wanted: str, unwanted: str, contradicts: bool) -> None:
    lists = f"  should_exist: [{wanted}]\n  should_not_exist: ['{unwanted}']\n"
    assert ("5:contradicting-arguments" in findings_of(f"kernel_arguments:\n{lists}")) is contradicts


def unit(name: str, text: str) -> list[str]:
    """The findings in a unit's text; its first line is line 7."""
    block = "".join(f"        {line}\n" for line in text.split("\n"))
    return findings_of(f"systemd:\n  units:\n    - name: {name}\n      contents: |\n{block}")


@pytest.mark.parametrize(
    "good",
    [
        key(),
        key() + " me@example.com",
        f'no-pty,command="/bin/true x" {key()} me',
        "# a comment",
        key("sk-ssh-ed25519@openssh.com"),
        key("ssh-ed25519-cert-v01@openssh.com"),
        "${KEY}x",
    ],
)
def test_ssh_keys(good: str) -> None:
    assert "ssh-key" not in user(f"ssh_authorized_keys: ['{good}']")


@pytest.mark.parametrize(
    "bad",
    [
        key()[:-4],
        key().replace("ssh-ed25519", "ssh-rsa"),
        "ssh-ed25519",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "~/.ssh/id_rsa.pub",
        "id_ed25519.pub",
        "https://github.com/core.keys",
        "gh:core",
        "hunter2",
    ],
)
def test_damaged_ssh_keys(bad: str) -> None:
    assert user(f"ssh_authorized_keys: ['{bad}']") == ["ssh-key"]


@pytest.mark.parametrize(
    "value",
    [
        f"$6$salt${'a' * 86}",
        f"$6$rounds=4096$salt${'a' * 86}",
        f"$5$salt${'a' * 43}",
        f"$y$j9T$salt${'a' * 43}",
        f"$2b$10${'a' * 53}",
        f"$1$salt${'a' * 22}",
        "abcdefghijklm",
        "*",
        "!",
        "!!",
        "",
        "x",
    ],
)
def test_password_hashes(value: str) -> None:
    assert user(f"password_hash: '{value}'") == []


@pytest.mark.parametrize("value", ["hunter2", "correct horse", "$6$salt$aaaa", "$9$salt$aaa", "{SSHA}x"])
def test_wrong_password_hashes(value: str) -> None:
    assert user(f"password_hash: '{value}'") == ["password-hash"]
    assert (
        value not in transpile((HEAD + f"passwd: {{users: [{{name: a, password_hash: '{value}'}}]}}").encode()).render()
    )


@pytest.mark.parametrize(
    ("name", "good"),
    [
        *((name, True) for name in ("core", "_x", "svc$", "a.b", "1st")),
        *((name, False) for name in ("a b", "-x", "a:b", "x" * 33, "a/b")),
    ],
)
def test_names_of_accounts(name: str, good: bool) -> None:
    found = findings_of(f"passwd: {{users: [{{name: '{name}'}}], groups: [{{name: '{name}'}}]}}\n")
    assert found == ([] if good else ["3:account-name", "3:account-name"])


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.service", "[Unit]\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=x.target", []),
        ("a.service", "[Unit]\n[X-Own]\n[Service]\nExecStop=/bin/true", []),
        ("a.service", "[Unit]\nSuccessAction=reboot\n[Service]\nType=oneshot", []),
        ("a.service", "[Service]\nExecStart=/bin/sh -c \\\n  [Servce]", []),
        ("a.service", "# [Servce]\n[Service]\nExecStart=x", []),
        ("a.service", "[Servce]\nExecStart=x", ["7:unit-section"]),
        ("a.timer", "[Unit]\n\n[Service]\nOnCalendar=daily", ["9:unit-section"]),
        ("a.service", "\nType=oneshot\n[Service]\nExecStart=x", ["8:unit-without-section"]),
        ("a.service", "[Unit]\n[Service]\nUser=x", ["8:no-exec-start"]),
        ("var-lib-x.mount", "[Mount]\nWhere=/var/lib/x\nWhat=/dev/vdb", []),
        ("x.mount", "[Mount]\nWhere=/var/lib/x\nWhat=/dev/vdb", ["5:mount-unit-name"]),
        ("x@.mount", "[Mount]\nWhere=/var/%i\nWhat=/dev/vdb", []),
    ],
)
def test_units(name: str, text: str, found: list[str]) -> None:
    assert unit(name, text) == found


@pytest.mark.parametrize(
    ("path", "name"),
    [("/", "-"), ("/var/lib", "var-lib"), ("//a-b/./c", "a\\x2db-c"), ("/.x", "\\x2ex"), ("/é", "\\xc3\\xa9")],
)
def test_names_of_mount_units(path: str, name: str) -> None:
    assert escaped_path(path) == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("storage: {files: [{path: /a}, {path: /a/b}]}", ["path-below-file"]),
        ("storage: {files: [{path: /a}], directories: [{path: /a/b/c}]}", ["path-below-file"]),
        ("storage: {files: [{path: /a}, {path: /ab}], directories: [{path: /b}]}", []),
        ("storage: {files: [{path: //a}, {path: //b/c}, {path: /}, {path: a/b}]}", []),
        ("storage: {disks: [{device: /dev/x, partitions: [{number: 1, start_mib: -1}]}]}", ["negative-number"]),
        ("storage: {files: [{path: /a, user: {id: -1}}]}", ["negative-number"]),
        ("storage: {files: [{path: '/${A}'}]}", ["template"]),
        ("storage: {files: [{path: /a, contents: {inline: '${A} {{x}}'}}]}", []),
        ("storage: {files: [{path: '/a{b}$c'}]}", []),
        ("passwd: {users: [{name: a, home_dir: \u201c/a\u201d}]}", ["typographic-quotes"]),
    ],
)
def test_nodes_and_texts(text: str, found: list[str]) -> None:
    lints = {"path-below-file", "number-out-of-range", "negative-number", "template", "typographic-quotes"}
    assert [one for one in findings_of(text) if one.partition(":")[2] in lints] == [f"3:{rule}" for rule in found]


def test_links_out_of_the_files_directory(tmp_path: Path) -> None:
    base = tmp_path / "files"
    (base / "deep").mkdir(parents=True)
    (tmp_path / "secret").write_text("x")
    (base / "real").write_text("x")
    (base / "inside").symlink_to("real")
    (base / "deep" / "out").symlink_to("../../secret")
    text = "storage: {files: [{path: /etc/a, contents: {local: %s}}]}"
    assert findings_of(text % "inside", base) == []
    assert findings_of(text % "deep/out", base) == ["3:outward-link"]
    (tmp_path / "link").symlink_to(base)
    assert findings_of(text % "real", tmp_path / "link") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\n", 0),
        ("...\n", 0),
        ("---\n# nothing\n", 0),
        ("---\nfoo: 1\n", 3),
        ("...\n---\n- a\n", 4),
        ("---\n[\n", 3),
        ("storage: {files: [{path: /a, contents: {inline: '\n\n ---\n x'}}]}\n", 0),
    ],
)
def test_a_second_document(text: str, line: int) -> None:
    result = transpile((HEAD + text).encode())
    found = [one.at.line for one in result.findings() if one.at and rule_of(one.problem) == "second-document"]
    assert (found, bool(result.error)) == ([line] if line else [], bool(line))
    assert not transpile((HEAD + text).encode(), TranspileOptions(butane_paths=True)).error


def test_an_account_from_an_alias_without_a_name() -> None:
    text = "x: &x {uid: 5}\npasswd: {users: [*x]}\n"
    assert "account-name" in {rule_of(one.problem) for one in transpile((HEAD + text).encode()).findings()}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("!secrt tok", ["7:unknown-tag"]),
        ('!fromat "a{b}"', ["7:unknown-tag"]),
        ("!Var x", ["7:unknown-tag"]),
        ("!other x", []),
        ("!!str 1", []),
        ('"wait !vra x"', []),
        ("[!secrt tok]", ["7:wrong-type", "7:unknown-tag"]),
    ],
)
def test_misspelled_tags(value: str, found: list[str]) -> None:
    assert findings_of(f"storage:\n  files:\n    - path: /etc/a\n      contents:\n        inline: {value}\n") == found


def test_the_time_grows_with_the_number_of_empty_lines() -> None:
    """If each empty line were the start of another search, this would take minutes."""
    lines = "\n" * 500_000
    assert (
        findings_of(f'storage:\n  files:\n    - path: /etc/a\n      contents:\n        inline: "{"a"}{lines}"\n') == []
    )

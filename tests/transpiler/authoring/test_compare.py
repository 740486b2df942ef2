"""Differences of configs by meaning."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from provision.config.format import Config
from provision.config.validate import validate
from tests.transpiler.golden import FILES, Case, cases
from transpiler.authoring.compare import as_lines, config_changes, config_text
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

HEAD = "variant: fcos\nversion: 1.5.0\n"

TABLE = [
    (
        "storage: {files: [{path: /b}, {path: /a, mode: 0644}]}",
        "storage: {files: [{mode: 0o644, path: /a}, {path: /b}]}",
        "",
    ),
    (
        "storage: {files: [{path: /a, mode: 0644}]}",
        "storage: {files: [{path: /a, mode: 0600}, {path: /b, mode: 0600}]}",
        "~ storage.files[/a]\n    mode: 0644 -> 0600\n+ storage.files[/b]\n    mode: 0600\n",
    ),
    ("passwd: {users: [{name: bob}]}", "passwd: {}", "- passwd.users[bob]\n"),
    (
        'storage: {files: [{path: /a, contents: {inline: "a\\nb\\n"}}]}',
        'storage: {files: [{path: /a, contents: {inline: "a\\nc\\n"}}]}',
        "~ storage.files[/a]\n    contents:\n        @@ -1,2 +1,2 @@\n         a\n        -b\n        +c\n",
    ),
    (
        "systemd: {units: [{name: a.service}]}",
        'systemd: {units: [{name: a.service, enabled: false, contents: "[Unit]\\n"}]}',
        "~ systemd.units[a.service]\n    contents: (not set) -> [Unit]\n    enabled: (not set) -> false\n",
    ),
    (
        "kernel_arguments: {should_exist: [a]}",
        "kernel_arguments: {should_exist: [b]}",
        "~ kernel_arguments\n    should_exist: a -> b\n",
    ),
    (
        "storage: {files: [{path: /a, contents: {source: 'https://h/a'}}]}",
        "storage: {files: [{path: /a, contents: {source: 'https://h/a', compression: gzip}}]}",
        "~ storage.files[/a]\n    contents: from https://h/a -> from https://h/a (gzip)\n",
    ),
    (
        "storage: {disks: [{device: /dev/a, partitions: [{label: x, size_mib: 1}]}]}",
        "storage: {disks: [{device: /dev/a, partitions: [{label: x, size_mib: 2}]}]}",
        "~ storage.disks[/dev/a]\n    partitions:\n        @@ -1,2 +1,2 @@\n         x: label: x\n{}".format(
            "        -x: size_mib: 1\n        +x: size_mib: 2\n"
        ),
    ),
]

SECRETS = [
    "passwd: {users: [{name: a, password_hash: $y$%s}]}",
    "storage: {files: [{path: /a, mode: 0600, contents: {inline: %s}}]}",
    "storage: {files: [{path: /a, contents: {inline: 'password=%s'}}]}",
    "storage: {files: [{path: /a, contents: {source: 'https://a:%s@host/a'}}]}",
    "storage: {files: [{path: /a, contents: {source: 'https://host/a?%s'}}]}",
    "storage: {files: [{path: /a, append: [{source: 'https://host/a?%s'}]}]}",
    "storage: {files: [{path: /a, contents: {source: 'https://h/a', http_headers: [{name: A, value: %s}]}}]}",
    "storage: {luks: [{name: a, device: /dev/a, key_file: {inline: %s}}]}",
    "ignition: {config: {merge: [{source: 'https://host/a?%s'}]}}",
    "ignition: {config: {merge: [{source: 'https://host/a', http_headers: [{name: A, value: %s}]}]}}",
    "ignition: {proxy: {http_proxy: 'http://a:%s@host'}}",
    "ignition: {config: {replace: {source: 'data:,%s'}}}",
    (
        "ignition: {config: {replace: {inline: '"
        '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "mode": 384, "contents": {"source": '
        '"data:,%s"}}]}}'
        "'}}}"
    ),
    "storage: {files: [{path: /etc/app/token, contents: {inline: %s}}]}",
    "storage: {files: [{path: /a, contents: {inline: 'apikey: %s'}}]}",
    "storage: {files: [{path: /a, contents: {inline: 'Authorization: Bearer %s'}}]}",
    "storage: {files: [{path: /a, append: [{inline: 'db_pw=%s'}]}]}",
    'systemd: {units: [{name: a.service, contents: "[Service]\\nEnvironment=TOKEN=%s"}]}',
    'systemd: {units: [{name: a.service, dropins: [{name: b.conf, contents: "[Service]\\nEnvironment=TOKEN=%s"}]}]}',
    "kernel_arguments: {should_exist: ['rd.password=%s']}",
]

CHANGED_SECRETS = [
    (
        'storage: {files: [{path: /a, contents: {inline: "host: a\\napikey: %s\\n"}}]}',
        (
            "~ storage.files[/a]\n    contents:\n        @@ -1,2 +1,2 @@\n         host: a\n"
            "        ~apikey: (value changed, not shown)\n"
        ),
    ),
    (
        "storage: {files: [{path: /a, contents: {inline: 'apikey: %s'}}]}",
        "~ storage.files[/a]\n    contents: apikey: (value changed, not shown)\n",
    ),
    (
        "storage: {files: [{path: /a, mode: 0600, contents: {inline: %s}}]}",
        "~ storage.files[/a]\n    contents: (value changed, not shown)\n",
    ),
    (
        'storage: {files: [{path: /a, contents: {inline: "-----BEGIN PRIVATE KEY-----\\n%s\\nb\\nc\\n"}}]}',
        (
            "~ storage.files[/a]\n    contents:\n        @@ -1,4 +1,4 @@\n         (not shown)\n"
            "        ~(value changed, not shown)\n         (not shown)\n"
        ),
    ),
]
"""A config with a secret, and what is shown if only the secret changes."""


def config_of(text: str) -> Config:
    result = transpile((HEAD + text + "\n").encode())
    assert result.config is not None, result.render()
    return result.config


@pytest.mark.parametrize(("before", "after", "shown"), TABLE, ids=[after[:50] for _, after, _ in TABLE])
def test_what_is_shown(before: str, after: str, shown: str) -> None:
    assert as_lines(config_changes(config_of(before), config_of(after))) == shown


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_compared_but_not_shown(text: str) -> None:
    one, two, none = config_of(text % "first1"), config_of(text % "second2"), Config()
    for before, after in ((one, two), (none, one), (one, none)):
        shown = as_lines(config_changes(before, after))
        assert shown
        assert "first1" not in shown
        assert "second2" not in shown


@pytest.mark.parametrize(("text", "shown"), CHANGED_SECRETS)
def test_a_change_of_a_secret_is_named(text: str, shown: str) -> None:
    assert as_lines(config_changes(config_of(text % "first"), config_of(text % "second"))) == shown


@pytest.mark.parametrize("text", SECRETS)
def test_the_text_of_a_config_has_no_secrets(text: str) -> None:
    shown = config_text(config_of(text % "first1"))
    assert shown
    assert "first1" not in shown


def test_the_text_of_a_config() -> None:
    text = (
        'storage: {files: [{path: /b, mode: 0644, contents: {inline: "a\\n\\n\\e[31m\\tb"}}, {path: /a, mode: 0600}]}\n'
        "passwd: {users: [{name: bob, groups: [wheel], password_hash: $y$abc}]}\n"
    )
    assert config_text(config_of(text)) == (
        "passwd.users[bob]\n    groups: wheel\n    password_hash: (not shown)\n"
        "storage.files[/a]\n    mode: 0600\n"
        "storage.files[/b]\n    contents:\n        a\n\n        \\x1b[31m\tb (no newline at the end)\n    mode: 0644\n"
    )


HELD = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/b", "mode": 420}]}}'


@pytest.mark.parametrize(
    "text",
    [
        "storage: {files: [{path: /a}]}",
        "storage: {files: [{path: /a}, {path: /b, mode: 1}]}",
    ],
)
def test_merged_configs_take_part_as_on_a_machine(text: str) -> None:
    plain = config_of("storage: {files: [{path: /a}, {path: /b, mode: 0644}]}")
    whole = config_of(f"{text}\nignition: {{config: {{merge: [{{inline: '{HELD}'}}]}}}}")
    assert config_changes(whole, plain) == []


def test_a_config_that_is_replaced_does_not_count() -> None:
    text = f"storage: {{files: [{{path: /a}}]}}\nignition: {{config: {{replace: {{inline: '{HELD}'}}}}}}"
    assert config_changes(config_of(text), config_of("storage: {files: [{path: /b, mode: 0644}]}")) == []


def test_configs_that_hold_one_another_without_end() -> None:
    """Eight are opened; the rest is a text that is not shown."""
    text = HELD.replace("/b", "/first")
    for _ in range(12):
        packed = base64.b64encode(gzip.compress(text.encode())).decode()
        replace = {"source": f"data:;base64,{packed}", "compression": "gzip"}
        text = json.dumps({"ignition": {"version": "3.4.0", "config": {"replace": replace}}})
    config = validate(text.encode()).config
    assert config is not None
    assert as_lines(config_changes(Config(), config)).splitlines()[-1] == "    replace: (not shown)"


def with_json() -> list[Case]:
    return [
        case
        for case in cases()
        if (case.folder / "case.ign").exists() and case.name.startswith(("trees", "boot", "files"))
    ]


@pytest.mark.parametrize("case", with_json(), ids=[case.name for case in with_json()])
def test_a_config_equals_its_json(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)
    made = transpile(case.text, TranspileOptions(files_dir=".", raw=True, lints=False)).config
    stored = validate((case.folder / "case.ign").read_bytes()).config
    assert made is not None
    assert stored is not None
    assert config_changes(made, stored) == []

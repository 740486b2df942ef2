"""Hints in reports."""

from __future__ import annotations

import pytest

from transpiler.phases import transpile

HEAD = "variant: fcos\nversion: 1.5.0\n"


def report_of(text: str, head: str = HEAD) -> str:
    return transpile((head + text).encode()).render()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("passwd: {users: [{name: a, sudo: ALL}]}", "for sudo, add"),
        ("passwd: {users: [{name: a, lock_passwd: true}]}", "login by password is impossible"),
        ("passwd: {users: [{name: a, ssh-authorized-keys: [k]}]}", "write ssh_authorized_keys"),
        ("passwd: {users: [{name: a, homeDir: /a}]}", "write home_dir"),
        ("storage: {files: [{path: /a, filesystem: root}]}", "remove it: paths are now those of the installed system"),
        ("storage: {files: [{path: /a, permissions: 0644}]}", "permission bits are `mode`"),
        ("storage: {files: [{path: /a, mode: 644}]}", "write 0644"),
        ('storage: {files: [{path: /a, mode: "0644"}]}', "remove the quotes"),
        ("storage: {luks: [{name: a, device: /d, cex: {enabled: true}}]}", "cex needs version 1.6.0 of fcos"),
        ("storage: {file: []}", "did you mean files?"),
        ("systemd: {units: [{name: a.service, enable: true}]}", "the key is `enabled`"),
        ("users: []", "accounts belong under passwd.users"),
        ("openshift: {}", "openshift is only for openshift"),
        ("passwd: {users: {name: a}}", "begin each element with `- `"),
        ("passwd:\n\tusers: []", "YAML is indented with spaces, never with tabs"),
        ("passwd: a: b", "put the whole text in quotes"),
        ("boot_device: {mirror: {devices: [/dev/a, /dev/b]}}", "add `layout: x86_64`"),
        *(
            (f"storage: {{disks: [{{device: /dev/a, partitions: [{{{name}: {size}}}]}}]}}", f"without unit{number}")
            for name in ("size_mib", "start_mib")
            for size, number in (("512mb", ": 512"), ("1G", ": 1024"), ("3 TiB", ": 3145728"), ("half", ""))
        ),
        ("storage: {files: [{path: /a, mode: 0644;}]}", "write 0644"),
        ("storage: {files: [{path: /a, mode: u=rw}]}", "write the mode in octal with a leading zero, such as 0644"),
        ("passwd: {users: [{name: a, uid: core}]}", "write a number; names are written as `name`"),
        ("ignition: {config: {replace: 'https://a'}}", "write the URL as `source: ...`"),
        ("kernel_arguments: [a]", "write the list below `should_exist:`"),
    ],
)
def test_each_mistake_has_its_hint(text: str, hint: str) -> None:
    assert hint in report_of(text + "\n")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("version: 1.5.0\n", "add a line like `variant: fcos`"),
        ("variant: fcos\nversion: 1.5\n", "write 1.5.0"),
        ("variant: fcos\nversion: 1.9.0\n", "versions of fcos: 1.0.0, 1.1.0"),
        ("variant: debian\nversion: 1.5.0\n", "variants: fcos, flatcar"),
        ("packages: [vim]\nusers: []\n", "this looks like a cloud-config"),
        ("version: 1.0.0\netcd: {name: a}\n", "this looks like a Container Linux Config"),
        ('{"ignition":{"version":"3.4.0"}}\n', "this is already an Ignition config"),
    ],
)
def test_hints_about_the_variant_and_version(text: str, hint: str) -> None:
    assert hint in report_of(text, head="")


def test_all_problems_are_reported_at_once() -> None:
    shown = report_of("storage: {files: [{path: a, mode: x, foo: 1}]}\nsystemd: {units: [{name: b.nope}]}\n")
    assert "storage.files[0].mode: expected a whole number, found a text" in shown
    assert "storage.files[0].path: path not absolute" in shown
    assert "systemd.units[0].name: invalid systemd unit extension" in shown
    assert "unused key foo" in shown


def test_problems_that_follow_from_an_error_are_left_out() -> None:
    shown = report_of("storage: {files: [{path: [a]}]}\n")
    assert shown.count("error:") == 1


def test_problems_of_generated_parts_name_the_sugar() -> None:
    shown = report_of("boot_device: {luks: {tang: [{url: https://tang}]}}\n")
    assert "boot_device.luks.tang[0].thumbprint: thumbprint is required" in shown


SECRETS = """\
passwd: {users: [{name: a, password_hash: [hash-1], foo: 1}, {name: a, password_hash: hash-2, bar: 2}]}
storage:
  files:
    - {path: a, contents: {inline: inline-1}}
    - {path: a, contents: {source: "https://user:user-1@host/?query-1"}}
    - path: /x
      contents:
        inline: |
          inline-2
          inline-3
        foo: 1
    - {path: b, append: [{inline: inline-4}], contents: {source: "data:,data-1"}}
systemd: {units: [{name: x, contents: unit-1}]}
"""


def test_secrets_are_not_shown() -> None:
    shown = report_of(SECRETS)
    assert "storage.files[0].path" in shown
    for secret in ("hash-1", "hash-2", "inline-", "user-1", "query-1", "data-1", "unit-1"):
        assert secret not in shown, secret


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_the_line_shown_is_the_line_of_the_problem(line_break: str) -> None:
    text = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: a\n".replace("\n", line_break)
    shown = transpile(text.encode()).render()
    assert shown.startswith("<stdin>:5:13: error:")
    assert "        - path: a\n" in shown

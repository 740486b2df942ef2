"""What a cloud-config loses is named with its place, and what to do instead."""

from __future__ import annotations

import gzip
import subprocess
from base64 import b64encode
from pathlib import Path
from shutil import which

import pytest

from provision.config.resources.content import inline_content
from tests.transpiler.cloud_config.golden import report
from transpiler.cloud_config.conversion import convert
from transpiler.cloud_config.files import CannotDecode, add_files, decoded
from transpiler.cloud_config.parts import Access, Parts
from transpiler.cloud_config.records import config_record
from transpiler.cloud_config.validator import validated
from transpiler.reading.typed import build


def told(text: str) -> list[str]:
    converted = convert(text.encode(), name="a")
    assert converted.config is None
    return report(converted).splitlines()


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("hostname: a b\n", "a:2:11: error: hostname", "is not a host name (hint: up to 64 letters"),
        ("manage_etc_hosts: all\n", "a:2:19: error: manage_etc_hosts", "unknown value"),
        ("manage_etc_hosts: localhost\n", "a:2:19: error: manage_etc_hosts", "add a hostname"),
        ("users: [{name: a, coreos-ssh-import-github: b}]\n", "a:2:45: error:", "github.com/NAME.keys"),
        ("users: [{name: a, coreos_ssh_import_url: b}]\n", "a:2:42: error:", "keys that the machine fetches"),
        ("users: [{name: a, sudo: b}]\n", "a:2:19: error: users[0].sudo", "/etc/sudoers.d under write_files"),
        ("users: [default]\n", "a:2:9: error: users[0]", "expected a mapping"),
        ("users: {name: a}\n", "a:2:8: error: users", "expected a list"),
        ("runcmd: [ls]\n", "a:2:1: error: runcmd", "`ExecStart=` under coreos.units"),
        ("hostnam: a\n", "a:2:1: error: hostnam", "did you mean hostname?"),
        ("coreos: {write_files: []}\n", "a:2:10: error: coreos.write_files", "at the top, not below coreos"),
        ("coreos: {etcd2: {snapshot: true}}\n", "a:2:18: error:", "snapshot is an option of etcd"),
        ("coreos: {etcd2: {proxy: maybe}}\n", "a:2:25: error:", "write on, off or readonly"),
        ("coreos: {fleet: {etcd_request_timeout: 1s}}\n", "a:2:40: error:", "a number of seconds"),
        ("coreos: {locksmith: {window_start: noon}}\n", "a:2:36: error:", "such as 04:00"),
        ("coreos: {update: {reboot_strategy: never}}\n", "a:2:36: error:", "one of etcd-lock, reboot, off"),
        ("coreos: {units: [{name: a.service, command: kill}]}\n", "a:2:45: error:", "one of start, stop"),
        ("coreos: {units: [{name: ../a.service}]}\n", "a:2:25: error:", "has no slash"),
        ("coreos: {units: [{name: etcd, enable: true}]}\n", "a:2:18: error:", "invalid systemd unit extension"),
        ("coreos: {units: [{name: a.service, content: '[x'}]}\n", "a:2:45: error:", "invalid unit content"),
        ("coreos: {units: [{name: a.service, enable: 1}]}\n", "a:2:44: error:", "expected true or false"),
        ("write_files: [{content: a}]\n", "a:2:15: error: write_files[0]", "a file has no path"),
        ("write_files: [{path: /a, encoding: zip}]\n", "a:2:36: error:", "one of base64, b64"),
        ("write_files: [{path: /a, encoding: b64, content: '*'}]\n", "a:2:50: error:", "cannot be decoded as b64"),
        ("write_files: [{path: /a, encoding: gz, content: a}]\n", "a:2:49: error:", "gz+b64"),
        ("write_files: [{path: /a, permissions: rw}]\n", "a:2:39: error:", "write them in octal"),
        ("write_files: [{path: /a, permissions: 1777777}]\n", "a:2:39: error:", "write them in octal"),
        ("write_files: [{path: /a, owner: 'core:'}]\n", "a:2:33: error:", "write core:GROUP"),
        ("write_files: [{path: /a, owner: 'a b'}]\n", "a:2:33: error:", "such as core:core"),
        ("write_files: [{path: /proc/sys/a}]\n", "a:2:15: error:", "is not on a disk"),
        ('write_files: [{path: "/run/a\\n"}]\n', "a:2:15: error:", "the path has a control character"),
        ("write_files: [{path: /usr/bin/a}]\n", "a:2:22: error:", "/usr is read-only"),
        ("write_files: [{path: /a, content: é $public_ipv6}]\n", "a:2:37: error:", "--address public_ipv6=ADDRESS"),
        ("hostname: a\nhostname: b\n", "a:3:1: error: hostname", "already defined"),
        ("hostname: [\n", "a:3:1: error", "did not find expected node content"),
        ("---\nhostname: a\n---\nhostname: b\n", "a:4:1: error", "only the first document is read"),
    ],
)
def test_losses_and_mistakes(text: str, place: str, message: str) -> None:
    lines = told(f"#cloud-config\n{text}")
    assert [line for line in lines if line.startswith(place) and message in line], lines


def test_everything_is_reported_at_once() -> None:
    text = "#cloud-config\nruncmd: [a]\nhostname: a b\nusers:\n  - {name: a, coreos_ssh_import_url: b}\n"
    assert len(told(text)) == 3


def test_no_secret_is_reported() -> None:
    lines = told("#cloud-config\nusers: [{name: a, passwd: [hunter2]}]\nwrite_files: [{path: [a], content: hunter2}]\n")
    assert "hunter2" not in "\n".join(lines)


def test_a_value_that_is_long_is_reported_in_part() -> None:
    assert all(len(line) < 10_000 for line in told(f"hostname: {'a' * 1_000_000}\n"))


def test_a_unit_whose_name_is_like_an_option_is_started() -> None:
    config = convert(b"#cloud-config\ncoreos: {units: [{name: -.mount, command: start}]}\n", name="a").config
    assert config is not None
    assert "\nExecStart=-/usr/bin/systemctl start -- -.mount\n" in (config.systemd.units[-1].contents or "")


def test_two_cloud_configs_of_a_machine_do_not_share_names() -> None:
    text = b"#cloud-config\ncoreos: {units: [{name: a.service, command: start}], flannel: {interface: a}}\n"
    oem = convert(text, suffix="-oem").config
    assert oem is not None
    assert [unit.name for unit in oem.systemd.units] == ["a.service", "cloud-config-commands-oem.service"]
    assert [file.path for file in oem.storage.files][1:] == ["/etc/tmpfiles.d/cloud-config-oem.conf"]


@pytest.mark.skipif(which("systemd-tmpfiles") is None, reason="needs systemd-tmpfiles")
def test_systemd_copies_the_files_of_folders_that_a_start_empties(tmp_path: Path) -> None:
    files = {"/run/a b/%x": b"\0 %b\n", '/tmp/it\'s "c"\\d': b"", "/run/large": bytes(100_000)}
    parts = Parts()
    for path, contents in files.items():
        parts.add_file(path, contents, (), Access(0o640))
    for file in parts.draft().config.storage.files:
        place = tmp_path / file.path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(inline_content(file.contents) or b"")
        place.chmod(file.mode or 0)
    argv = ["systemd-tmpfiles", "--create", f"--root={tmp_path}", "cloud-config.conf"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for path, contents in files.items():
        made = tmp_path / path[1:]
        assert (made.read_bytes(), made.stat().st_mode & 0o7777) == (contents, 0o640)


def test_contents_may_not_explode() -> None:
    packed = b64encode(gzip.compress(bytes(2000)))
    assert decoded(packed, "gz+b64", 2000) == bytes(2000)
    with pytest.raises(CannotDecode, match="the contents of all files have more than"):
        decoded(packed, "gz+b64", 1999)


def test_the_limit_is_for_all_contents_together() -> None:
    packed = b64encode(gzip.compress(bytes(2000))).decode()
    parts = Parts()
    room = parts.room
    files = [{"path": "/a", "encoding": "gz+b64", "content": packed}]
    files += [{"path": "/b", "encoding": "b64", "content": "AA=="}]
    add_files(build(config_record(), {"write_files": files}), parts)
    assert parts.room == room - 2001


@pytest.mark.parametrize(
    "text",
    [
        "users: " + "[" * 5000 + "]" * 5000,
        "users: &a [*a, *a]",
        "a: &a [x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nusers: [*c, *c, *c]",
        "write_files:\n" + "  - {path: /a, b: c}\n" * 300,
    ],
)
def test_hostile_texts_end(text: str) -> None:
    raw = f"#cloud-config\n{text}\n".encode()
    assert convert(raw).config is None
    assert validated(raw)

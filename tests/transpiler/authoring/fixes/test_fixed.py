"""Fixes mend what has one certain remedy, change nothing else, and are complete after one run."""

from __future__ import annotations

import re

import pytest

from tests.transpiler.mistakes import FOLDER, mistakes
from transpiler.authoring.fixes.fixed import fixed, fixes_of
from transpiler.authoring.text_edits import Edit, apply_edits
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

HEAD = "variant: fcos\nversion: 1.5.0\n"

REMEDIES = [
    ("storage: {files: [{path: /a, mode: 644}]} # c\n", "storage: {files: [{path: /a, mode: 0644}]} # c\n"),
    ("storage: {files: [{path: /a, mode: '755'}]}\n", "storage: {files: [{path: /a, mode: 0755}]}\n"),
    ("storage: {files: [{path: /a//b/, mode: 0100600}]}\n", "storage: {files: [{path: /a/b, mode: 0600}]}\n"),
    ("storage:\n  files:\n  - path:/a\n", "storage:\n  files:\n  - path: /a\n"),
    ("storage: {files: [{path: /a, mode:-1}]}\n", "storage: {files: [{path: /a, mode:-1}]}\n"),
    ("storage:\n  files:\n  - path:-a\n", "storage:\n  files:\n  - path: -a\n"),
    ("storage: {files: [{path: /a, user: core}]}\n", "storage: {files: [{path: /a, user: {name: core}}]}\n"),
    ("passwd: {users: [{name: core, groups: wheel}]}\n", "passwd: {users: [{name: core, groups: [wheel]}]}\n"),
    ("passwd: {users: [{name: core, shel: /bin/sh}]}\n", "passwd: {users: [{name: core, shell: /bin/sh}]}\n"),
    ("passwd: {users: [{name: core, homeDir: /h}]}\n", "passwd: {users: [{name: core, home_dir: /h}]}\n"),
    ("storage: {files: [{path: \u201c/a\u201d}]}\n", 'storage: {files: [{path: "/a"}]}\n'),
    (
        "systemd: {units: [{name: a.service, dropins: [{name: b, contents: '[Unit]'}]}]}\n",
        "systemd: {units: [{name: a.service, dropins: [{name: b.conf, contents: '[Unit]'}]}]}\n",
    ),
    # mistakes behind another one: the config is valid, has an error after the first edit, and none in the end
    ("storage: {file: [{path: /a, user: core}]}\n", "storage: {files: [{path: /a, user: {name: core}}]}\n"),
    (
        "storage: {file: [{pth: /a//b, mode: '644', contents: {inlin: x}}]}\n",
        "storage: {files: [{path: /a/b, mode: 0644, contents: {inline: x}}]}\n",
    ),
]

LEFT_TO_THE_AUTHOR = (
    "passwd: {users: [{name: core, shell: /a, shel: /b}]}\n",  # which one?
    "passwd: {users: [{name: core, xyz: /b}]}\n",
    "storage: {files: [{path: /a, mode: &m 644}, {path: /b, mode: *m}]}\n",
    "storage: {files: [{path: /a, mode: 644}]} # transpile: ignore=decimal-mode\n",
    "storage: {disks: [{device: /dev/a, partitions: [{size_mib: 10G}]}]}\n",
    "storage: {files: [{path: /a, overwite: true}]}\n",  # an error, if it is mended
    "storage: {file: [{path: a}]}\n",  # the same
    'passwd: {users: [{name: "core", groups: "a,b"}]}\n',
)


def _unit(line: str, section: str = "Service", keys: str = "") -> str:
    text = f"[{section}]\n        ExecStart=/a\n        {line}\n"
    return f"systemd:\n  units:\n    - name: a.service\n{keys}      contents: |\n        {text}"


def _file(path: str, *lines: str, keys: str = "") -> str:
    text = "".join(f"          {line}\n" for line in lines)
    return f"storage:\n  files:\n    - path: {path}\n{keys}      contents:\n        inline: |\n{text}"


IN_TEXTS = {
    "Restrat": (_unit("Restrat=always"), "Restrat", "Restart"),
    "allways": (_unit("Restart = allways"), "allways", "always"),
    "calls": (_unit("SystemCallFilter=@sytem-service"), "sytem", "system"),
    "section": (_unit("Restart=no", "Sevrice"), "Sevrice", "Service"),
    "Execstart": (_unit("").replace("ExecStart", "Execstart"), "Execstart", "ExecStart"),
    "target": (_unit("[Unit]\n        After=a.service netwrok.target b.service"), "netwrok.target", "network.target"),
    "quadlet": (
        _file("/etc/containers/systemd/a.container", "[Container]", "Image=b", "PublishPorts=1"),
        "Ports",
        "Port",
    ),
    "journald": (_file("/etc/systemd/journald.conf", "[Journal]", "Storag=none"), "Storag", "Storage"),
    "Journald": (_file("/etc/systemd/journald.conf", "[Journald]", "Storage=none"), "Journald", "Journal"),
    "networkd": (_file("/etc/systemd/network/a.network", "[Network]", "Adress=192.0.2.1/24"), "Adress", "Address"),
    "sudo": (
        _file("/etc/sudoers.d/a", "core ALL=(ALL) NOPASWD: ALL", keys="      mode: 0440\n"),
        "NOPASWD",
        "NOPASSWD",
    ),
    "tag": (_file("/etc/sudoers.d/a", "core ALL=(ALL) NOPASSWD ALL", keys="      mode: 0440\n"), "WD ALL", "WD: ALL"),
    "sudoers": (_file("/etc/sudoers.d/a.b", "core ALL=(ALL) ALL", keys="      mode: 0440\n"), "a.b", "a_b"),
    "sudo mode": (_file("/etc/sudoers.d/a", "core ALL=(ALL) ALL", keys="      mode: 0666\n"), "0666", "0440"),
    "sshd": (_file("/etc/ssh/sshd_config.d/a.conf", "PermitRootLogins no"), "Logins", "Login"),
    "sshd name": (_file("/etc/ssh/sshd_config.d/a", "PermitRootLogin no"), "d/a", "d/a.conf"),
    "zone": (
        "storage: {links: [{path: /etc/localtime, target: ../usr/share/zoneinfo/Europe/Berln}]}\n",
        "Berln",
        "Berlin",
    ),
    "locale": (_file("/etc/locale.conf", "LANGG=de_DE.UTF-8"), "LANGG", "LANG"),
}


@pytest.mark.parametrize(("text", "wrong", "right"), IN_TEXTS.values(), ids=IN_TEXTS)
def test_mistyped_words_in_units_and_files(text: str, wrong: str, right: str) -> None:
    made = fixed((HEAD + text).encode())
    assert made.raw.decode() == (HEAD + text).replace(wrong, right)
    assert made.edits == 1
    assert transpile(made.raw).problems == ()


PROFILE = "/etc/NetworkManager/system-connections/a.nmconnection"


def test_a_profile_that_others_may_read_gets_a_mode() -> None:
    text = HEAD + _file(PROFILE, "[connection]", "type=ethernet").replace("nection\n", "nection  # why\n", 1)
    with_mode = text.replace("# why\n", "# why\n      mode: 0600\n")
    assert fixed(text.encode()).raw.decode() == with_mode
    assert fixed(text.replace("\n", "\r\n").encode()).raw.decode() == with_mode.replace("\n", "\r\n")
    assert fixed(with_mode.replace("0600", "0644").encode()).raw.decode() == with_mode


NOT_CERTAIN = {
    "digit": (_file("/etc/systemd/network/a.network", "[DHCPv5]"), "v5", "v6"),
    "journald": (_file("/etc/systemd/journald.conf", "[Journal]", "SystemMaxUsage=1G"), "Usage", "Use"),
    "mount": (
        "systemd: {units: [{name: b.mount, contents: '[Mount]\n\n\n  What=/dev/a\n\n\n  Where=/a'}]}\n",
        "b.mount",
        "a.mount",
    ),
    "size": (_unit("MemoryMax=512MB"), "512MB", "512M"),
    "relative": (_unit("WorkingDirectory=etc/x"), "etc/x", "/etc/x"),
    "no type": (_unit("[Unit]\n        After=docker"), "docker", "docker.service"),
    "quadlet": (_file("/etc/containers/systemd/a.containers", "[Container]", "Image=b"), "rs\n", "r\n"),
    "encoding": (_file("/etc/locale.conf", "LANG=de_DE.utf-9"), "utf-9", "UTF-8"),
    "comment": (_unit("Restart=always # why"), " # why", ""),
    "install": (
        _unit("Restart=always", keys="      enabled: true\n"),
        "always\n",
        "always\n        [Install]\n        WantedBy=multi-user.target\n",
    ),
    "GiB": ("storage: {disks: [{device: /dev/a, wipe_table: true, partitions: [{size_mib: 10G}]}]}\n", "10G", "10240"),
    "key": (_file("/etc/a", "-----BEGIN OPENSSH PRIVATE KEY-----", keys="      mode: 0644\n"), "0644", "0600"),
    "tmpfiles": (_file("/etc/tmpfiles.d/a.conf", "d var/lib/a"), "d var", "d /var"),
}


@pytest.mark.parametrize(("text", "wrong", "right"), NOT_CERTAIN.values(), ids=NOT_CERTAIN)
def test_what_an_editor_offers_and_a_run_leaves(text: str, wrong: str, right: str) -> None:
    raw = (HEAD + text).encode()
    assert fixed(raw) == (raw, 0)
    made = [apply_edits(raw, [one.edit]).decode() for one in fixes_of(transpile(raw)) if not one.is_certain]
    assert made == [(HEAD + text).replace(wrong, right)]


@pytest.mark.parametrize(("before", "after"), REMEDIES, ids=[before[:40] for before, _ in REMEDIES])
def test_certain_remedies(before: str, after: str) -> None:
    assert fixed((HEAD + before).encode()).raw.decode() == HEAD + after


@pytest.mark.parametrize("text", LEFT_TO_THE_AUTHOR)
def test_what_is_left_to_the_author(text: str) -> None:
    assert fixed((HEAD + text).encode()) == ((HEAD + text).encode(), 0)


EVERY_LEVEL = """\
variant: fcos
version: 1.5.0
ignition: {proxy: {http_proxy: "http://a"}}
kernel_arguments: {should_exist: [quiet]}
passwd: {users: [{name: core, home_dir: /h, groups: [wheel]}]}
storage:
  files:
    - path: /a
      overwrite: true
      mode: 0644
      user: {name: core}
      contents:
        inline: x
        verification: {hash: sha256-2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881}
  disks: [{device: /dev/a, wipe_table: true, partitions: [{label: b, size_mib: 9}]}]
  luks: [{name: c, device: /dev/b, key_file: {inline: x}, clevis: {tang: [{url: http://a, thumbprint: b}]}}]
systemd:
  units:
    - name: a.service
      enabled: true
      contents: |
        [Install]
        WantedBy=default.target
      dropins: [{name: b.conf, contents: "[Unit]"}]
"""
KEYS = re.compile(r"(?m)(?<![\w/])[a-z_]{3,}(?=:(\s|$))")


def test_a_mistyped_key_is_mended_at_every_level() -> None:
    """One letter too few, one too many, two exchanged: the config is as before, and checks at least as well."""
    wanted = transpile(EVERY_LEVEL.encode()).json
    assert wanted
    for number, match in enumerate(KEYS.finditer(EVERY_LEVEL)):
        key = match[0]
        typed = (key[:1] + key[2:], key + "x", key[:-2] + key[-1] + key[-2], key.upper())[number % 4]
        text = EVERY_LEVEL[: match.start()] + typed + EVERY_LEVEL[match.end() :]
        assert transpile(fixed(text.encode()).raw).json == wanted, typed


def test_fixes_of_mistakes_check_better(monkeypatch: pytest.MonkeyPatch) -> None:
    for mistake in mistakes():
        monkeypatch.chdir(FOLDER / mistake.name)
        options = TranspileOptions(files_dir="files")
        before = transpile((FOLDER / mistake.name / "case.bu").read_bytes(), options)
        made = fixed((FOLDER / mistake.name / "case.bu").read_bytes(), options)
        after = transpile(made.raw, options)
        if made.edits:
            assert (after.failed, len(after.problems)) < (before.failed, len(before.problems)), mistake.name


def test_one_wrong_edit_does_not_stop_the_others() -> None:
    text = HEAD + "storage: {files: [{path: /a, overwite: true, mode: 644}]}\n"
    assert fixed(text.encode()).raw.decode() == text.replace("644", "0644")


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\u2028"])
def test_line_breaks_byte_order_mark_and_comments_stay(line_break: str) -> None:
    text = "\ufeff# one\nvariant: focs # two\n\nversion: 1.5.0\n# three".replace("\n", line_break)
    mended = text.replace("focs", "fcos")
    assert fixed(text.encode()).raw.decode() == mended


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"variant: \xff", "variant: focs\n".encode("utf-16")])
def test_a_text_that_is_not_utf_8_stays(raw: bytes) -> None:
    assert fixed(raw) == (raw, 0)


def test_fixes_are_complete_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    for mistake in mistakes():
        monkeypatch.chdir(FOLDER / mistake.name)
        before = (FOLDER / mistake.name / "case.bu").read_bytes()
        once = fixed(before, TranspileOptions(files_dir="files"))
        assert fixed(once.raw, TranspileOptions(files_dir="files")) == (once.raw, 0), mistake.name
        assert (once.raw == before) == (once.edits == 0), mistake.name
        assert len(re.split(rb"\n", once.raw)) == len(re.split(rb"\n", before)), mistake.name


def test_edits_that_overlap_or_lie_outside_are_left_out() -> None:
    edits = [Edit(1, 1, 4, "x"), Edit(1, 3, 5, "y"), Edit(9, 1, 1, "z"), Edit(1, 6, 9, "z"), Edit(2, 2, 3, "!")]
    assert apply_edits(b"abcde\r\nfg", edits) == b"abye\r\nf!"

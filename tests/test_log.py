"""Messages in the journal's protocol and on standard output."""

from __future__ import annotations

import os
import socket
import time
from io import StringIO
from pathlib import Path

import pytest

from provision.log import also_in_journal, journal_field, notices_on, open_log, with_unit_status
from provision.system.consoles import on_consoles


def test_standard_output_has_the_reference_engines_words() -> None:
    out = StringIO()
    log = open_log(out, to_stdout=True)
    log("info", "Stage: disks", IGNITION_USER_NAME="core")
    log("critical", "one\ntwo")
    assert out.getvalue() == "INFO     : Stage: disks\nCRITICAL : one\nCRITICAL : two\n"


def test_messages_that_programs_look_for_are_in_the_journal_too(tmp_path: Path) -> None:
    out = StringIO()
    log = also_in_journal(open_log(out, to_stdout=True), str(tmp_path / "socket"))
    log("info", "without a journal", MESSAGE_ID="1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        log("info", "plain", IGNITION_USER_NAME="core")
        log("info", "found", MESSAGE_ID="2", IGNITION_USER_NAME="core")
        fields = journal.recv(4096).decode().splitlines()
    assert {"MESSAGE=found", "MESSAGE_ID=2", "IGNITION_USER_NAME=core"} <= set(fields)
    assert out.getvalue() == "INFO     : without a journal\nINFO     : plain\nINFO     : found\n"


def test_a_person_hears_what_takes_long_and_no_details() -> None:
    out = StringIO()
    log = notices_on(out)
    log("debug", "running mkfs.ext4")
    log("info", "a step")
    log("notice", "make ext4: it has been\nrunning for 10 s")
    assert out.getvalue() == "provision: make ext4: it has been\nprovision: running for 10 s\n"


def initramfs(root: Path, *terminals: int) -> str:
    """The root of an initramfs whose consoles are these terminals and one that is not there."""
    for folder in ("etc", "dev", "sys/class/tty/console"):
        (root / folder).mkdir(parents=True)
    (root / "etc/initrd-release").touch()
    names = [f"ttyS{number}" for number, _ in enumerate(terminals)]
    for name, terminal in zip(names, terminals, strict=True):
        (root / "dev" / name).symlink_to(os.ttyname(terminal))
    (root / "sys/class/tty/console/active").write_text(f"tty9 {' '.join(names)}\n")
    return str(root)


def test_what_matters_to_a_person_is_on_every_console(tmp_path: Path) -> None:
    pairs = [os.openpty() for _ in range(2)]
    kept = StringIO()
    log = on_consoles(open_log(kept, to_stdout=True), initramfs(tmp_path, *(terminal for _, terminal in pairs)))
    log("info", "nobody needs this")
    log("notice", "waiting for http://a for 5 s")
    log("critical", "shown at the end")
    log("warning", "one\ntwo")
    for screen, terminal in pairs:
        seen = b""
        while seen.count(b"\n") < 3:
            seen += os.read(screen, 4096)
        assert seen.replace(b"\r", b"").splitlines() == [
            b"ignition: waiting for http://a for 5 s",
            b"ignition: one",
            b"ignition: two",
        ]
        os.close(screen)
        os.close(terminal)
    assert "INFO     : nobody needs this\n" in kept.getvalue()


def test_a_console_that_takes_nothing_holds_nobody_up(tmp_path: Path) -> None:
    screen, terminal = os.openpty()
    log = on_consoles(open_log(StringIO(), to_stdout=True), initramfs(tmp_path, terminal), seconds=0.1)
    began = time.monotonic()
    for _ in range(1000):
        log("warning", "x" * 1000)
    assert time.monotonic() - began < 50, "each message waits"
    os.close(screen)
    os.close(terminal)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [("quiet", b""), ("root=a quiet rw", b""), ("root=a quieter", b"ignition: copying\r\n")],
)
def test_a_quiet_boot_shows_no_progress(arguments: str, shown: bytes, tmp_path: Path) -> None:
    screen, terminal = os.openpty()
    root = initramfs(tmp_path, terminal)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text(f"{arguments} console=ttyS0\n")
    out = StringIO()
    log = on_consoles(open_log(out, to_stdout=True), root)
    log("progress", "copying")
    log("notice", "waiting for 5 s")
    log("warning", "odd")
    seen = b""
    while not seen.endswith(b"odd\r\n"):
        seen += os.read(screen, 4096)
    assert seen == shown + b"ignition: waiting for 5 s\r\nignition: odd\r\n"
    assert out.getvalue().startswith("NOTICE   : copying\n")
    os.close(screen)
    os.close(terminal)


def test_elsewhere_nothing_is_on_a_console(tmp_path: Path) -> None:
    screen, terminal = os.openpty()
    root = initramfs(tmp_path, terminal)
    (tmp_path / "etc/initrd-release").unlink()
    on_consoles(open_log(StringIO(), to_stdout=True), root)("warning", "secret to the journal")
    os.set_blocking(screen, False)
    with pytest.raises(BlockingIOError):
        os.read(screen, 1)
    os.close(screen)
    os.close(terminal)


def test_fields_of_one_line_are_plain() -> None:
    assert journal_field("MESSAGE", b"hello") == b"MESSAGE=hello\n"


def test_fields_of_several_lines_carry_their_length() -> None:
    assert journal_field("MESSAGE", b"a\nb") == b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n"


@pytest.mark.parametrize("address", ["@provision-test-{}", "{}/notify"])
def test_the_last_message_is_the_status_of_the_unit(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd gives a unit a path, or a name that is in no file system."""
    address = address.format(tmp_path if "/" in address else os.getpid())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0"))
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        kept = StringIO()
        log = with_unit_status(open_log(kept, to_stdout=True))
        log("debug", "running mkfs.ext4")
        log("info", "disks: make ext4\nREADY=1")
        assert systemd.recv(100) == b"STATUS=disks: make ext4"
    log("notice", "systemd is gone")
    assert kept.getvalue().endswith("NOTICE   : systemd is gone\n")


def test_without_systemd_there_is_no_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    log = open_log(StringIO(), to_stdout=True)
    assert with_unit_status(log) is log

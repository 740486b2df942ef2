from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from provision.system import consoles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    active = tmp_path / "sys/class/tty/console/active"
    active.parent.mkdir(parents=True)
    active.write_text("tty0 ttyS1 ttyS0\n")
    (tmp_path / "dev").mkdir()
    return tmp_path


def test_every_console_gets_it(root: Path) -> None:
    terminals = [os.openpty() for _ in range(2)]
    for number, (_, terminal) in enumerate(terminals):
        (root / f"dev/ttyS{number}").symlink_to(os.ttyname(terminal))
    consoles.show("one\ntwo \x1b]0;title\x07", str(root))
    for screen, terminal in terminals:
        assert os.read(screen, 4096) == b"one\r\ntwo ?]0;title?\r\n"
        os.close(screen)
        os.close(terminal)


def test_a_slow_console_gets_everything(root: Path) -> None:
    """A terminal takes some thousand bytes at once; the end of a report, with the hint, comes after them."""
    screen, terminal = os.openpty()
    (root / "dev/ttyS0").symlink_to(os.ttyname(terminal))
    text = "\n".join(f"{number:099}" for number in range(1000))
    seen = bytearray()

    def read_slowly() -> None:
        while not seen.endswith(b"999\r\n"):
            seen.extend(os.read(screen, 100))

    reader = Thread(target=read_slowly, daemon=True)
    reader.start()
    assert consoles.show(text, str(root), seconds=60)
    reader.join(60)
    assert seen.decode().replace("\r", "") == f"{text}\n"
    os.close(screen)
    os.close(terminal)


def test_a_console_that_takes_no_more_does_not_stop_the_boot(root: Path) -> None:
    """The other consoles get all lines meanwhile."""
    (stuck, terminal), (screen, other) = os.openpty(), os.openpty()
    (root / "dev/ttyS0").symlink_to(os.ttyname(terminal))
    (root / "dev/ttyS1").symlink_to(os.ttyname(other))
    assert not consoles.show("x" * 100_000, str(root), seconds=0.01)
    (root / "dev/ttyS1").unlink()
    os.close(screen)
    os.close(other)
    screen, other = os.openpty()
    (root / "dev/ttyS1").symlink_to(os.ttyname(other))
    assert not consoles.show("the cause", str(root), seconds=0.01)
    assert os.read(screen, 4096) == b"the cause\r\n"
    for fd in (stuck, terminal, screen, other):
        os.close(fd)


def test_a_console_that_has_hung_up_is_skipped(root: Path) -> None:
    screen, terminal = os.openpty()
    (root / "dev/ttyS0").symlink_to(os.ttyname(terminal))
    (root / "dev/ttyS1").symlink_to("/dev/full")
    os.close(screen)
    assert consoles.show("x" * 100_000, str(root), seconds=60)
    os.close(terminal)


def test_only_an_initramfs_is_ours(root: Path) -> None:
    assert not consoles.in_initramfs(str(root))
    (root / "etc").mkdir()
    (root / "etc/initrd-release").touch()
    assert consoles.in_initramfs(str(root))


def test_a_machine_without_consoles(tmp_path: Path) -> None:
    consoles.show("nobody reads this", str(tmp_path))

from __future__ import annotations

import os
from pathlib import Path

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


def test_a_console_that_takes_no_more_is_not_waited_for(root: Path) -> None:
    screen, terminal = os.openpty()
    (root / "dev/ttyS0").symlink_to(os.ttyname(terminal))
    for _ in range(1000):
        consoles.show("x" * 1000, str(root))
    os.close(screen)
    os.close(terminal)


def test_only_an_initramfs_is_ours(root: Path) -> None:
    assert not consoles.in_initramfs(str(root))
    (root / "etc").mkdir()
    (root / "etc/initrd-release").touch()
    assert consoles.in_initramfs(str(root))


def test_a_machine_without_consoles(tmp_path: Path) -> None:
    consoles.show("nobody reads this", str(tmp_path))

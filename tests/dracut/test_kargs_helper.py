"""The helper for kernel arguments, on the files of each boot loader."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

HELPER = Path(__file__).parents[2] / "dracut/engine/kargs-helper.py"
ENTRY = "title Linux\nlinux /vmlinuz\noptions root=LABEL=root quiet nosmt=a*b\n"
GRUB = 'menuentry "Linux" {\n\tlinux   /vmlinuz-6.1 root=LABEL=root quiet nosmt=a*b\n\tinitrd  /initrd\n}\n'
DEFAULTS = 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=""\nGRUB_CMDLINE_LINUX="quiet nosmt=a*b"\n'
CHANGE = ("--should-exist", "nosmt=force", "--should-exist", "console=ttyS0", "--should-not-exist", "quiet")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    files = {
        "boot/loader/entries/one.conf": ENTRY,
        "boot/loader/entries/two.conf": ENTRY,
        "boot/grub/grub.cfg": GRUB,
        "root/etc/default/grub": DEFAULTS,
        "root/etc/kernel/cmdline": "root=LABEL=root quiet\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(system: Path, loader: str, *arguments: str, reboot: str = "yes") -> subprocess.CompletedProcess[str]:
    """Run it; the reboot fails, with status 9, so that the helper ends."""
    programs = system / "programs"
    programs.mkdir(exist_ok=True)
    for name in ("systemctl", "reboot"):
        (programs / name).write_text("#!/bin/sh\nexit 9\n")
        (programs / name).chmod(0o755)
    config = system / "kargs.conf"
    config.write_text(f'LOADER={loader}\nBOOT={system}/boot\nROOT="{system}/root" # the root\n')
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PROVISION_KARGS_CONF": str(config),
        "PROVISION_KARGS_REBOOT": reboot,
    }
    return subprocess.run(
        [HELPER, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def rebooted(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether it tried to reboot, after it had said so."""
    assert done.returncode == 1
    return done.stdout == "kernel arguments changed: rebooting\n" and "returned non-zero exit status 9" in done.stderr


EDITED = "nosmt=a*b nosmt=force console=ttyS0"


def test_entries_of_the_boot_loader_specification(system: Path) -> None:
    assert rebooted(run(system, "bls", *CHANGE))
    for name in ("one", "two"):
        text = (system / f"boot/loader/entries/{name}.conf").read_text()
        assert text == f"title Linux\nlinux /vmlinuz\noptions root=LABEL=root {EDITED}\n"


def test_arguments_for_later_boots_alone(system: Path) -> None:
    assert run(system, "bls", *CHANGE, reboot="no").returncode == 0
    assert EDITED in (system / "boot/loader/entries/two.conf").read_text()


def test_grub_and_what_it_is_made_from(system: Path) -> None:
    assert rebooted(run(system, "grub", *CHANGE))
    assert f"linux   /vmlinuz-6.1 root=LABEL=root {EDITED}\n" in (system / "boot/grub/grub.cfg").read_text()
    assert f'GRUB_CMDLINE_LINUX="{EDITED}"\n' in (system / "root/etc/default/grub").read_text()
    assert 'GRUB_CMDLINE_LINUX_DEFAULT=""\n' in (system / "root/etc/default/grub").read_text()


def test_systemd_boot_and_what_kernel_install_reads(system: Path) -> None:
    assert rebooted(run(system, "systemd-boot", *CHANGE))
    assert EDITED in (system / "boot/loader/entries/one.conf").read_text()
    assert (system / "root/etc/kernel/cmdline").read_text() == "root=LABEL=root nosmt=force console=ttyS0\n"


@pytest.mark.parametrize("loader", ["bls", "grub", "systemd-boot"])
def test_a_second_run_changes_nothing_and_does_not_reboot(system: Path, loader: str) -> None:
    run(system, loader, *CHANGE)
    again = run(system, loader, *CHANGE)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_modes_are_kept(system: Path) -> None:
    entry = system / "boot/loader/entries/one.conf"
    entry.chmod(0o640)
    run(system, "bls", *CHANGE)
    assert stat.S_IMODE(entry.stat().st_mode) == 0o640
    assert sorted(path.name for path in entry.parent.iterdir()) == ["one.conf", "two.conf"]


def test_a_word_is_not_found_within_another(system: Path) -> None:
    run(system, "bls", "--should-not-exist", "nosmt", "--should-exist", "root=LABEL=roo")
    assert "root=LABEL=root quiet nosmt=a*b root=LABEL=roo\n" in (system / "boot/loader/entries/one.conf").read_text()


@pytest.mark.parametrize(
    ("loader", "arguments", "said"),
    [
        ("lilo", (), "LOADER=lilo is unknown"),
        ("bls", ("--should-exist",), "an argument is missing"),
        ("bls", ("--must-exist", "x"), "--must-exist: unknown option"),
    ],
)
def test_what_is_wrong_is_said(system: Path, loader: str, arguments: tuple[str, ...], said: str) -> None:
    failed = run(system, loader, *arguments)
    assert failed.returncode == 1
    assert said in failed.stderr


def test_without_entries_it_fails(system: Path) -> None:
    for path in (system / "boot/loader/entries").iterdir():
        path.unlink()
    failed = run(system, "bls", *CHANGE)
    assert failed.returncode == 1
    assert "there are no entries" in failed.stderr

"""The helper for kernel arguments, on the files of each boot loader."""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.dracut.kargs_helper import HELPER, helper

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


@pytest.mark.parametrize("wanted", [("a b",), ("x a", "b")], ids=["in one", "in two"])
def test_what_would_change_at_every_boot_is_refused(system: Path, wanted: tuple[str, ...]) -> None:
    added = [word for one in wanted for word in ("--should-exist", one)]
    unwanted = "b" if len(wanted) == 1 else "a b"
    done = run(system, "bls", *added, "--should-not-exist", unwanted)
    assert "an argument that should not exist is in one that should exist" in done.stderr
    assert (system / "boot/loader/entries/one.conf").read_text() == ENTRY


@pytest.mark.disks
def test_a_full_disk_is_named_and_keeps_what_it_has(system: Path) -> None:
    folder = system / "boot/loader/entries"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", folder], check=True)
    try:
        (folder / "one.conf").write_text(ENTRY)
        (folder / "large").write_bytes(b"x" * 4096)
        done = run(system, "bls", *CHANGE)
        assert done.stderr == f"ignition-kargs-helper: {folder}/one.conf: No space left on device\n"
        assert (folder / "one.conf").read_text() == ENTRY
        assert sorted(path.name for path in folder.iterdir()) == ["large", "one.conf"]
    finally:
        subprocess.run(["umount", folder], check=True)


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


def test_all_lines_of_options_are_one_command_line(system: Path) -> None:
    entry = system / "boot/loader/entries/one.conf"
    entry.write_text("linux /vmlinuz\noptions root=a\noptions quiet\n")
    (system / "boot/loader/entries/two.conf").write_text("linux /vmlinuz")
    (system / "boot/loader/entries/shell.conf").write_text("efi /shell.efi\n")
    assert rebooted(run(system, "bls", "--should-exist", "root=a", "--should-exist", "nosmt"))
    assert entry.read_text() == "linux /vmlinuz\noptions root=a\noptions quiet nosmt\n"
    assert entry.with_name("two.conf").read_text() == "linux /vmlinuz\noptions root=a nosmt\n"
    assert entry.with_name("shell.conf").read_text() == "efi /shell.efi\n"


def test_what_is_for_init_stays_behind(system: Path) -> None:
    entry = system / "boot/loader/entries/one.conf"
    entry.write_text('linux /vmlinuz\noptions a="b -- c" quiet -- nosmt quiet\n')
    assert rebooted(run(system, "bls", "--should-exist", "nosmt", "--should-not-exist", "quiet"))
    assert entry.read_text() == 'linux /vmlinuz\noptions a="b -- c" nosmt -- nosmt quiet\n'


def of_fedora(system: Path, options: str = "root=LABEL=root quiet", menu: str = "", environment: str = "") -> None:
    """Make of it a system whose grub.cfg reads the entries."""
    (system / "boot/grub").rename(system / "boot/grub2")
    (system / "boot/grub2/grub.cfg").write_text(f"set timeout=5\n{menu}insmod blscfg\nblscfg\n")
    for name in ("one", "two"):
        (system / f"boot/loader/entries/{name}.conf").write_text(f"linux /vmlinuz\noptions {options}\n")
    if environment:
        text = f"# GRUB Environment Block\n{environment}\n"
        (system / "boot/grub2/grubenv").write_text(text.ljust(1024, "#"))


def test_entries_that_grub_reads(system: Path) -> None:
    of_fedora(system)
    assert rebooted(run(system, "grub", *CHANGE))
    for name in ("one", "two"):
        text = (system / f"boot/loader/entries/{name}.conf").read_text()
        assert text == "linux /vmlinuz\noptions root=LABEL=root nosmt=force console=ttyS0\n"
    assert f'GRUB_CMDLINE_LINUX="{EDITED}"\n' in (system / "root/etc/default/grub").read_text()
    assert (system / "root/etc/kernel/cmdline").read_text() == "root=LABEL=root nosmt=force console=ttyS0\n"
    assert run(system, "grub", *CHANGE).returncode == 0


@pytest.mark.parametrize("loader", ["grub", "bls"])
def test_arguments_in_the_environment_of_grub(system: Path, loader: str) -> None:
    of_fedora(
        system, "$kernelopts $tuned_params", 'set tuned_params="quiet b"\n', "kernelopts=root=a ro quiet\nx=quiet"
    )
    assert rebooted(run(system, loader, *CHANGE))
    environment = (system / "boot/grub2/grubenv").read_text()
    assert environment.rstrip("#").splitlines()[1:] == ["kernelopts=root=a ro nosmt=force console=ttyS0", "x=quiet"]
    assert len(environment) == 1024
    assert 'set tuned_params="b"\n' in (system / "boot/grub2/grub.cfg").read_text()
    entry = (system / "boot/loader/entries/one.conf").read_text()
    assert entry == "linux /vmlinuz\noptions $kernelopts $tuned_params\n"
    assert run(system, loader, *CHANGE).returncode == 0


def test_quotes_are_lost_in_a_variable(system: Path) -> None:
    of_fedora(system, "$kernelopts", environment="kernelopts=root=a")
    refuses(system, ("--should-exist", 'a="b c"'), "write the argument without them")


def test_the_environment_of_grub_has_a_size(system: Path) -> None:
    of_fedora(system, "$kernelopts", environment="kernelopts=root=" + "a" * 900)
    refuses(system, ("--should-exist", "b" * 100), "grubenv: the arguments do not fit into its 1024 bytes")


def refuses(system: Path, arguments: tuple[str, ...], said: str) -> None:
    """Assert that it refuses, before anything is written."""
    settings = {"LOADER": "grub", "BOOT": f"{system}/boot", "ROOT": f"{system}/root"}
    with ExitStack() as mounts, pytest.raises(helper()["Refused"]) as refused:
        helper()["_files"](settings, helper()["_change"](list(arguments)), "/kargs.conf", mounts)
    assert said in str(refused.value)


def test_nothing_is_written_if_one_file_cannot_be_read(system: Path) -> None:
    (system / "root/etc/default/grub").write_text("GRUB_CMDLINE_LINUX=a true\n")
    failed = run(system, "grub", *CHANGE)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "/root/etc/default/grub:1: this line cannot be read: write GRUB_CMDLINE_LINUX=" in failed.stderr
    assert (system / "boot/grub/grub.cfg").read_text() == GRUB


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("boot/grub/grub.cfg", "set timeout=5\n", "grub.cfg: it has neither `linux` with a kernel nor `blscfg`"),
        ("boot/grub/grub.cfg", "menuentry a {\nlinux16 /memtest\n}\n", "neither `linux`"),
        (
            "boot/grub/grub.cfg",
            "linux /vmlinuz root=a \\\n quiet\n",
            "grub.cfg:1: this line has an odd quote or goes on",
        ),
        ("boot/grub/grub.cfg", "\nlinux /vmlinuz 'root=a\n", "grub.cfg:2: this line has an odd quote"),
        ("root/etc/default/grub", "#\nGRUB_CMDLINE_LINUX=a true\n", "default/grub:2: this line cannot be read"),
        ("root/etc/default/grub", 'GRUB_CMDLINE_LINUX+=" a"\n', "default/grub:1: this line cannot be read"),
        ("root/etc/default/grub", 'GRUB_CMDLINE_LINUX="a\nb"\n', "default/grub:1: this line cannot be read"),
        ("root/etc/default/grub", 'true && GRUB_CMDLINE_LINUX="a"\n', "default/grub:1: this line cannot be read"),
        ("root/etc/default/grub", "unset GRUB_CMDLINE_LINUX_DEFAULT\n", "default/grub:1: this line cannot be read"),
        ("root/etc/default/grub", ": ${GRUB_CMDLINE_LINUX:=a}\n", "default/grub:1: this line cannot be read"),
        ("root/etc/default/grub", 'GRUB_CMDLINE_LINUX="$(cat /a)"\n', "cannot be removed from a value with $"),
    ],
)
def test_what_cannot_be_read_is_refused_before_a_change(system: Path, name: str, text: str, said: str) -> None:
    (system / name).write_text(text)
    refuses(system, CHANGE, said)


def test_without_a_kernel_in_the_entries_it_refuses(system: Path) -> None:
    of_fedora(system)
    for path in (system / "boot/loader/entries").iterdir():
        path.write_text("efi /shell.efi\n")
    refuses(system, CHANGE, "there are no entries with a kernel")


def test_a_variable_that_nothing_sets_is_refused(system: Path) -> None:
    of_fedora(system, "$kernelopts")
    refuses(system, CHANGE, "neither grubenv nor grub.cfg sets it")


@pytest.mark.parametrize("argument", ["a=$b", "a;b", "a='b'", 'a="b', "a #b", "a=b\\c", "a\nb", "-- b"])
def test_an_argument_that_grub_reads_as_its_own_is_refused(system: Path, argument: str) -> None:
    refuses(system, ("--should-exist", argument), "argument")


@pytest.mark.skipif(os.geteuid() != 0, reason="files get owners")
def test_a_link_stays_and_the_attributes_stay(system: Path) -> None:
    defaults = system / "root/etc/default/grub"
    other = defaults.rename(defaults.with_name("settings"))
    defaults.symlink_to("settings")
    os.chown(other, 12, 34)
    os.setxattr(other, "trusted.test", b"1")
    assert rebooted(run(system, "grub", *CHANGE))
    assert defaults.is_symlink()
    assert EDITED in other.read_text()
    assert (other.stat().st_uid, other.stat().st_gid, os.getxattr(other, "trusted.test")) == (12, 34, b"1")


def test_settings_without_the_variable_get_it(system: Path) -> None:
    (system / "root/etc/default/grub").write_text("")
    (system / "root/etc/default/grub.d").mkdir()
    (system / "root/etc/default/grub.d/50-cloud.cfg").write_text("GRUB_CMDLINE_LINUX='a'\n")
    assert rebooted(run(system, "grub", "--should-exist", "nosmt"))
    assert (system / "root/etc/default/grub").read_text() == 'GRUB_CMDLINE_LINUX="nosmt"\n'
    assert (system / "root/etc/default/grub.d/50-cloud.cfg").read_text() == "GRUB_CMDLINE_LINUX='a nosmt'\n"

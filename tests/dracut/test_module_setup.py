"""The modules of dracut: which others they name, which programs they take, and what they say when they are left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DRACUT = Path(__file__).parents[2] / "dracut"

INTERFACE = f"""
set -u
IN_KDUMP='' add_dracutmodules='' omit_dracutmodules='' dracutmodules=all provision_first_boot_archive=''
mods_to_load=' provision ' modules_loaded='' systemdutildir=/absent
require_binaries() {{ return 0; }}
find_binary() {{ echo "$1"; }}
derror() {{ echo "$*"; }}
dracut_module_path() {{ case $1 in provision) echo {DRACUT}/engine ;; *) echo "/absent/$1" ;; esac; }}
dracut_module_included() {{ [[ " $mods_to_load $modules_loaded " == *\\ $1\\ * ]]; }}
# as dracut's: a module of --modules alone, none without what it depends on, and the choice is remembered
check_module() {{
    local one
    [[ $dracutmodules == all || " $dracutmodules " == *\\ $1\\ * ]] || return 1
    [[ " $there " == *\\ $1\\ * && " $omit_dracutmodules " != *\\ $1\\ * ]] || return 1
    case $1 in
        crypt) dracutmodules+=' dm '; check_module dm || return 1 ;;
        network) dracut_module_included network-legacy || return 1 ;;
        provision) (moddir={DRACUT}/engine; . "$moddir/module-setup.sh"; check) || return 1 ;;
    esac
    mods_to_load+=" $1 "
}}
there='crypt dm mdraid network network-legacy network-manager systemd'
"""
"""What dracut (059 to 110) defines for its modules, as far as these tests need it."""


def run(module: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a shell that has the interface of dracut and one of our modules."""
    moddir = DRACUT / module
    script = f"{INTERFACE}\nmoddir={moddir}\n. {moddir}/module-setup.sh\n{code}"
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60, env={"PATH": path}
    )


def depends(module: str, code: str) -> list[str]:
    """The modules that one of ours names; asking what can be installed has to leave dracut's choice as it is."""
    done = run(module, f"{code}\ndepends; [[ $mods_to_load == ' provision ' ]] || echo chosen-by-asking")
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("", ["systemd", "dm", "crypt", "mdraid"]),
        ("omit_dracutmodules=' ignition  mdraid '", ["systemd", "dm", "crypt"]),
        ("omit_dracutmodules=crypt", ["systemd", "dm", "mdraid"]),
        ("omit_dracutmodules=dm", ["systemd", "mdraid"]),
        ("omit_dracutmodules=dm-event", ["systemd", "dm", "crypt", "mdraid"]),
        ("there=systemd", ["systemd"]),
        ("dracutmodules='base provision'", ["systemd", "dm", "crypt", "mdraid"]),
    ],
)
def test_the_engine_names_only_what_can_be_installed(code: str, named: list[str]) -> None:
    assert depends("engine", code) == named


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("", ["network-manager"]),
        ("omit_dracutmodules=network-manager", ["network-legacy", "network"]),
        ("omit_dracutmodules='network-manager network'", []),
        ("omit_dracutmodules='network-manager network-legacy'", []),
    ],
)
def test_the_units_name_only_a_network_that_can_be_installed(code: str, named: list[str]) -> None:
    assert depends("units", code) == ["provision", "systemd", *named]


@pytest.mark.parametrize(
    ("included", "left_out"),
    [
        ("dm crypt mdraid", set()),
        ("dm crypt", {"mdadm"}),
        ("dm mdraid", {"cryptsetup", "zkey", "zkey-cryptsetup"}),
        ("", {"cryptsetup", "dmsetup", "kpartx", "mdadm", "zkey", "zkey-cryptsetup"}),
    ],
)
def test_programs_of_a_module_that_is_left_out_are_left_out(included: str, left_out: set[str]) -> None:
    """Then a config that needs them is refused before the first change, and does not wait for udev rules in vain."""
    lists = '. "$moddir/contents.sh"'
    every = set(run("engine", f"{lists}\necho $provision_optional_tools").stdout.split())
    taken = set(run("engine", f"{lists}\nmods_to_load+=' {included} '\noptional_tools").stdout.split())
    assert "mkfs.ext4" in taken
    assert every - taken == left_out


@pytest.mark.parametrize("code", ["IN_KDUMP=1", "add_dracutmodules=' rescue '"])
def test_neither_module_is_for_a_crash_kernel_or_a_rescue_system(code: str) -> None:
    """Nothing is said, because nothing is wrong."""
    there = "there+=' provision' mods_to_load=''"
    for module in ("engine", "units"):
        done = run(module, f"{there} {code}\ncheck")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_missing_library_is_named_and_leaves_out_both(tmp_path: Path) -> None:
    """The interpreter of this test, without packages that are not its own, but with ours and one of the libraries."""
    (tmp_path / "idna.py").touch()
    python = tmp_path / "python3"
    python.write_text(
        f'#!/bin/sh\n[ $1 = -sE ] && shift\nPYTHONPATH={DRACUT.parent}:{tmp_path} exec {sys.executable} -sS "$@"\n'
    )
    python.chmod(0o755)
    found = f"PATH={tmp_path}:$PATH mods_to_load='' there+=' provision'"
    done = run("engine", f"{found}\ncheck")
    needed = "pyudev (Debian: python3-pyudev), urllib3 (Debian: python3-urllib3)"
    assert done.returncode == 1
    assert done.stdout.startswith("provision is left out of the initramfs: ")
    assert done.stdout.endswith(f" lacks libraries that a first boot needs: {needed}\n")
    units = run("units", f"{found}\ncheck")
    assert (units.returncode, units.stdout, units.stderr) == (1, "", "")

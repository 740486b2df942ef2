"""The initramfs without a machine: what it has, in bytes, and programs with its tree as their root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provision.system.programs.confinement import ACCOUNT_TOOLS
from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import HOUSE

pytestmark = [
    pytest.mark.boot,
    pytest.mark.xdist_group("boot"),
    pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root"),
    pytest.mark.skipif(shutil.which("jose") is None, reason="jose is not installed"),
    pytest.mark.skipif(shutil.which("cpio") is None, reason="cpio is not installed"),
]

CONTENTS = HOUSE / "dracut/engine/contents.sh"

KEY = "a key"


@pytest.fixture(scope="module")
def tree(images: DebianRoot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked initramfs, with what the kernel and udev would have put there."""
    tree = tmp_path_factory.mktemp("initramfs")
    with images.initramfs.open("rb") as archive:
        subprocess.run(["cpio", "--quiet", "-idm"], stdin=archive, cwd=tree, check=True)
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        if not (tree / "dev" / name).exists():
            os.mknod(tree / "dev" / name, 0o020666, os.makedev(1, minor))
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        if not (tree / "dev" / name).is_symlink():
            (tree / "dev" / name).symlink_to(target)
    return tree


def made(*argv: str, given: str | None = None) -> Any:
    """What jose prints, read as JSON."""
    done = subprocess.run(["jose", *argv], input=given, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


def tang(folder: Path) -> dict[str, str]:
    """A Tang server in the config; its advertisement is in the config, so it is not contacted."""
    signing, exchanging = (made("jwk", "gen", "-i", json.dumps({"alg": alg})) for alg in ("ES512", "ECMR"))
    public = [made("jwk", "pub", "-i", "-", given=json.dumps(key)) for key in (signing, exchanging)]
    header = json.dumps({"protected": {"alg": "ES512", "cty": "jwk-set+json"}})
    (folder / "keys").write_text(json.dumps({"keys": public}))
    signed = made("jws", "sig", "-I", str(folder / "keys"), "-s", header, "-k", "-", given=json.dumps(signing))
    thumbprint = made("jwk", "thp", "-a", "S256", "-i", "-", given=json.dumps(public[0]))
    return {"url": "http://tang.invalid", "thp": thumbprint, "adv": signed}


def inside(tree: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """A program in the initramfs, with its own /proc and nothing of this machine's PATH."""
    script = f'mount -t proc proc {tree}/proc && exec chroot {tree} "$@"'
    return subprocess.run(
        ["unshare", "--mount", "--fork", "--pid", "sh", "-c", script, "sh", *argv],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


NOT_IN_THIS_KERNEL = {"mlxbf_bootctl", "vboxguest", "vmur"}
"""Drivers that the kernel of the tests, a small one for clouds, does not have."""

BUDGET = {
    "usr/bin/python3": 7.0,
    "usr/lib/python3": 2.9,
    "usr/lib/provision/provision": 2.1,
    "usr/lib/provision/transpiler": 0.0,  # the root has no PyYAML
    "usr/lib/provision/": 0.6,
    # these have files of dracut too
    "usr/bin/": 9.7,
    "usr/sbin/": 5.1,
    "usr/lib/modules": 46.5,
    "usr/lib/x86_64-linux-gnu": 35.0,
}
"""Start of a path -> megabytes that its files may have, without compression. The first start that fits counts."""

NOT_WANTED = (
    *("usr/bin/zstd", "usr/sbin/sfdisk", "usr/lib/x86_64-linux-gnu/libfdisk.so.1"),
    *("usr/sbin/useradd", "usr/lib/x86_64-linux-gnu/libsemanage.so.2", "usr/lib/provision/requests"),
)
"""A library of the initramfs, or the root, does what these would do."""


def test_bytes_of_what_we_bring(tree: Path) -> None:
    found = dict.fromkeys(BUDGET, 0.0)
    for path in tree.rglob("*"):
        name = next((start for start in BUDGET if str(path.relative_to(tree)).startswith(start)), "")
        if name and path.is_file() and not path.is_symlink():
            found[name] += path.stat().st_size / 1e6
    print(found)
    assert {name: size for name, size in found.items() if size > BUDGET[name]} == {}
    assert all(found[name] for name in BUDGET if BUDGET[name])
    assert [path for path in NOT_WANTED if (tree / path).exists()] == []
    assert set((tree / "usr/lib/provision/account-tools").read_text().split()) == set(ACCOUNT_TOOLS)


def test_every_module_that_a_boot_may_import_is_there(tree: Path) -> None:
    library = tree / "usr/lib/provision"
    ours = {path.relative_to(library).with_suffix("") for path in (library / "provision").rglob("*.pyc")}
    names = sorted(".".join(path.parts).removesuffix(".__init__") for path in ours if path.name != "__main__")
    assert "provision.commands.firstboot" in names
    assert "provision.commands.plan" not in names
    script = f"""
import importlib, sys
sys.path.append("/usr/lib/provision")
for name in {[*names, "pyudev", "idna", "urllib3"]}:
    importlib.import_module(name)
"""
    imported = inside(tree, "python3", "-IS", "-c", script)
    assert imported.returncode == 0, imported.stderr
    refused = inside(tree, "provision", "plan", "/config.ign")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False), refused.stderr


def test_every_library_that_a_binary_needs_is_there(tree: Path) -> None:
    """As the loader of the initramfs sees it; for programs, and for the extension modules of Python."""
    places = [tree / "usr/bin", tree / "usr/sbin", tree / "usr/lib/systemd", *tree.glob("usr/lib/python3*/lib-dynload")]
    files = [path for place in places for path in place.iterdir() if path.is_file() and not path.is_symlink()]
    binaries = [str(path.relative_to(tree)) for path in files if path.open("rb").read(4) == b"\x7fELF"]
    assert "usr/sbin/mkfs.xfs" in binaries
    script = """
for file; do
    /lib64/ld-linux-x86-64.so.2 --list "/$file" 2>&1 | sed -n "s|^|$file: |; /not found\\|cannot open/p"
done
"""
    listed = inside(tree, "sh", "-c", script, "sh", *binaries)
    assert (listed.returncode, listed.stdout) == (0, ""), listed.stderr


def test_every_driver_of_our_list_is_there(tree: Path) -> None:
    shutil.copy2(CONTENTS, tree / "contents.sh")
    script = f"""
. /contents.sh
for name in $provision_drivers; do
    [ -z "$(modprobe --set-version {kernel(tree).name} --show-depends "$name" 2>&1 >/dev/null)" ] || echo "$name"
done
"""
    assert set(inside(tree, "sh", "-c", script).stdout.split()) <= NOT_IN_THIS_KERNEL


def test_every_driver_has_those_that_it_needs(tree: Path) -> None:
    """By what each says itself: `modules.dep` of the initramfs does not name a driver that is not there."""
    drivers = [path for path in kernel(tree).rglob("*.ko*") if path.is_file()]
    builtin = (Path(line).stem for line in (kernel(tree) / "modules.builtin").read_text().splitlines())
    there = {name.partition(".")[0].replace("-", "_") for name in (*(path.name for path in drivers), *builtin)}
    argv = ["modinfo", "--field", "depends", *map(str, drivers)]
    needed = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout
    names = {name.replace("-", "_") for name in needed.replace("\n", ",").split(",")} - {""}
    assert "raid6_pq" in names
    assert names - there == set()


def kernel(tree: Path) -> Path:
    """The directory of the kernel's modules."""
    (found,) = (tree / "usr/lib/modules").iterdir()
    return found


def test_a_volume_is_bound_in_the_initramfs(tree: Path, tmp_path: Path) -> None:
    (tree / "key").write_text(KEY)
    with (tree / "volume").open("wb") as volume:
        volume.truncate(32 << 20)
    options = ["--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
    formatted = inside(tree, "cryptsetup", "luksFormat", "--batch-mode", *options, "/volume", "/key")
    assert formatted.returncode == 0, formatted.stderr
    config = json.dumps({"t": 1, "pins": {"tang": [tang(tmp_path)]}})
    bound = inside(tree, "clevis", "luks", "bind", "-f", "-k", "/key", "-d", "/volume", "sss", config)
    assert bound.returncode == 0, bound.stdout + bound.stderr
    assert "not found" not in bound.stdout + bound.stderr
    shown = inside(tree, "cryptsetup", "luksDump", "/volume").stdout
    assert "0: clevis" in shown


@pytest.mark.parametrize("tool", ["tpm2_createprimary", "tpm2_create", "tpm2_load", "tpm2_unseal", "luksmeta"])
def test_a_tool_that_a_pin_may_need_starts(tree: Path, tool: str) -> None:
    started = inside(tree, tool, "--version")
    assert "error while loading" not in started.stderr
    assert started.returncode in {0, 1, os.EX_USAGE}, started.stderr

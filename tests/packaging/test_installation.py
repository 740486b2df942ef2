"""The ways to install us, each in a place without anything of ours: a virtual environment, a Debian root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
EXAMPLE = HOUSE / "examples" / "web-server.yaml"

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("packaging")]


def run(*argv: str | Path, **environment: str) -> str:
    """Run a program and return its standard output; a test fails with both outputs if the program does."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with our wheel and its dependencies, all of them wheels."""
    folder = tmp_path_factory.mktemp("author") / "env"
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin/pip", "install", "--quiet", "--only-binary=:all:", wheel)
    return folder / "bin"


def test_authors_need_no_compiler_and_no_library_of_the_system(environment: Path) -> None:
    assert '"3.4.0"' in run(environment / "transpile", EXAMPLE, "--files-dir", EXAMPLE.parent)
    for command in ("validate", "plan"):
        run(environment / "provision", command, EXAMPLE)
    assert "usage: provision fetch" in run(environment / "provision", "fetch", "--help")


def test_authors_do_not_get_what_only_a_machine_needs(environment: Path) -> None:
    installed = run(environment / "pip", "list", "--format=freeze").lower()
    assert "pyyaml" in installed
    assert "pyudev" not in installed
    assert "pyparted" not in installed


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The Debian packages of this checkout."""
    if missing := [one for one in ("dpkg-buildpackage", "dh", "pybuild") if shutil.which(one) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("debs")
    run(HOUSE / "packaging/build-deb", folder)
    return sorted(folder.glob("*.deb"))


@pytest.fixture(scope="module")
def debian(packages: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new Debian root in which apt-get has installed our packages."""
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        pytest.skip("needs root and mmdebstrap")
    root = tmp_path_factory.mktemp("debian") / "root"
    hooks = [f"--customize-hook=copy-in {' '.join(map(str, packages))} /tmp"]
    names = " ".join(f"/tmp/{package.name}" for package in packages)
    hooks.append(f'--customize-hook=chroot "$1" apt-get install --yes --no-install-recommends {names}')
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    given = [sources] if sources.exists() else []
    # in a mount namespace of its own: whatever happens, nothing stays mounted
    mmdebstrap = ["unshare", "--mount", "mmdebstrap", "--quiet", "--mode=root", "--variant=apt"]
    run(*mmdebstrap, *hooks, "bookworm", root, *given)
    yield root
    shutil.rmtree(root, ignore_errors=True)


def test_the_debian_packages_work(debian: Path) -> None:
    shutil.copytree(EXAMPLE.parent, debian / "root/examples")
    example = "/root/examples/web-server.yaml"
    text = run("chroot", debian, "transpile", "--strict", "--files-dir", "/root/examples", example)
    (debian / "root/site.ign").write_text(text)
    run("chroot", debian, "provision", "validate", "/root/site.ign")
    run("chroot", debian, "provision", "plan", "/root/site.ign")
    for page in ("man1/provision.1.gz", "man1/transpile.1.gz"):
        assert (debian / "usr/share/man" / page).is_file()
    assert (debian / "usr/share/bash-completion/completions/provision.bash").is_file()


def test_dracut_takes_our_module(debian: Path) -> None:
    build = "dracut --quiet --force --no-kernel --no-hostonly --no-compress --add provision-units /tmp/initramfs"
    mounts = 'mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys"'
    run("unshare", "--mount", "sh", "-c", f'{mounts} && chroot "$0" {build}', debian)
    listed = run("chroot", debian, "lsinitrd", "/tmp/initramfs").split()
    assert {"usr/bin/provision", "usr/lib/systemd/system/provision-disks.service"} <= set(listed)
    assert [name for name in listed if "/parted/" in name or "libparted.so" in name] == []  # it is for images


def test_lintian_finds_no_error(packages: list[Path]) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("not installed: lintian")
    done = subprocess.run(["lintian", *packages], capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if line.startswith("E:")] == []


def test_workflows_are_safe() -> None:
    """Actions are pinned by hash, rights are few, no text of others reaches a shell (zizmor's audits)."""
    program = Path(sys.executable).with_name("zizmor")
    if not program.exists():
        pytest.skip("not installed: zizmor")
    examples = HOUSE.glob("examples/github/*.yml")
    run(program, "--offline", "--persona=pedantic", HOUSE / ".github/workflows", HOUSE / "action.yml", *examples)

"""What is delivered works away from the checkout: the wheel in a clean environment, `make install-dracut`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.conftest import building_alone

HOUSE = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with our wheel; its libraries are those of this environment."""
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    binaries = folder / "env" / "bin"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", binaries / "python", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", wheel], check=True)
    site = next((folder / "env/lib").glob("python3*/site-packages"))
    theirs = [path for path in sys.path if path.endswith("site-packages")]
    (site / "libraries.pth").write_text("\n".join(theirs) + "\n")
    return binaries


def run(program: Path, *arguments: str, cwd: Path) -> str:
    done = subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_programs_start(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "provision", "--version", cwd=tmp_path).startswith("provision ")
    assert "Usage: transpile" in run(installed / "transpile", "--help", cwd=tmp_path)
    assert "usage: provision" in run(installed / "provision", "--help", cwd=tmp_path)


def test_it_is_the_wheel_that_runs(installed: Path, tmp_path: Path) -> None:
    code = "import provision, transpiler; print(provision.__file__, transpiler.__file__)"
    for path in run(installed / "python", "-c", code, cwd=tmp_path).split():
        assert Path(path).is_relative_to(installed.parent)


def test_schemas_are_in_the_wheel_and_read_from_there(installed: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.resources import files as f; print(*(x.name for x in (f('transpiler') / 'schemas').iterdir()))"
    )
    found = set(run(installed / "python", "-c", code, cwd=tmp_path).split())
    assert {path.name for path in (HOUSE / "schemas").glob("*.json")} <= found
    code = "from transpiler.butane.schemas import read_schema; from transpiler.butane.variants import table; "
    code += "print(*(read_schema(row)['title'] for row in table().values()))"
    assert "openshift 4.14.0 to 4.18.0" in run(installed / "python", "-c", code, cwd=tmp_path)


def test_no_package_but_ours_is_in_the_wheel(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith((".dist-info", ".data"))} == {"provision", "transpiler"}


def test_what_makes_a_virtual_machine_is_in_the_wheel(wheel: Path) -> None:
    """`provision try` builds an initramfs with the dracut modules."""
    names = set(ZipFile(wheel).namelist())
    modules = {path.relative_to(HOUSE).as_posix() for path in (HOUSE / "dracut").rglob("*") if path.is_file()}
    modules = {name for name in modules if "__pycache__" not in name}
    assert {f"provision/{name}" for name in modules} <= names
    assert "provision/system/virtual_machine/debian-root.sh" in names


def test_man_pages_and_completions_are_in_the_wheel(installed: Path) -> None:
    share = installed.parent / "share"
    found = {path.name for path in share.rglob("*") if path.is_file()}
    kept = [*(HOUSE / "docs/man").glob("*.1"), *(HOUSE / "completion").iterdir()]
    assert {path.name for path in kept} <= found
    assert (share / "man/man1/provision.1").is_file()


def test_transpiles_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    source = tmp_path / "site.yaml"
    source.write_text("variant: fcos\nversion: 1.5.0\n")
    assert '"3.4.0"' in run(installed / "transpile", str(source), cwd=tmp_path)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, somewhere else."""
    folder = tmp_path_factory.mktemp("source")
    argv = [sys.executable, "-m", "build", "--sdist", "--outdir", str(folder)]
    with building_alone():
        subprocess.run(argv, cwd=HOUSE, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["tar", "-xf", next(folder.glob("*.tar.gz")), "-C", folder], check=True)
    return next(path for path in folder.iterdir() if path.is_dir())


def assert_only_programs_are_executable(tree: Path) -> None:
    """Files that begin with `#!` and others: a script that another one reads is no program."""
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o111:
            assert path.read_bytes()[:2] == b"#!", path


def test_install_dracut(unpacked: Path, tmp_path: Path) -> None:
    subprocess.run(["make", "--silent", "install-dracut", f"DESTDIR={tmp_path}"], cwd=unpacked, check=True)
    for folder, name in (("engine", "25provision"), ("units", "40provision-units")):
        module = tmp_path / "usr/lib/dracut/modules.d" / name
        found = {path.name for path in module.iterdir()}
        assert found == {path.name for path in (HOUSE / "dracut" / folder).iterdir() if path.is_file()}
        assert (module / "module-setup.sh").stat().st_mode & 0o111
    assert (tmp_path / "usr/lib/systemd/system/provision-complete.service").is_file()
    link = tmp_path / "usr/lib/systemd/system/multi-user.target.wants/provision-complete.service"
    assert link.resolve() == (tmp_path / "usr/lib/systemd/system/provision-complete.service")
    for program in ("usr/sbin/provision-first-boot-archive", "etc/grub.d/09_provision"):
        assert (tmp_path / program).stat().st_mode & 0o111
    assert (tmp_path / "usr/share/man/man8/provision-first-boot-archive.8").is_file()
    assert_only_programs_are_executable(tmp_path)


def test_install_initramfs_tools(unpacked: Path, tmp_path: Path) -> None:
    subprocess.run(["make", "--silent", "install-initramfs-tools", f"DESTDIR={tmp_path}"], cwd=unpacked, check=True)
    places = ("init-premount", "local-premount", "nfs-premount", "local-bottom", "nfs-bottom", "init-bottom")
    for name in ("hooks", *(f"scripts/{place}" for place in places)):
        script = tmp_path / "usr/share/initramfs-tools" / name / "provision"
        asked = subprocess.run([script, "prereqs"], capture_output=True, text=True, check=True)
        assert asked.stdout.split() in ([], ["udev"], ["btrfs", "multipath", "resume"])
    for name in ("collect.py", "common.sh", "contents.sh", "functions", "kargs-helper.py"):
        assert (tmp_path / "usr/share/provision" / name).is_file()
    assert_only_programs_are_executable(tmp_path)
    assert (tmp_path / "usr/lib/systemd/system/provision-complete.service").is_file()


def test_install_mkosi_initrd(unpacked: Path, tmp_path: Path) -> None:
    subprocess.run(["make", "--silent", "install-mkosi-initrd", f"DESTDIR={tmp_path}"], cwd=unpacked, check=True)
    settings = tmp_path / "usr/lib/mkosi-initrd/mkosi.conf.d/provision"
    assert (settings / "mkosi.postinst").stat().st_mode & 0o111
    lines = (settings / "mkosi.conf").read_text().splitlines()
    assert lines[:2] == ["[Content]", "KernelModulesInclude="]
    assert {"    /qemu[-_]fw[-_]cfg.ko", "    ^drivers/net/ethernet/"} <= set(lines)
    for name in ("common.sh", "collect.py", "contents.sh", "units/provision-look.service", "units/start-networkd.sh"):
        assert (tmp_path / "usr/share/provision" / name).is_file()
    assert (tmp_path / "usr/lib/systemd/system/provision-complete.service").is_file()


def test_the_first_boot_of_an_image_enables_no_unit_of_the_platform(unpacked: Path, tmp_path: Path) -> None:
    """Where no preset says otherwise, systemd enables all units (systemd.preset(5))."""
    subprocess.run(["make", "--silent", "install-metadata", f"DESTDIR={tmp_path}"], cwd=unpacked, check=True)
    shutil.copy(
        tmp_path / "usr/lib/systemd/system/provision-grow.service", tmp_path / "usr/lib/systemd/system/own.service"
    )
    subprocess.run(["systemctl", f"--root={tmp_path}", "preset-all"], check=True, capture_output=True)
    assert [path.name for path in (tmp_path / "etc/systemd/system").rglob("*.service")] == ["own.service"]


@pytest.mark.parametrize(
    "script",
    [
        "dracut/install",
        "dracut/engine/contents.sh",
        "dracut/engine/installable.sh",
        "dracut/engine/module-setup.sh",
        "dracut/units/explain.sh",
        "dracut/units/module-setup.sh",
        "dracut/units/start-network-legacy.sh",
        "dracut/units/start-network-manager.sh",
        "dracut/units/start-networkd.sh",
        "initramfs-tools/check",
        "initramfs-tools/common.sh",
        "initramfs-tools/disks",
        "initramfs-tools/files",
        "initramfs-tools/functions",
        "initramfs-tools/hook",
        "packaging/grub.d/09_provision",
        "packaging/mkosi-initrd/mkosi.postinst",
        "packaging/mkosi-initrd/settings",
        *sorted(str(path.relative_to(HOUSE)) for path in (HOUSE / "tests/real/boot").rglob("*.sh")),
        "provision/system/virtual_machine/debian-root.sh",
        "examples/demo.sh",
        ".ci/install",
        "packaging/build-deb",
    ],
)
def test_shell_is_clean(script: str) -> None:
    done = subprocess.run(["shellcheck", "-x", script], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_units_are_valid(tmp_path: Path) -> None:
    """systemd-analyze knows every directive; what units name need not be on this machine."""
    units = sorted(str(path) for path in (HOUSE / "dracut").rglob("*.service"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = [line for line in done.stderr.splitlines() if "provision-" in line and "is not executable" not in line]
    assert wrong == []

"""Programs of a root: links are followed inside it, and what cannot be started is named with the cause."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.system.programs.root_programs import find


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with one program, `real`, in /usr/libexec."""
    root = tmp_path / "root"
    for folder in ("usr/local/sbin", "usr/sbin", "usr/libexec", "etc", "opt"):
        (root / folder).mkdir(parents=True)
    program(root / "usr/libexec/real")
    return root


def program(path: Path) -> None:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    "target", ["/usr/libexec/real", "../libexec/real", "/etc/../usr/libexec/./real", "../../../../../usr/libexec/real"]
)
def test_a_link_is_followed_inside_the_root(root: Path, target: str) -> None:
    """`..` above the root is the root, as for the kernel (path_resolution(7))."""
    (root / "usr/sbin/tool").symlink_to(target)
    assert find("tool", str(root)) == "/usr/libexec/real"


def test_a_link_never_leads_to_a_program_of_this_machine(root: Path, tmp_path: Path) -> None:
    program(tmp_path / "outside")
    for target in (str(tmp_path / "outside"), "../../../outside", "/bin/sh"):
        (root / "usr/sbin/tool").unlink(missing_ok=True)
        (root / "usr/sbin/tool").symlink_to(target)
        with pytest.raises(FileNotFoundError, match=f"is a link to {target}, which leads to no file in the root"):
            find("tool", str(root))


def a_link(target: str) -> Callable[[Path], None]:
    return lambda place: place.symlink_to(target)


def a_link_out_of_usr(place: Path) -> None:
    program(place.parents[3] / "opt/tool")
    place.symlink_to("/opt/tool")


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (a_link("/gone"), "is a link to /gone, which leads to no file"),
        (a_link("tool"), "is a link to tool, where links lead to each other"),
        (a_link("/etc"), "leads to /etc, which is not an executable file"),
        (Path.touch, "is not an executable file"),
        (Path.mkdir, "is not an executable file"),
        (os.mkfifo, "is not an executable file"),
        (a_link_out_of_usr, "leads to /opt/tool, and programs of the root are run in /usr and /bin only"),
    ],
)
def test_a_program_that_cannot_be_started(root: Path, make: Callable[[Path], None], cause: str) -> None:
    make(root / "usr/local/sbin/tool")
    with pytest.raises(OSError, match=f"{cause}.*: '/usr/local/sbin/tool'"):
        find("tool", str(root))
    program(root / "usr/sbin/tool")  # the next directory has one that can
    assert find("tool", str(root)) == "/usr/sbin/tool"


def test_a_root_without_the_program(root: Path) -> None:
    assert find("tool", str(root)) is None
    assert find("tool", str(root / "absent")) is None

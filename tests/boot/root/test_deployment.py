"""What a deployment of OSTree cannot take is refused before the first change."""

from __future__ import annotations

from pathlib import Path

from provision.boot.root.deployment import checks, mounted_by_units
from provision.config.format import Config


def test_other_roots_have_no_such_check() -> None:
    assert checks(Config(), "root=LABEL=root") == ()
    assert checks(Config(), "root=LABEL=of-no-device ostree=/ostree/boot.1/debian/e748/0") == ()


def test_mount_units_of_the_initramfs_name_what_is_mounted(tmp_path: Path) -> None:
    for name in ("sysroot.mount", "sysroot-boot.mount", r"sysroot-a-b\x2dc.mount", "sysroot-boot.service"):
        (tmp_path / name).touch()
    assert sorted(mounted_by_units((str(tmp_path), str(tmp_path / "absent")))) == ["/a/b-c", "/boot"]

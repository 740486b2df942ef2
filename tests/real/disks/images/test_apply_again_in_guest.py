"""`apply`, then `plan` and `apply` again, for what the kernel of this machine may lack: arrays, volumes, vfat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.commands.plan import CHANGES, UNKNOWN
from tests.real.disks.images import test_apply_again as again
from tests.real.disks.images.test_apply import provision

pytestmark = [*again.pytestmark, pytest.mark.skipif(not Path("/sys/module/dm_crypt").exists(), reason="no dm-crypt")]

OPTIONS = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]


def device(label: str) -> str:
    return f"/dev/disk/by-partlabel/{label}"


def disk(name: str, *partitions: tuple[str, int]) -> dict[str, Any]:
    entries = [
        {"number": number, "label": label, "sizeMiB": size} for number, (label, size) in enumerate(partitions, 1)
    ]
    return {"device": name, "partitions": entries}


def filesystem(path: str, name: str, form: str = "ext4", **options: object) -> dict[str, Any]:
    return {"device": name, "format": form, "path": path, **options}


EFI = {"path": "/boot/efi/EFI/loader.conf", "mode": 0o600, "contents": {"source": "data:,timeout"}}

CONFIG: dict[str, Any] = {
    "ignition": {"version": "3.4.0"},
    "storage": {
        "disks": [
            disk("/dev/vda", ("esp", 64), ("mirror-a", 100), ("crypt", 100)),
            disk("/dev/vdb", ("root", 100), ("mirror-b", 100)),
        ],
        "raid": [{"name": "data", "level": "raid1", "devices": [device("mirror-a"), device("mirror-b")]}],
        "luks": [
            {"name": "safe", "device": device("crypt"), "options": OPTIONS, "keyFile": {"source": "data:,key"}},
        ],
        "filesystems": [
            filesystem("/", device("root")),
            filesystem("/boot/efi", device("esp"), "vfat", label="ESP"),
            filesystem("/srv/data", "/dev/md/data"),
            filesystem("/srv/safe", "/dev/mapper/safe"),
        ],
        "directories": [{"path": "/boot/efi/EFI", "mode": 0o700}],
        "files": [
            EFI,
            {"path": "/srv/data/a", "mode": 0o600, "contents": {"source": "data:,a"}},
            {"path": "/srv/safe/b", "mode": 0o640, "contents": {"source": "data:,b"}},
        ],
    },
}


def changed(storage: dict[str, Any]) -> dict[str, Any]:
    return {**CONFIG, "storage": {**CONFIG["storage"], **storage}}


def steps(titles: list[str]) -> list[str]:
    """Without opening and closing, which every run does."""
    return [
        title for title in titles if not title.startswith(("mount", "unmount", "open", "close", "assemble", "stop"))
    ]


NAMES = ("/dev/vda", "/dev/vdb")


def images(folder: Path, size: str = "") -> list[str]:
    return [word for name in NAMES for word in ("--disk", f"{name}={folder / name[-1]}.img{size}")]


def test_volumes_and_vfat_need_nothing_the_second_time(tmp_path: Path) -> None:
    """A plan cannot look into a closed volume, and says so; nothing is made again."""
    without_array = [one for one in CONFIG["storage"]["filesystems"] if one["path"] != "/srv/data"]
    files = [one for one in CONFIG["storage"]["files"] if "/srv/data" not in one["path"]]
    config = changed({"raid": [], "filesystems": without_array, "files": files})
    old = images(tmp_path)
    assert again.applied("-", *images(tmp_path, ":300M"), stdin=config)
    done = provision("plan", "-", *old, "--exit-code", stdin=config)
    assert done.returncode == UNKNOWN, done.stdout + done.stderr
    assert "note: /dev/mapper/safe: what is on it is known only when it is open" in done.stdout
    done = provision("apply", "-", *old, stdin=config)
    assert done.returncode == 0, done.stderr
    assert [
        word for word in ("open safe, reusing", "make ext4", "] write") if word in done.stdout.replace("]   ", "] ")
    ] == ["open safe, reusing"]
    more = changed({"raid": [], "filesystems": without_array, "files": [*files, {"path": "/boot/efi/new"}]})
    assert again.exit_code("-", *old, stdin=more) != 0


def test_an_array_is_not_made_again_unasked(tmp_path: Path) -> None:
    """Every run makes the arrays of its config, as Ignition does; of an existing image they need --force."""
    without_volume = [one for one in CONFIG["storage"]["filesystems"] if one["path"] != "/srv/safe"]
    files = [one for one in CONFIG["storage"]["files"] if "/srv/safe" not in one["path"]]
    config = changed({"luks": [], "filesystems": without_volume, "files": files})
    assert again.applied("-", *images(tmp_path, ":300M"), stdin=config)
    assert again.exit_code("-", *images(tmp_path), stdin=config) == CHANGES
    refused = provision("apply", "-", *images(tmp_path), stdin=config)
    assert (refused.returncode, "destroys linux_raid_member" in refused.stderr) == (1, True), refused.stderr


def test_an_owner_that_vfat_cannot_keep_is_refused_and_one_that_it_has_is_not(tmp_path: Path) -> None:
    image = f"/dev/vda={tmp_path / 'a'}.img"
    storage = {"raid": [], "luks": [], "directories": [], "filesystems": CONFIG["storage"]["filesystems"][:2]}
    one_disk = {"disks": [disk("/dev/vda", ("root", 100), ("esp", 64))], **storage}
    wrong = changed({**one_disk, "files": [{**EFI, "user": {"id": 7}}]})
    refused = provision("apply", "-", "--disk", f"{image}:300M", stdin=wrong)
    assert (refused.returncode, "[fixed-owner]" in refused.stderr) == (1, True), refused.stderr
    efi = filesystem("/boot/efi", device("esp"), "vfat", mountOptions=["uid=7,gid=7,umask=0077"])
    storage["filesystems"] = [filesystem("/", device("root")), efi]
    right = changed({**one_disk, **storage, "files": [{**EFI, "user": {"id": 7}, "group": {"id": 7}}]})
    assert again.applied("-", "--disk", f"{image}:300M", stdin=right)
    assert again.exit_code("-", "--disk", image, stdin=right) == 0
    assert steps(again.applied("-", "--disk", image, stdin=right)) == []

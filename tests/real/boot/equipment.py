"""Equipment of a guest beside its two disks: a disk with GRUB, and a TPM."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.boot.machine import COMMAND_LINE, Images

START = 1 << 20
"""Where the first partition begins."""

GRUB_CFG = """\
set timeout=0
menuentry 'Linux' {{
\tlinux\t/vmlinuz {arguments}
\tinitrd\t/initramfs
}}
"""


def grub_disk(images: Images, folder: Path, arguments: str) -> Path:
    """A disk whose MBR starts GRUB, with a boot partition: kernel, initramfs, and a menu entry with these arguments."""
    files = folder / "boot"
    (files / "grub").mkdir(parents=True)
    (files / "grub/grub.cfg").write_text(GRUB_CFG.format(arguments=f"{COMMAND_LINE} {arguments}"))
    shutil.copyfile(images.kernel, files / "vmlinuz")
    packed = ["zstd", "-1", "-q", "-o", str(files / "initramfs"), str(images.initramfs)]
    subprocess.run(packed, check=True)
    disk = folder / "boot.img"
    with disk.open("wb") as file:
        file.truncate(160 << 20)
    subprocess.run(["sfdisk", "--quiet", disk], input="start=2048, type=83, bootable\n", text=True, check=True)
    mkfs = ["mkfs.ext4", "-q", "-O", "^has_journal,^metadata_csum_seed,^orphan_file", "-L", "boot", "-d", str(files)]
    subprocess.run([*mkfs, "-E", f"offset={START}", str(disk), f"{(160 << 10) - (START >> 10)}k"], check=True)
    with disk.open("r+b") as file:
        file.write((images.folder / "boot.img").read_bytes()[:440])
        file.seek(512)
        file.write((images.folder / "core.img").read_bytes())
    return disk


@contextmanager
def tpm(folder: Path) -> Iterator[list[str]]:
    """Options of qemu for a TPM that keeps its state over the boots of one machine, as long as this context lasts."""
    folder.mkdir(exist_ok=True)
    control = folder / "control"
    argv = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--ctrl", f"type=unixio,path={control}"]
    control.unlink(missing_ok=True)
    # it ends with qemu
    with subprocess.Popen([*argv, "--terminate"]) as server:
        try:
            while not control.exists():
                time.sleep(0.01)
            device = ["-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm"]
            yield ["-chardev", f"socket,id=tpm,path={control}", *device]
        finally:
            server.terminate()

"""Equipment of a guest beside its two disks: disks with boot loaders, a TPM, and a login by ssh."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from provision.system.virtual_machine.debian_root import DebianRoot
from provision.system.virtual_machine.running import free_port
from tests.real.boot.machine import COMMAND_LINE, LIMIT

START = 1 << 20
"""Where the first partition begins."""

GRUB_CFG = """\
set timeout=0
menuentry 'Linux' {{
\tlinux\t/vmlinuz {arguments}
\tinitrd\t/initramfs
}}
"""


ROOTS_MENU = """\
search --set=root --label root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
"""
"""Goes on with the menu that grub-mkconfig has written on the root file system."""

ENTRY = """\
title {title}
sort-key {key}
linux /vmlinuz
initrd /initramfs
{more}options {arguments}
"""
FIRST_ENTRY = "loader/entries/provision-first-boot.conf"


def grub_disk(images: DebianRoot, folder: Path, arguments: str) -> Path:
    """A disk whose MBR starts GRUB, with a boot partition: kernel, initramfs, and a menu entry with these arguments."""
    files = folder / "boot"
    files.mkdir()
    shutil.copyfile(images.kernel, files / "vmlinuz")
    _pack(images.initramfs, files / "initramfs")
    return _bios_disk(images, files, GRUB_CFG.format(arguments=f"{COMMAND_LINE} {arguments}"))


def grub_disk_for_root(images: DebianRoot, folder: Path) -> Path:
    """A disk whose MBR starts GRUB, which goes on with menu, kernel and initramfs of the root file system."""
    files = folder / "boot"
    files.mkdir()
    return _bios_disk(images, files, ROOTS_MENU)


def whole_disk(images: DebianRoot, folder: Path, arguments: str) -> Path:
    """A disk as one installs it: GRUB for a BIOS with its boot partition, systemd-boot for UEFI, and the root."""
    systemd_boot = systemd_boot_disk(images, folder, arguments)
    disk = grub_disk(images, folder, arguments)
    parts = [(disk.stat().st_size, systemd_boot, "ef")]
    parts.append((parts[0][0] + systemd_boot.stat().st_size, images.image, "83"))
    table = f"start={START // 512}, size={(parts[0][0] - START) // 512}, type=83, bootable\n"
    for start, part, kind in parts:
        copy = ["dd", f"if={part}", f"of={disk}", f"seek={start}", "oflag=seek_bytes", "bs=1M", "conv=sparse,notrunc"]
        subprocess.run([*copy, "status=none"], check=True)
        table += f"start={start // 512}, size={part.stat().st_size // 512}, type={kind}\n"
    with disk.open("r+b") as file:
        file.truncate(parts[1][0] + images.image.stat().st_size)
    subprocess.run(["sfdisk", "--quiet", disk], input=f"label: dos\n{table}", text=True, check=True)
    return disk


def partitioned_root(images: DebianRoot, folder: Path, type_guid: str, size: int) -> DebianRoot:
    """Images for the kernel with 9p. The root keeps its size, and is the one partition, ROOT, of a larger disk."""
    made = folder / "partitioned"
    made.mkdir()
    (made / "vmlinuz").symlink_to(images.folder / "vmlinuz-9p")
    copy = ["dd", f"if={images.image}", f"of={made / 'root.img'}", f"seek={START}", "oflag=seek_bytes"]
    subprocess.run([*copy, "bs=1M", "conv=sparse", "status=none"], check=True)
    with (made / "root.img").open("r+b") as file:
        file.truncate(size)
    sectors = images.image.stat().st_size // 512
    table = f"label: gpt\nstart={START // 512}, size={sectors}, type={type_guid}, name=ROOT\n"
    subprocess.run(["sfdisk", "--quiet", made / "root.img"], input=table, text=True, check=True)
    return DebianRoot(made)


def encrypted_root(images: DebianRoot, key: Path, folder: Path) -> DebianRoot:
    """The same images, but the root file system is in a LUKS volume that this key opens."""
    made = folder / "encrypted"
    made.mkdir()
    for name in ("vmlinuz", "initramfs"):
        (made / name).symlink_to(images.folder / name)
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "luks", "--object", f"secret,id=key,file={key}"]
    quick = ["-o", "key-secret=key,iter-time=100"]
    subprocess.run([*convert, *quick, images.image, made / "root.img"], check=True)
    return DebianRoot(made)


def _bios_disk(images: DebianRoot, files: Path, menu: str) -> Path:
    (files / "grub").mkdir()
    (files / "grub/grub.cfg").write_text(menu)
    disk = files.with_suffix(".img")
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


def systemd_boot_disk(images: DebianRoot, folder: Path, arguments: str) -> Path:
    """A disk with systemd-boot and two entries: one for the first boot, with its archive, and one for later boots."""
    files = folder / "esp"
    (files / "EFI/BOOT").mkdir(parents=True)
    (files / "loader/entries").mkdir(parents=True)
    shutil.copyfile(images.folder / "systemd-bootx64.efi", files / "EFI/BOOT/BOOTX64.EFI")
    shutil.copyfile(images.kernel, files / "vmlinuz")
    _pack(images.folder / "bare", files / "initramfs")
    shutil.copyfile(images.folder / "archive", files / "archive")
    always = f"{COMMAND_LINE} {arguments}"
    later = ENTRY.format(title="Linux", key="linux", more="", arguments=always)
    first = ENTRY.format(
        title="First boot", key="a", more="initrd /archive\n", arguments=f"{always} ignition.firstboot"
    )
    (files / "loader/entries/linux.conf").write_text(later)
    (files / FIRST_ENTRY).write_text(first)
    return _esp(files)


def uki_disk(images: DebianRoot, folder: Path, arguments: str, credentials: dict[str, bytes]) -> Path:
    """A disk with a unified kernel image that the firmware starts, and encrypted credentials beside it, by name.

    Source: systemd-stub(7), of systemd 252: the sections, their addresses, and the directory of the credentials.
    """
    files = folder / "esp"
    beside = files / "EFI/BOOT/BOOTX64.EFI.extra.d"
    beside.mkdir(parents=True)
    for name, data in credentials.items():
        (beside / f"{name}.cred").write_bytes(data)
    _pack(images.initramfs, folder / "packed")
    (folder / "arguments").write_text(f"{COMMAND_LINE} {arguments}\0")
    sections = [
        (".cmdline", "0x30000", folder / "arguments"),
        (".linux", "0x2000000", images.kernel),
        (".initrd", "0x4000000", folder / "packed"),
    ]
    options = [
        option
        for name, address, file in sections
        for option in (f"--add-section={name}={file}", f"--change-section-vma={name}={address}")
    ]
    stub = images.folder / "linuxx64.efi.stub"
    subprocess.run(["objcopy", *options, stub, files / "EFI/BOOT/BOOTX64.EFI"], check=True)
    return _esp(files)


ADDON = "EFI/BOOT/BOOTX64.EFI.extra.d/provision-first-boot.addon.efi"


def addon_disk(images: DebianRoot, folder: Path) -> Path:
    """A disk with a unified kernel image that the firmware starts, and the addon that makes its boot the first one."""
    files = folder / "esp"
    (files / ADDON).parent.mkdir(parents=True)
    shutil.copyfile(images.folder / "uki.efi", files / "EFI/BOOT/BOOTX64.EFI")
    shutil.copyfile(images.folder / "first-boot.addon.efi", files / ADDON)
    return _esp(files)


def _esp(files: Path) -> Path:
    """A disk that is one FAT file system with these files."""
    disk = files.with_suffix(".img")
    subprocess.run(
        ["mkfs.fat", "-C", "-F", "32", "-n", "ESP", disk, str(200 << 10)], check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["mcopy", "-s", "-i", disk, *files.iterdir(), "::"], check=True)
    return disk


def _pack(initramfs: Path, packed: Path) -> None:
    subprocess.run(["zstd", "-1", "-q", "-o", packed, initramfs], check=True)


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


def encrypted_for_tpm(folder: Path, name: str, data: bytes) -> bytes:
    """A credential of systemd that only the TPM with its state in this folder decrypts. The TPM must not run.

    The default of systemd-creds, register 7, holds what the firmware of the machine measured, and this is not that
    machine. Nothing writes register 23.
    """
    folder.mkdir(exist_ok=True)
    port = _two_free_ports()
    argv = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--flags", "not-need-init,startup-clear"]
    argv += ["--server", f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={port + 1}"]
    key = ["--with-key=tpm2", f"--tpm2-device=swtpm:port={port}", "--tpm2-pcrs=23"]
    with subprocess.Popen(argv) as server:
        try:
            _wait_for_port(port + 1)
            encrypt = ["systemd-creds", "encrypt", *key, f"--name={name}", "-", "-"]
            return subprocess.run(encrypt, input=data, stdout=subprocess.PIPE, check=True).stdout
        finally:
            server.terminate()


def _two_free_ports() -> int:
    """The first of two: libtss2-tcti-swtpm takes the port after that of the commands for control."""
    while True:
        port = free_port()
        with socket.socket() as second, suppress(OSError, OverflowError):
            second.bind(("127.0.0.1", port + 1))
            return port


def _wait_for_port(port: int) -> None:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise AssertionError(f"nothing listens on port {port}")


class SshLogin:
    """A key that opens the account root of a guest, and a port of this machine that leads to its port 22."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = str(free_port())
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)

    @property
    def key(self) -> str:
        """The public key, without its kind and comment."""
        return (self._folder / "key.pub").read_text().split()[1]

    @property
    def forward(self) -> str:
        """Properties of the network of qemu."""
        return f"hostfwd=tcp:127.0.0.1:{self._port}-:22,"

    @property
    def argv(self) -> list[str]:
        """ssh, which takes further options and a command. The host key has to be the one that was fetched."""
        identity = ["-i", str(self._folder / "key"), "-o", f"UserKnownHostsFile={self._folder / 'known_hosts'}"]
        return ["ssh", "-F", "none", "-p", self._port, *identity, "-o", "BatchMode=yes", "root@127.0.0.1"]

    def fingerprint(self) -> str:
        """Fetch the host key, as soon as the guest answers; its fingerprint."""
        known = self._folder / "known_hosts"
        scan = ["ssh-keyscan", "-T", str(LIMIT), "-t", "ed25519", "-p", self._port, "127.0.0.1"]
        known.write_bytes(subprocess.run(scan, capture_output=True, check=True).stdout)
        told = subprocess.run(["ssh-keygen", "-l", "-f", known], capture_output=True, text=True, check=True).stdout
        return told.split()[1]

    def run(self, command: str, stdin: bytes = b"") -> bytes:
        """What a command prints in the guest."""
        return subprocess.run([*self.argv, command], input=stdin, stdout=subprocess.PIPE, check=True).stdout

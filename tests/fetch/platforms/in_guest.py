"""What runs inside the guest of test_formats.py: start in 1970, plug in each image, boot from it, and print what was
found.

python -u -m tests.fetch.platforms.in_guest FOLDER
"""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from provision.failures import Failure
from provision.fetch.find_config import find_config
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.namespace import ip
from tests.fetch.platforms.services import METADATA, SERVICES, respond
from tests.fetch.server import Answer, serve

HOST, APPLE_PORT = 2, 1024
DISK, DEBUG = Path("/dev/sda"), Path("/sys/bus/pseudo/drivers/scsi_debug")


def main(folder: Path) -> None:
    running_system = LocalSystem(SystemPaths(kernel_cmdline_path="/dev/null"))
    time.clock_settime(time.CLOCK_REALTIME, 1000.0)
    print(
        running_system.set_clock_to_build_date().partition(":")[0],
        time.time() > Path("/etc/os-release").stat().st_mtime,
    )
    for image in sorted(folder.glob("*.image")):
        with plugged(image):
            print(image.stem, found("ibmcloud", running_system))
    run("modprobe", "sr_mod")
    run("modprobe", "scsi_debug", "dev_size_mb=4", "sector_size=2048", "delay=0")
    ip("address", "add", f"{METADATA}/32", "dev", "lo")
    with serve(respond(SERVICES["azure"], lambda: Answer(b"")), METADATA, 80):
        for image in sorted(folder.glob("*.disc")):
            with inserted(image):
                print("azurestack", image.stem, found("azurestack", running_system))
                if image.stem != "iso":  # Azure would wait for ever for another disc
                    print("azure", image.stem, found("azure", running_system, offline=False))
    print("applehv", over_vsock((folder / "host.config").read_bytes(), running_system))


def found(platform: str, running_system: LocalSystem, *, offline: bool = True) -> list[str] | str:
    """The files of the config, or what went wrong."""
    try:
        acquired = find_config(platform, running_system, FetchSettings(offline=offline, http_total=20))
    except Failure as failure:
        return failure.message
    return [file.path for file in acquired.config.storage.files] if acquired.provided else "none"


@contextmanager
def plugged(image: Path) -> Iterator[None]:
    """A drive that is there for a while."""
    node = run("losetup", "--find", "--show", "--read-only", str(image))
    run("udevadm", "settle")
    yield
    run("losetup", "--detach", node)
    run("udevadm", "settle")


def open_disk() -> BinaryIO:
    """The disk, open for writing. Its node appears some time before the kernel opens it (ENXIO until then)."""
    while True:
        try:
            return os.fdopen(os.open(DISK, os.O_WRONLY), "wb")
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENXIO}:
                raise
            time.sleep(0.1)


@contextmanager
def inserted(image: Path) -> Iterator[None]:
    """A CD drive with a disc: the kernel's emulated SCSI disk (scsi_debug) is written, and also shown as a CD."""
    with open_disk() as disk:
        disk.write(image.read_bytes())
    (DEBUG / "ptype").write_text("5")
    (DEBUG / "add_host").write_text("1")
    run("udevadm", "settle")
    yield
    (DEBUG / "add_host").write_text("-1")
    run("udevadm", "settle")


def over_vsock(config: bytes, running_system: LocalSystem) -> list[str] | str:
    """The files of a config that the host serves over vsock. Here the kernel connects to the machine itself."""
    run("modprobe", "vsock_loopback")
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as server:
        server.bind((socket.VMADDR_CID_ANY, APPLE_PORT))
        server.listen()
        Thread(target=answer, args=(server, config), daemon=True).start()
        return found("applehv", running_system)


def answer(server: socket.socket, config: bytes) -> None:
    channel, _ = server.accept()
    with channel:
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            asked += channel.recv(1 << 16)
        lines = asked.decode().split("\r\n")
        good = lines[0] == "GET / HTTP/1.1" and "Accept: application/json" in lines
        status = "200 OK" if good else "400 Bad Request"
        channel.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(config)}\r\n\r\n".encode() + config)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Ignition with the same copies of the platforms: it gets the same config as our engine, or fails as it does."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fetch.certificates import Authority
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.platforms.drives import DRIVES, drive
from tests.fetch.platforms.peer import NEWER, fetched, needs_engine
from tests.fetch.platforms.services import SERVICES, respond
from tests.fetch.server import Answer, serve

WITHOUT_LEASE = tuple(name for name, service in SERVICES.items() if not service.lease)
KNOWN = WITHOUT_LEASE if NEWER else ("aliyun", "aws", "digitalocean", "exoscale", "gcp", "vultr")
"""Debian's asks azure by CD only, waits for drives of openstack and brightbox, and trusts no further CA for packet."""

UNKNOWN = () if NEWER else ("proxmoxve", "kubevirt")
"""Platforms that came after Debian's."""

CONFIG = b'{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/from-the-cloud"}]}}'

pytestmark = [
    pytest.mark.disks,
    pytest.mark.peer,
    needs_root,
    needs_engine,
]
on_services = pytest.mark.parametrize("platform", KNOWN)


class Peer(NamedTuple):
    """Ignition on a platform."""

    folder: Path
    ca: Authority

    def fetch(self, platform: str, *answers: Answer) -> list[str] | None:
        """The files of the config it gets where the service gives these answers in turn; None if it fails."""
        service = SERVICES[platform]
        turns, last = iter(answers), answers[-1]
        address = service.addresses[0]
        trusted = self.folder / "ca.pem"
        trusted.write_bytes(self.ca.certificate)

        def body() -> list[str] | None:
            with ExitStack() as stack:
                tls = self.ca.issue(service.host) if service.tls else None
                script = respond(service, lambda: next(turns, last))
                stack.enter_context(serve(script, address, 443 if service.tls else 80, tls))
                return fetched(self.folder, platform, {"SSL_CERT_FILE": str(trusted)})

        hosts = f"127.0.0.1 localhost {service.host}\n" if service.host else ""
        return in_namespace(body, *(() if address.startswith("127.") else (f"{address}/32",)), hosts=hosts)


@pytest.fixture
def peer(tmp_path: Path, ca: Authority) -> Peer:
    return Peer(tmp_path, ca)


def given(platform: str) -> Answer:
    return Answer(SERVICES[platform].wrap(CONFIG))


@on_services
def test_config_present(platform: str, peer: Peer) -> None:
    assert peer.fetch(platform, given(platform)) == ["/from-the-cloud"]


@on_services
def test_config_absent(platform: str, peer: Peer) -> None:
    expected: list[str] | None = None if SERVICES[platform].absent_is_error else []
    assert peer.fetch(platform, Answer(b"none", 404)) == expected


@on_services
def test_config_empty(platform: str, peer: Peer) -> None:
    if platform != "azure":  # an empty answer makes Azure's clients wait for a CD, for ever
        assert peer.fetch(platform, Answer(b"")) == []


@on_services
def test_refused(platform: str, peer: Peer) -> None:
    if platform not in {"openstack", "brightbox"}:  # Ignition waits for a drive for ever there
        assert peer.fetch(platform, Answer(b"go away", 401)) is None


@on_services
def test_trouble_and_then_well(platform: str, peer: Peer) -> None:
    assert peer.fetch(platform, Answer(b"starting", 503), given(platform)) == ["/from-the-cloud"]


@pytest.mark.skipif(not Path("/dev/disk/by-label").is_dir(), reason="needs a place to put labels")
@pytest.mark.parametrize(("platform", "label", "file"), [row for row in DRIVES if row[0] not in UNKNOWN])
def test_a_drive(platform: str, label: str, file: str, tmp_path: Path) -> None:
    with drive(tmp_path, label, {file: CONFIG}):
        moved = {"/dev/disk/by-label": tmp_path / "dev/disk/by-label"}
        assert in_namespace(lambda: fetched(tmp_path, platform, {}, moved)) == ["/from-the-cloud"]


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(CONFIG)
    assert fetched(tmp_path, "file", {"IGNITION_CONFIG_FILE": str(tmp_path / "given")}) == ["/from-the-cloud"]


def test_metal_has_none(tmp_path: Path) -> None:
    assert fetched(tmp_path, "metal", {}) == []


@pytest.mark.skipif(not NEWER or not Path("/sys/firmware").is_dir(), reason="Debian's wants the module as well")
def test_firmware_config(tmp_path: Path) -> None:
    firmware = tmp_path / "firmware/qemu_fw_cfg/by_name/opt/com.coreos/config"
    firmware.mkdir(parents=True)
    (firmware / "raw").write_bytes(CONFIG)
    (firmware / "size").write_text(f"{len(CONFIG)}\n")
    assert fetched(tmp_path, "qemu", {}, {"/sys/firmware": tmp_path / "firmware"}) == ["/from-the-cloud"]

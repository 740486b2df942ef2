"""Units of a distribution at the points of a first boot that Ignition names."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.boot.records.completion_record import RECORD
from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.machine import Boot, Machine, cpio
from tests.real.boot.server import Server
from tests.real.boot.workload import check_provisioned, ran, unusable

pytestmark = pytest.mark.boot


def hook(script: str, *settings: str) -> str:
    """A unit of a distribution, whose output is in the report."""
    lines = "\n".join(("DefaultDependencies=no", "OnFailure=emergency.target", "OnFailureJobMode=isolate", *settings))
    service = "Type=oneshot\nRemainAfterExit=yes\nSyslogIdentifier=ignition"
    return f"[Unit]\n{lines}\n[Service]\n{service}\nEnvironmentFile=/run/ignition.env\nExecStart=sh -ec '{script}'\n"


def distribution(config_file: Path, check: str) -> bytes:
    """An archive with units at each point of a first boot; `check` is what the one between kargs and disks does."""
    partition = "/dev/disk/by-partlabel/data"
    mounted = "grep -q sysroot/srv/data /proc/self/mounts"
    user = "mkdir -p /usr/lib/ignition; cp /own.ign /usr/lib/ignition/user.ign; echo hook user $PLATFORM_ID"
    hooks = {
        "complete.target.requires/own-user": hook(
            f"test ! -e /run/ignition.json; {user}", "Before=ignition-fetch-offline.service"
        ),
        "diskful.target.requires/own-table": hook(
            f"test -s /run/ignition.json; test ! -e {partition}; {check}",
            *("After=ignition-kargs.service", "Before=ignition-disks.service ignition-diskful.target"),
        ),
        "complete.target.requires/own-root": hook(
            f"test -e {partition}; ! {mounted}; echo hook root", "After=ignition-disks.service", "Before=sysroot.mount"
        ),
        "complete.target.requires/own-var": hook(
            f"{mounted}; test ! -e /sysroot/srv/data/hello; echo hook var",
            *("After=ignition-mount.service", "Before=ignition-files.service"),
        ),
        "complete.target.requires/own-check": hook(
            f"{mounted}; test -e /sysroot/srv/data/hello; test ! -e /sysroot{RECORD}; echo hook check",
            *("After=ignition-files.service", "Before=ignition-complete.target"),
        ),
        "subsequent.target.requires/own-later": hook("echo hook later $PLATFORM_ID", "Before=sysroot.mount"),
        "diskful-subsequent.target.requires/own-disk": hook("echo hook disk of a later boot", "Before=sysroot.mount"),
    }
    folder = "usr/lib/systemd/system"
    files = {f"{folder}/{name.rpartition('/')[2]}.service": text for name, text in hooks.items()}
    files[f"{folder}/ignition-files.service.d/own.conf"] = "[Service]\nEnvironment=IGNITION_ARGS=--log-to-stdout\n"
    files["own.ign"] = config_file.read_text()
    links = {f"{folder}/ignition-{name}.service": f"../{name.rpartition('/')[2]}.service" for name in hooks}
    return cpio(files, links)


def said(boot: Boot) -> list[str]:
    """What the units of the distribution said."""
    messages = (one["message"] for one in boot.reported["journal"])
    return [message.removeprefix("hook ") for message in messages if message.startswith("hook ")]


def test_units_of_a_distribution_run_at_the_points_that_ignition_names(
    images: DebianRoot, server: Server, config_file: Path, tmp_path: Path
) -> None:
    machine = Machine(images, tmp_path / "machine")
    failed = machine.boot(
        "provision.firstboot=auto provision.on_failure=poweroff",
        unusable(tmp_path),
        overlay=distribution(config_file, "echo this check fails; false"),
    )
    assert failed.report is None, "the boot went on"
    assert "own-table.service failed (exit-code)" in failed.console
    assert "this check fails" in failed.console
    with machine.data.open("rb") as data:
        assert not any(data.read(1 << 20)), "a later stage has run"
    overlay = distribution(config_file, "echo hook table")
    first = machine.boot("provision.firstboot=auto", unusable(tmp_path), overlay=overlay)
    check_provisioned(first.reported)
    assert said(first) == ["user qemu", "table", "root", "var", "check"]
    stages = ["look", "fetch-offline", "network", "kargs", "disks", "mount", "files", "record"]
    assert [unit for unit in ran(first) if unit != "resolve"] == stages
    assert any(one["message"] == "INFO     : Stage: files" for one in first.reported["journal"])
    asked = server.asked
    second = machine.boot("provision.firstboot=auto", unusable(tmp_path), overlay=overlay)
    assert sorted(said(second)) == ["disk of a later boot", "later qemu"]
    assert second.reported["nodes"] == first.reported["nodes"]
    assert server.asked == asked

"""Whether a boot is the first one, by the record and the machine that it belongs to."""

from __future__ import annotations

import json
from glob import glob
from pathlib import Path

import pytest

from provision.boot.first_boot import lacks_record, proves_provisioned
from provision.failures import Failure
from provision.fetch.running_system import SystemPaths
from provision.system.block import sysfs
from provision.system.running_system.local_system import LocalSystem


@pytest.mark.parametrize("argument", ["systemd.volatile", "systemd.volatile=yes", "systemd.volatile=overlay"])
def test_a_root_in_memory_is_not_provisioned_at_each_boot(argument: str, tmp_path: Path) -> None:
    line = f"root=LABEL=nothing-has-this {argument}"
    with pytest.raises(Failure, match="each boot would provision"):
        lacks_record(line, system(tmp_path, line), wait=False)


def system(folder: Path, command_line: str) -> LocalSystem:
    """This machine, started with that kernel command line."""
    (folder / "cmdline").write_text(command_line)
    return LocalSystem(SystemPaths(kernel_cmdline_path=str(folder / "cmdline")))


def test_a_machine_whose_root_is_on_an_absent_network_is_not_provisioned(tmp_path: Path) -> None:
    """It has no disk of its own, so nothing else would show that it is in use."""
    line = "root=LABEL=nothing-has-this ip=ibft rd.iscsi.firmware=1 provision.firstboot=auto"
    with pytest.raises(Failure, match="a root on the network: it is unknown"):
        lacks_record(line, system(tmp_path, line), wait=False)


def test_a_device_without_size_has_not_appeared(tmp_path: Path) -> None:
    """An array of which a member is missing: it must not count as a device without a file system."""
    found = (sysfs.find(node) for node in glob("/dev/loop[0-9]*"))
    node = next((one.node for one in found if one and not one.size), "")
    if not node:
        pytest.skip("all loop devices are in use")
    line = f"provision.firstboot=auto provision.firstboot.device={node} netroot=nbd:10.0.0.1:root"
    with pytest.raises(Failure, match=f"{node} did not appear"):
        lacks_record(line, system(tmp_path, line), wait=False)


def record(machine: str) -> bytes:
    return json.dumps({"boot": "b", "machine": machine}).encode()


@pytest.mark.parametrize(("owner", "machine"), [("one", "one"), ("", "one"), ("one", ""), ("", "")])
def test_a_record_counts_on_its_own_machine_and_where_none_can_be_told(owner: str, machine: str) -> None:
    assert proves_provisioned(record(owner), "quiet", machine)
    assert proves_provisioned(b"{}", "quiet", machine)
    assert proves_provisioned(b"not JSON", "quiet", machine)


def test_the_record_of_another_machine_is_not_believed_before_a_person_decides() -> None:
    with pytest.raises(Failure, match="record of another machine") as failure:
        proves_provisioned(record("one"), "quiet", "two")
    assert "provision.firstboot.record=ignore" in failure.value.hint
    assert proves_provisioned(record("one"), "provision.firstboot.record=keep", "two")
    assert not proves_provisioned(record("one"), "provision.firstboot.record=ignore", "two")

"""For which kernel command lines the network of the initramfs stays."""

from __future__ import annotations

import pytest

from provision.boot.network.end import is_kept


@pytest.mark.parametrize(
    "command_line",
    [
        "root=LABEL=root provision.network=keep",
        "root=nfs:10.0.0.1:/root ip=dhcp",
        "root=/dev/nfs nfsroot=10.0.0.1:/root",
        "boot=nfs ip=dhcp",
        "root=LABEL=root netroot=iscsi:10.0.0.1::::iqn.example",
        "root=LABEL=root ip=ibft rd.iscsi.firmware=1",
        "root=LABEL=root rd.nvmf.discover=tcp,10.0.0.1",
    ],
)
def test_the_network_stays(command_line: str) -> None:
    assert is_kept(command_line)


@pytest.mark.parametrize(
    "command_line",
    ["", "root=LABEL=nfs ip=dhcp", "root=/dev/vda1 rd.neednet=1", "provision.network=keep provision.network=end"],
)
def test_the_network_ends(command_line: str) -> None:
    assert not is_kept(command_line)

"""Variables in the URL of a config, with the interfaces of a machine as files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from provision.failures import FetchFailed
from provision.fetch.url_variables import VARIABLES, expanded
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.machine_files import machine_of_files

FILES = {
    "/sys/class/dmi/id/product_uuid": "4C4C4544-0031-3010-804A-C7C04F4C3732\n",
    "/sys/class/dmi/id/product_serial": "S/N 1&2\n",
    "/sys/class/net/eno1/address": "52:54:00:00:00:01\n",
    "/sys/class/net/eno1/carrier": "0\n",
    "/sys/class/net/eno1/ifindex": "2\n",
    "/sys/class/net/eno1/device/vendor": "",
    "/sys/class/net/eno10/address": "52:54:00:00:00:0a\n",
    "/sys/class/net/eno10/carrier": "1\n",
    "/sys/class/net/eno10/ifindex": "10\n",
    "/sys/class/net/eno10/device/vendor": "",
    "/sys/class/net/eno9/address": "52:54:00:00:00:09\n",
    "/sys/class/net/eno9/carrier": "1\n",
    "/sys/class/net/eno9/ifindex": "9\n",
    "/sys/class/net/eno9/device/vendor": "",
    "/sys/class/net/lo/address": "00:00:00:00:00:00\n",
    "/sys/class/net/lo/carrier": "1\n",
    "/proc/sys/kernel/hostname": "(none)\n",
}


def machine(root: Path, command_line: str = "", **files: str) -> LocalSystem:
    return machine_of_files(root, {**FILES, "/proc/cmdline": command_line, **files})


@pytest.mark.parametrize(
    ("url", "command_line", "expected"),
    [
        ("http://h/a?b=$c", "", "http://h/a?b=$c"),
        ("http://h/${uuid}.ign", "", "http://h/4c4c4544-0031-3010-804a-c7c04f4c3732.ign"),
        ("http://h/?s=${serial}", "", "http://h/?s=S%2FN%201%262"),
        ("http://h/${mac}/${mac-hyp}", "", "http://h/52:54:00:00:00:09/52-54-00-00-00-09"),
        ("http://h/${mac}", "BOOTIF=01-AA-bb-00-00-00-01", "http://h/aa:bb:00:00:00:01"),
        ("http://h/${mac}", "BOOTIF=eth0", "http://h/52:54:00:00:00:09"),
        ("http://h/${hostname}", "systemd.hostname=web-1", "http://h/web-1"),
        ("http://h/${arch}", "", f"http://h/{os.uname().machine}"),
    ],
)
def test_a_variable_has_the_value_of_the_machine(tmp_path: Path, url: str, command_line: str, expected: str) -> None:
    assert expanded(url, machine(tmp_path, command_line)) == expected


@pytest.mark.parametrize(("name", "message"), [("uid", r"write one of \$\{uuid\}"), ("hostname", "no value")])
def test_what_has_no_value_is_reported(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        expanded(f"http://h/${{{name}}}", machine(tmp_path))
    text = f"{caught.value.message} {caught.value.hint}"
    assert f"${{{name}}}" in text
    assert re.search(message, text)


def test_the_guide_names_every_variable() -> None:
    guide = (Path(__file__).parents[2] / "docs/guide/boot.md").read_text()
    assert [name for name in VARIABLES if f"`${{{name}}}`" not in guide] == []

"""Starting is cheap: a boot starts Python once or a few times. `make bench` measures the time; modules are counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import INTERPRETER, ours, umount_stage

MOST = 111
"""Modules of ours that the last stage of a boot imports; each costs 0.1 to 0.3 ms of processor time."""

MOST_OF_OTHERS = 30
"""Modules of the standard library that it imports beyond those of the bare interpreter."""


def imported(command: list[str], environment: dict[str, str] | None = None) -> set[str]:
    """The modules that a Python program imports, by its own account (`-X importtime`)."""
    argv = [command[0], "-X", "importtime", *command[1:]]
    told = subprocess.run(argv, check=True, capture_output=True, text=True, env=environment).stderr
    return {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}


def test_a_stage_imports_few_modules(tmp_path: Path) -> None:
    beyond = imported(umount_stage(tmp_path)) - imported([sys.executable, *INTERPRETER[1:]])
    own = {module for module in beyond if module.partition(".")[0] in {"provision", "transpiler"}}
    assert not {module for module in own if module.startswith("transpiler")}
    assert len(own) <= MOST
    assert len(beyond - own) <= MOST_OF_OTHERS, sorted(beyond - own)


CONFIG = """{"ignition": {"version": "3.4.0"},
"storage": {"files": [{"path": "/etc/a", "contents": {"source": "data:,a"}}], "links": [{"path": "/b", "target": "c"}]},
"systemd": {"units": [{"name": "a.service", "enabled": true, "contents": "[Install]\\nWantedBy=multi-user.target"}]}}"""

NOT_FOR_A_PLAIN_CONFIG = (
    *("transpiler", "yaml", "urllib3", "http.client", "ssl", "parted", "inspect", "ast"),
    *("provision.config.old_versions", "provision.metadata", "provision.commands.metadata", "provision.commands.plan"),
    *("provision.commands.apply", "provision.fetch.user_data.script", "provision.fetch.url_variables"),
    *("provision.fetch.schemes.oem", "provision.system.images", "provision.system.block.partitions.libblkid"),
    "provision.boot.factory_reset",
)


@pytest.mark.skipif(os.geteuid() != 0, reason="the files belong to root")
def test_a_boot_with_a_plain_config_loads_nothing_else(tmp_path: Path) -> None:
    """Stages that read a config of version 3 and carry it out, by Python's own account of what they import."""
    (tmp_path / "user.ign").write_text(CONFIG)
    (tmp_path / "root").mkdir()
    files = (f"--root={tmp_path}/root", f"--config-cache={tmp_path}/config", f"--state-file={tmp_path}/state")
    environment = {**os.environ, "IGNITION_SYSTEM_CONFIG_DIR": str(tmp_path)}
    for stage in ("fetch-offline", "files"):
        found = imported(ours("--platform=metal", f"--stage={stage}", *files, "--log-to-stdout"), environment)
        assert any(name.startswith("provision.stages.") for name in found) or stage == "fetch-offline"
        assert {
            name for name in found if f"{name}.".startswith(tuple(f"{one}." for one in NOT_FOR_A_PLAIN_CONFIG))
        } == set()
    assert (tmp_path / "root/etc/a").read_text() == "a"


def test_yaml_user_data_loads_no_lints() -> None:
    """Lints are for authors. The machine accepts and refuses the same texts without them."""
    code = """
import sys
from provision.failures import ConfigInvalid
from provision.fetch.user_data.reading import read_config
said = []
yaml = b"variant: fcos\\nversion: 1.5.0\\npasswd: {users: [{name: a b}]}\\n"
read_config(yaml, "user data", lambda level, message: said.append(message))
try:
    read_config(yaml + b"---\\na: 1\\n", "user data", lambda level, message: said.append(message))
except ConfigInvalid:
    print(*said, [one for one in sys.modules if one.startswith("transpiler.lint")])
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.startswith("user data:4:1: a second document begins here")
    assert told.endswith(" []\n")


def test_only_an_old_config_loads_what_reads_it() -> None:
    script = (
        "import sys; from provision.config.validate import validate\n"
        "from provision.fetch import references, find_config, base_config\n"
        "validation = validate(sys.argv[1].encode())\n"
        "assert validation.config, validation\n"
        "print(any('old_versions' in name for name in sys.modules))\n"
    )
    told = {
        version: subprocess.run(
            [sys.executable, "-c", script, '{"ignition": {"version": "%s"}}' % version],  # noqa: UP031 - JSON has braces
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
        ).stdout.strip()
        for version in ("3.0.0", "2.4.0")
    }
    assert told == {"3.0.0": "False", "2.4.0": "True"}

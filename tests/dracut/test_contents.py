"""The lists of programs and drivers, which the shells of dracut and initramfs-tools read."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from provision.system.programs.confinement import ACCOUNT_TOOLS
from tests.architecture.imports import sources

CONTENTS = Path(__file__).parents[2] / "dracut/engine/contents.sh"
MODULE_SETUP = CONTENTS.with_name("module-setup.sh")


def test_no_variable_of_a_builder_is_overwritten() -> None:
    """With `drivers` set, dracut's module kernel-modules leaves out all other drivers and file systems."""
    script = f'set >/dev/null; before=$(set); . {CONTENTS}; comm -13 <(echo "$before") <(set)'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    names = {line.partition("=")[0] for line in done.stdout.splitlines() if "=" in line and line[0] not in " _'"}
    assert names - {"before", "BASH_ARGC", "BASH_ARGV", "PIPESTATUS"} == {
        f"provision_{name}"
        for name in (
            *("needed_tools", "optional_tools", "kargs_tools", "clevis_tools", "optional_clevis_tools"),
            *("drivers", "driver_folders", "crypto_folders", "libraries", "settings"),
        )
    }


NOT_AT_A_BOOT = {
    "provision.boot.root.restamp": "an image that needs these programs names them in install_items of dracut.conf(5)",
    "provision.metadata.answers": "a machine of Vagrant asks `ip` in the real root, where its second interface is up",
    "provision.stages.disks.partitions.growth": "`provision grow` runs in the real root",
    "provision.system.images.unfinished_images": "images are for people's commands",
    "provision.system.virtual_machine.disk_images": "virtual machines are for people's commands",
    "provision.system.virtual_machine.ssh_keys": "virtual machines are for people's commands",
}


def test_every_program_that_a_boot_may_start_is_in_the_lists() -> None:
    """What the code starts by name; programs with names that a config or a table chooses are not seen here."""
    started = {
        (name, module)
        for module, path in sources().items()
        if module.startswith("provision.") and module not in NOT_AT_A_BOOT
        for name in started_programs(ast.parse(path.read_text()))
    }
    assert {"blkid", "clevis", "cryptsetup", "mdadm", "systemctl", "wipefs"} <= {name for name, _ in started}
    listed = {*ACCOUNT_TOOLS} | set(f"{CONTENTS.read_text()} {MODULE_SETUP.read_text()}".replace("'", " ").split())
    assert {one for one in started if one[0] not in listed} == set()


STARTERS = {"run", "RunProgram", "output_of"}
"""Functions that take a command line: as a list, or in the first of them word by word."""


def started_programs(module: ast.Module) -> Iterator[str]:
    """The names of programs in the command lines of a module."""
    for node in ast.walk(module):
        lines: list[ast.expr | None] = []
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            lines = [node.value] if any(ast.unparse(one) == "argv" for one in targets) else []
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in STARTERS:
            lines = [*node.args, *(one.value for one in node.keywords if one.arg == "argv")]
            if isinstance(node.func, ast.Attribute) and len(lines) > 1 and node.func.attr == "run":
                yield from words(lines[0])
        for line in lines:
            for one in (line.body, line.orelse) if isinstance(line, ast.IfExp) else (line,):
                if isinstance(one, ast.List | ast.Tuple) and one.elts:
                    yield from words(one.elts[0])


def words(node: ast.expr | None) -> Iterator[str]:
    """The text of a constant, if it can be the name of a program."""
    text = node.value if isinstance(node, ast.Constant) else None
    if isinstance(text, str) and re.fullmatch("[a-z][a-z0-9._-]+", text):
        yield text

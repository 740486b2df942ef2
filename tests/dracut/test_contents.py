"""The lists of programs and drivers, which the shells of dracut and initramfs-tools read."""

from __future__ import annotations

import subprocess
from pathlib import Path

CONTENTS = Path(__file__).parents[2] / "dracut/engine/contents.sh"


def test_no_variable_of_a_builder_is_overwritten() -> None:
    """With `drivers` set, dracut's module kernel-modules leaves out all other drivers and file systems."""
    script = f'set >/dev/null; before=$(set); . {CONTENTS}; comm -13 <(echo "$before") <(set)'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    names = {line.partition("=")[0] for line in done.stdout.splitlines() if "=" in line and line[0] not in " _'"}
    assert names - {"before", "BASH_ARGC", "BASH_ARGV", "PIPESTATUS"} == {
        f"provision_{name}"
        for name in (
            *("needed_tools", "optional_tools", "kargs_tools", "clevis_tools", "optional_clevis_tools"),
            *("drivers", "driver_folders", "crypto_folders", "settings"),
        )
    }

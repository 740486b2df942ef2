"""What a start costs: `python -m tests.bench`. A boot has six of them, so this is a force in the design.

Best of several runs, side by side with the interpreter alone, in milliseconds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

HOUSE = Path(__file__).parents[1]
RUNS = 15
INTERPRETER = (sys.executable, "-I", "-c", "pass")


def ours(*arguments: str | Path, program: str = "provision", module: str = "provision.cli") -> list[str]:
    """A program of ours as the initramfs starts it: isolated, without `site`."""
    start = f"import sys; sys.path.append({str(HOUSE)!r}); sys.argv[0] = {program!r}; from {module} import main; main()"
    return [sys.executable, "-I", "-S", "-c", start, *map(str, arguments)]


def umount_stage(folder: Path) -> list[str]:
    """The last stage of a boot whose config is empty."""
    cache = folder / "ignition.json"
    cache.write_text('{"ignition":{"version":"3.4.0"}}')
    (folder / "root").mkdir(exist_ok=True)
    options = ("--platform=metal", "--stage=umount", f"--root={folder}/root", f"--config-cache={cache}")
    return ours(*options, f"--state-file={folder}/state", "--log-to-stdout")


def best(*commands: Sequence[str], runs: int = RUNS) -> list[float]:
    """The shortest time of each command in milliseconds, taken in turns: what else runs here disturbs all alike."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(runs):
        for command, taken in zip(commands, times, strict=True):
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken.append((time.perf_counter() - began) * 1000)
    return [min(taken) for taken in times]


def main(show: Callable[[str], None] = print) -> None:
    """Print a line for each program."""
    with tempfile.TemporaryDirectory() as folder:
        example = HOUSE / "examples/web-server.yaml"
        commands = {
            "python3 -I -c pass": INTERPRETER,
            "provision --version": ours("--version"),
            "provision --stage umount": umount_stage(Path(folder)),
            "transpile web-server.yaml": [str(Path(sys.executable).parent / "transpile"), str(example)],
            "provision validate": [str(Path(sys.executable).parent / "provision"), "validate", str(example)],
        }
        times = best(*commands.values())
    for name, taken in zip(commands, times, strict=True):
        show(f"{name:28} {taken:7.1f} ms {taken / times[0]:6.1f} x")


if __name__ == "__main__":
    main()

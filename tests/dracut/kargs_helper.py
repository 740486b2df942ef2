"""The helper for kernel arguments as tests use it: its path, and its functions."""

from __future__ import annotations

import runpy
from functools import cache
from pathlib import Path
from typing import Any

HELPER = Path(__file__).parents[2] / "dracut/engine/kargs-helper.py"


@cache
def helper() -> dict[str, Any]:
    """The names of the program."""
    return runpy.run_path(str(HELPER))

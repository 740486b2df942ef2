"""A target root that has as much of a system as accounts need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/shadow": "root:*:::::::\n",
    "etc/gshadow": "root:*::\n",
}


def new_root(root: Path, files: Mapping[str, str] | None = None) -> Path:
    """Make a root with the account root, and with further files (paths below it, and their texts). Returns it."""
    for path, text in {**_ACCOUNTS, **(files or {})}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root

"""The opinion of visudo about rules of sudo, where it is installed. Source: visudo(8)."""

from __future__ import annotations

import os
import re
from functools import lru_cache

_LIMIT = 5.0
"""The time in seconds after which visudo is ended; its opinion is left out then."""

_SYSTEM_FOLDERS = "/usr/sbin:/sbin"
"""Where visudo is, and where the PATH of a user often does not lead."""

_COMPLAINT = re.compile(r"stdin:(\d+)(?::\d+)?: (.+)")


@lru_cache(maxsize=64)
def complaints_of_visudo(text: str, folders: str = "") -> tuple[tuple[int, str], ...]:
    """The lines that visudo refuses, from 0, and why. None without visudo, and for texts that include others.

    `folders` is searched for visudo, as in PATH; without it, PATH and the folders of system programs are. The text goes
    through a pipe, so that no other process sees it. Aliases that another file may define are no complaints.
    """
    import shutil
    import subprocess

    program = shutil.which("visudo", path=folders or f"{os.environ.get('PATH', '')}:{_SYSTEM_FOLDERS}")
    if not program or re.search(r"^\s*[@#]include", text, re.MULTILINE):
        return ()
    argv = [program, "--check", "--file=-"]
    try:
        told = subprocess.run(
            argv,
            input=text.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=_LIMIT,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            cwd="/",
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()
    if told.returncode == 0:
        return ()
    found = (_COMPLAINT.match(line) for line in told.stderr.decode("utf-8", "replace").splitlines())
    lines = text.count("\n")
    return tuple(
        (min(int(one[1]) - 1, lines), "".join(filter(str.isprintable, one[2]))[:100])
        for one in found
        if one and int(one[1]) and "referenced but not defined" not in one[2]
    )

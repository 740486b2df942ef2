"""Starts `provision apply` with a config on standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys

LIMIT_SECONDS = 120


def apply(config: object, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to the end, whatever the exit code; a traceback on stderr fails the test."""
    argv = [sys.executable, "-m", "provision", "apply", "-", *map(str, arguments)]
    done = subprocess.run(
        argv,
        input=json.dumps(config),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done

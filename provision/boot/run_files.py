"""Where a boot keeps its own files, all of them in /run: Ignition's paths, for programs that look there, and ours."""

from __future__ import annotations

CONFIG_CACHE = "/run/ignition.json"
NEED_NETWORK = "/run/ignition/neednet"
STATE_FILE = "/run/ignition/state"
RUN_DIR = "/run/provision"

"""Paths of a boot's own files in /run. Three are Ignition's, because other programs read those files."""

from __future__ import annotations

CONFIG_CACHE = "/run/ignition.json"
NEED_NETWORK = "/run/ignition/neednet"
STATE_FILE = "/run/ignition/state"
RUN_DIR = "/run/provision"

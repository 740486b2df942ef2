"""Paths of a boot's own files in /run. Four are Ignition's, because other programs read those files."""

from __future__ import annotations

CONFIG_CACHE = "/run/ignition.json"
PLATFORM_FILE = "/run/ignition.env"
NEED_NETWORK = "/run/ignition/neednet"
STATE_FILE = "/run/ignition/state"
RUN_DIR = "/run/provision"
ENVIRONMENT = f"{RUN_DIR}/first-boot"
"""The units of a first boot start only if this file exists, and read from it which stages they run."""

BUNDLE = f"{RUN_DIR}/bundle"
"""What `provision replay` makes the plan of a failed boot of, on another machine."""
BLOBS = f"{RUN_DIR}/blobs"
"""The folder of contents that are fetched already."""

EARLIER_RECORD = f"{RUN_DIR}/earlier-record"
"""Where the record of an earlier first boot is, if there is one in a file (provision.boot.records.earlier_record)."""

WITH_SECRETS = (CONFIG_CACHE, STATE_FILE, BLOBS)
"""What may hold secrets of the config, and is erased after a first boot."""

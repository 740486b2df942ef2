"""`ignition-rmcfg`: delete the config from the platform, so that nobody in the machine can read it later.

Source: Ignition's program of that name.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from provision.failures import Failure
from provision.fetch.platforms.table import PLATFORMS
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.log import open_log


def ignition_rmcfg(arguments: Sequence[str]) -> int:
    """Delete the config. Returns 0; argparse exits with 2 for a wrong command line; raises Failure."""
    parser = argparse.ArgumentParser(prog="ignition-rmcfg", allow_abbrev=False)
    parser.add_argument("--platform", choices=sorted(PLATFORMS), metavar="NAME", help="platform that has the config")
    parser.add_argument("--log-to-stdout", action="store_true", help="write to standard output, not the journal")
    parser.add_argument("--version", action="store_true", help="print the version")
    options = parser.parse_args(arguments)
    if options.version:
        from provision import IGNITION_VERSION

        print(f"Ignition {IGNITION_VERSION}")
        return 0
    if not options.platform:
        parser.error("'--platform' must be provided")
    _delete(options.platform, to_stdout=options.log_to_stdout)
    return 0


def _delete(platform: str, *, to_stdout: bool) -> None:
    from provision.fetch.platforms.context import fetch_context
    from provision.system.running_system.local_system import LocalSystem

    log = open_log(sys.stdout, to_stdout=to_stdout)
    delete = PLATFORMS[platform].delete
    if delete is None:
        raise Failure(f"{platform}: cannot delete config on this platform")
    delete(fetch_context(LocalSystem(SystemPaths.of(os.environ)), FetchSettings(platform=platform), log))
    log("info", f"deleted the config from {platform}")

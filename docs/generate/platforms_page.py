"""The table of platforms -> its reference page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from provision.boot.status import PLATFORM_REPORTS
from provision.fetch.platforms.table import PLATFORMS, Platform

HEAD = """\
# Platforms

Generated from the table by `make generate`; do not edit.

`ignition.platform.id=NAME` on the kernel command line names the platform. A config given there by URL or device, or
lying in the system as `user.ign`, or in a credential of systemd, comes before the platform's own.

User data may be compressed with gzip, xz or zstd (recognised by content; zstd needs libzstd in the initramfs, where our
modules put it), and may be the YAML that people write instead of JSON. Where there is none, the boot goes on without a
config unless the table says otherwise.

- **network**: whether the platform's config needs one; without need none is brought up.
- **delete**: whether the config can be removed from the platform after use (`ignition-rmcfg`).
- **report**: whether the platform is told how the boot goes, besides the URL in `provision.status.url=`.
- **proof**: `real`: tested against a real device, or a faithful server at the real address in a network namespace;
  `recorded`: on a recorded conversation, for want of the device; `read`: written from the documentation only.

| name | platform | where the config is | network | delete | report | proof |
|---|---|---|---|---|---|---|
"""


PAGE = Path("docs/reference/platforms.md")


def generated() -> dict[Path, str]:
    """The page, by its path."""
    return {PAGE: page()}


def page() -> str:
    """The page, in Markdown."""
    return HEAD + "".join(f"{row}\n" for row in rows())


def rows() -> Iterator[str]:
    """One row of the table for each platform."""
    for name, platform in PLATFORMS.items():
        yield f"| {' | '.join((f'`{name}`', *_cells(name, platform)))} |"


def _cells(name: str, platform: Platform) -> tuple[str, ...]:
    network = "no" if platform.source.offline else "yes"
    delete = "yes" if platform.delete else ""
    report = "yes" if name in PLATFORM_REPORTS else ""
    return platform.title, platform.source.describe(), network, delete, report, platform.proof

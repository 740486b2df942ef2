"""How large a config may be on each platform whose limit is documented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

LIMITS: Mapping[str, int] = {
    "aws": 16 * 1024,
    "azure": 65535,
    "digitalocean": 64 * 1024,
    "gcp": 256 * 1024,
    "hetzner": 32 * 1024,
    "openstack": 65535 // 4 * 3,
    "virtualbox": 1024,
}
"""Platform -> the largest user data in bytes.

Sources: EC2 User Guide (16 KB before base64); Azure Compute API, customData; DigitalOcean's OpenAPI description,
`droplet_create.yml` ("may not exceed 64 KiB"); Compute Engine API, Metadata.items.value; Hetzner Cloud API reference,
"Create a server" ("limited to 32KiB"); nova user guide (65535 bytes in base64); VirtualBox since 7.0.20 (a guest
property), as in coreos/ignition#2226.
"""


TAKE_BYTES = frozenset({"aws", "azure", "openstack"})
"""Platforms whose user data are sent in base64, so that they can be any bytes. Those of the others are text.

Sources: the same; the API of Amazon EC2, RunInstances.
"""


class Fit(NamedTuple):
    """A platform, its limit in bytes, and whether a config is small enough for it."""

    platform: str
    limit: int
    fits: bool


def fits(size: int) -> list[Fit]:
    """Whether a config of `size` bytes can be user data, for each platform, the smallest limit first."""
    limits = sorted(LIMITS.items(), key=lambda pair: (pair[1], pair[0]))
    return [Fit(platform, limit, size <= limit) for platform, limit in limits]

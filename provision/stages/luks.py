"""Encrypted volumes: LUKS2, with keys from files, made here, or bound with clevis; and what of them lasts."""

from __future__ import annotations

from collections.abc import Iterator

from provision.actions import Wave
from provision.config.format import Config
from provision.observe import Observe


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """Nothing yet."""
    yield from ()


def crypttab(config: Config, observe: Observe) -> Iterator[Wave]:
    """Nothing yet."""
    yield from ()

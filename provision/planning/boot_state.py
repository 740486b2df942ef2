"""What the stages of one boot tell each other: one record, saved and read whole between two stages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class BootState(NamedTuple):
    """What a stage is started with, and what it leaves for the next one.

    - `seed`: everything that a config leaves open follows from it: UUIDs of partitions, arrays, volumes, file systems.
    - `boot_id`: which boot provisions this machine (`/proc/sys/kernel/random/boot_id`).
    - `started`: when this stage began (RFC 3339).
    - `user_config`: a user gave a config, beside those of the system.
    - `one_keys_file`: sshd does not read fragments; keys go to `.ssh/authorized_keys`.
    - `made_directories`: directories that were made for mount points. Homes of new users take them over.
    - `mounted`: the mount points that were mounted by us; what was mounted before stays.
    - `luks_devices`: volume -> canonical name of the device it is on. The name in the config may be a link that making
      the volume took away.
    - `platform_files`: path in the target -> data URL, of what a platform hands over only once a boot.
    """

    seed: str = ""
    boot_id: str = ""
    started: str = ""
    user_config: bool = False
    one_keys_file: bool = False
    made_directories: tuple[str, ...] = ()
    mounted: tuple[str, ...] = ()
    luks_devices: Mapping[str, str] = MappingProxyType({})
    platform_files: Mapping[str, str] = MappingProxyType({})

    def __repr__(self) -> str:
        return "BootState(...)"  # files of a platform may hold secrets

"""What one stage of a boot hands to the next: one record, which is saved and read as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class BootState(NamedTuple):
    """The state that a stage starts with, and that it leaves for the next stage.

    - `seed`: UUIDs that a config leaves open (of partitions, arrays, volumes, file systems) are derived from it.
    - `boot_id`: which boot provisions this machine (`/proc/sys/kernel/random/boot_id`).
    - `started`: when this stage began (RFC 3339).
    - `user_config`: whether a user gave a config, besides those of the system.
    - `one_keys_file`: whether keys go to `.ssh/authorized_keys`, because sshd does not read fragments.
    - `made_directories`: directories that were made for mount points. Homes of new users take them over.
    - `mounted`: the mount points that the mount stage mounted. What was mounted before is never unmounted.
    - `luks_devices`: volume -> canonical name of the device it is on. The name in the config may be a link that
      disappeared when the volume was made.
    - `fetched_configs`: `kind`, `source` and `referenced` of each fetched config, for programs that read the file.
    - `files_written`: whether the files stage has ended. Then the umount stage is the last one.
    - `platform_files`: path in the target -> data URL, for files that a platform provides only once in a boot.
    - `network_settings`: path in the target -> text of settings of the initramfs's network, which the root gets if it
      has none of its own.
    """

    seed: str = ""
    boot_id: str = ""
    started: str = ""
    user_config: bool = False
    one_keys_file: bool = False
    made_directories: tuple[str, ...] = ()
    mounted: tuple[str, ...] = ()
    luks_devices: Mapping[str, str] = MappingProxyType({})
    fetched_configs: tuple[Mapping[str, str | bool], ...] = ()
    files_written: bool = False
    platform_files: Mapping[str, str] = MappingProxyType({})
    network_settings: Mapping[str, str] = MappingProxyType({})

    def __repr__(self) -> str:
        return "BootState(...)"  # files of a platform may hold secrets

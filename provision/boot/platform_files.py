"""What a platform hands over only once a boot: later stages find it in their memory, the installed system as files."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, MutableMapping

from provision.config.format import Config, File, Resource, Storage
from provision.fetch.base_config import EMPTY
from provision.planning.boot_state import PLATFORM_FILES
from provision.planning.machine_view import Memory

PREFIX = "data:;base64,"


def recalled(memory: Mapping[str, Memory]) -> dict[str, bytes]:
    """What an earlier stage was handed: path in the target -> bytes."""
    return {path: a2b_base64(url.removeprefix(PREFIX)) for path, url in _urls(memory).items()}


def remember(memory: MutableMapping[str, Memory], platform_files: Mapping[str, bytes]) -> None:
    """Keep it for the stages to come."""
    if platform_files:
        encoded = ((path, b2a_base64(data, newline=False).decode("ascii")) for path, data in platform_files.items())
        memory[PLATFORM_FILES] = {path: PREFIX + text for path, text in encoded}


def files(memory: Mapping[str, Memory]) -> Config:
    """A config that writes it: for nobody but root to read, over what is there."""
    found = tuple(
        File(path=path, overwrite=True, mode=0o600, contents=Resource(source=url))
        for path, url in _urls(memory).items()
    )
    return EMPTY.changed(storage=Storage(files=found))


def _urls(memory: Mapping[str, Memory]) -> Mapping[str, str]:
    urls = memory.get(PLATFORM_FILES)
    return urls if isinstance(urls, Mapping) else {}

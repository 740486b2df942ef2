"""Files that a platform hands over once per boot: the boot state keeps them, and the files stage writes them."""

from __future__ import annotations

from collections.abc import Mapping

from provision.config.format import Config, File, Resource, Storage
from provision.config.resources.data_urls import base64_encoded, decode_data_url
from provision.fetch.base_config import EMPTY


def from_data_urls(urls: Mapping[str, str]) -> dict[str, bytes]:
    """Path in the target -> bytes; `urls` maps the same paths to data URLs, as the boot state stores them.

    Raises BadDataUrl.
    """
    return {path: decode_data_url(url) for path, url in urls.items()}


def to_data_urls(files: Mapping[str, bytes]) -> dict[str, str]:
    """Path in the target -> data URL, as the boot state stores them."""
    return {path: base64_encoded(data) for path, data in files.items()}


def as_config(urls: Mapping[str, str]) -> Config:
    """A config that writes these files with mode 0600 and overwrites existing ones."""
    files = tuple(
        File(path=path, overwrite=True, mode=0o600, contents=Resource(source=url)) for path, url in urls.items()
    )
    return EMPTY.changed(storage=Storage(files=files))

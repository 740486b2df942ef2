"""Make a config fit into a number of bytes: compress it, and move its largest parts into a second config.

The compressed form is a config that is replaced by a `data:` URL with gzip, which every engine from 3.1 on reads. The
second config is merged before all others, and has parts that are known by a key: whole entries of files and units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha512
from typing import NamedTuple

from provision.config.format import Config, ConfigResource, Ignition, IgnitionConfig, Resource, Verification
from provision.config.json_text.encode import encode
from provision.config.model import minor
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.resources.data_urls import base64_encoded
from transpiler.butane.sugar.data_url import data_url, gzipped

COMPRESSED_SINCE = minor("3.1")
"""The first version in which a config that is referenced may be compressed."""

_READABLE_BY_ALL = 0o004


class MovedPart(NamedTuple):
    """An entry that is in the second config: a file or a unit, and its size in bytes of JSON. `number` counts from 0.

    A file is `private` if not every user of the machine may read it.
    """

    kind: str
    number: int
    name: str
    size: int
    private: bool


class Packed(NamedTuple):
    """A config that fits, as JSON. `form` is `plain`, `compressed` or `split`; only the latter has a second config.

    `hash` is the checksum of the second config, as the first one demands it.
    """

    form: str
    text: str
    second: str = ""
    hash: str = ""
    moved: tuple[MovedPart, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of the first config."""
        return _size(self.text)


class CannotPackError(ValueError):
    """The config does not fit. `smallest` is the size in bytes that was reached."""

    def __init__(self, smallest: int) -> None:
        super().__init__(f"{smallest} bytes")
        self.smallest = smallest


def pack(config: Config, spec_minor: int, limit: int, url: str = "") -> Packed:
    """The config in at most `limit` bytes. `url` is the address of a second config; without one, nothing is moved.

    Raises CannotPackError.
    """
    text = encode(config, spec_minor)
    if _size(text) <= limit:
        return Packed("plain", text)
    whole = compressed(config, spec_minor)
    if _size(whole) <= limit:
        return Packed("compressed", whole)
    if not url:
        raise CannotPackError(min(_size(text), _size(whole)))
    return _with_second(config, spec_minor, limit, url)


def _size(text: str) -> int:
    """The bytes of a config in a file, which ends with a line break."""
    return len(text.encode()) + 1


def _with_second(config: Config, spec_minor: int, limit: int, url: str) -> Packed:
    """The config with as few parts in a second one as possible, the largest and most public ones first."""
    parts = sorted(_parts(config, spec_minor), key=lambda one: (one.private, -one.size, one.kind, one.number))
    too_few, enough = 0, len(parts)
    best = _split(config, spec_minor, parts, url)
    if best.size > limit:
        raise CannotPackError(best.size)
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        made = _split(config, spec_minor, parts[:middle], url)
        if made.size <= limit:
            enough, best = middle, made
        else:
            too_few = middle
    return best


def _split(config: Config, spec_minor: int, moved: Sequence[MovedPart], url: str) -> Packed:
    files, units = ({one.number for one in moved if one.kind == kind} for kind in ("file", "unit"))
    second = encode(_selected(Config(), config, files, units, chosen=True), spec_minor)
    checksum = f"sha512-{sha512(second.encode()).hexdigest()}"
    reference = ConfigResource(source=url, verification=Verification(hash=checksum))
    settings = config.ignition.config
    merged = settings.changed(merge=(reference, *settings.merge))
    rest = _selected(config, config, files, units, chosen=False)
    rest = rest.changed(ignition=rest.ignition.changed(config=merged))
    texts = encode(rest, spec_minor), compressed(rest, spec_minor)
    return Packed("split", min(texts, key=len), second, checksum, tuple(moved))


def _selected(base: Config, config: Config, files: set[int], units: set[int], *, chosen: bool) -> Config:
    """`base` with those files and units of `config` that are chosen, or with all others."""
    return base.changed(
        storage=base.storage.changed(
            files=tuple(one for index, one in enumerate(config.storage.files) if (index in files) is chosen)
        ),
        systemd=base.systemd.changed(
            units=tuple(one for index, one in enumerate(config.systemd.units) if (index in units) is chosen)
        ),
    )


def _parts(config: Config, spec_minor: int) -> Iterator[MovedPart]:
    """Every file and unit, with its size."""
    empty = len(encode(Config(), spec_minor))
    for index, file in enumerate(config.storage.files):
        size = len(encode(Config().changed(storage=Config().storage.changed(files=(file,))), spec_minor)) - empty
        private = file.mode is not None and not file.mode & _READABLE_BY_ALL
        yield MovedPart("file", index, file.path, size, private)
    for index, unit in enumerate(config.systemd.units):
        size = len(encode(Config().changed(systemd=Config().systemd.changed(units=(unit,))), spec_minor)) - empty
        yield MovedPart("unit", index, unit.name, size, private=False)


def compressed(config: Config, spec_minor: int) -> str:
    """A config that is replaced by this one, compressed. Its contents are not compressed twice if that is shorter.

    So equal contents take their place once, as far as gzip sees them (32 KiB apart).
    """
    forms = (encode(config, spec_minor), encode(_opened(config), spec_minor))
    source = base64_encoded(min((gzipped(one.encode()) for one in forms), key=len))
    replaced = IgnitionConfig(replace=ConfigResource(source=source, compression="gzip"))
    return encode(Config(ignition=Ignition(version="", config=replaced)), max(spec_minor, COMPRESSED_SINCE))


def _opened(config: Config) -> Config:
    """The config with the contents that it holds in their plain form."""
    files = tuple(
        one.changed(contents=_plain(one.contents), append=tuple(_plain(part) for part in one.append))
        for one in config.storage.files
    )
    return config.changed(storage=config.storage.changed(files=files))


def _plain(resource: Resource) -> Resource:
    try:
        contents = inline_content(resource) if resource.source and resource.compression == "gzip" else None
    except ContentInvalid:
        contents = None
    if contents is None:
        return resource
    return resource.changed(source=data_url(contents, None, gzip=False).source, compression="")

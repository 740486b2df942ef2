"""Make a config fit into a number of bytes: compress it, and move its largest parts into a second config.

The compressed form is a config that is replaced by a `data:` URL with gzip, which every engine from 3.1 on reads. The
engine of this project tells compressions by their contents: for it, zstd is used where it is smaller, and user data can
be compressed as a whole. The second config is merged before all others, and has parts that are known by a key: whole
entries of files and units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha512
from typing import NamedTuple

from provision.config.format import Config, ConfigResource, Ignition, IgnitionConfig, Resource, Verification
from provision.config.json_text.encode import encode
from provision.config.model import minor
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.resources.data_urls import base64_encoded
from transpiler.butane.sugar.data_url import data_url, gzipped
from transpiler.reading.compressed import zstd_module

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


class Reader(NamedTuple):
    """What reads the first config. Each of `compressors` makes one kind of compression that it knows by the contents.

    Without any, it reads gzip only, and `compression` has to say so. With `takes_bytes`, user data need not be text.
    """

    compressors: Mapping[str, Callable[[bytes], bytes]] = {}
    takes_bytes: bool = False


IGNITION = Reader()
"""Source: coreos/ignition 2.26, `validateCompression` of 3.0 to 3.7.0-experimental; user data are not decompressed."""


class First(NamedTuple):
    """The bytes of a config that a machine reads first, and the name of their compression; empty if there is none.

    `other_sizes` are what the other compressions would have needed, in bytes.
    """

    data: bytes
    compression: str = ""
    other_sizes: Mapping[str, int] = {}


class Packed(NamedTuple):
    """A config that fits. `form` is `plain`, `compressed` or `split`; only the latter has a second config.

    `hash` is the checksum of the second config, as the first one demands it.
    """

    form: str
    first: First
    second: str = ""
    hash: str = ""
    moved: tuple[MovedPart, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of the first config."""
        return len(self.first.data)


class CannotPackError(ValueError):
    """The config does not fit. `smallest` is the size in bytes that was reached."""

    def __init__(self, smallest: int) -> None:
        super().__init__(f"{smallest} bytes")
        self.smallest = smallest


def pack(config: Config, spec_minor: int, limit: int, url: str = "", reader: Reader = IGNITION) -> Packed:
    """The config in at most `limit` bytes. `url` is the address of a second config; without one, nothing is moved.

    Raises CannotPackError.
    """
    plain = _plain_form(config, spec_minor)
    if len(plain.data) <= limit:
        return Packed("plain", plain)
    whole = compressed(config, spec_minor, reader)
    if len(whole.data) <= limit:
        return Packed("compressed", whole)
    if not url:
        raise CannotPackError(min(len(plain.data), len(whole.data)))
    return _with_second(config, spec_minor, limit, url, reader)


def _plain_form(config: Config, spec_minor: int) -> First:
    return First(_as_file(encode(config, spec_minor)))


def _as_file(text: str) -> bytes:
    """A config as the bytes of a file, which ends with a line break."""
    return f"{text}\n".encode("utf-8", "backslashreplace")


def _with_second(config: Config, spec_minor: int, limit: int, url: str, reader: Reader) -> Packed:
    """The config with as few parts in a second one as possible, the largest and most public ones first."""
    parts = sorted(_parts(config, spec_minor), key=lambda one: (one.private, -one.size, one.kind, one.number))
    too_few, enough = 0, len(parts)
    best = _split(config, spec_minor, parts, url, reader)
    if best.size > limit:
        raise CannotPackError(best.size)
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        made = _split(config, spec_minor, parts[:middle], url, reader)
        if made.size <= limit:
            enough, best = middle, made
        else:
            too_few = middle
    return best


def _split(config: Config, spec_minor: int, moved: Sequence[MovedPart], url: str, reader: Reader) -> Packed:
    files, units = ({one.number for one in moved if one.kind == kind} for kind in ("file", "unit"))
    second = encode(_selected(Config(), config, files, units, chosen=True), spec_minor)
    checksum = f"sha512-{sha512(second.encode()).hexdigest()}"
    reference = ConfigResource(source=url, verification=Verification(hash=checksum))
    settings = config.ignition.config
    merged = settings.changed(merge=(reference, *settings.merge))
    rest = _selected(config, config, files, units, chosen=False)
    rest = rest.changed(ignition=rest.ignition.changed(config=merged))
    forms = _plain_form(rest, spec_minor), compressed(rest, spec_minor, reader)
    return Packed("split", min(forms, key=lambda one: len(one.data)), second, checksum, tuple(moved))


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


def compressed(config: Config, spec_minor: int, reader: Reader = IGNITION) -> First:
    """A config that is replaced by this one, compressed; if the reader takes bytes, this one itself, compressed.

    Its contents are not compressed twice if that is shorter. So equal contents take their place once, as far as the
    compression sees them (gzip: 32 KiB apart).
    """
    forms = [encode(one, spec_minor).encode() for one in (config, _opened(config))]
    made = {
        name: _first(min(map(compress, forms), key=len), name, spec_minor, reader)
        for name, compress in {"gzip": gzipped, **reader.compressors}.items()
    }
    best = min(made, key=lambda name: len(made[name]))
    return First(made[best], best, {name: len(data) for name, data in made.items() if name != best})


def _first(packed: bytes, compression: str, spec_minor: int, reader: Reader) -> bytes:
    """The bytes of the user data that hold a compressed config."""
    if reader.takes_bytes:
        return packed
    named = compression if compression == "gzip" else ""  # the format knows no other
    replaced = IgnitionConfig(replace=ConfigResource(source=base64_encoded(packed), compression=named))
    return _as_file(encode(Config(ignition=Ignition(version="", config=replaced)), max(spec_minor, COMPRESSED_SINCE)))


def zstd_compressor() -> Callable[[bytes], bytes] | None:
    """A function that compresses with zstd; None without a module for it."""
    module = zstd_module()
    return None if module is None else partial(module.compress, level=_ZSTD_LEVEL)


_ZSTD_LEVEL = 19
"""The highest one that needs no more memory than 8 MiB to decompress (zstd(1))."""


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

"""Whether the config's own contents fit on the file systems that it makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from provision.config.format import Config, File, Resource
from provision.planning.descriptions import size_text

LARGEST_CONFIG = 64 << 20
"""Size in bytes of a file system on which the contents of any config fit: no config is larger."""


def too_small(config: Config, sizes: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """File systems that are smaller than what the config writes to them: (mount point, message).

    `sizes`: mount point -> bytes of the device. Paths are taken as they are written; a file that may go elsewhere
    through a link of the config is left out.
    """
    small = {path: size for path, size in sizes.items() if size < LARGEST_CONFIG}
    links = tuple(f"{link.path.rstrip('/')}/" for link in config.storage.links)
    needed: Counter[str] = Counter()
    for file in config.storage.files if small else ():
        point = max((path for path in sizes if file.path.startswith(path.rstrip("/") + "/")), key=len, default="")
        if point in small and not file.path.startswith(links):
            needed[point] += minimum_size(file)
    for point, size in needed.items():
        if size > small[point]:
            yield (
                point,
                f"the device has {size_text(small[point])}, and the config's files for {point} {size_text(size)}",
            )


def minimum_size(file: File) -> int:
    """Lower bound of the bytes of a file, from the part of its contents that is in the config."""
    return sum(_minimum(resource) for resource in (file.contents, *file.append))


def _minimum(resource: Resource) -> int:
    head, comma, data = (resource.source or "").partition(",")
    if not comma or not head.startswith("data:"):
        return 0
    size = len(data) - 2 * data.count("%")
    if head.endswith(";base64"):
        size = size * 3 // 4 - 2
    if resource.compression:
        size = size * 9 // 10 - 64  # bytes that cannot be compressed grow a little (RFC 1951, 3.2.4)
    return max(size, 0)

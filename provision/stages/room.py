"""Whether what a config brings itself has room: refused only where it certainly has not, for nothing else is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from posixpath import dirname

from provision.actions import Action, Content, Remove, Write
from provision.config.format import Config, File, Resource
from provision.observe import Observe
from provision.stages.devices import size_text

MOST = 64 << 20
"""No config is larger, so its contents fit on any file system of this size (in bytes), as far as can be known."""


def refusals(actions: Iterable[Action], observe: Observe) -> Iterator[str]:
    """The file systems, as they are now, that cannot take what is written to them.

    Where a directory is removed nobody knows how much room that makes.
    """
    actions = tuple(actions)
    if any(isinstance(action, Remove) for action in actions):
        return
    writes = [action for action in actions if isinstance(action, Write)]
    sizes = {one.path: sum(len(part.data) for part in one.parts if isinstance(part, Content)) for one in writes}
    needed: Counter[str] = Counter()
    for path, size in sizes.items():
        needed[dirname(path)] += size
    free: dict[str, int] = {}
    folders: dict[str, list[str]] = {}
    for folder in needed:
        space = observe.space(folder)
        if space is not None:
            free[space.device] = space.free
            folders.setdefault(space.device, []).append(folder)
    for device, there in folders.items():
        need = sum(needed[folder] for folder in there)
        if need > free[device]:
            need -= sum(_replaced(one, observe) for one in writes if dirname(one.path) in there)
        if need > free[device]:
            yield f"{there[0]}: its file system has {size_text(free[device])} free, and {size_text(need)} are written"


def _replaced(write: Write, observe: Observe) -> int:
    there = None if write.keep else observe.node(write.path)
    return (there.size or 0) if there is not None else 0


def too_small(config: Config, sizes: Mapping[str, int]) -> Iterator[str]:
    """The file systems (mount point -> bytes of their device) that are smaller than what the config has for them.

    Paths are taken as they are written; what may go elsewhere through a link of the config is left out.
    """
    small = {path: size for path, size in sizes.items() if size < MOST}
    links = tuple(f"{link.path.rstrip('/')}/" for link in config.storage.links)
    needed: Counter[str] = Counter()
    for file in config.storage.files if small else ():
        point = max((path for path in sizes if file.path.startswith(path.rstrip("/") + "/")), key=len, default="")
        if point in small and not file.path.startswith(links):
            needed[point] += least_size(file)
    for point, size in needed.items():
        if size > small[point]:
            yield f"the device has {size_text(small[point])}, and the config's files for {point} {size_text(size)}"


def least_size(file: File) -> int:
    """At least so many bytes has what the config itself holds of a file."""
    return sum(_least(resource) for resource in (file.contents, *file.append))


def _least(resource: Resource) -> int:
    head, comma, data = (resource.source or "").partition(",")
    if not comma or not head.startswith("data:"):
        return 0
    size = len(data) - 2 * data.count("%")
    if head.endswith(";base64"):
        size = size * 3 // 4 - 2
    if resource.compression:
        size = size * 9 // 10 - 64  # what cannot be packed grows a little (RFC 1951, 3.2.4)
    return max(size, 0)

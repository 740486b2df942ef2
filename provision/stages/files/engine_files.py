"""Files of the engine, which later boots believe: a config may not write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.config.problems import Path, Problem
from provision.planning.engine_files import ENGINE_FILES


def refusals(paths: Iterable[tuple[str, Path]]) -> Iterator[Problem]:
    """A problem for each path of the config that is a file of the engine, or below one; each has its config path."""
    for path, config_path in paths:
        # on vfat a name in capitals is the same file
        for name in ENGINE_FILES.intersection(path.casefold().split("/")):
            hint = "remove it from the config, or give it another name"
            yield Problem(config_path, f"{path}: only the engine may write {name}", hint=hint, rule="engine-file")

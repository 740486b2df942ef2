"""A files stage that is planned without a refusal is carried out: random configs on random trees, with real files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from provision.config.format import Config, Directory, Dropin, File, Link, Resource, Storage, Systemd, Unit
from provision.engine.execution import Engine
from provision.engine.preflight import Step, preflight
from provision.failures import PlanRefused
from provision.planning.boot_state import BootState
from provision.planning.stage import Stage
from provision.stages.files import nodes, result_file, units
from provision.system.block.image_devices import ImageDevices
from provision.system.machine import Machine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files get owners")

STAGE = Stage("files", (nodes.plan, units.plan, result_file.plan))
UNITS = "/etc/systemd/system"

PATHS = st.sampled_from(
    [
        *("/a", "/a/b", "/a/b/c", "/a/l/c", "/d", "/d/e", "/l", "/l/f"),
        *(f"{UNITS}/x.service", f"{UNITS}/x.service.d", f"{UNITS}/x.service.d/10.conf", f"{UNITS}/y.service"),
        *("/etc", "/etc/systemd", "/etc/systemd/system-preset", "/etc/.ignition-result.json", UNITS),
    ]
)
TARGETS = st.one_of(PATHS, st.sampled_from(["b", "../d", ".", "/", "nowhere", "/dev/null"]))
OVERWRITE = st.sampled_from([None, True])
BYTES = st.sampled_from([Resource(), Resource(source="data:,x")])

FILES = st.builds(
    File,
    path=PATHS,
    overwrite=OVERWRITE,
    contents=BYTES,
    append=st.sampled_from([(), (Resource(source="data:,y"),)]),
)
DIRECTORIES = st.builds(Directory, path=PATHS, overwrite=OVERWRITE, mode=st.sampled_from([None, 0o700]))
LINKS = st.builds(Link, path=PATHS, overwrite=OVERWRITE, target=TARGETS, hard=st.sampled_from([None, True]))
DROPINS = st.lists(
    st.builds(Dropin, name=st.just("10.conf"), contents=st.sampled_from([None, "", "[Unit]\n"])), max_size=1
)
UNIT = st.builds(
    Unit,
    name=st.sampled_from(["x.service", "y.service"]),
    contents=st.sampled_from([None, "[Unit]\n"]),
    mask=st.sampled_from([None, True, False]),
    enabled=st.sampled_from([None, True]),
    dropins=DROPINS,
)


def unique(strategy: st.SearchStrategy[object], key: str, size: int) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=size, unique_by=lambda one: getattr(one, key)).map(tuple)


CONFIGS = st.builds(
    lambda files, directories, links, units: Config(
        storage=Storage(files=files, directories=directories, links=links), systemd=Systemd(units=units)
    ),
    unique(FILES, "path", 3),
    unique(DIRECTORIES, "path", 3),
    unique(LINKS, "path", 3),
    unique(UNIT, "name", 2),
)
TREES = st.lists(st.tuples(PATHS, st.sampled_from(["file", "directory", "link"]), TARGETS), max_size=4)


class NoFetcher:
    def copy(self, resource: object, into: object) -> None:
        raise AssertionError((resource, into))

    def cancel(self) -> None:
        """Nothing is fetched."""


@contextmanager
def tree(nodes: list[tuple[str, str, str]]) -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        root = Path(folder)
        for path, kind, target in nodes:
            place = root / path[1:]
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                if place.parent.resolve().is_relative_to(root):
                    if kind == "directory":
                        place.mkdir()
                    elif kind == "file":
                        place.write_text("old")
                    else:
                        place.symlink_to(target)
            except OSError:
                pass
        yield root


@settings(
    max_examples=int(os.environ.get("CLEAN_PLANS", "150")), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(CONFIGS, TREES)
def test_what_is_planned_without_a_refusal_is_carried_out(config: Config, nodes: list[tuple[str, str, str]]) -> None:
    with tree(nodes) as root:
        machine = Machine(str(root), ImageDevices({}), BootState(seed="test"), run_dir=f"{root}/run")
        done: list[Step] = []
        try:
            steps = preflight([STAGE], config, machine, machine)
        except PlanRefused:
            event("refused")
            return
        finally:
            machine.release()
        event(f"{min(len(steps), 6)} steps")
        try:
            Engine(machine, NoFetcher(), done.append).run(STAGE, config)
        finally:
            machine.release()
        assert [step.action.title for step in done] == [step.action.title for step in steps]

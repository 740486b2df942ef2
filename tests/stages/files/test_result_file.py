"""The result file: what it holds, and what may be in its place."""

from __future__ import annotations

import json

import pytest

from provision.config.format import Config, Directory, File, Link, Storage
from provision.failures import PlanRefused
from provision.planning.arguments import Content
from provision.planning.boot_state import BootState
from provision.planning.file_actions import WriteFile
from provision.stages.files import result_file
from tests.stages.world import World, actions, run

STATE = BootState(seed="test", boot_id="1234", started="2026-01-02T03:04:05Z", user_config=True)


def written(world: World) -> tuple[dict[str, object], int]:
    (action,) = actions(run(result_file.plan, Config(), world)[0])
    assert isinstance(action, WriteFile)
    (part,) = action.parts
    assert isinstance(part, Content)
    assert (action.path, part.data[-1:]) == ("/etc/.ignition-result.json", b"\n")
    return json.loads(part.data), action.mode


def test_it_tells_when_and_by_which_boot() -> None:
    found, mode = written(World(state=STATE))
    assert found == {
        "provisioningBootID": "1234",
        "provisioningDate": "2026-01-02T03:04:05Z",
        "userConfigProvided": True,
    }
    assert mode == 0o600


def test_an_earlier_result_is_nested() -> None:
    world = World(state=STATE).with_file(result_file.RESULT, b'{"provisioningBootID": "old"}')
    assert written(world)[0]["previousReport"] == {"provisioningBootID": "old"}


def test_an_earlier_result_stays_readable() -> None:
    world = World(state=STATE).with_file(result_file.RESULT, '{"by": "Größe"}'.encode())
    (action,) = actions(run(result_file.plan, Config(), world)[0])
    assert isinstance(action, WriteFile)
    assert "Größe".encode() in b"".join(part.data for part in action.parts if isinstance(part, Content))


@pytest.mark.parametrize(
    ("world", "why"),
    [
        (World().with_file(result_file.RESULT, b"nonsense"), "of the root is not JSON"),
        (World().with_file(result_file.RESULT, b"\xff"), "of the root is not JSON"),
        (World().with_directory(result_file.RESULT), "is a directory: the result of this run cannot go there"),
    ],
)
def test_what_is_in_the_way_is_refused(world: World, why: str) -> None:
    with pytest.raises(PlanRefused, match=why):
        run(result_file.plan, Config(), world)


@pytest.mark.parametrize(
    "storage",
    [
        Storage(files=(File(path="/a"), File(path=result_file.RESULT))),
        Storage(directories=(Directory(path="/a"), Directory(path=result_file.RESULT))),
        Storage(links=(Link(path="/a", target="b"), Link(path="/conf/.ignition-result.json", target="x"))),
    ],
)
def test_the_config_has_nothing_of_its_own_there(storage: Storage) -> None:
    world = World().with_directory("/etc").with_link("/conf", "etc")
    with pytest.raises(PlanRefused, match=r"^storage\.\w+\[1\]: /etc/.ignition-result.json is where the result"):
        run(result_file.plan, Config(storage=storage), world)

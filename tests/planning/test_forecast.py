"""A forecast: facts of planned actions replace the answers of a view."""

from __future__ import annotations

from provision.planning.actions import Mount
from provision.planning.facts import FileFact
from provision.planning.file_actions import MakeDirectory, RemovePath
from provision.planning.forecast import Forecast
from provision.planning.machine_view import FileStatus, FileType
from tests.stages.world import World


def test_applied_facts_answer_first_and_can_be_reverted() -> None:
    forecast = Forecast(World().with_file("/f", b"x"))
    fact = FileFact("/f", None)
    forecast.apply([fact])
    assert forecast.file_status("/f") is None
    assert forecast.content("/f") is None
    forecast.revert([fact])
    assert forecast.content("/f") == b"x"


def test_a_mount_hides_what_is_below_it() -> None:
    forecast = Forecast(World().with_file("/var/lib/f"))
    forecast.apply(Mount("/var", "/dev/vda1", "ext4").effect())
    assert forecast.file_status("/var") is not None
    assert forecast.file_status("/var/lib") is None
    assert forecast.children("/var") == []


def test_removed_nodes_stay_removed_when_their_directory_is_made_again() -> None:
    forecast = Forecast(World().with_file("/d/old"))
    for action in (RemovePath("/d"), MakeDirectory("/d"), MakeDirectory("/d/new")):
        forecast.apply(action.effect())
    assert forecast.children("/d") == ["new"]
    assert forecast.file_status("/d/old") is None


def test_planned_nodes_are_listed_with_existing_ones() -> None:
    forecast = Forecast(World().with_file("/d/old"))
    forecast.apply([FileFact("/d/new", FileStatus(FileType.FILE))])
    assert forecast.children("/d") == ["new", "old"]

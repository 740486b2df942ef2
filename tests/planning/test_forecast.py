"""Facts laid over a view."""

from __future__ import annotations

from provision.planning.actions import Directory, Mount, Remove
from provision.planning.forecast import Forecast
from provision.planning.machine_view import Fact, Kind, Node
from tests.stages.world import World


def test_what_was_laid_answers_first_and_can_be_lifted() -> None:
    forecast = Forecast(World().with_file("/f", b"x"))
    fact = Fact("node", "/f", None)
    forecast.lay([fact])
    assert forecast.node("/f") is None
    assert forecast.content("/f") is None
    forecast.lift([fact])
    assert forecast.content("/f") == b"x"


def test_a_mount_hides_what_is_below_it() -> None:
    forecast = Forecast(World().with_file("/var/lib/f"))
    forecast.lay(Mount("/var", "/dev/vda1", "ext4").effect())
    assert forecast.node("/var") is not None
    assert forecast.node("/var/lib") is None
    assert forecast.children("/var") == []


def test_what_was_removed_stays_away_when_its_directory_is_made_again() -> None:
    forecast = Forecast(World().with_file("/d/old"))
    for action in (Remove("/d"), Directory("/d"), Directory("/d/new")):
        forecast.lay(action.effect())
    assert forecast.children("/d") == ["new"]
    assert forecast.node("/d/old") is None


def test_laid_nodes_join_those_that_are_there() -> None:
    forecast = Forecast(World().with_file("/d/old"))
    forecast.lay([Fact("node", "/d/new", Node(Kind.FILE))])
    assert forecast.children("/d") == ["new", "old"]

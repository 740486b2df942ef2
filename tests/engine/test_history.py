"""Going on after an interruption at any point, on a world that changes as the actions say."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from provision.config.format import Config, File, Link, Passwd, Resource, Storage, Systemd, Unit, User
from provision.engine.history import FileHistory
from provision.failures import Failure, Interrupted
from provision.planning.actions import Action, FetchBlob
from provision.planning.facts import UserFact
from provision.planning.forecast import Forecast
from provision.planning.machine_view import Account
from provision.stages.files import STAGE
from tests.stages.world import World

CONFIG = Config(
    passwd=Passwd(users=(User(name="core", uid=1000, ssh_authorized_keys=("key",)),)),
    storage=Storage(
        files=(
            File(path="/etc/motd", contents=Resource(source="data:,hello")),
            File(path="/etc/old", append=(Resource(source="data:,more"),)),
        ),
        links=(Link(path="/etc/localtime", target="/usr/share/zoneinfo/UTC"),),
    ),
    systemd=Systemd(units=(Unit(name="a.service", contents="[Service]", enabled=True),)),
)


class Killed(Exception):
    """The power went."""


def carry_out(
    machine: Forecast, path: Path, *, survive: int, digest: str = "one", config: Config = CONFIG
) -> list[Action]:
    """Run the files stage on a machine that does what it is told, until so many actions have been done."""
    done: list[Action] = []
    history = FileHistory(str(path), digest)
    view = history.view(machine)
    for wave in STAGE.plan(config, view):
        for action in history.begin(wave, machine).pending:
            if len(done) == survive:
                raise Killed
            machine.apply(action.effect())
            done.append(action)
        history.finish(wave, view)
    history.end()
    return done


def machine() -> Forecast:
    world = World().with_file("/etc/old", b"old").with_file("/etc/passwd", b"root:x:0:0::/:").with_file("/etc/shadow")
    return Forecast(world)


def test_every_interruption_ends_in_the_same_plan(tmp_path: Path) -> None:
    whole = carry_out(machine(), tmp_path / "whole", survive=99)
    assert len(whole) >= 9
    for survive in range(len(whole)):
        path = tmp_path / f"after-{survive}"
        interrupted = machine()
        with pytest.raises(Killed):
            carry_out(interrupted, path, survive=survive)
        rest = carry_out(interrupted, path, survive=99)
        assert [action for action in whole if action in rest] == rest, f"after {survive} actions"
        assert set(whole[survive:]) <= set(rest), f"something is left out after {survive} actions"


def test_a_finished_run_has_nothing_to_do(tmp_path: Path) -> None:
    finished = machine()
    carry_out(finished, tmp_path / "journal", survive=99)
    assert carry_out(finished, tmp_path / "journal", survive=0) == []


def test_another_config_is_not_gone_on_with(tmp_path: Path) -> None:
    begun = machine()
    with pytest.raises(Killed):
        carry_out(begun, tmp_path / "journal", survive=3)
    with pytest.raises(Interrupted, match="another config"):
        carry_out(begun, tmp_path / "journal", survive=99, digest="two")


def test_another_config_begins_anew_after_one_that_ended(tmp_path: Path) -> None:
    """A machine may be provisioned again on purpose, and nobody has to remove the record for that."""
    finished = machine()
    carry_out(finished, tmp_path / "journal", survive=99)
    motd = Config(storage=Storage(files=(File(path="/etc/issue", contents=Resource(source="data:,hello")),)))
    assert len(carry_out(finished, tmp_path / "journal", survive=99, digest="two", config=motd)) == 2
    assert carry_out(finished, tmp_path / "journal", survive=0, digest="two", config=motd) == []


def test_a_line_that_was_cut_short_counts_for_nothing(tmp_path: Path) -> None:
    begun = machine()
    with pytest.raises(Killed):
        carry_out(begun, tmp_path / "journal", survive=3)
    with (tmp_path / "journal").open("a") as file:
        file.write('{"wave": "01')
    assert carry_out(begun, tmp_path / "journal", survive=99)


@pytest.mark.parametrize("tail", [b"", b'{"wa', b"\0\0\0\0\n", b"[]\n"])
def test_a_record_that_was_never_whole_is_none(tmp_path: Path, tail: bytes) -> None:
    (tmp_path / "journal").write_bytes(tail)
    whole = carry_out(machine(), tmp_path / "whole", survive=99)
    assert carry_out(machine(), tmp_path / "journal", survive=99) == whole
    assert (tmp_path / "journal").read_bytes() == (tmp_path / "whole").read_bytes()


def test_what_was_fetched_is_fetched_again(tmp_path: Path) -> None:
    remote = File(path="/etc/remote", contents=Resource(source="http://example.com/x"))
    config = Config(storage=Storage(files=(remote, *CONFIG.storage.files)))
    begun = machine()
    with pytest.raises(Killed):
        carry_out(begun, tmp_path / "journal", survive=1, config=config)
    rest = carry_out(begun, tmp_path / "journal", survive=99, config=config)
    assert isinstance(rest[0], FetchBlob)
    assert carry_out(begun, tmp_path / "journal", survive=0, config=config) == [], "and not when all is done"


def test_an_account_that_was_there_is_changed_again(tmp_path: Path) -> None:
    config = Config(passwd=Passwd(users=(User(name="core", shell="/bin/zsh"),)))
    there = World().with_file("/etc/passwd").with_file("/etc/group").with_file("/etc/shadow").with_user("core", 1000)
    begun = Forecast(there)
    with pytest.raises(Killed):
        carry_out(begun, tmp_path / "journal", survive=0, config=config)
    assert "change user core" in [
        one.title for one in carry_out(begun, tmp_path / "journal", survive=99, config=config)
    ]


def test_half_an_account_stops(tmp_path: Path) -> None:
    begun = machine()
    with pytest.raises(Killed):
        carry_out(begun, tmp_path / "journal", survive=0)
    begun.apply([UserFact("core", Account("core", 1000, 1000, "/home/core", "/bin/sh"))])
    with pytest.raises(Interrupted, match="make user core"):
        carry_out(begun, tmp_path / "journal", survive=99)


def test_a_record_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with pytest.raises(Failure, match="Is a directory"):
        carry_out(machine(), tmp_path / "journal", survive=99)


def test_the_record_is_ours_alone_and_holds_no_contents(tmp_path: Path) -> None:
    carry_out(machine(), tmp_path / "journal", survive=99)
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600
    assert "hello" not in (tmp_path / "journal").read_text()


def test_a_root_without_etc_gets_one_that_all_can_read(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        carry_out(machine(), tmp_path / "usr" / "etc" / "journal", survive=99)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "usr" / "etc").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "usr" / "etc" / "journal").stat().st_mode) == 0o600

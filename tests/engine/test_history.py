"""Going on after an interruption at any point, on a world that changes as the actions say."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from provision.config.format import Config, File, Link, Passwd, Resource, Storage, Systemd, Unit, User
from provision.engine.history import FileHistory
from provision.failures import Failure, Interrupted, PlanRefused
from provision.planning.actions import Action, FetchBlob
from provision.planning.arguments import Content
from provision.planning.facts import FileFact, UserFact
from provision.planning.file_actions import FileAction, WriteFile
from provision.planning.forecast import Forecast
from provision.planning.machine_view import Account, FileStatus, FileType
from provision.stages.files import STAGE
from provision.system.root.record_file import RecordFile
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
    machine: Any, path: Path, *, survive: int, digest: str = "one", owner: str = "", config: Config = CONFIG
) -> list[Action]:
    """Run the files stage on a machine that does what it is told, until so many actions have been done."""
    done: list[Action] = []
    history = FileHistory(RecordFile("/", str(path)), digest, owner)
    if history.finished(machine):
        return done
    view = history.view(machine)
    for wave in STAGE.plan(config, view):
        left = history.begin(wave, view, machine)
        machine.apply_nodes(left.restoring)
        for action in left.pending:
            if len(done) == survive:
                raise Killed
            machine.apply(action)
            done.append(action)
        history.finish(wave, view)
    history.end(machine)
    return done


class Target:
    """A machine that does what it is told; the contents of files are all that it keeps itself."""

    def __init__(self, world: World) -> None:
        self.forecast = Forecast(world)
        self.contents: dict[str, bytes] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.forecast, name)

    def apply(self, action: Action) -> None:
        if isinstance(action, WriteFile):
            before = (self.content(action.path) or b"") if action.keep else b""
            self.contents[action.path] = before + self._added(action)
        self.forecast.apply(action.effect())

    def apply_nodes(self, actions: Sequence[FileAction]) -> None:
        for action in actions:
            self.apply(action)

    def file_status(self, path: str) -> FileStatus | None:
        found = self.forecast.file_status(path)
        return found._replace(size=len(self.contents[path])) if found and path in self.contents else found

    def content(self, path: str) -> bytes | None:
        return self.contents.get(path, self.forecast.content(path))

    def append_digests(self, action: WriteFile) -> tuple[str, str]:
        before = self.content(action.path) or b""
        return before.hex(), (before + self._added(action)).hex()

    def _added(self, action: WriteFile) -> bytes:
        return b"".join(part.data if isinstance(part, Content) else b"blob" for part in action.parts)


def machine() -> Any:
    world = World().with_file("/etc/old", b"old").with_file("/etc/passwd", b"root:x:0:0::/:").with_file("/etc/shadow")
    return Target(world)


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


@pytest.mark.parametrize("tail", [b"", b'{"wa', b"\0\0\0\0\n"])
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
    begun = Target(there)
    with pytest.raises(Killed):
        carry_out(begun, tmp_path / "journal", survive=0, config=config)
    assert "change user core" in [
        one.title for one in carry_out(begun, tmp_path / "journal", survive=99, config=config)
    ]


def test_half_an_account_is_taken_back_and_made_again(tmp_path: Path) -> None:
    begun = machine()
    with pytest.raises(Killed):
        carry_out(begun, tmp_path / "journal", survive=0)
    begun.forecast.apply([UserFact("core", Account("core", 1000, 1000, "/home/core", "/bin/sh"))])
    begun.contents["/etc/passwd"] = b"half of it"
    begun.forecast.apply([FileFact("/etc/passwd.lock", FileStatus(FileType.FILE, 0o600, 0, 0))])
    rest = carry_out(begun, tmp_path / "journal", survive=99)
    assert "make user core" in [action.title for action in rest]
    assert begun.content("/etc/passwd") == b"root:x:0:0::/:"
    assert begun.file_status("/etc/passwd.lock") is None


FILES = Config(
    storage=Storage(
        files=(
            File(path="/etc/aaa", overwrite=True, contents=Resource(source="data:,a")),
            File(path="/etc/old", append=(Resource(source="data:,more"),)),
            File(path="/etc/shut", mode=0o600),
        )
    )
)


def files() -> Any:
    return Target(World().with_file("/etc/aaa", b"before").with_file("/etc/old", b"old").with_file("/etc/shut", b"s"))


@pytest.mark.parametrize("survive", range(5))
def test_what_is_appended_is_appended_once(tmp_path: Path, survive: int) -> None:
    interrupted = files()
    for count in (survive, 99):
        with suppress(Killed):
            carry_out(interrupted, tmp_path / "journal", survive=count, config=FILES)
    assert interrupted.content("/etc/old") == b"oldmore"
    assert interrupted.file_status("/etc/shut").mode == 0o600


def test_a_file_that_somebody_changed_meanwhile_is_not_guessed_at(tmp_path: Path) -> None:
    interrupted = files()
    with pytest.raises(Killed):
        carry_out(interrupted, tmp_path / "journal", survive=1, config=FILES)
    interrupted.contents["/etc/old"] = b"edited"
    with pytest.raises(Interrupted, match="append to /etc/old"):
        carry_out(interrupted, tmp_path / "journal", survive=99, config=FILES)


PRESETS = Config(systemd=Systemd(units=(Unit(name="a.service", enabled=True, contents="[Service]"),)))


def test_lines_that_were_there_are_kept_where_a_file_is_written_again(tmp_path: Path) -> None:
    path = "/etc/systemd/system-preset/20-ignition.preset"
    interrupted = Target(World().with_file(path, b"enable vendor.service\n"))
    with pytest.raises(Killed):
        carry_out(interrupted, tmp_path / "journal", survive=2, config=PRESETS)
    expected = b"enable vendor.service\nenable a.service\n"
    assert interrupted.content(path) == expected
    carry_out(interrupted, tmp_path / "journal", survive=99, config=PRESETS)
    assert interrupted.content(path) == expected


def test_a_finished_run_whose_work_is_gone_is_not_believed(tmp_path: Path) -> None:
    finished = machine()
    carry_out(finished, tmp_path / "journal", survive=99)
    finished.forecast.apply([FileFact("/etc/motd", None)])
    with pytest.raises(PlanRefused, match="/etc/motd: expected file, found nothing") as refused:
        carry_out(finished, tmp_path / "journal", survive=99)
    assert "remove /" in refused.value.hint


def test_the_record_of_another_machine_counts_for_nothing_once_it_ended(tmp_path: Path) -> None:
    whole = carry_out(machine(), tmp_path / "journal", survive=99, owner="one")
    assert carry_out(machine(), tmp_path / "journal", survive=99, owner="two") == whole


def test_what_another_machine_began_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        carry_out(machine(), tmp_path / "journal", survive=3, owner="one")
    with pytest.raises(Interrupted, match="on another machine"):
        carry_out(machine(), tmp_path / "journal", survive=99, owner="two")


def test_a_finished_record_holds_nothing_of_the_machine_before(tmp_path: Path) -> None:
    carry_out(machine(), tmp_path / "journal", survive=99)
    text = (tmp_path / "journal").read_text()
    assert [set(json.loads(line[17:])) for line in text.splitlines()] == [{"config", "owner"}, {"ended"}]


def test_a_damaged_record_says_what_to_do(tmp_path: Path) -> None:
    begun = machine()
    with pytest.raises(Killed):
        carry_out(begun, tmp_path / "journal", survive=3)
    data = (tmp_path / "journal").read_bytes()
    (tmp_path / "journal").write_bytes(data[:200] + b"?" + data[201:])
    with pytest.raises(Failure, match="line 2 of the record is damaged") as failure:
        carry_out(begun, tmp_path / "journal", survive=99)
    assert f"remove {tmp_path / 'journal'}" in failure.value.hint


def test_a_fifo_in_the_place_of_the_record_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "journal")
    with pytest.raises(Failure, match="is not a regular file"):
        carry_out(machine(), tmp_path / "journal", survive=99)


def test_a_record_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with pytest.raises(Failure, match="is not a regular file"):
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

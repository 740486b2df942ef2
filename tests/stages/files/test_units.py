"""Units, drop-ins, masks and presets, byte for byte."""

from __future__ import annotations

import pytest

from provision.config.format import Config, Dropin, Systemd, Unit
from provision.failures import PlanRefused
from provision.planning.actions import Action, Keep, RunProgram
from provision.planning.arguments import Content
from provision.planning.file_actions import MakeSymlink, RemovePath, WriteFile
from provision.stages.files import units
from tests.stages.world import World, actions, run

INSTALL = "[Install]\nWantedBy=multi-user.target\n"


def planned(world: World, *given: Unit) -> list[Action]:
    waves, _ = run(units.plan, Config(systemd=Systemd(units=given)), world)
    return actions(waves)


def preset(*given: Unit, world: World | None = None) -> str:
    writes = [action for action in planned(world or World(), *given) if isinstance(action, WriteFile)]
    (text,) = [one.parts[0] for one in writes if one.path == units.PRESET]
    assert isinstance(text, Content)
    return text.data.decode()


def test_drop_ins_come_before_the_unit_and_empty_ones_are_written() -> None:
    made = planned(
        World(),
        Unit(name="a.service", contents="x", dropins=(Dropin(name="1.conf", contents=""), Dropin(name="2.conf"))),
    )
    assert [action.title for action in made] == [
        "write /etc/systemd/system/a.service.d/1.conf (0644)",
        "write /etc/systemd/system/a.service (0644)",
    ]


@pytest.mark.parametrize("name", ["../x.service", "a\nb.service", "a b.service"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(PlanRefused, match="not a name of a unit"):
        planned(World(), Unit(name=name, contents="x"))


def test_empty_contents_write_no_unit() -> None:
    assert planned(World(), Unit(name="a.service", contents="")) == []


def test_a_masked_unit_is_a_link_and_nothing_else() -> None:
    (mask,) = planned(World(), Unit(name="a.service", contents="x", mask=True))
    assert mask == MakeSymlink(
        "/etc/systemd/system/a.service", "/dev/null",
        parents=("/etc", "/etc/systemd", "/etc/systemd/system"), config_path=("systemd", "units", 0, "mask"),
    )  # fmt: skip


def test_a_mask_says_what_it_takes_the_place_of() -> None:
    path, unit = "/etc/systemd/system/a.service", Unit(name="a.service", mask=True)
    (mask,) = planned(World().with_file(path, b"x"), unit)
    assert mask.destroys == f"file {path}"
    remove, mask = planned(World().with_directory(path), unit)
    assert (remove.destroys, mask.destroys) == (f"directory {path} with all below it", "")
    (kept,) = planned(World().with_link(path, "/dev/null"), unit)
    assert isinstance(kept, Keep)


def test_unmasking_removes_exactly_a_mask() -> None:
    masked = World().with_link("/etc/systemd/system/a.service", "/dev/null")
    (remove,) = planned(masked, Unit(name="a.service", mask=False))
    assert isinstance(remove, RemovePath)
    other = World().with_link("/etc/systemd/system/a.service", "/usr/lib/systemd/system/a.service")
    assert planned(other, Unit(name="a.service", mask=False)) == []


def test_presets_are_sorted_and_templates_are_grouped() -> None:
    text = preset(
        Unit(name="z.service", enabled=True),
        Unit(name="foo@b.service", enabled=True),
        Unit(name="foo@a.service", enabled=True),
        Unit(name="a.socket", enabled=True),
        Unit(name="b@.service", enabled=True),
        Unit(name="b@x.service", enabled=True),
    )
    assert text == "enable a.socket\nenable b@.service  x\nenable foo@.service b a\nenable z.service\n"


def test_a_unit_that_is_not_enabled_needs_no_disabling() -> None:
    assert planned(World(), Unit(name="a.service", enabled=False)) == []


def test_an_enabled_unit_is_disabled_and_stays_so() -> None:
    world = World()
    world.units.add("a.service")
    disable, write = planned(world, Unit(name="a.service", enabled=False))
    assert isinstance(disable, RunProgram)
    assert disable.argv[-3:] == ("disable", "--", "a.service")
    assert isinstance(write, WriteFile)
    assert write.parts == (Content(b"disable a.service\n"),)


def test_only_enabled_units_are_disabled() -> None:
    """A preset line for a unit that is not enabled would contradict its vendor's preset."""
    world = World()
    world.units.add("b.service")
    given = (Unit(name=f"{name}.service", enabled=False) for name in ("a", "b", "c"))
    disable, write = planned(world, *given)
    assert isinstance(disable, RunProgram)
    assert disable.argv[-3:] == ("disable", "--", "b.service")
    assert isinstance(write, WriteFile)
    assert write.parts == (Content(b"disable b.service\n"),)


def test_an_existing_preset_file_is_appended_to() -> None:
    made = planned(World().with_file(units.PRESET, b"enable old.service\n"), Unit(name="a.service", enabled=True))
    assert isinstance(made[0], WriteFile)
    assert made[0].keep


def test_a_line_that_is_there_is_not_added_again() -> None:
    world = World().with_file(units.PRESET, b"enable a.service\nenable old.service\n")
    assert planned(world, Unit(name="a.service", enabled=True)) == []
    added = planned(world, Unit(name="a.service", enabled=True), Unit(name="b.service", enabled=True))
    assert [action.parts for action in added if isinstance(action, WriteFile)] == [(Content(b"enable b.service\n"),)]


def test_lines_go_through_a_link_and_never_behind_half_a_line() -> None:
    world = World().with_link(units.PRESET, "/usr/share/own.preset").with_file("/usr/share/own.preset", b"enable old")
    made = planned(world, Unit(name="a.service", enabled=True))
    assert made == [
        WriteFile(
            "/usr/share/own.preset", (Content(b"\nenable a.service\n"),), keep=True, config_path=("systemd", "units")
        )
    ]
    with pytest.raises(PlanRefused, match="is a directory"):
        planned(World().with_directory(units.PRESET), Unit(name="a.service", enabled=True))


@pytest.mark.parametrize("machine_id", [b"", b"0123456789abcdef0123456789abcdef\n"])
def test_a_root_whose_first_boot_is_over_has_its_presets_applied(machine_id: bytes) -> None:
    world = World().with_file("/etc/machine-id", machine_id)
    *_, apply = planned(world, Unit(name="a.service", enabled=True, contents=INSTALL))
    assert isinstance(apply, RunProgram)
    assert apply.argv[-3:] == ("preset", "--", "a.service")


def test_a_unit_that_is_not_there_keeps_no_other_from_being_enabled() -> None:
    """systemctl does nothing at all if it does not know one of several names."""
    world = World().with_file("/etc/machine-id", b"0" * 32)
    given = (
        Unit(name="a.service", enabled=True),
        Unit(name="m.service", enabled=True, mask=True),
        Unit(name="b.timer"),
    )
    runs = [
        action
        for action in planned(world, *given, Unit(name="c.timer", enabled=True))
        if isinstance(action, RunProgram)
    ]
    assert [action.argv[-3:] for action in runs] == [("preset", "--", "a.service"), ("preset", "--", "c.timer")]


@pytest.mark.parametrize("world", [World(), World().with_file("/etc/machine-id", b"uninitialized\n")])
def test_systemd_applies_presets_at_its_own_first_boot(world: World) -> None:
    made = planned(world, Unit(name="a.service", enabled=True))
    assert not any(isinstance(action, RunProgram) for action in made)


def test_a_unit_that_is_replaced_is_named_and_a_directory_is_not_replaced() -> None:
    path = f"{units.UNITS}/a.service"
    (write,) = planned(
        World().with_link(path, "/usr/lib/systemd/system/a.service"), Unit(name="a.service", contents="x")
    )
    assert write.destroys == f"link {path}"
    with pytest.raises(PlanRefused, match="is a directory"):
        planned(World().with_directory(path), Unit(name="a.service", contents="x"))

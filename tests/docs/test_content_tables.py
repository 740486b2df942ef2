"""The tables of names are read from what the programs say of themselves."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from docs.generate.content_tables import (
    OLD,
    TABLES,
    as_text,
    ends_of,
    known_units,
    of_dump,
    of_manual,
    of_package,
    of_quadlets,
    of_settings_manual,
    of_source,
    pairs,
    read_table,
    with_kinds,
)
from docs.generate.value_kinds import OTHER, together, value_kinds
from transpiler.lint.content.tables import listed, table

LISTED = """\
[Unit]
Description=STRING
BindTo=UNIT [...]

[Service]
Nice=NICE
[Mount]
Nice=NICE
X=OTHER
"""

QUADLET = """
const (
	ContainerGroup = "Container"
	KeyImage       = "Image"
	KeyPull        = "Pull"
	KeyRunInit     = "RunInit"
	KeyReadOnly    = "ReadOnly"
)
	groupsInfo = map[string]GroupInfo{
		ContainerGroup: {
			GroupName:  ContainerGroup,
			SupportedKeys: map[string]bool{
				KeyImage: true,
				KeyPull:  true,
				KeyRunInit:  true,
				KeyReadOnly: true,
			},
		},
	}
	boolKeys := map[string]string{
		KeyRunInit: "--init",
	}
	readOnly, ok := container.LookupBoolean(ContainerGroup, KeyReadOnly)
"""


PAGE = b""".SH "[PIE] SECTION OPTIONS"
.PP
\\fIParent=\\fR
.RS 4
\\fIHandle=\\fR
.SH "[FLOWQUEUEPIE] SECTION OPTIONS"
\\fIParent=\\fR
"""

PROGRAM = b"\0FlowQueuePIE.Parent\0FlowQueuePIE.Flows\0Match.Name\0not a.Name\0"


def test_settings_of_units() -> None:
    found = of_dump(LISTED)
    assert found["Unit", "Description"] == "STRING"
    assert found["Mount", "X"] == ""
    assert found["Unit", "BindTo"] == OLD


def test_settings_of_quadlets() -> None:
    assert {("Container", "Image"), ("Container", "Pull")} <= of_quadlets(QUADLET).keys()
    assert {name for (_, name), kind in of_quadlets(QUADLET).items() if kind} == {
        *("RunInit", "ReadOnly", "DefaultDependencies"),
    }


def test_a_setting_of_several_sections_is_written_once() -> None:
    assert "[Mount Service]\nNice NICE\n" in as_text(of_dump(LISTED))


def test_settings_in_a_program() -> None:
    assert pairs(PROGRAM) == {("FlowQueuePIE", "Parent"), ("FlowQueuePIE", "Flows"), ("Match", "Name")}


def test_a_setting_whose_text_is_the_end_of_another_is_found_by_the_manual() -> None:
    assert ends_of(pairs(PROGRAM), of_manual(PAGE.decode())) == {("PIE", "Parent"), ("FlowQueuePIE", "Parent")}
    files = [("./lib/systemd/systemd-networkd", PROGRAM), ("./man/systemd.network.5.gz", gzip.compress(PAGE))]
    assert ("PIE", "Parent") in of_package(files)["networkd"]
    assert ("PIE", "Handle") not in of_package(files)["networkd"]


@pytest.mark.parametrize("path", sorted(TABLES.rglob("*.txt")), ids=lambda path: str(path.relative_to(TABLES)))
def test_a_stored_table_has_the_form_that_the_script_writes(path: Path) -> None:
    text = path.read_text()
    rows = read_table(text)
    assert as_text(rows) == text
    which = str(path.relative_to(TABLES).with_suffix(""))
    known = {(section, name) for section, names in table(which).items() for name in names}
    assert known | {("", name) for name in listed(which) if not known} == rows.keys()


def test_quadlets_before_podman_5_6() -> None:
    old = """
    ContainerGroup = "Container"
    XContainerGroup = "X-Container"
    KeyImage = "Image"
    supportedContainerKeys = map[string]bool{
        KeyImage: true,
    }
"""
    assert ("Container", "Image") in of_quadlets(old)


def test_settings_of_programs_of_systemd() -> None:
    gperf = "%%\nJournal.Storage,  config_parse_storage, 0\nNetwork.DNS, 0\n"
    table_in_c = '        { "Manager", "LogLevel", config_parse_level2, 0 },\n  x = "Manager", "No",\n'
    assert of_source(gperf + table_in_c) == {("Journal", "Storage"): "", ("Manager", "LogLevel"): ""}
    manual = ".PP\n\\fIStorage=\\fR, \\fISeal=\\fR\n.RS 4\nas \\fINo=\\fR\n"
    assert of_settings_manual(manual, "Journal") == {("Journal", "Storage"): "", ("Journal", "Seal"): ""}


def test_units_of_a_repository() -> None:
    paths = ["units/a.service", "b@.socket.in", "deep/c.timer.j2", "d.mount", "README.md", "x.service.d/y.conf"]
    assert sorted(name for _, name in known_units(paths)) == ["a.service", "b@.socket", "c.timer"]


def test_kinds_of_values_from_a_source(tmp_path: Path) -> None:
    (tmp_path / "journald.c").write_text(
        "static const char* const storage_table[_STORAGE_MAX] = {\n"
        '        [STORAGE_AUTO] = "auto",\n        [STORAGE_NONE] = "none" /* off */\n};\n'
        "DEFINE_STRING_TABLE_LOOKUP(storage, Storage);\n"
        'DEFINE_CONFIG_PARSE_ENUM(config_parse_storage, storage, Storage, "x");\n'
        'static const char* const cache_table[] = {\n        [CACHE_ONE] = "one",\n        [CACHE_TWO] = "two",\n};\n'
        "DEFINE_STRING_TABLE_LOOKUP_WITH_BOOLEAN(cache, Cache, CACHE_ONE);\n"
        'DEFINE_CONFIG_PARSE_ENUM(config_parse_cache, cache, Cache, "x");\n'
        'DEFINE_CONFIG_PARSE_ENUM(config_parse_own, own, Own, "the lookup is written by hand");\n'
    )
    (tmp_path / "journald-gperf.gperf").write_text(
        "Journal.Storage, config_parse_storage, 0, 0\nJournal.Cache, config_parse_cache, 0, 0\n"
        "Journal.Own, config_parse_own, 0, 0\nJournal.Seal,config_parse_bool, 0, 0\n"
    )
    (tmp_path / "oomd.c").write_text('{ "OOM", "Limit", config_parse_iec_size, 0, 0 },\n')
    kinds = {"Storage": "auto|none", "Cache": "BOOLEAN|one|two", "Own": OTHER, "Seal": "BOOLEAN"}
    assert value_kinds(tmp_path) == {
        "settings": {**{("Journal", name): kind for name, kind in kinds.items()}, ("OOM", "Limit"): "SIZE"}
    }


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("a|b", "b|c", "a|b|c"),
        ("BOOLEAN", "a|b", "BOOLEAN|a|b"),
        ("", "SIZE", "SIZE"),
        ("SIZE", "SECONDS", OTHER),
        (OTHER, "a|b", OTHER),
    ],
)
def test_versions_that_differ(first: str, second: str, both: str) -> None:
    assert together(first, second) == together(second, first) == both
    assert with_kinds({("S", "a"): first}, {("S", "a"): second, ("S", "b"): "SIZE"}) == {("S", "a"): both}

"""Rules: for each a config that keeps it and a neighbour that breaks it, as ignition-validate reports them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from provision.config.format import Config, Directory, Disk, File, Link, Partition, Storage
from provision.config.json_text.decode import decode_record
from provision.config.model import NEWEST, VERSIONS, Record, minor
from provision.config.problems import Problem
from provision.config.rules import RULES, check_rules, duplicates
from provision.config.rules.declare import Rule
from provision.config.validate import validate
from tests.config.configs import configs

GOLDEN = [json.loads(line) for line in (Path(__file__).parents[1] / "data" / "rules.jsonl").read_text().splitlines()]


def shown(config: dict[str, Any]) -> list[str]:
    problems = validate(json.dumps(config).encode()).problems
    return [f"{one.severity} at {'.'.join(('$', *map(str, one.path)))}: {one.message}" for one in problems]


@pytest.mark.parametrize("case", GOLDEN, ids=[f"{one['rule']} {one['version']} {one['neighbour']}" for one in GOLDEN])
def test_reports_are_ignitions(case: dict[str, Any]) -> None:
    assert shown(case["config"]) == case["problems"]
    assert (case["neighbour"] == "valid") == (not case["problems"])


@pytest.mark.parametrize("version", ["3.0.0", "3.1.0"])
@pytest.mark.parametrize("reference", ["merge", "replace"])
def test_in_3_0_a_reference_may_have_a_checksum_without_a_source(version: str, reference: str) -> None:
    empty = {"verification": {"hash": f"sha512-{'0' * 128}"}}
    config = {"ignition": {"version": version, "config": {reference: [empty] if reference == "merge" else empty}}}
    message = "source must be specified if verification is specified"
    assert any(message in line for line in shown(config)) == (version != "3.0.0")


@pytest.mark.parametrize(
    ("name", "since"), [("ext4", 0), ("btrfs", 0), ("swap", 0), ("none", 3), ("virtiofs", 7), ("f2fs", 9)]
)
def test_a_version_knows_the_file_systems_of_its_time(name: str, since: int) -> None:
    for version, text in enumerate(VERSIONS):
        mount = {"device": "/dev/a", "format": name}
        errors = shown({"ignition": {"version": text}, "storage": {"filesystems": [mount]}})
        assert any("invalid filesystem format" in error for error in errors) == (version < since), text


SHA256 = f"sha256-{'0' * 64}"
LUKS = {"name": "a", "device": "/dev/a"}


@pytest.mark.parametrize(
    ("storage", "messages"),
    [
        ({"links": [{"path": "/a"}]}, {3: "link target is required"}),
        ({"raid": [{"name": "a", "devices": ["/a"]}]}, {0: "unrecognized raid level", 3: "raid level is required"}),
        (
            {"directories": [{"path": "/a", "mode": 0o1755}]},
            {0: "setuid/setgid/sticky bits are not supported or functional in spec versions older than 3.6.0", 6: ""},
        ),
        (
            {"files": [{"path": "/a", "contents": {"source": "data:,", "verification": {"hash": SHA256}}}]},
            {0: "unrecognized hash function", 1: ""},
        ),
        (
            {"filesystems": [{"device": "tag", "format": "virtiofs", "path": "/a"}]},
            {0: "path not absolute, invalid filesystem format", 7: ""},
        ),
        (
            {"luks": [{**LUKS, "clevis": {"tpm2": True, "custom": {}}}]},
            {0: "unused key luks", 2: "cannot use custom clevis config with tpm2, tang, or threshold", 3: ""},
        ),
        (
            {"luks": [{**LUKS, "clevis": {"custom": {"pin": "other", "config": "{}"}}}]},
            {0: "unused key luks", 2: "unsupported clevis pin", 6: ""},
        ),
        (
            {"luks": [{**LUKS, "clevis": {"custom": {"config": "{}"}}}]},
            {0: "unused key luks", 2: "unsupported clevis pin", 3: "missing required custom clevis pin"},
        ),
        (
            {"luks": [{**LUKS, "clevis": {"custom": {"needsNetwork": True}}}]},
            {
                0: "unused key luks",
                2: "",
                3: "missing required custom clevis pin, missing required custom clevis config",
            },
        ),
    ],
)
def test_a_version_has_the_rules_of_its_time(storage: dict[str, Any], messages: dict[int, str]) -> None:
    """`messages`: the minor version from which Ignition says it -> what it says."""
    expected = ""
    for version, text in enumerate(VERSIONS):
        expected = messages.get(version, expected)
        found = validate(json.dumps({"ignition": {"version": text}, "storage": storage}).encode()).problems
        assert ", ".join(problem.message for problem in found) == expected, text


def test_every_rule_has_cases_that_keep_it_and_that_break_it() -> None:
    for rule in RULES:
        cases = [case for case in GOLDEN if case["rule"] == rule.name]
        assert {bool(case["problems"]) for case in cases} == {True, False}, rule.name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_needed(rule: Rule) -> None:
    """Without the rule, one of its own cases has other problems."""
    others = tuple(one for one in RULES if one is not rule)
    cases = [case for case in GOLDEN if case["rule"] == rule.name and case["problems"]]
    assert any(found(case, others) != found(case, RULES) for case in cases)


def found(case: dict[str, Any], rules: tuple[Rule, ...]) -> list[Problem]:
    version = VERSIONS.index(case["config"]["ignition"]["version"])
    return list(check_rules(decode_record(Config, case["config"], version).record, version, rules))


def test_every_rule_has_a_description() -> None:
    assert all(rule.doc for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_rules_hold_for_records_that_extend_one() -> None:
    class YamlFile(File, key="path"):
        """A file with a further field."""

    assert [problem.message for problem in check_rules(YamlFile(path="a"))] == ["path not absolute"]


@given(configs(faults=0.3))
def test_paths_lead_to_fields(value: dict[str, Any]) -> None:
    """Every path exists in the format, except one that is wrong in Ignition."""
    validated = validate(json.dumps(value).encode())
    for problem in validated.problems:
        kind: type[Record] | None = Config
        for part in problem.path[:-1] if problem.on_key else problem.path:
            if isinstance(part, str) and part != "keys":
                assert kind is not None
                kind = kind.BY_JSON[part].record


def test_a_thousand_partitions_are_checked_quickly() -> None:
    partitions = tuple(Partition(number=number, start_mib=number * 10, size_mib=10) for number in range(1, 20_000))
    config = Config(storage=Storage(disks=(Disk(device="/dev/a", partitions=partitions),)))
    assert list(check_rules(config)) == []


@pytest.mark.slow
def test_configs_that_are_made_to_be_slow_are_checked_quickly() -> None:
    """Each of them took minutes in an early version, so a failure is seen without measuring time."""
    backwards = tuple(Partition(number=number, start_mib=number * 2 + 10, size_mib=-10) for number in range(1, 50_000))
    storage = Storage(
        disks=(Disk(device="/dev/a", partitions=backwards),),
        files=(File(path="/b" * 1_000_000),),
        links=tuple(Link(path=f"/c{number}", target="x") for number in range(50_000)),
    )
    assert list(check_rules(Config(storage=storage))) == []


def test_an_overlap_is_reported_at_the_first_partition_found() -> None:
    extents = [(100, 10), (1, 10), (5, 2), (50, 0), (50, 1)]
    partitions = tuple(
        Partition(number=place, start_mib=start, size_mib=size) for place, (start, size) in enumerate(extents, 1)
    )
    (problem,) = check_rules(Disk(device="/dev/a", partitions=partitions))
    assert problem.path == ("partitions", 2)


def test_links_above_are_counted_once_each() -> None:
    links = (Link(path="/a", target="x"), Link(path="/a/b", target="x"))
    found = [
        problem.path for problem in check_rules(Storage(links=links, files=(File(path="/a/b/c"), File(path="/ab"))))
    ]
    assert found == [("files", 0), ("files", 0), ("links", 1)]
    doubled = Storage(links=(*links, links[0]), directories=(Directory(path="/a/x/y"), Directory(path="/b/a")))
    assert [problem.path for problem in check_rules(doubled)][:2] == [("directories", 0), ("directories", 0)]


def test_duplicates_name_the_first_place() -> None:
    storage = Storage(directories=(), files=(File(path="/a"), File(path="/b"), File(path="/a")))
    (problem,) = duplicates(Config(storage=storage))
    assert problem.path == ("storage", "files", 2)
    assert problem.hint == "first defined at storage.files[0]"


@pytest.mark.parametrize(
    ("version", "fragment", "hint"),
    [
        ("3.4", {"luks": [{"name": "a", "device": "/a", "cex": {}}]}, "cex needs 3.5.0; this config says 3.4.0"),
        ("3.4", {"files": [{"path": "/a", "usr": {}}]}, "did you mean user?"),
        ("3.4", {"files": [{"path": "/a", "User": {}}]}, "read as user; write it so"),
        ("3.4", {"files": [{"path": "/a", "mode": 1755}]}, "decimal 1755 is octal 3333; octal 1755 is decimal 1005"),
        ("3.4", {"files": [{"path": "/a/"}]}, "write /a"),
        ("3.2", {"filesystems": [{"device": "/a", "format": "none"}]}, "none needs 3.3.0; this config says 3.2.0"),
        (
            "3.1",
            {"files": [{"path": "/a", "contents": {"source": "gs://a/b"}}]},
            "gs needs 3.2.0; this config says 3.1.0",
        ),
        *(
            (version, {"files": [{"path": "/a", "contents": {"source": "ftp://a/b"}}]}, f"known schemes are {known}")
            for version, known in (
                ("3.0", "http, https, tftp, s3, data"),
                ("3.2", "http, https, tftp, s3, data, gs"),
                ("3.5", "http, https, tftp, s3, data, gs, arn"),
            )
        ),
        *(
            (version, {"filesystems": [{"device": "/a", "format": "f2fs"}]}, f"one of {known}")
            for version, known in (
                ("3.2", "ext4, btrfs, xfs, vfat, swap"),
                ("3.3", "ext4, btrfs, xfs, vfat, swap, none"),
                ("3.7", "ext4, btrfs, xfs, vfat, swap, none, virtiofs"),
            )
        ),
        *(
            ("3.6", {"directories": [{"path": "/a", "mode": mode}]}, hint)
            for mode, hint in (
                (10000, "modes are decimal in JSON: 0644 is 420"),
                (7777, "decimal 7777 is octal 17141; octal 7777 is decimal 4095"),
                (8000, "modes are decimal in JSON: 0644 is 420"),
                (-1, "modes are decimal in JSON: 0644 is 420"),
            )
        ),
        (
            "3.4",
            {"files": [{"path": "/a", "contents": {"source": "data:,", "verification": {"hash": "sha256-00"}}}]},
            "sha256 has 64 hexadecimal digits, this has 2",
        ),
        ("3.4", {"filesystems": [{"device": "/a", "format": "xfs", "label": "é" * 7}]}, "this one has 14 bytes"),
    ],
)
def test_hints_say_the_likely_fix(version: str, fragment: dict[str, Any], hint: str) -> None:
    config = {"ignition": {"version": VERSIONS[minor(version)]}, "storage": fragment}
    assert [problem.hint for problem in validate(json.dumps(config).encode()).problems] == [hint]


SECRETS = ("hunter2", "aHVudGVyMg")


@pytest.mark.parametrize(
    "config",
    [
        {"passwd": {"users": [{"name": "a", "passwordHash": 1, "passwdHash": "hunter2"}]}},
        {"storage": {"files": [{"path": "/a", "contents": {"source": "data:;hunter2,"}}]}},
        {"storage": {"files": [{"path": "/a", "contents": {"source": "data:,hunter2%"}}]}},
        {"storage": {"files": [{"path": "/a", "contents": {"source": "data:;base64,aHVudGVyMg="}}]}},
        {"storage": {"files": [{"path": "/a", "contents": {"source": "ftp://u:hunter2@a/?x=hunter2"}}]}},
        {"storage": {"files": [{"path": "/a", "contents": {"httpHeaders": [{"name": "A", "value": "hunter2"}]}}]}},
        {"ignition": {"proxy": {"httpProxy": "ftp://u:hunter2@a"}}},
        {"systemd": {"units": [{"name": "a.service", "contents": "[Unit] hunter2\n"}]}},
        {"storage": {"luks": [{"name": "a", "clevis": {"custom": {"config": "hunter2"}}}]}},
        {"storage": {"luks": [{"name": "a", "keyFile": {"source": "x:hunter2"}}]}},
    ],
)
def test_no_secret_is_reported(config: dict[str, Any]) -> None:
    config["ignition"] = {**config.get("ignition", {}), "version": VERSIONS[NEWEST]}
    validated = validate(json.dumps(config).encode())
    assert validated.problems
    assert not any(secret in repr(validated) for secret in SECRETS)

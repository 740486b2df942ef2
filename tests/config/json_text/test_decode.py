"""Plain values to records: what Go's decoder accepts, and how old versions are converted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.config.format import (
    Clevis,
    ClevisCustom,
    Config,
    Directory,
    File,
    HttpHeader,
    Link,
    Luks,
    Passwd,
    Storage,
    User,
)
from provision.config.json_text.decode import Decoded, decode, decode_record, normalise, parse_version
from provision.config.json_text.parse import parse_json
from provision.config.model import VERSIONS, Secret, minor


def decoded(text: str, version: str = "3.4") -> Decoded:
    return decode_record(Config, parse_json(text.encode()).value, minor(version))


def files(text: str) -> tuple[File, ...]:
    made: Config = decoded(f'{{"storage": {text}}}').record
    return made.storage.files


def test_only_what_is_written_is_set() -> None:
    (file,) = files('{"files": [{"path": "/a", "mode": 0}]}')
    assert file == File(path="/a", mode=0)
    assert file.is_set("mode")
    assert not file.is_set("overwrite")


def test_secrets_are_of_their_type() -> None:
    (file,) = files('{"files": [{"path": "/a", "contents": {"httpHeaders": [{"name": "A", "value": "hush"}]}}]}')
    value = file.contents.http_headers[0].value
    assert isinstance(value, Secret)
    assert "hush" not in repr(file)


def test_keys_match_in_any_case_and_are_reported_as_unknown() -> None:
    assert files('{"FILES": [{"Path": "/a"}]}') == (File(path="/a"),)
    assert files('{"file\u017f": [{"path": "/a"}]}') == (File(path="/a"),)
    assert decoded('{"Storage": {}}').unknown_keys
    assert not decoded('{"storage": {}}').unknown_keys


def test_null_leaves_things_as_they_are() -> None:
    assert files('{"files": [{"path": null, "mode": null}, null]}') == (File(path=""), File(path=""))
    assert files('{"files": null}') == ()
    config: Config = decoded('{"passwd": {"users": [{"groups": [null, "a"]}]}, "storage": null}').record
    assert config.passwd.users[0].groups == ("", "a")


def test_a_repeated_key_is_decoded_over_the_earlier_one() -> None:
    assert files('{"files": [{"path": "/a", "mode": 1}], "files": [{"path": "/b"}]}') == (File(path="/b", mode=1),)
    assert files('{"files": [{"path": "/a"}], "files": null}') == ()
    assert files('{"files": [{"path": "/a", "path": "/b", "path": null}]}') == (File(path="/b"),)
    config: Config = decoded('{"storage": {"files": [{"path": "/a"}]}, "Storage": {"links": [{"path": "/b"}]}}').record
    assert config.storage == Storage(files=(File(path="/a"),), links=(Link(path="/b"),))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('"0644"', "a string"),
        ("6.0", "a number that is not whole or not within 64 bits"),
        ("1e2", "a number that is not whole or not within 64 bits"),
        (str(1 << 63), "a number that is not within 64 bits"),
        ("9" * 30, "a number that is not whole or not within 64 bits"),
        ("true", "true or false"),
        ("[]", "a list"),
        ("{}", "an object"),
    ],
)
def test_a_whole_number_is_nothing_else(value: str, found: str) -> None:
    (problem,) = decoded(f'{{"storage": {{"files": [{{"path": "/a", "mode": {value}}}]}}}}').problems
    assert problem.path == ("storage", "files", 0, "mode")
    assert problem.message == f"expected a whole number, found {found}"


def test_every_value_of_a_wrong_type_is_reported() -> None:
    text = '{"storage": {"files": {}, "links": [1, {"hard": 1}]}, "systemd": []}'
    assert [problem.path for problem in decoded(text).problems] == [
        ("storage", "files"),
        ("storage", "links", 0),
        ("storage", "links", 1, "hard"),
        ("systemd",),
    ]


def test_an_octal_text_gets_a_hint() -> None:
    (problem,) = decoded('{"storage": {"files": [{"path": "/a", "mode": "0644"}]}}').problems
    assert problem.hint == "JSON has no octal numbers: write 420"


def test_a_field_of_a_later_version_is_not_read() -> None:
    text = '{"storage": {"luks": [{"name": "a", "discard": true}]}}'
    assert decoded(text, "3.3").record.storage.luks[0].discard is None
    assert decoded(text, "3.4").record.storage.luks[0].discard is True


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("3.0.0", "3.0.0"),
        ("03.00.0", "3.0.0"),
        ("3.0.0-", "3.0.0"),
        ("3.0.0+", "3.0.0"),
        ("3.7.0-experimental", "3.7.0-experimental"),
        ("3.0.0-a.b+c-d", "3.0.0-a.b+c-d"),
        ("3.0", None),
        ("3.0.0.0", None),
        ("v3.0.0", None),
        ("3.0.-1", None),
        ("3.0.0-a..b", None),
        ("3.0.0-é", None),
        ("3.0.0\n", None),
        ("", None),
    ],
)
def test_versions_are_semantic(text: str, normal: str | None) -> None:
    assert parse_version(text) == normal


def normal(config: dict[str, Any], version: str) -> Config:
    return normalise(decode_record(Config, config, minor(version)).record, minor(version))


def test_special_mode_bits_take_effect_since_3_6() -> None:
    config = {"storage": {"files": [{"path": "/a", "mode": 0o4755}], "directories": [{"path": "/b", "mode": 0o1777}]}}
    before, since = normal(config, "3.5").storage, normal(config, "3.6").storage
    assert (before.files[0].mode, before.directories[0].mode) == (0o755, 0o777)
    assert (since.files[0].mode, since.directories[0].mode) == (0o4755, 0o1777)


def test_up_to_3_2_an_absent_text_was_an_empty_one() -> None:
    config = {"storage": {"links": [{"path": "/a"}], "luks": [{"name": "a", "clevis": {"custom": {}}}, {"name": "b"}]}}
    before, since = normal(config, "3.2").storage, normal(config, "3.3").storage
    assert (before.links[0].target, since.links[0].target) == ("", None)
    assert before.luks[0] == Luks(name="a", clevis=Clevis(custom=ClevisCustom(pin="", config="")))
    assert since.luks[0] == Luks(name="a")
    assert before.luks[1] == Luks(name="b")


def test_an_advertisement_is_kept_when_3_4_is_converted() -> None:
    tang = {"url": "http://a", "thumbprint": "b", "advertisement": "{}"}
    config = {"storage": {"luks": [{"name": "a", "clevis": {"tang": [tang]}}]}}
    assert normal(config, "3.4").storage.luks[0].clevis.tang[0].advertisement == "{}"


def test_the_newest_version_is_said() -> None:
    assert normal({}, "3.0").ignition.version == VERSIONS[-1]


def test_decode_is_for_good_configs() -> None:
    assert decode(b'{"ignition": {"version": "3.1.0"}}').ignition.version == VERSIONS[-1]
    for text in (
        b"",
        b"{}",
        b'{"ignition": {"version": "2.2.0"}}',
        b'{"ignition": {"version": "3.1.0"}, "storage": 1}',
    ):
        with pytest.raises(ValueError, match=r"."):
            decode(text)


def test_a_record_of_any_kind_can_be_decoded() -> None:
    header = decode_record(HttpHeader, json.loads('{"name": "A"}'), minor("3.4")).record
    assert header == HttpHeader(name="A")
    assert Directory(path="/a") != File(path="/a")


def test_a_value_that_is_refused_leaves_what_was_there() -> None:
    refused = decoded('{"storage": 5, "passwd": {"users": [7]}}').record
    assert refused == Config(storage=Storage(), passwd=Passwd(users=(User(name=""),)))
    twice = decoded('{"storage": {"files": [{"path": "/a"}]}, "storage": 5}').record
    assert twice.storage.files == (File(path="/a"),)

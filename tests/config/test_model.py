"""Records: declared once, with only the fields that were set, frozen, and without secrets in their texts."""

from __future__ import annotations

import pytest

from provision.config.format import File, HttpHeader, Link, Luks, Node, Partition, Resource, User
from provision.config.model import Record, Secret, camel


@pytest.mark.parametrize(
    ("name", "json"),
    [
        ("type_guid", "typeGuid"),
        ("size_mib", "sizeMiB"),
        ("path", "path"),
        ("ssh_authorized_keys", "sshAuthorizedKeys"),
    ],
)
def test_json_names_are_camel_cased(name: str, json: str) -> None:
    assert camel(name) == json


def test_records_compare_by_value_and_not_by_what_was_written() -> None:
    assert File(path="/a", mode=None) == File(path="/a")
    assert hash(File(path="/a", mode=None)) == hash(File(path="/a"))
    assert File(path="/a") != Link(path="/a")
    assert File(path="/a", mode=None).is_set("mode")


def test_records_are_frozen() -> None:
    file = File(path="/a")
    with pytest.raises(AttributeError, match="changed"):
        file.path = "/b"  # type: ignore[misc] # that is the point
    assert file.changed(mode=1) == File(path="/a", mode=1)


def test_a_record_inherits_fields_in_order() -> None:
    assert [field.name for field in File.FIELDS] == [
        *(field.name for field in Node.FIELDS),
        "append",
        "contents",
        "mode",
    ]


def test_empty_is_all_defaults() -> None:
    assert Luks(name="").is_empty
    assert not Luks(name="a").is_empty


def test_items_are_what_differs_from_the_defaults() -> None:
    assert [(field.name, value) for field, value in Partition(number=0, label="a").items()] == [("label", "a")]


def test_no_representation_shows_a_secret() -> None:
    user = User(name="a", password_hash=Secret("hunter2"))
    resource = Resource(source="http://u:hunter2@a", http_headers=(HttpHeader(name="A", value=Secret("hunter2")),))
    for shown in (repr(user), repr(resource), f"{user.password_hash}", str(user.password_hash)):
        assert "hunter2" not in shown
    assert user.password_hash is not None
    assert user.password_hash.reveal() == "hunter2"


def test_only_records_have_fields() -> None:
    assert Record.FIELDS == ()

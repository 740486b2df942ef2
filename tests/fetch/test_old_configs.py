"""Configs of version 2.x that refer to others, and to files of the OEM partition."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from provision.config.format import Config
from provision.config.resources.content import inline_content
from provision.failures import ConfigInvalid, FetchFailed
from provision.fetch.http.client import ACCEPT
from provision.fetch.references import OLD_ACCEPT, ReadOem, render
from provision.fetch.resources import Fetcher
from provision.fetch.user_data.reading import read_config
from provision.log import silent
from tests.fetch.server import Answer, serve


def file(path: str, source: str, **fields: object) -> dict[str, object]:
    return {"filesystem": "root", "path": path, "mode": 420, "contents": {"source": source}, **fields}


def config(version: str, *files: object, refer: object = None, **sections: object) -> bytes:
    ignition = {"version": version, "config": refer or {}}
    return json.dumps({"ignition": ignition, "storage": {"files": files}, **sections}).encode()


def data_url(text: bytes) -> str:
    return "data:," + quote(text)


def rendered(text: bytes, read_oem: ReadOem | None = None) -> Config:
    return render(read_config(text, "config", silent), Fetcher(), silent, read_oem).config


def texts(whole: Config) -> dict[str, list[bytes | None]]:
    return {
        file.path: [inline_content(one) for one in (file.contents, *file.append) if one.source is not None]
        for file in whole.storage.files
    }


def test_appended_configs_are_written_one_after_the_other() -> None:
    second = config("2.1.0", file("/a", "data:,new"), file("/c", "data:,3"))
    third = config("2.4.0", file("/b", "data:,more", append=True))
    first = config(
        "2.2.0",
        file("/a", "data:,old"),
        file("/b", "data:,2"),
        refer={"append": [{"source": data_url(second)}, {"source": data_url(third)}]},
    )
    whole = rendered(first)
    assert texts(whole) == {"/a": [b"new"], "/b": [b"2", b"more"], "/c": [b"3"]}
    assert whole.ignition.config.is_empty


def test_a_filesystem_may_be_defined_in_a_referenced_config() -> None:
    mount = {"device": "/dev/sdb", "format": "ext4"}
    child = {"ignition": {"version": "2.0.0"}, "storage": {"filesystems": [{"name": "data", "mount": mount}]}}
    refer = {"append": [{"source": data_url(json.dumps(child).encode())}]}
    whole = rendered(config("2.3.0", file("/a", "data:,x", filesystem="data"), refer=refer))
    assert whole.storage.filesystems[0].path
    assert whole.storage.files[0].path == f"{whole.storage.filesystems[0].path}/a"


def test_a_filesystem_that_nobody_defines_is_refused() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        rendered(config("2.3.0", file("/a", "data:,x", filesystem="data")))
    assert [(one.path, one.message) for one in refused.value.problems] == [
        (("storage", "files", 0, "filesystem"), "the referenced filesystem was not defined: data")
    ]


def test_a_replacing_config_counts_alone() -> None:
    other = config("2.0.0", file("/b", "data:,b"))
    whole = rendered(config("2.3.0", file("/a", "data:,a"), refer={"replace": {"source": data_url(other)}}))
    assert texts(whole) == {"/b": [b"b"]}


def test_a_config_of_version_3_may_refer_to_one_of_version_2() -> None:
    child = config("2.1.0", file("/a", "data:,a"))
    parent = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": data_url(child)}]}}}
    assert texts(rendered(json.dumps(parent).encode())) == {"/a": [b"a"]}


def test_files_of_the_oem_partition_are_read_with_the_config() -> None:
    child = config("2.2.0", file("/b", "oem:///b"))
    oem = {"/dir/a": b"a\n", "/b": b"b", "/child": child}
    first = config("2.3.0", file("/a", "oem:///dir/a"), refer={"append": [{"source": "oem:///child"}]})
    assert texts(rendered(first, oem.get)) == {"/a": [b"a\n"], "/b": [b"b"]}


def test_a_file_that_the_oem_partition_does_not_have_is_named() -> None:
    with pytest.raises(FetchFailed, match="there is no /a below /usr/share/oem"):
        rendered(config("2.3.0", file("/a", "oem:///a")), lambda _path: None)


def test_without_the_machine_there_is_no_oem_partition() -> None:
    with pytest.raises(FetchFailed, match="on the OEM partition of the machine"):
        rendered(config("2.3.0", file("/a", "oem:///a")))


def test_timeouts_of_an_appended_config_count() -> None:
    child = {"ignition": {"version": "2.4.0", "timeouts": {"httpTotal": 7}}}
    refer = {"append": [{"source": data_url(json.dumps(child).encode())}]}
    assert rendered(config("2.4.0", refer=refer)).ignition.timeouts.http_total == 7


@pytest.mark.parametrize(("version", "accepted"), [("2.4.0", OLD_ACCEPT), ("3.4.0", ACCEPT)])
def test_a_server_is_asked_for_a_config_of_the_same_age(version: str, accepted: str) -> None:
    with serve({"/child": Answer(json.dumps({"ignition": {"version": version}}).encode())}) as server:
        reference = [{"source": f"{server.url}/child"}]
        refer = {"append": reference} if version < "3" else {"merge": reference}
        rendered(json.dumps({"ignition": {"version": version, "config": refer}}).encode())
        assert [asked.headers["accept"] for asked in server.asked] == [accepted]

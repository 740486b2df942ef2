"""`coreos-cloudinit`: its command line, its sources, and what it applies."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from provision.commands.compatible.coreos_cloudinit.command import coreos_cloudinit, merged
from provision.commands.compatible.coreos_cloudinit.live import apply_live
from provision.commands.compatible.coreos_cloudinit.sources import SOURCES, GivenUserData, addresses_of_environment
from provision.config.format import Config
from provision.config.resources.data_urls import decode_data_url
from provision.failures import Failure
from provision.log import silent
from provision.yaml_or_json import validate_text
from tests.fetch.server import Answer, serve

READ = {source.option: source.read for source in SOURCES}


def config(text: str) -> Config:
    converted = validate_text(f"#cloud-config\n{text}".encode(), "a").config
    assert converted is not None
    return converted


class TestCommandLine:
    def test_validate_reports_each_entry_and_exits_with_1(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "user-data").write_text("#cloud-config\nhostnam: a\ncoreos:\n  update:\n    reboot-strategy: on\n")
        assert coreos_cloudinit(["-validate", f"-from-file={tmp_path}/user-data"]) == 1
        entries = [line.split(" ", 2)[2] for line in capsys.readouterr().err.splitlines()]
        assert entries[2:] == ['line 2: warning: unrecognized key "hostnam"', "line 5: error: invalid value on"]

    @pytest.mark.parametrize("text", ["#cloud-config\nhostname: a\n", "#!/bin/sh\n", "", '{"ignition": {}}'])
    def test_validate_exits_with_0_if_there_is_nothing_to_report(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "user-data").write_text(text)
        assert coreos_cloudinit(["--validate", "--from-file", f"{tmp_path}/user-data"]) == 0

    def test_validate_refuses_other_texts(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "user-data").write_text("Content-Type: multipart/mixed\n")
        assert coreos_cloudinit(["-validate", "-from-file", f"{tmp_path}/user-data"]) == 1
        assert 'line 1: error: must be "#cloud-config" or begin with "#!"' in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ([], "Provide at least one of -from-file"),
            (["-oem", "nowhere"], "Supported options: azure"),
            (["-oem=cloudsigma"], "-from-cloudsigma-metadata is not supported"),
            (["-nothing"], "flag provided but not defined: -nothing"),
            (["-from-file"], "flag needs an argument: -from-file"),
        ],
    )
    def test_a_wrong_command_line(self, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert coreos_cloudinit(arguments) == 2
        assert told in "".join(capsys.readouterr())

    def test_what_has_no_effect_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert coreos_cloudinit(["-workspace", "/a", "-from-file", f"{tmp_path}/none"]) == 1
        told = capsys.readouterr().err
        assert "-workspace has no effect: nothing is stored there" in told
        assert "No datasources available in time" in told


class TestSources:
    def test_a_config_drive(self, tmp_path: Path) -> None:
        latest = tmp_path / "openstack" / "latest"
        latest.mkdir(parents=True)
        (latest / "user_data").write_bytes(b"#cloud-config\n")
        (latest / "meta_data.json").write_text(json.dumps({"hostname": "a", "public_keys": {"k": "ssh-rsa A"}}))
        given = READ["from-configdrive"](str(tmp_path), silent)
        assert given == GivenUserData(b"#cloud-config\n", "a", ["ssh-rsa A"])

    def test_a_config_drive_that_is_not_there(self, tmp_path: Path) -> None:
        assert READ["from-configdrive"](f"{tmp_path}/none", silent) is None

    def test_no_link_and_no_pipe_of_a_config_drive_is_followed(self, tmp_path: Path) -> None:
        latest = tmp_path / "drive/openstack/latest"
        latest.mkdir(parents=True)
        (tmp_path / "secret").write_text("of the host")
        (latest / "user_data").symlink_to("../../../secret")
        assert READ["from-configdrive"](f"{tmp_path}/drive", silent) == GivenUserData(b"")
        (latest / "user_data").unlink()
        os.mkfifo(latest / "user_data")
        with pytest.raises(Failure, match="is not a regular file"):
            READ["from-configdrive"](f"{tmp_path}/drive", silent)

    def test_a_damaged_config_drive(self, tmp_path: Path) -> None:
        latest = tmp_path / "openstack" / "latest"
        latest.mkdir(parents=True)
        (latest / "meta_data.json").write_text("{")
        with pytest.raises(Failure, match="is not JSON"):
            READ["from-configdrive"](str(tmp_path), silent)

    def test_a_url(self) -> None:
        with serve({"/user-data": Answer(b"#cloud-config\n")}) as server:
            assert READ["from-url"](f"{server.url}/user-data", silent) == GivenUserData(b"#cloud-config\n")

    def test_the_folder_of_azures_agent(self, tmp_path: Path) -> None:
        (tmp_path / "CustomData").write_bytes(b"#cloud-config\n")
        assert READ["from-waagent"](str(tmp_path), silent) == GivenUserData(b"#cloud-config\n")

    def test_addresses_of_the_environment(self) -> None:
        environment = {"COREOS_PRIVATE_IPV4": "10.0.0.5", "COREOS_PUBLIC_IPV4": "", "HOME": "/"}
        assert addresses_of_environment(environment) == {"private_ipv4": "10.0.0.5"}


class TestMetadata:
    def test_a_host_name_and_keys_are_added(self) -> None:
        whole = merged(
            config("ssh_authorized_keys: [ssh-rsa A]\n"), GivenUserData(b"", "node", ["ssh-rsa B", "ssh-rsa A"])
        )
        (file,) = whole.storage.files
        assert (file.path, decode_data_url(file.contents.source or "")) == ("/etc/hostname", b"node\n")
        assert whole.passwd.users[0].ssh_authorized_keys == ("ssh-rsa A", "ssh-rsa B")

    def test_the_host_name_of_the_user_data_counts(self) -> None:
        whole = merged(config("hostname: mine\n"), GivenUserData(b"", "node"))
        assert [decode_data_url(file.contents.source or "") for file in whole.storage.files] == [b"mine\n"]


def test_files_and_units_are_written(tmp_path: Path) -> None:
    text = "write_files: [{path: /etc/a, content: b}]\ncoreos: {units: [{name: c.service, mask: true}]}\n"
    apply_live(config(text), silent, str(tmp_path))
    assert (tmp_path / "etc/a").read_text() == "b"
    assert (tmp_path / "etc/systemd/system/c.service").readlink() == Path("/dev/null")

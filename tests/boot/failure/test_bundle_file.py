"""A boot that fails leaves a bundle, and the bundle never makes it worse."""

from __future__ import annotations

import stat
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

from provision.boot.failure.bundle_file import network_lines, save_bundle, save_fetch_bundle
from provision.bundle.bundle import read_bundle
from provision.bundle.recorded_view import played
from provision.cli import run
from provision.config.json_text.decode import decode
from provision.failures import Failure, FetchFailed, PlanRefused
from provision.log import open_log
from provision.planning.machine_view import MachineView
from provision.stages import load_stage

if TYPE_CHECKING:
    import pytest

CONFIG = decode(b'{"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["a"]}}')
"""A plan of it asks for a tool."""


def test_it_has_the_reasons(tmp_path: Path) -> None:
    path = tmp_path / "run" / "bundle"
    log = open_log(StringIO(), to_stdout=True)
    view = played({'["tool", "ignition-kargs-helper"]': None})
    save_bundle(PlanRefused([], hint="x"), [load_stage("kargs")], CONFIG, view, log, path=str(path))
    bundle = read_bundle(path.read_bytes(), "bundle")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bundle.answers == {'["tool", "ignition-kargs-helper"]': None}
    assert bundle.stages == ("kargs",)


def test_whatever_goes_wrong_is_a_warning(tmp_path: Path) -> None:
    messages = StringIO()
    log = open_log(messages, to_stdout=True)
    nothing = cast("MachineView", None)
    save_bundle(Failure("a"), [load_stage("kargs")], CONFIG, nothing, log, path=str(tmp_path / "bundle"))
    assert not (tmp_path / "bundle").exists()
    assert "there is no bundle of this failure: AttributeError" in messages.getvalue()


def test_a_fetch_stage_has_the_reason_and_the_network_and_no_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bundle"
    log = open_log(StringIO(), to_stdout=True)
    save_fetch_bundle(FetchFailed("http://192.0.2.1/config", "no route to host"), "fetch", log, path=str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert any(line.startswith("network: addresses: ") for line in read_bundle(path.read_bytes(), "bundle").log)
    assert run(["provision", "replay", str(path)]) == 1
    told = capsys.readouterr().err
    assert "that run failed before there was a plan:\n" in told
    assert "no route to host" in told
    assert run(["provision", "replay", str(path), "--log"]) == 0
    assert "network: links: " in capsys.readouterr().out


def test_name_servers_are_those_of_resolv_conf(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("# a\nnameserver 192.0.2.53\nsearch example.com\nnameserver\n")
    assert network_lines(str(tmp_path / "resolv.conf"))[-1] == "network: name servers: 192.0.2.53"
    assert network_lines(str(tmp_path / "none"))[-1] == "network: name servers: none"

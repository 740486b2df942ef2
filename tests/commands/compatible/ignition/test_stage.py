"""Ignition's command line, as Go's flag package reads it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from provision.commands.compatible.ignition.stage import StageOptions, ignition, parse_options
from provision.failures import Usage
from tests.fetch.server import Answer, serve


def test_defaults_are_those_of_ignition() -> None:
    assert parse_options([]) == StageOptions(
        config_cache="/run/ignition.json",
        fetch_timeout=120.0,
        log_to_stdout=False,
        neednet="/run/ignition/neednet",
        platform="",
        root="/",
        stage="",
        state_file="/run/ignition/state",
        version=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--stage", "disks", "--root", "/sysroot", "--log-to-stdout"],
        ["-stage=disks", "-root=/sysroot", "-log-to-stdout=true"],
        ["--stage=disks", "-root", "/sysroot", "--log-to-stdout=1", "--", "--platform"],
    ],
)
def test_one_or_two_dashes_and_both_ways_to_give_a_value(arguments: list[str]) -> None:
    options = parse_options(arguments)
    assert (options.stage, options.root, options.log_to_stdout) == ("disks", "/sysroot", True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("2m0s", 120), ("1.5h", 5400), ("300ms", 0.3), ("0", 0), ("1h2m3s", 3723), ("+5s", 5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_options(["--fetch-timeout", text]).fetch_timeout == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stag", "disks"], "flag provided but not defined: -stag"),
        (["--log_to_stdout"], "flag provided but not defined: -log_to_stdout"),
        (["--root"], "flag needs an argument: -root"),
        (["--stage=nonsense"], "nonsense is not a valid stage"),
        (["--platform=nonsense"], "nonsense is not a valid platform"),
        (["--fetch-timeout=soon"], "parse error"),
        (["--log-to-stdout=maybe"], 'invalid boolean value "maybe"'),
    ],
)
def test_wrong_options_are_refused_by_name(arguments: list[str], message: str) -> None:
    with pytest.raises(Usage, match=message):
        parse_options(arguments)


def test_platform_and_stage_are_required(capsys: pytest.CaptureFixture[str]) -> None:
    assert ignition(["--stage", "disks"]) == 2
    assert ignition(["--platform", "metal"]) == 2
    assert capsys.readouterr().err == "'--platform' must be provided\n'--stage' must be provided\n"


def test_version_needs_no_other_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert ignition(["--version"]) == 0
    assert capsys.readouterr().out.startswith("Ignition 2.")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_stage_that_is_stopped_is_reported_as_failed(tmp_path: Path) -> None:
    """systemd ends a unit whose time is over by SIGTERM."""
    with serve(lambda _asked: Answer()) as status, socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/f"
        config = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/f", "contents": {"source": url}}]}}
        (tmp_path / "cache").write_text(json.dumps(config))
        (tmp_path / "cache").chmod(0o600)
        (tmp_path / "cmdline").write_text(f"provision.status.url={status.url}/")
        (tmp_path / "root").mkdir()
        words = ["--platform=metal", "--stage=files", "--log-to-stdout", f"--root={tmp_path}/root"]
        words += [f"--config-cache={tmp_path}/cache", f"--state-file={tmp_path}/state", f"--neednet={tmp_path}/neednet"]
        stage = subprocess.Popen(
            [sys.executable, "-m", "provision", *words],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "IGNITION_KERNEL_CMDLINE_PATH": str(tmp_path / "cmdline")},
        )
        silent.accept()[0].recv(1)
        stage.terminate()
        stage.send_signal(signal.SIGTERM)
        output, _ = stage.communicate(timeout=20)
    assert stage.returncode == 128 + signal.SIGTERM
    assert "CRITICAL : files: stopped by SIGTERM" in output
    assert "hint: the time limit of its unit was over" in output
    assert "Traceback" not in output
    assert not (tmp_path / "root/f").exists()
    (event,) = [json.loads(asked.body) for asked in status.asked]
    assert event["type"].endswith(".failure")
    assert event["data"]["cause"] == "stopped by SIGTERM"

"""Ignition's command line, as Go's flag package reads it."""

from __future__ import annotations

import pytest

from provision.commands.ignition.stage import StageOptions, ignition, parse
from provision.failures import Usage


def test_defaults_are_those_of_ignition() -> None:
    assert parse([]) == StageOptions(
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
    options = parse(arguments)
    assert (options.stage, options.root, options.log_to_stdout) == ("disks", "/sysroot", True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("2m0s", 120), ("1.5h", 5400), ("300ms", 0.3), ("0", 0), ("1h2m3s", 3723), ("+5s", 5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse(["--fetch-timeout", text]).fetch_timeout == pytest.approx(seconds)


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
        parse(arguments)


def test_platform_and_stage_are_required(capsys: pytest.CaptureFixture[str]) -> None:
    assert ignition(["--stage", "disks"]) == 2
    assert ignition(["--platform", "metal"]) == 2
    assert capsys.readouterr().err == "'--platform' must be provided\n'--stage' must be provided\n"


def test_version_needs_no_other_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert ignition(["--version"]) == 0
    assert capsys.readouterr().out.startswith("Ignition 2.")

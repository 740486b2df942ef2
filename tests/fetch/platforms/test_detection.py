"""Telling the platform by the firmware's tables, laid out as a tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.failures import Failure, NeedsNetwork, Usage
from provision.fetch.find_config import find_config
from provision.fetch.platforms.detection import MARKS, DmiMark, confirmed
from provision.fetch.platforms.table import PLATFORMS
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem
from tests.recorded_log import RecordedLog


def machine(root: Path, **fields: str) -> LocalSystem:
    folder = root / "sys/class/dmi/id"
    folder.mkdir(parents=True)
    for name, text in fields.items():
        (folder / name).write_text(f"{text}\n")
    return LocalSystem(SystemPaths(), str(root))


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: f"{mark.platform}-{mark.field}")
def test_marks_prove_platforms_that_exist(tmp_path: Path, mark: DmiMark) -> None:
    assert confirmed("auto", machine(tmp_path, **{mark.field: f"{mark.beginning} and more"})) == mark.platform
    assert mark.platform in PLATFORMS


def test_azure_is_no_plain_hyperv(tmp_path: Path) -> None:
    tag = "7783-7084-3265-9085-8269-3286-77"
    assert confirmed("auto", machine(tmp_path, product_name="Virtual Machine", chassis_asset_tag=tag)) == "azure"


def test_without_proof_no_service_is_asked(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="Dell"):
        confirmed("auto", machine(tmp_path, sys_vendor="Dell Inc.", product_name="PowerEdge"))


TOLD = "the platform is named aws, but the firmware says that this is gcp (product_name 'Google Compute Engine')"


def test_a_platform_that_the_firmware_contradicts_is_refused(tmp_path: Path) -> None:
    running_system = machine(tmp_path, product_name="Google Compute Engine")
    with pytest.raises(Failure) as refused:
        find_config("aws", running_system, FetchSettings(offline=True))
    assert refused.value.message == TOLD
    assert "provision.platform.mismatch=allow" in refused.value.hint


@pytest.mark.parametrize("setting", ["proc/cmdline", "usr/lib/ignition/provision.conf"])
def test_a_contradicted_platform_is_used_where_that_is_allowed(tmp_path: Path, log: RecordedLog, setting: str) -> None:
    running_system = machine(tmp_path, product_name="Google Compute Engine")
    (tmp_path / setting).parent.mkdir(parents=True)
    (tmp_path / setting).write_text("# not for us: provision.platform.mismatch=no\nprovision.platform.mismatch=allow\n")
    if setting == "proc/cmdline":
        (tmp_path / setting).write_text("quiet provision.platform.mismatch=allow\n")
    with pytest.raises(NeedsNetwork):
        find_config("aws", running_system, FetchSettings(offline=True), log)
    assert log.at("warning") == [TOLD]


def test_the_kernel_command_line_overrides_the_image(tmp_path: Path) -> None:
    running_system = machine(tmp_path, product_name="Google Compute Engine")
    for path, text in {
        "usr/lib/ignition/provision.conf": "provision.platform.mismatch=allow",
        "etc/ignition/provision.conf": "provision.platform.mismatch=allow",
        "proc/cmdline": "provision.platform.mismatch=refuse",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    with pytest.raises(Failure, match="named aws"):
        find_config("aws", running_system, FetchSettings(offline=True))


def test_an_unknown_value_of_a_setting_is_refused(tmp_path: Path) -> None:
    running_system = machine(tmp_path)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("provision.config.drive=maybe")
    with pytest.raises(Failure, match=r"provision\.config\.drive=maybe is unknown"):
        find_config("metal", running_system, FetchSettings(offline=True))


@pytest.mark.parametrize(
    ("platform", "fields"),
    [
        ("gcp", {"product_name": "Google Compute Engine"}),
        ("metal", {"sys_vendor": "Amazon EC2"}),
        ("ibmcloud", {"sys_vendor": "QEMU"}),
        ("brightbox", {"product_name": "OpenStack Nova"}),
        ("azurestack", {"chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"}),
        ("aws", {"sys_vendor": "Dell Inc."}),
    ],
)
def test_what_is_no_contradiction(tmp_path: Path, platform: str, fields: dict[str, str]) -> None:
    assert confirmed(platform, machine(tmp_path, **fields)) == platform


def test_auto_acquires_from_what_was_proven(tmp_path: Path) -> None:
    running_system = machine(tmp_path, sys_vendor="QEMU")
    raw = tmp_path / "sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw"
    raw.parent.mkdir(parents=True)
    raw.write_text('{"ignition": {"version": "3.0.0"}}')
    acquired = find_config("auto", running_system, FetchSettings(offline=True))
    assert (acquired.provided, acquired.fetched[0].source) == (True, "qemu")


def test_a_file_of_settings_with_other_words_is_refused(tmp_path: Path) -> None:
    running_system = machine(tmp_path)
    (tmp_path / "etc/ignition").mkdir(parents=True)
    (tmp_path / "etc/ignition/provision.conf").write_text("provision.config.drives=any\n")
    with pytest.raises(Failure, match=r"/etc/ignition/provision\.conf: 'provision\.config\.drives' is no setting"):
        find_config("metal", running_system, FetchSettings(offline=True))

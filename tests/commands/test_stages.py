"""Stages as an initramfs runs them: the files that each writes for the next, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each test starts programs

REMOTE = {"source": "http://192.0.2.1/x"}
INLINE = {"source": "data:,x"}
KARGS = {"shouldExist": ["quiet", "a=b c", "x"], "shouldNotExist": ["debug", "x=1"]}


class Machine:
    """The files of one boot. A config is given by the platform `file`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache.json"
        self.neednet = folder / "run/made/neednet"
        self.state = folder / "state/memory"
        self.root = folder / "root"
        self.programs = folder / "programs"
        self.root.mkdir()
        self.programs.mkdir()

    def stage(self, name: str, config: object = None, platform: str = "file") -> subprocess.CompletedProcess[str]:
        if config is not None:
            text = config if isinstance(config, str) else json.dumps(config)
            (self.folder / "config.ign").write_text(text)
        argv = [sys.executable, "-m", "provision", f"--stage={name}", f"--platform={platform}", "--log-to-stdout"]
        argv += [f"--config-cache={self.cache}", f"--neednet={self.neednet}", f"--state-file={self.state}"]
        return subprocess.run(
            [*argv, f"--root={self.root}"], env=self._environment(), capture_output=True, text=True, check=False
        )

    def program(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def _environment(self) -> Mapping[str, str]:
        (self.folder / "cmdline").touch()
        return {
            **os.environ,
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "IGNITION_CONFIG_FILE": str(self.folder / "config.ign"),
            "IGNITION_SYSTEM_CONFIG_DIR": str(self.folder / "system"),
            "IGNITION_SYSTEM_LOCAL_CONFIG_DIR": str(self.folder / "local"),
            "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR": str(self.folder / "runtime"),
            "IGNITION_KERNEL_CMDLINE_PATH": str(self.folder / "cmdline"),
        }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def config(version: str = "3.4.0", **parts: object) -> dict[str, object]:
    return {"ignition": {"version": version}, **parts}


def files(**contents: object) -> dict[str, object]:
    return {"files": [{"path": f"/{name}", "contents": content} for name, content in contents.items()]}


def luks(**parts: object) -> dict[str, object]:
    return {"luks": [{"name": "safe", "device": "/dev/vda1", **parts}]}


def tang(**parts: str) -> dict[str, object]:
    return luks(clevis={"tang": [{"url": "http://192.0.2.1", "thumbprint": "x" * 27, **parts}]})


class TestFetchOffline:
    """`fetch-offline` fetches without a network, and requests one if the config needs it."""

    @pytest.mark.parametrize(
        ("storage", "needs"),
        [
            (files(a=INLINE), False),
            (files(a=INLINE, b=REMOTE), True),
            ({"files": [{"path": "/a", "append": [INLINE, REMOTE]}]}, True),
            (luks(keyFile=INLINE), False),
            (luks(keyFile=REMOTE), True),
            (tang(), True),
            (tang(advertisement="{}"), False),
            (luks(clevis={"custom": {"pin": "tpm2", "config": "{}"}}), False),
            (luks(clevis={"custom": {"pin": "tang", "config": "{}", "needsNetwork": True}}), True),
        ],
    )
    def test_the_config_is_kept_and_a_network_asked_for_if_its_contents_need_it(
        self, storage: object, needs: bool, machine: Machine
    ) -> None:
        done = machine.stage("fetch-offline", config(storage=storage))
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert json.loads(machine.cache.read_text())["storage"] == storage
        assert machine.cache.stat().st_mode & 0o777 == 0o600
        assert machine.neednet.exists() == needs
        assert machine.state.exists()

    def test_a_config_that_names_others_on_a_network_is_left_to_fetch(self, machine: Machine) -> None:
        whole = {"ignition": {"version": "3.4.0", "config": {"merge": [REMOTE]}}}
        done = machine.stage("fetch-offline", whole)
        assert (done.returncode, machine.neednet.exists(), machine.cache.exists()) == (0, True, False), done.stdout
        assert "INFO     : Ignition finished successfully" in done.stdout

    def test_a_platform_on_a_network_is_left_to_fetch(self, machine: Machine) -> None:
        done = machine.stage("fetch-offline", platform="hetzner")
        assert (done.returncode, machine.neednet.exists(), machine.cache.exists()) == (0, True, False), done.stdout

    def test_a_base_config_can_need_the_network(self, machine: Machine) -> None:
        base = machine.folder / "system/base.d"
        base.mkdir(parents=True)
        (base / "10-a.ign").write_text(json.dumps(config(storage=files(a=REMOTE))))
        assert machine.stage("fetch-offline", config()).returncode == 0
        assert machine.neednet.exists()
        assert "storage" not in json.loads(machine.cache.read_text()), "the cache is the user's config alone"

    @pytest.mark.skipif(os.geteuid() != 0, reason="files belong to root")
    def test_an_empty_config_is_no_config(self, machine: Machine) -> None:
        done = machine.stage("fetch-offline", "")
        assert (done.returncode, machine.neednet.exists()) == (0, False)
        assert "not a config (empty)" in done.stdout
        assert machine.stage("files").returncode == 0
        result = json.loads((machine.root / "etc/.ignition-result.json").read_text())
        assert result["userConfigProvided"] is False


class TestEnds:
    """Exit codes of stages, and the config that they use."""

    def test_a_bad_config_stops_it_and_nothing_is_kept(self, machine: Machine) -> None:
        done = machine.stage("fetch", config(storage={"files": [{"path": "relative"}]}))
        assert done.returncode == 1
        assert "CRITICAL : Ignition failed: " in done.stdout
        assert (machine.cache.exists(), machine.state.exists()) == (False, False)

    @pytest.mark.parametrize("stage", ["kargs", "disks", "mount", "files", "umount"])
    def test_without_a_fetched_config_a_stage_fails(self, stage: str, machine: Machine) -> None:
        done = machine.stage(stage)
        assert (done.returncode, machine.state.exists()) == (1, False)
        assert f"CRITICAL : {stage}: {machine.cache}: there is no config" in done.stdout

    def test_a_state_that_cannot_be_read_is_an_exit_of_three(self, machine: Machine) -> None:
        machine.state.parent.mkdir()
        machine.state.write_text("nonsense")
        assert machine.stage("fetch", config()).returncode == 3

    @pytest.mark.skipif(os.geteuid() != 0, reason="files belong to root")
    def test_base_configs_are_merged_below_the_users_config_in_every_stage(self, machine: Machine) -> None:
        for folder, content in (("system", "far"), ("local", "nearer"), ("runtime", "nearest")):
            base = machine.folder / folder / "base.platform.d/file"
            base.mkdir(parents=True)
            names = {"shared": f"data:,{content}", folder: f"data:,{content}", "mine": "data:,theirs"}
            parts = files(**{name: {"source": source} for name, source in names.items()})
            (base / f"{folder}.ign").write_text(json.dumps(config(storage=parts)))
        assert machine.stage("fetch", config(storage=files(mine=INLINE))).returncode == 0
        done = machine.stage("files")
        assert done.returncode == 0, done.stdout
        read = {path.name: path.read_text() for path in machine.root.iterdir() if path.is_file()}
        assert (read["mine"], read["system"], read["local"], read["runtime"]) == ("x", "far", "nearer", "nearest")

    @pytest.mark.skipif(os.geteuid() != 0, reason="files belong to root")
    def test_files_handed_over_once_are_readable_only_by_root(self, machine: Machine) -> None:
        pools = {f"/var/lib/hyperv/.kvp_pool_{pool}": "data:;base64,YQ==" for pool in range(5)}
        machine.state.parent.mkdir()
        machine.state.write_text(json.dumps({"platform_files": pools}))
        assert machine.stage("fetch", config()).returncode == 0
        assert machine.stage("files").returncode == 0
        found = sorted((machine.root / "var/lib/hyperv").iterdir())
        assert [path.read_text() for path in found] == ["a"] * 5
        assert {path.stat().st_mode & 0o7777 for path in found} == {0o600}


class TestKernelArguments:
    """The helper is called once with all arguments; its exit status decides."""

    def kargs(self, machine: Machine, wanted: object) -> subprocess.CompletedProcess[str]:
        assert machine.stage("fetch", config(kernelArguments=wanted)).returncode == 0
        return machine.stage("kargs")

    def test_one_call_with_what_should_exist_first_and_in_order(self, machine: Machine) -> None:
        output = machine.folder / "said"
        machine.program("ignition-kargs-helper", f"printf '%s\\n' \"$@\" end >>{output}")
        assert self.kargs(machine, KARGS).returncode == 0
        exist = [word for value in KARGS["shouldExist"] for word in ("--should-exist", value)]
        absent = [word for value in KARGS["shouldNotExist"] for word in ("--should-not-exist", value)]
        assert output.read_text().splitlines() == [*exist, *absent, "end"]

    def test_without_changes_the_helper_is_not_called(self, machine: Machine) -> None:
        machine.program("ignition-kargs-helper", "exit 1")
        assert self.kargs(machine, {}).returncode == 0

    def test_a_helper_that_fails_stops_the_boot_with_its_output(self, machine: Machine) -> None:
        machine.program("ignition-kargs-helper", "echo cannot write the boot loader entry >&2; exit 3")
        done = self.kargs(machine, KARGS)
        assert done.returncode == 1
        assert "CRITICAL : kargs: set kernel arguments: cannot write the boot loader entry" in done.stdout

    def test_nothing_is_changed_if_a_later_stage_would_refuse(self, machine: Machine) -> None:
        """The accounts of the root are known; the device is missing, and may appear after the restart."""
        disk = {"device": "/dev/disk/by-id/not-there", "partitions": [{"number": 1, "label": "a"}]}
        file = {"path": "/f", "group": {"name": "nobody-here"}}
        machine.program("ignition-kargs-helper", f"echo called > {machine.folder}/called")
        config = {"ignition": {"version": "3.4.0"}, "kernelArguments": KARGS}
        storage = {"disks": [disk], "files": [file]}
        (machine.root / "etc").mkdir()
        (machine.root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        machine.stage("fetch-offline", {**config, "storage": storage})
        refused = machine.stage("kargs")
        assert (refused.returncode, (machine.folder / "called").exists()) == (1, False)
        assert 'storage.files[0]: no such group "nobody-here"' in refused.stdout
        (machine.root / "etc/group").write_text("nobody-here:x:7:\n")
        assert machine.stage("kargs").returncode == 0
        assert (machine.folder / "called").exists()

    def test_without_a_helper_it_is_refused(self, machine: Machine) -> None:
        done = self.kargs(machine, KARGS)
        assert done.returncode == 1
        assert "ignition-kargs-helper is not on PATH" in done.stdout

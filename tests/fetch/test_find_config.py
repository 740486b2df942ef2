"""From a kernel command line or a tree of interfaces to a whole, validated config."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from provision.config.format import Config
from provision.failures import ConfigEmpty, ConfigInvalid, FetchFailed, NeedsNetwork, Usage
from provision.fetch.base_config import base_config
from provision.fetch.find_config import FoundConfig, find_config
from provision.fetch.references import Fetched
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.fetch.user_data.compression import decompressed
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.certificates import Authority
from tests.fetch.server import Answer, serve
from tests.recorded_log import RecordedLog


def ign(*paths: str, version: str = "3.4.0", **ignition: Any) -> bytes:
    files = [{"path": path, "contents": {"source": "data:,x"}} for path in paths]
    return json.dumps({"ignition": {"version": version, **ignition}, "storage": {"files": files}}).encode()


def paths(config: Config) -> list[str]:
    return [file.path for file in config.storage.files]


class Machine:
    """A tree of files in the place of a machine's interfaces."""

    def __init__(self, root: Path, log: RecordedLog) -> None:
        self.root = root
        self.log = log
        self.write("/proc/cmdline", b"quiet")

    def write(self, path: str, data: bytes) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def boot_with(self, *arguments: str) -> None:
        self.write("/proc/cmdline", " ".join(("root=/dev/vda", *arguments)).encode() + b"\n")

    @property
    def running_system(self) -> LocalSystem:
        return LocalSystem(SystemPaths(), str(self.root))

    def find_config(self, platform: str = "metal", **settings: Any) -> FoundConfig:
        return find_config(platform, self.running_system, FetchSettings(**{"http_total": 3.0, **settings}), self.log)


@pytest.fixture
def machine(tmp_path: Path, log: RecordedLog) -> Machine:
    return Machine(tmp_path, log)


def test_metal_has_no_config_of_its_own(machine: Machine) -> None:
    acquired = machine.find_config()
    assert not acquired.provided
    assert acquired.config == Config(ignition=acquired.config.ignition)
    assert acquired.fetched == (Fetched("user", "metal", referenced=False),)


def test_an_unknown_platform_is_a_wrong_command_line(machine: Machine) -> None:
    with pytest.raises(Usage, match="unknown platform"):
        machine.find_config("nowhere")


def test_qemu_reads_firmware_config(machine: Machine) -> None:
    machine.write("/sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw", ign("/a"))
    acquired = machine.find_config("qemu", offline=True)
    assert (paths(acquired.config), acquired.provided) == (["/a"], True)


def test_the_kernel_command_line_comes_first(machine: Machine) -> None:
    machine.write("/usr/lib/ignition/user.ign", ign("/system"))
    with serve({"/c": Answer(ign("/url"))}) as served:
        machine.boot_with(f"ignition.config.url={served.url}/c")
        acquired = machine.find_config()
    assert paths(acquired.config) == ["/url"]
    assert acquired.fetched == (Fetched("user", "cmdline", referenced=False),)


def test_one_url_serves_many_machines(machine: Machine) -> None:
    """As matchbox does: its path and query (matchbox, "HTTP API", Ignition Config)."""
    machine.write("/sys/class/dmi/id/product_uuid", b"16E7D8A7-BFA9-428B-9117-363341BB330B\n")
    with serve({"/ignition?uuid=16e7d8a7-bfa9-428b-9117-363341bb330b": Answer(ign("/own"))}) as served:
        machine.boot_with(f"ignition.config.url={served.url}/ignition?uuid=${{uuid}}")
        assert paths(machine.find_config().config) == ["/own"]


def test_the_config_that_coreos_install_put_on_the_oem_partition(machine: Machine) -> None:
    """Source: `coreos-install -i` of Container Linux: coreos-install.json, and this argument in grub.cfg."""
    machine.boot_with("coreos.config.url=oem:///coreos-install.json")
    machine.write("/usr/share/oem/coreos-install.json", ign("/installed"))
    assert paths(machine.find_config(offline=True).config) == ["/installed"]
    machine.boot_with("coreos.config.url=oem:///missing.json")
    with pytest.raises(FetchFailed, match=r"there is no /missing\.json below /usr/share/oem"):
        machine.find_config(offline=True)
    machine.boot_with(
        "coreos.config.url=oem:///missing.json",
        "coreos.config.url=oem:///coreos-install.json",
        "coreos.config.hash=sha512-00",
    )
    with pytest.raises(FetchFailed, match=r"missing.json.*hash"):
        machine.find_config(offline=True)


@pytest.mark.parametrize("name", ["flatcar", "coreos"])
def test_older_names_of_the_argument_are_known(machine: Machine, name: str) -> None:
    machine.boot_with(f"{name}.config.url=data:,%7B%22ignition%22:%7B%22version%22:%223.0.0%22%7D%7D")
    assert machine.find_config(offline=True).provided


def test_the_url_may_carry_a_hash(machine: Machine) -> None:
    with serve({"/c": Answer(ign("/a"))}) as served:
        url = f"ignition.config.url={served.url}/c"
        machine.boot_with(url, f"ignition.config.hash=sha512-{hashlib.sha512(ign('/a')).hexdigest()}")
        assert machine.find_config().provided
        machine.boot_with(url, f"ignition.config.hash=sha512-{hashlib.sha512(b'other').hexdigest()}")
        with pytest.raises(FetchFailed, match="hash verification failed"):
            machine.find_config()


def test_several_urls_are_tried_in_order(machine: Machine) -> None:
    with serve({"/good": Answer(ign("/a"))}) as served:
        machine.boot_with(f"ignition.config.url={served.url}/bad", f"ignition.config.url={served.url}/good")
        assert paths(machine.find_config().config) == ["/a"]
        machine.boot_with(f"ignition.config.url={served.url}/bad", f"ignition.config.url={served.url}/worse")
        with pytest.raises(FetchFailed, match=r"/bad: .*; .*/worse: "):
            machine.find_config()


def test_several_urls_need_the_network_before_one_of_them_fails(machine: Machine) -> None:
    machine.boot_with("ignition.config.url=http://127.0.0.1:1/a", "ignition.config.url=http://127.0.0.1:1/b")
    with pytest.raises(NeedsNetwork):
        machine.find_config(offline=True)


def test_the_next_url_is_tried_where_the_hash_is_not_right(machine: Machine) -> None:
    digest = f"ignition.config.hash=sha512-{hashlib.sha512(ign('/good')).hexdigest()}"
    with serve({"/evil": Answer(ign("/evil")), "/good": Answer(ign("/good"))}) as served:
        urls = [f"ignition.config.url={served.url}/{name}" for name in ("evil", "good")]
        machine.boot_with(*urls, digest)
        assert paths(machine.find_config().config) == ["/good"]
        machine.boot_with(urls[0], urls[0], digest)
        with pytest.raises(FetchFailed) as failed:
            machine.find_config()
    assert failed.value.message.count("hash verification failed") == 2


@pytest.mark.parametrize("written", ["md5-00", "sha512-0", "sha256-xx", "nonsense"])
def test_a_hash_that_is_none_is_refused(machine: Machine, written: str) -> None:
    with serve({"/c": Answer(ign("/a"))}) as served:
        machine.boot_with(f"ignition.config.url={served.url}/c", f"ignition.config.hash={written}")
        with pytest.raises(FetchFailed, match="hash"):
            machine.find_config()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ignition.config.device=a",), "must be provided together"),
        (("ignition.config.path=/a",), "must be provided together"),
        (("ignition.config.device=../vda", "ignition.config.path=/a"), "single path component"),
    ],
)
def test_a_drive_on_the_command_line_needs_label_and_path(
    machine: Machine, arguments: tuple[str, ...], told: str
) -> None:
    machine.boot_with(*arguments)
    with pytest.raises(FetchFailed, match=told):
        machine.find_config()


def test_the_strongest_directory_has_the_user_config(machine: Machine) -> None:
    machine.write("/usr/lib/ignition/user.ign", ign("/usr"))
    machine.write("/etc/ignition/user.ign", ign("/etc"))
    acquired = machine.find_config("qemu")
    assert paths(acquired.config) == ["/etc"]
    assert acquired.fetched[0].source == "system"


def test_an_empty_user_config_does_not_fall_through(machine: Machine) -> None:
    machine.write("/etc/ignition/user.ign", b"")
    machine.write("/sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw", ign("/a"))
    assert not machine.find_config("qemu").provided


def test_base_fragments_merge_by_name_and_strength(machine: Machine) -> None:
    machine.write("/usr/lib/ignition/base.d/10-a.ign", ign("/weak"))
    machine.write("/run/ignition/base.d/10-a.ign", ign("/strong"))
    machine.write("/etc/ignition/base.d/05-b.ign", ign("/first"))
    machine.write("/usr/lib/ignition/base.platform.d/qemu/20.ign", ign("/qemu"))
    assert paths(base_config("qemu", machine.running_system)) == ["/first", "/strong", "/qemu"]
    assert paths(base_config("metal", machine.running_system)) == ["/first", "/strong"]


def test_a_bad_base_fragment_is_an_error_and_a_bad_platform_fragment_is_not(machine: Machine) -> None:
    machine.write("/usr/lib/ignition/base.platform.d/qemu/20.ign", b"nonsense")
    machine.write("/usr/lib/ignition/base.d/10.ign", ign("/a"))
    assert paths(base_config("qemu", machine.running_system, machine.log)) == ["/a"]
    assert "no config at base.platform.d/qemu" in str(machine.log)
    machine.write("/usr/lib/ignition/base.d/20.ign", b"")
    with pytest.raises(ConfigEmpty):
        base_config("qemu", machine.running_system)


def test_merging_is_depth_first_and_the_child_wins(machine: Machine) -> None:
    script: dict[str, Answer] = {}
    with serve(script) as served:

        def merges(*names: str) -> dict[str, Any]:
            return {"config": {"merge": [{"source": f"{served.url}/{name}?token=1"} for name in names]}}

        script["/one?token=1"] = Answer(ign("/one", **merges("deep")))
        script["/deep?token=1"] = Answer(ign("/deep"))
        script["/two?token=1"] = Answer(ign("/two", version="3.0.0"))
        machine.write("/etc/ignition/user.ign", ign("/user", **merges("one", "two")))
        acquired = machine.find_config()
    assert paths(acquired.config) == ["/user", "/one", "/deep", "/two"]
    assert [one.source for one in acquired.fetched] == ["system", "/one", "/deep", "/two"]
    assert all(one.referenced for one in acquired.fetched[1:])


def test_children_of_one_server_come_over_one_connection(machine: Machine) -> None:
    with serve({f"/{number}": Answer(ign(f"/{number}")) for number in range(9)}) as served:
        merge = [{"source": f"{served.url}/{number}"} for number in range(9)]
        machine.write("/etc/ignition/user.ign", ign("/user", config={"merge": merge}))
        machine.find_config()
    assert len({asked.port for asked in served.asked}) == 1


def test_replacing_discards_the_parent(machine: Machine) -> None:
    with serve({"/new": Answer(ign("/new"))}) as served:
        replace = {"replace": {"source": f"{served.url}/new"}, "merge": [{"source": "http://127.0.0.1:1/"}]}
        machine.write("/etc/ignition/user.ign", ign("/user", config=replace))
        assert paths(machine.find_config().config) == ["/new"]


def test_a_config_that_leads_to_itself_is_found_out(machine: Machine) -> None:
    script: dict[str, Answer] = {}
    with serve(script) as served:
        script["/a"] = Answer(ign("/a", config={"merge": [{"source": f"{served.url}/a"}]}))
        machine.boot_with(f"ignition.config.url={served.url}/a")
        with pytest.raises(FetchFailed, match="leads to itself"):
            machine.find_config()
        assert len(served.asked) < 5


def test_nesting_has_a_limit(machine: Machine) -> None:
    script: dict[str, Answer] = {}
    with serve(script) as served:
        for depth in range(30):
            script[f"/{depth}"] = Answer(ign(f"/{depth}", config={"merge": [{"source": f"{served.url}/{depth + 1}"}]}))
        machine.boot_with(f"ignition.config.url={served.url}/0")
        with pytest.raises(FetchFailed, match="nested deeper than 16"):
            machine.find_config()


def test_their_number_has_a_limit_too(machine: Machine) -> None:
    children = [b64encode(ign("/child") + b" " * number).decode() for number in range(300)]
    merge = [{"source": f"data:;base64,{child}"} for child in children]
    machine.write("/etc/ignition/user.ign", ign("/user", config={"merge": merge}))
    began = time.monotonic()
    with pytest.raises(FetchFailed, match="more than 256 in number"):
        machine.find_config(offline=True)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("where", ["kernel command line", "child"])
def test_a_config_has_a_limit(machine: Machine, where: str) -> None:
    with serve({"/huge": Answer(b" " * ((64 << 20) + 1))}) as served:
        if where == "child":
            machine.write("/etc/ignition/user.ign", ign("/u", config={"merge": [{"source": f"{served.url}/huge"}]}))
        else:
            machine.boot_with(f"ignition.config.url={served.url}/huge")
        with pytest.raises(FetchFailed, match="larger than the limit of 32 MiB"):
            machine.find_config()


def test_configs_have_a_limit_in_number(machine: Machine) -> None:
    children = [{"source": "data:;base64," + b64encode(ign(f"/{number}")).decode()} for number in range(300)]
    machine.write("/etc/ignition/user.ign", ign("/u", config={"merge": children}))
    began = time.monotonic()
    with pytest.raises(FetchFailed, match="more than 256 in number"):
        machine.find_config(offline=True)
    assert time.monotonic() - began < 20


def test_an_empty_child_is_no_silent_loss_of_the_config(machine: Machine) -> None:
    with serve({"/empty": Answer(b"")}) as served:
        machine.write("/etc/ignition/user.ign", ign("/a", config={"merge": [{"source": f"{served.url}/empty"}]}))
        with pytest.raises(ConfigEmpty):
            machine.find_config()


def test_children_are_verified(machine: Machine) -> None:
    with serve({"/a": Answer(ign("/a"))}) as served:
        child = {"source": f"{served.url}/a", "verification": {"hash": "sha512-" + "0" * 128}}
        machine.write("/etc/ignition/user.ign", ign("/u", config={"merge": [child]}))
        with pytest.raises(FetchFailed, match="hash verification failed"):
            machine.find_config()


def test_offline_a_remote_child_needs_the_network(machine: Machine) -> None:
    machine.write("/etc/ignition/user.ign", ign("/u", config={"merge": [{"source": "http://127.0.0.1:1/"}]}))
    with pytest.raises(NeedsNetwork):
        machine.find_config(offline=True)


def test_the_merged_config_is_checked_as_a_whole(machine: Machine) -> None:
    link = json.dumps(
        {
            "ignition": {"version": "3.4.0"},
            "storage": {"links": [{"path": "/opt", "target": "/srv"}]},
        }
    ).encode()
    with serve({"/a": Answer(link)}) as served:
        machine.write("/etc/ignition/user.ign", ign("/opt/file", config={"merge": [{"source": f"{served.url}/a"}]}))
        with pytest.raises(ConfigInvalid) as invalid:
            machine.find_config()
    assert "file path includes link in config" in [problem.message for problem in invalid.value.problems]


def test_authorities_travel_inside_the_config(machine: Machine, ca: Authority) -> None:
    script: dict[str, Answer] = {}
    with serve({"/ca": Answer(ca.certificate)}) as plain, serve(script, tls=ca.issue("localhost")) as served:
        script["/child"] = Answer(ign("/child"))
        machine.write(
            "/etc/ignition/user.ign",
            ign(
                "/user",
                security={"tls": {"certificateAuthorities": [{"source": f"{plain.url}/ca"}]}},
                config={"merge": [{"source": f"{served.url}/child"}]},
            ),
        )
        acquired = machine.find_config()
    (authority,) = acquired.config.ignition.security.tls.certificate_authorities
    assert (authority.source or "").startswith("data:text/plain;charset=utf-8;base64,")
    assert acquired.fetcher.settings.authorities == (ca.certificate,)


@pytest.mark.parametrize("wrap", [gzip.compress, lzma.compress, lambda raw: gzip.compress(lzma.compress(raw))])
def test_user_data_may_be_compressed(machine: Machine, wrap: Any) -> None:
    machine.write("/sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw", wrap(ign("/a")))
    assert paths(machine.find_config("qemu").config) == ["/a"]


def zstd(raw: bytes) -> bytes:
    return subprocess.run(["zstd", "--quiet", "--stdout"], input=raw, capture_output=True, check=True).stdout


@pytest.mark.skipif(which("zstd") is None, reason="needs zstd")
class TestZstd:
    """User data in zstd, which libzstd decompresses."""

    def test_the_library_reads_it(self, machine: Machine) -> None:
        machine.write("/etc/ignition/user.ign", zstd(ign("/a")))
        machine.write("/etc/ignition/base.d/a.ign", zstd(ign("/b")))
        assert paths(machine.find_config().config) == ["/a"]
        assert paths(base_config("metal", machine.running_system)) == ["/b"]

    def test_referenced_configs_too(self, machine: Machine) -> None:
        with serve({"/child": Answer(zstd(ign("/child")))}) as served:
            machine.write("/etc/ignition/user.ign", ign("/a", config={"merge": [{"source": f"{served.url}/child"}]}))
            assert paths(machine.find_config().config) == ["/a", "/child"]

    @pytest.mark.parametrize(
        ("damage", "told"),
        [
            (lambda raw: zstd(raw)[:-9], "damaged"),
            (lambda _raw: zstd(bytes(32 << 20)), "more than 200 times its size"),
            (lambda _raw: zstd(bytes(128 << 20)), "more than 200 times its size"),
        ],
        ids=["damaged", "blown up", "bomb"],
    )
    def test_damage_and_bombs(self, machine: Machine, damage: Callable[[bytes], bytes], told: str) -> None:
        machine.write("/etc/ignition/user.ign", damage(ign("/a")))
        with pytest.raises(FetchFailed, match=told):
            machine.find_config()

    def test_without_it_the_message_says_what_to_do(self) -> None:
        with pytest.raises(FetchFailed, match="zstd, which cannot be read here") as failed:
            decompressed(zstd(ign("/a")), "it")
        assert "put libzstd.so.1 into the initramfs" in failed.value.hint


@pytest.mark.parametrize("wrap", [gzip.compress, lzma.compress])
def test_user_data_may_not_explode(machine: Machine, wrap: Any) -> None:
    machine.write("/sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw", wrap(bytes(70 << 20)))
    with pytest.raises(FetchFailed, match=r"decompresses to more than|memory"):
        machine.find_config("qemu")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"#cloud-config\npackages: [vim]\n", "coreos-cloudinit has no key packages"),
        (b"#cloud-config-archive\n", "cloud-init"),
        (b"#!/bin/sh\n", "a script"),
        (b"Content-Type: multipart/mixed; x", "MIME"),
    ],
)
def test_user_data_for_others_is_named(machine: Machine, raw: bytes, told: str) -> None:
    machine.write("/etc/ignition/user.ign", raw)
    with pytest.raises(ConfigInvalid) as invalid:
        machine.find_config()
    assert told in invalid.value.problems[0].message


def test_butane_yaml_is_a_config_too(machine: Machine) -> None:
    yaml = b"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      contents: {inline: hello}\n"
    machine.write("/etc/ignition/user.ign", yaml)
    assert paths(machine.find_config().config) == ["/a"]


def test_yaml_without_the_yaml_package_says_what_to_do(tmp_path: Path) -> None:
    """As in an initramfs without the Python package yaml: the interpreter finds only our packages."""
    (tmp_path / "user.ign").write_bytes(b"variant: fcos\nversion: 1.5.0\n")
    ours = Path(__file__).parents[2]
    code = f"import sys; sys.path.append({str(ours)!r}); from provision.cli import run; sys.exit(run(sys.argv[1:]))"
    argv = [sys.executable, "-I", "-S", "-c", code, "provision", "fetch", "--platform", "metal"]
    environment = {**os.environ, "IGNITION_SYSTEM_CONFIG_DIR": str(tmp_path)}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "system: is not JSON, and YAML cannot be read here" in done.stderr
    assert "hint: transpile it to JSON" in done.stderr


def test_nothing_secret_is_said(machine: Machine) -> None:
    with serve({"/c?key=canary1": Answer(ign("/a"))}) as served:
        machine.boot_with(f"ignition.config.url={served.url}/c?key=canary1")
        machine.find_config()
    assert "canary" not in str(machine.log)


def test_what_is_wrong_with_a_config_is_logged_with_its_place(machine: Machine, log: RecordedLog) -> None:
    machine.write("/etc/ignition/user.ign", b'{\n  "ignition": {"version": "3.4.0",}\n}')
    with pytest.raises(ConfigInvalid):
        machine.find_config()
    (line,) = log.at("error")
    assert line.startswith("system:2:35: invalid character '}' looking for beginning of object key string")

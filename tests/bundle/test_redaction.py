"""No secret of a config or of a machine is in a bundle."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from provision.bundle.bundle import named_stage, write_bundle
from provision.bundle.capture import capture
from provision.bundle.redaction import redacted_answer, unit_text, without_secrets
from provision.config.format import Config
from provision.config.json_text.decode import decode
from provision.config.json_text.encode import encode_stored
from provision.planning.boot_state import BootState
from provision.stages import STAGES
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.real.disks.security.canary_secrets import CANARIES, CONFIG, seen
from tests.target_root import new_root


@pytest.fixture
def config() -> Config:
    text = json.dumps(CONFIG)
    for name, value in {"server": "127.0.0.1:1", "disk": "/dev/vdx", "label": "data"}.items():
        text = text.replace(f"{{{name}}}", value)
    return decode(text.encode())


def test_a_config_has_no_canary_any_more(config: Config) -> None:
    assert len(seen(encode_stored(config).encode())) > 15
    assert seen(encode_stored(without_secrets(config)).encode()) == set()


def test_a_bundle_has_no_canary(config: Config, tmp_path: Path) -> None:
    """Neither of the config, nor of the machine: in its files, its state, its log, and on its command line."""
    hashed = f"$y$j9T$a${CANARIES['body']}"
    root = new_root(
        tmp_path,
        {
            "etc/passwd": f"root:x:0:0:{CANARIES['child']}:/root:/bin/sh\nold:{hashed}:7:7::/:/bin/sh\n",
            "etc/shadow": f"root:{hashed}:::::::\n",
            "etc/crypttab": f"a /dev/b {CANARIES['luks-body']}\n",
            "etc/systemd/system/a.service": f"[Service]\nEnvironment=A={CANARIES['redirect']}\n",
        },
    )
    state = BootState(
        seed="0" * 64,
        platform_files={"/etc/x": f"data:,{CANARIES['command-line']}"},
        network_settings={"/etc/systemd/network/wg0.netdev": f"[WireGuard]\nPrivateKey={CANARIES['luks-key']}\n"},
    )
    machine = Machine(str(root), KernelDevices(), state)
    user_hash = f"$y$j9T$a${CANARIES['user-hash']}"
    made = capture(
        [named_stage(name) for name in STAGES],
        config,
        machine,
        reasons=[f"useradd: {user_hash} failed"],
        log=[f"disks: {CANARIES['luks-key']}", f"files: {CANARIES['inline']}"],
        command_line=f"quiet ignition.config.url=http://u:{CANARIES['status']}@host/c root=LABEL=root",
    )
    assert seen(gzip.decompress(write_bundle(made))) == set()
    assert made.reasons == ("useradd: *** failed",)
    assert made.command_line == "quiet ignition.config.url=... root=LABEL=root"
    assert any("/etc/passwd" in question for question in made.answers)


def test_filler_has_the_size_of_the_secret() -> None:
    text = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "%s"}}]}}'
    clean = without_secrets(decode((text % "data:;base64,c2VjcmV0").encode()))
    assert clean.storage.files[0].contents.source == "data:;base64,eHh4eHh4"  # xxxxxx


def test_a_unit_keeps_what_a_plan_reads() -> None:
    text = (
        "[Unit]\nDescription=my ä\n# token\n[Install]\n# secret\nWantedBy=a.target\n[Service]\nExecStart=x \\\n token"
    )
    kept = (
        "[Unit]\nxxxxxxxxxxxxxxxxx\nxxxxxxx\n[Install]\nxxxxxxxx\nWantedBy=a.target\n[Service]\nxxxxxxxxxxxxx\nxxxxxx"
    )
    assert unit_text(text) == kept
    assert len(kept) == len(text.encode())


@pytest.mark.parametrize(
    ("path", "content", "kept"),
    [
        ("/etc/passwd", b"a:$y$1:1:1:Ann:/:/b\nb::2:2::/:\n", b"a:xxxx:1:1:xxx:/:/b\nb::2:2::/:\n"),
        ("/etc/machine-id", b"0123456789abcdef\n", b"0000000000000000\n"),
        ("/etc/machine-id", b"uninitialized\n", b"uninitialized\n"),
        ("/etc/login.defs", b"USERGROUPS_ENAB yes\n", b"USERGROUPS_ENAB yes\n"),
        ("/srv/key", b"a\xffb\r\nc", b"xxx\r\nx"),
    ],
)
def test_files_of_the_machine(path: str, content: bytes, kept: bytes) -> None:
    assert redacted_answer("content", path, content) == kept

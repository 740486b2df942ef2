"""The reference implementation against the same copies of the platforms: what it can run there, it passes.

Debian 12's package `ignition` (2.14) knows these platforms; its engine lies in a dracut module.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.platforms.services import SERVICES, respond
from tests.fetch.server import Answer, serve

ENGINE = Path("/usr/lib/dracut/modules.d/30ignition/ignition")
CONFIG = b'{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/from-the-cloud"}]}}'
KNOWN = ("aliyun", "aws", "digitalocean", "exoscale", "gcp", "vultr")
"""Left out: azure, which it asks by CD only; openstack and brightbox, which want drives as well; packet (https)."""

pytestmark = [
    pytest.mark.disks,
    pytest.mark.peer,
    needs_root,
    pytest.mark.skipif(not ENGINE.exists(), reason="needs Debian's ignition"),
]


@pytest.mark.parametrize("platform", KNOWN)
def test_the_reference_gets_its_config_here_too(platform: str, tmp_path: Path) -> None:
    service = SERVICES[platform]
    cache = tmp_path / "cache.json"

    def body() -> subprocess.CompletedProcess[str]:
        with ExitStack() as stack:
            user_data = Answer(service.wrap(CONFIG))
            stack.enter_context(serve(respond(service, lambda: user_data), service.addresses[0], 80))
            command = [
                ENGINE,
                *("-root", tmp_path),
                *("-platform", platform),
                *("-stage", "fetch"),
                *("-config-cache", cache),
                *("-neednet", tmp_path / "neednet"),
                *("-state-file", tmp_path / "state"),
                *("-fetch-timeout", "10s"),
                "-log-to-stdout",
            ]
            return subprocess.run(
                [str(word) for word in command], capture_output=True, text=True, check=False, timeout=60
            )

    done = in_namespace(body, f"{service.addresses[0]}/32")
    assert done.returncode == 0, done.stdout + done.stderr
    files = json.loads(cache.read_text())["storage"]["files"]
    assert [file["path"] for file in files] == ["/from-the-cloud"]

"""The script that writes resolv.conf with the name servers of systemd-networkd."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "dracut/units/resolve.sh"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            "OPER_STATE=routable\nDNS=10.0.2.3 fec0::3\nDOMAINS=example.com lab\n",
            "nameserver 10.0.2.3\nnameserver fec0::3\nsearch example.com lab\n",
        ),
        ("DNS=10.0.2.3\n", "nameserver 10.0.2.3\n"),
        ("DNS=* $(false)\nDOMAINS=*\n", "nameserver *\nnameserver $(false)\nsearch *\n"),
        ("OPER_STATE=degraded\nDNS=\nDOMAINS=lab\n", None),
        ("", None),
    ],
)
def test_resolv_conf(state: str, expected: str | None, tmp_path: Path) -> None:
    (tmp_path / "state").write_text(state)
    subprocess.run(["sh", SCRIPT, tmp_path / "state", tmp_path / "resolv.conf"], check=True)
    written = tmp_path / "resolv.conf"
    assert (written.read_text() if written.exists() else None) == expected

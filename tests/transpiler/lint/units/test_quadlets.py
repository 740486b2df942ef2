"""Quadlets that podman refuses as a whole."""

from __future__ import annotations

import pytest

from tests.transpiler.lint.content.test_files import of_file
from tests.transpiler.lint.test_lints import findings_of

PLACE = "/etc/containers/systemd/"
CONTAINER = "[Container]\nImage=docker.io/x:1\n"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.container", CONTAINER, []),
        ("a.container", "[Container]\nExec=sleep 1", ["9:incomplete-unit"]),
        ("a.container", "[Service]\nRestart=always", ["9:incomplete-unit"]),
        ("a.volume", "[Unit]\nDescription=x", []),
        ("a.container", "[Container]\nRootfs=/x", []),
        ("a.container", CONTAINER + "Rootfs=/x", ["11:quadlet"]),
        ("a.container", CONTAINER + "Group=5", ["11:quadlet"]),
        ("a.container", CONTAINER + "User=5\nGroup=5", []),
        ("a.container", CONTAINER + "[Service]\nType=simple", ["12:quadlet"]),
        ("a.container", CONTAINER + "[Service]\nType=oneshot\nKillMode=mixed", []),
        ("a.container", CONTAINER + "[Service]\nKillMode=process", ["12:quadlet"]),
        ("a.container", "[Container]\nImage=image", []),
        ("a.container", "[Container]\nImage=a.image", ["10:missing-quadlet"]),
        ("a.container", CONTAINER + "Volume=data.volume:/data", ["11:missing-quadlet"]),
        ("a.container", CONTAINER + "Volume=data:/data\nVolume=/x.volume:/y", []),
        ("a.container", CONTAINER + "Network=host\nNetwork=app.network:ip=192.0.2.5", ["12:missing-quadlet"]),
        ("a.container", CONTAINER + "Pod=app.pod", ["11:missing-quadlet"]),
        ("a.container", CONTAINER + "Volume=%i.volume:/data", []),
        ("a.container", CONTAINER + "Volume=data@x.volume:/data", []),
        ("a.container", CONTAINER + "Pod=app.pod\nExec=ansible-pull", []),
        ("a.image", "[Image]\nAllTags=yes", ["9:incomplete-unit"]),
        ("a.kube", "[Kube]\nNetwork=host", ["9:incomplete-unit"]),
        ("a.build", "[Build]\nFile=/x/Containerfile", ["9:incomplete-unit"]),
        ("a.build", "[Build]\nImageTag=x", ["9:incomplete-unit"]),
        ("a.build", "[Build]\nImageTag=x\n[Service]\nWorkingDirectory=/x", []),
        ("a.network", "[Network]\nGateway=192.0.2.1", ["10:quadlet"]),
        ("a.network", "[Network]\nSubnet=192.0.2.0/24\nGateway=192.0.2.1", []),
        ("a.volume", "[Volume]", []),
        ("a.containers", CONTAINER, ["5:quadlet-name"]),
        ("a.containers", "x", []),
        ("a.yaml", "[Container]", []),
    ],
)
def test_a_whole_quadlet(name: str, text: str, found: list[str]) -> None:
    assert of_file(PLACE + name, text) == found


def test_a_quadlet_is_judged_with_its_dropins_and_the_other_quadlets() -> None:
    text = "storage:\n  files:\n"
    for name, lines in (
        ("a.container", ("[Container]", "Volume=data.volume:/data")),
        ("a.container.d/x.conf", ("[Container]", "Image=docker.io/x:1")),
        ("data.volume", ("[Volume]",)),
    ):
        text += f"    - path: {PLACE}{name}\n      contents:\n        inline: |\n"
        text += "".join(f"          {line}\n" for line in lines)
    assert findings_of(text) == []
    assert findings_of(text.replace("data.volume:", "dat.volume:")) == ["9:missing-quadlet"]


def test_a_config_that_merges_others_may_have_more_quadlets() -> None:
    text = f"""ignition:
  config:
    merge:
      - source: https://example.com/a.ign
storage:
  files:
    - path: {PLACE}a.container
      contents:
        inline: |
          [Container]
          Image=docker.io/x:1
          Volume=data.volume:/data
"""
    assert findings_of(text) == []

"""Settings that the systemd of a target does not know."""

from __future__ import annotations

import pytest

from transpiler.lint.content.tables import table
from transpiler.phases import transpile
from transpiler.releases.table import releases
from transpiler.translation_state import TranspileOptions

UNIT = """\
variant: {variant}
version: {version}
systemd:
  units:
    - name: a.service
      contents: |
        [Service]
        ExecStart=/bin/true
        RestartMode=direct
storage:
  files:
    - path: /etc/systemd/network/a.{suffix}
      contents:
        inline: |
          [{section}]
          {setting}=yes
"""


def lines(target: str, setting: str = "UseDomains", section: str = "Network", suffix: str = "network") -> list[int]:
    """The lines with a setting that is too new for a target."""
    openshift = target.startswith("openshift")
    text = UNIT.format(
        variant="openshift" if openshift else "fcos",
        version="4.14.0\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: a}}"
        if openshift
        else "1.5.0",
        suffix=suffix,
        section=section,
        setting=setting,
    )
    options = TranspileOptions(release=releases()[target] if target else None)
    found = transpile(text.encode(), options).findings()
    return [one.at.line for one in found if one.at and one.problem.rule == "newer-setting"]


@pytest.mark.parametrize(
    ("target", "found"), [("", []), ("fcos-38", [9, 16]), ("fcos-39", [16]), ("fcos-40", [16]), ("fcos-41", [])]
)
def test_the_version_of_the_target_counts(target: str, found: list[int]) -> None:
    assert lines(target) == found


def test_what_a_distribution_ported_back_is_known() -> None:
    assert lines("openshift-4.14") == [17]


def test_files_of_udev() -> None:
    since = int(table("since/link")["EnergyEfficientEthernet"]["Enable"])
    assert since > 253
    assert lines("fcos-38", "Enable", "EnergyEfficientEthernet", "link") == [9, 16]


def test_the_message_has_both_versions() -> None:
    text = UNIT.format(variant="fcos", version="1.5.0", suffix="network", section="Network", setting="DHCP")
    result = transpile(text.encode(), TranspileOptions(release=releases()["fcos-38"]))
    (message,) = (one.message for one in result.problems if one.rule == "newer-setting")
    assert message == "RestartMode= was added in systemd 254, and fcos-38 has systemd 253"


QUADLET = """\
variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/containers/systemd/web.container
      contents:
        inline: |
          [Container]
          Image=docker.io/library/caddy:2
          Retry=3
          Pod=a.pod
          [Service]
          RestartMode=direct
    - path: /etc/containers/systemd/a.pod
"""


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("fcos-37", ["4:quadlets", "13:RestartMode="]),
        ("fcos-38", ["10:Retry=", "11:Pod=", "13:RestartMode="]),
        ("fcos-41", ["10:Retry="]),
        ("fcos-42", []),
        ("fcos-43", []),
        ("debian-12", ["4:quadlets", "13:RestartMode="]),
    ],
)
def test_quadlets(target: str, found: list[str]) -> None:
    result = transpile(QUADLET.encode(), TranspileOptions(release=releases()[target]))
    lines = [(one.at.line if one.at else 0, one.problem.message.split()[0]) for one in result.findings()]
    assert [f"{line}:{word}" for line, word in sorted(lines)] == [
        one.replace("4:quadlets", "7:quadlets") for one in found
    ]


@pytest.mark.parametrize("which", ["units", "networkd", "link", "quadlets"])
def test_only_known_settings_have_a_version(which: str) -> None:
    known = table("units" if which == "quadlets" else which)
    assert all(setting in known[section] for section, names in table(f"since/{which}").items() for setting in names)


def of_file(target: str, path: str, *text: str) -> list[str]:
    """The warnings about a text in a file of a target."""
    contents = "".join(f"          {line}\n" for line in text)
    config = f"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: {path}\n      mode: 0600\n"
    raw = f"{config}      contents:\n        inline: |\n{contents}".encode()
    found = transpile(raw, TranspileOptions(release=releases()[target])).findings()
    return [one.problem.message for one in found if one.problem.rule == "newer-setting"]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("debian-12", ["PerSourcePenalties was added in OpenSSH 9.8, and debian-12 has OpenSSH 9.2"]),
        ("flatcar-3975", ["PerSourcePenalties was added in OpenSSH 9.8, and flatcar-3975 has OpenSSH 9.7"]),
        ("flatcar-4152", []),
        ("debian-13", []),
        ("fcos-43", []),  # its version is not known
    ],
)
def test_settings_of_sshd(target: str, found: list[str]) -> None:
    settings = ["PerSourcePenalties yes", "# RefuseConnection yes", "PermitRootLogin no"]
    assert of_file(target, "/etc/ssh/sshd_config.d/10-a.conf", *settings) == found


def test_a_setting_that_fedora_added_to_its_sshd() -> None:
    path = "/etc/ssh/sshd_config"
    assert not of_file("fcos-38", path, "RequiredRSASize 2048")
    assert of_file("fcos-38", path, "refuseconnection yes") == [
        "RefuseConnection was added in OpenSSH 9.9, and fcos-38 has OpenSSH 9.0"
    ]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("debian-12", ["1.44", "1.48", "1.54"]),
        ("debian-13", ["1.54"]),
        ("fcos-40", ["1.48", "1.54"]),
        ("fcos-44", []),
        ("flatcar-4593", []),  # it has no NetworkManager
        ("openshift-4.16", []),
    ],
)
def test_profiles_of_networkmanager(target: str, found: list[str]) -> None:
    lines = ["[connection]", "type=ethernet", "[ethernet]", "mac-address-denylist=", "[link]", "tx-queue-length=9"]
    lines += ["[ipv4]", "method=auto", "forwarding=1"]
    path = "/etc/NetworkManager/system-connections/a.nmconnection"
    versions = [message.partition("NetworkManager ")[2].partition(",")[0] for message in of_file(target, path, *lines)]
    assert sorted(versions) == found


@pytest.mark.parametrize("which", ["sshd", "keyfile"])
def test_dated_names_of_other_programs_are_known(which: str) -> None:
    known, dated = table(which), table(f"since/{which}")
    assert dated
    assert all(names.keys() <= known[section].keys() for section, names in dated.items())

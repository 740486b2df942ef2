"""Each entry of a result names the author's part that it comes from."""

from __future__ import annotations

from pathlib import Path

from tests.transpiler.golden import FILES, cases
from transpiler.authoring.explanation import MachinePart, entries, matching
from transpiler.authoring.user_data_limits import LIMITS, fits
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

HEAD = "variant: fcos\nversion: 1.5.0\n"

TEXT = (
    HEAD
    + """\
boot_device:
  mirror: {devices: [/dev/vda, /dev/vdb]}
kernel_arguments: {should_exist: [quiet]}
storage:
  filesystems:
    - {device: /dev/vdc, format: ext4, path: /var, with_mount_unit: true}
  files:
    - path: /etc/a
      mode: 0600
      user: {name: core}
      contents: {inline: "hello"}
    - path: /etc/b
      contents: {source: https://user:pw@example.com/b?key=k}
passwd:
  users:
    - {name: core, password_hash: $y$hash, ssh_authorized_keys: [a, b]}
"""
)


def explained(text: str = TEXT) -> list[MachinePart]:
    return entries(transpile(text.encode(), TranspileOptions(name="site.bu")))


def one(name: str, kind: str = "") -> MachinePart:
    (found,) = [entry for entry in explained() if entry.name == name and kind in {"", entry.kind}]
    return found


def test_what_the_author_wrote() -> None:
    file = one("/etc/a")
    assert (file.kind, file.details, file.sugar) == ("file", "0600, core:root, 5 bytes", False)
    assert (file.source, file.at) == (("storage", "files", 0), (10, 7, ""))
    assert file.made == (("contents.source", ("storage", "files", 0, "contents", "inline")),)
    assert one("quiet").source == ("kernel_arguments", "should_exist", 0)


def test_what_sugar_made() -> None:
    unit = one("var.mount")
    assert (unit.sugar, unit.source) == (True, ("storage", "filesystems", 0, "with_mount_unit"))
    disk = one("/dev/vdb")
    assert (disk.sugar, disk.source) == (True, ("boot_device", "mirror", "devices", 1))
    assert one("root-2").details == "on /dev/vdb, the largest free block"


def test_an_entry_after_those_of_sugar_is_the_authors() -> None:
    assert [entry.source for entry in explained() if entry.name == "/dev/vdc"] == [("storage", "filesystems", 0)]
    assert not one("/dev/vdc").sugar


def test_no_secrets() -> None:
    shown = repr(explained())
    assert [secret for secret in ("$y$hash", "hello", "user:pw", "key=k") if secret in shown] == []
    assert one("core").details == "with a password, 2 SSH keys"


def test_selection() -> None:
    found = explained()
    assert [entry.name for entry in matching(found, "/etc")] == ["/etc/a", "/etc/b"]
    assert [entry.name for entry in matching(found, "storage.files")] == ["/etc/a", "/etc/b"]
    assert [entry.name for entry in matching(found, "storage.files[1]")] == ["/etc/b"]
    assert [entry.name for entry in matching(found, "users")] == ["core"]
    assert matching(found, "/et") == []


def test_every_entry_has_a_place() -> None:
    lost = []
    for case in cases()[::4]:
        result = transpile(case.text, TranspileOptions(files_dir=FILES, lints=False, raw=True))
        found = entries(result)
        files = result.config.storage.files if result.config is not None else ()
        if len([entry for entry in found if entry.kind == "file"]) != len(files):
            lost.append(case.name)
        if result.draft is not None and any(entry.at is None or entry.at.line < 1 for entry in found):
            lost.append(case.name)
    assert lost == []


def test_limits() -> None:
    assert [fit.platform for fit in fits(20_000) if not fit.fits] == ["virtualbox", "aws"]
    assert all(fit.fits for fit in fits(1024))
    assert [(fit.platform, fit.limit) for fit in fits(0)] == [
        ("virtualbox", 1024),
        ("aws", 16_384),
        ("hetzner", 32_768),
        ("openstack", 49_149),
        ("azure", 65_535),
        ("digitalocean", 65_536),
        ("gcp", 262_144),
    ]


def test_the_platforms_are_known() -> None:
    table = (Path(__file__).parents[3] / "provision/fetch/platforms/table.py").read_text()
    assert [name for name in LIMITS if f'    "{name}": Platform(' not in table] == []


def test_the_fields_of_a_machine_config() -> None:
    role = "machineconfiguration.openshift.io/role: worker"
    text = (
        f"variant: openshift\nversion: 4.20.0\nmetadata: {{name: 99-a, labels: {{{role}}}}}\n"
        "openshift: {kernel_arguments: [quiet], extensions: [ipsec], kernel_type: realtime, fips: true}\n"
    )
    assert [(*one[:3], one.at) for one in explained(text)] == [
        ("argument", "quiet", "", (4, 32, "")),
        ("extension", "ipsec", "", (4, 53, "")),
        ("kernel type", "realtime", "", (4, 74, "")),
        ("FIPS mode", "on", "", (4, 90, "")),
        ("MachineConfig", "99-a", role, (3, 11, "")),
    ]

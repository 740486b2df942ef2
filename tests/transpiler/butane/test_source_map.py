"""Every part of a result has a place in the author's text, also if sugar made it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from provision.config.format import Config, Disk, Luks, Partition, Storage
from provision.config.model import Record, minor
from provision.config.problems import Path, Problem, dotted
from tests.transpiler.golden import FILES, Case, cases
from transpiler.butane.source_map import ButanePaths, Draft, yaml_path
from transpiler.lint.source import node_at
from transpiler.phases import transpile
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

MIRROR = """\
variant: fcos
version: 1.6.0
boot_device:
  layout: x86_64
  luks:
    tpm2: true
    tang:
      - url: https://tang.example
        thumbprint: abc
  mirror:
    devices: [/dev/vda, /dev/vdb]
grub:
  users:
    - name: root
      password_hash: grub.pbkdf2.sha512.10000.AA.BB
storage:
  disks:
    - device: /dev/vdb
      partitions:
        - label: root-2
          size_mib: 9000
        - label: data
  raid:
    - name: md-root
      devices: [/dev/disk/by-partlabel/root-3]
      options: [--own]
  filesystems:
    - device: /dev/mapper/root
      format: ext4
"""

FILES_AND_UNITS = """\
variant: fcos
version: 1.5.0
ignition:
  config:
    merge:
      - inline: '{"ignition": {"version": "3.4.0"}}'
  security:
    tls:
      certificate_authorities:
        - local: motd
storage:
  trees:
    - local: tree
      path: /srv
    - local: tree
      path: /opt
  files:
    - path: /opt/run
      mode: 0600
    - path: /etc/motd
      contents: {inline: hi}
      append: [{local: motd}]
  luks:
    - name: data
      device: /dev/vdc
      key_file: {local: motd}
  filesystems:
    - device: /dev/mapper/data
      path: /var/lib/data
      format: ext4
      with_mount_unit: true
    - device: /dev/vdd
      format: swap
      with_mount_unit: true
systemd:
  units:
    - name: kubelet.service
      contents_local: unit
      dropins:
        - name: own.conf
          contents_local: unit
    - name: var-lib-data.mount
      enabled: false
passwd:
  users:
    - name: core
      ssh_authorized_keys: [ssh-ed25519 own]
      ssh_authorized_keys_local: [keys]
"""

OPENSHIFT = """\
variant: openshift
version: 4.19.0
metadata:
  name: site
  labels: {machineconfiguration.openshift.io/role: worker}
openshift: {fips: true}
storage:
  luks:
    - name: data
      device: /dev/vdc
      options: [--own, --label=a]
"""

AUTHORITY = "ignition.security.tls.certificate_authorities[0]"

TABLE = {
    MIRROR: {
        "storage.disks[/dev/vda].wipe_table": "boot_device.mirror.devices[0]",
        "storage.disks[/dev/vda].partitions[0]": "boot_device.mirror.devices[0]",
        "storage.disks[/dev/vdb].device": "storage.disks[0].device",
        "storage.disks[/dev/vdb].wipe_table": "boot_device.mirror.devices[1]",
        "storage.disks[/dev/vdb].partitions[bios-2].size_mib": "boot_device.mirror.devices[1]",
        "storage.disks[/dev/vdb].partitions[root-2].label": "storage.disks[0].partitions[0].label",
        "storage.disks[/dev/vdb].partitions[root-2].size_mib": "storage.disks[0].partitions[0].size_mib",
        "storage.disks[/dev/vdb].partitions[data]": "storage.disks[0].partitions[1]",
        "storage.raid[md-boot].devices[0]": "boot_device.mirror",
        "storage.raid[md-root].name": "storage.raid[0].name",
        "storage.raid[md-root].level": "boot_device.mirror",
        "storage.raid[md-root].devices[1]": "boot_device.mirror",
        "storage.raid[md-root].devices[2]": "storage.raid[0].devices[0]",
        "storage.raid[md-root].options[0]": "storage.raid[0].options[0]",
        "storage.luks[root].name": "boot_device.luks",
        "storage.luks[root].clevis.tpm2": "boot_device.luks.tpm2",
        "storage.luks[root].clevis.tang[0].thumbprint": "boot_device.luks.tang[0].thumbprint",
        "storage.filesystems[/dev/mapper/root].format": "storage.filesystems[0].format",
        "storage.filesystems[/dev/mapper/root].wipe_filesystem": "boot_device",
        "storage.filesystems[/dev/md/md-boot].label": "boot_device.mirror",
        "storage.files[/boot/grub2/user.cfg].append[0]": "grub.users",
    },
    FILES_AND_UNITS: {
        "ignition.config.merge[0].source": "ignition.config.merge[0].inline",
        f"{AUTHORITY}.source": f"{AUTHORITY}.local",
        "storage.files[/opt/run].mode": "storage.files[0].mode",
        "storage.files[/opt/run].contents.source": "storage.trees[1]",
        "storage.files[/srv/run].mode": "storage.trees[0]",
        "storage.files[/etc/motd].contents.source": "storage.files[1].contents.inline",
        "storage.files[/etc/motd].append[0].compression": "storage.files[1].append[0].local",
        "storage.luks[data].key_file.source": "storage.luks[0].key_file.local",
        "systemd.units[dev-vdd.swap].contents": "storage.filesystems[1].with_mount_unit",
        "systemd.units[var-lib-data.mount].contents": "storage.filesystems[0].with_mount_unit",
        "systemd.units[var-lib-data.mount].enabled": "systemd.units[1].enabled",
        "systemd.units[kubelet.service].contents": "systemd.units[0].contents_local",
        "systemd.units[kubelet.service].dropins[own.conf].contents": "systemd.units[0].dropins[0].contents_local",
        "passwd.users[core].ssh_authorized_keys[0]": "passwd.users[0].ssh_authorized_keys[0]",
        "passwd.users[core].ssh_authorized_keys[1]": "passwd.users[0].ssh_authorized_keys_local[0]",
    },
    OPENSHIFT: {
        "storage.luks[data].options[1]": "storage.luks[0].options[1]",
        "storage.luks[data].options[2]": "openshift.fips",
        "storage.luks[data].options[3]": "openshift.fips",
    },
}
"""Text of the author -> part of its result (elements of lists by their names) -> the author's path."""

ROWS = [(text, made, source) for text, rows in TABLE.items() for made, source in rows.items()]


@pytest.fixture(autouse=True)
def _in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)


@pytest.mark.parametrize(("text", "made", "source"), ROWS, ids=[made for _, made, _ in ROWS])
def test_the_place_of_what_sugar_makes(text: str, made: str, source: str) -> None:
    result = transpile(text.encode(), TranspileOptions(name="site.bu", files_dir="."))
    assert result.config is not None, result.render()
    paths = dict(_parts(result.config, (), ""))
    (finding,) = result.findings_of_config([Problem(paths[made], "wrong")])
    assert dotted(finding.problem.path) == source


TOPICS = ("boot-device", "grub", "trees", "mount-units", "quadlets", "local-files", "files")


def with_sugar() -> list[Case]:
    """The cases about sugar, without those whose values come from an alias or a merge key."""
    ours = (case for case in cases() if case.name.startswith(TOPICS))
    return [case for case in ours if not re.search(rb"[:-] \*|<<:", case.text)]


def test_every_value_of_a_result_is_in_the_authors_text() -> None:
    missing = {case.name: _missing(transpile(case.text, TranspileOptions(files_dir="."))) for case in with_sugar()}
    assert missing
    assert {name: values for name, values in missing.items() if values} == {}


def _missing(result: Result) -> list[str]:
    if result.draft is None:
        return []
    parts = _parts(result.draft.config, (), "")
    sources = ((name, result.draft.source_of(yaml_path(path))) for name, path in parts)
    return [name for name, source in sources if node_at(result.text.root, source) is None]


def _parts(record: Record, path: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Every value that a record sets: its name, with the key of each element that has one, and its path."""
    for field in record.FIELDS:
        value = record.__dict__.get(field.name)
        here, called = (*path, field.json), f"{name}.{field.name}".removeprefix(".")
        if isinstance(value, Record):
            yield from _parts(value, here, called)
        elif field.many:
            for index, element in enumerate(value or ()):
                key = _key(element)
                yield f"{called}[{index}]", (*here, index)
                yield f"{called}[{key}]", (*here, index)
                if isinstance(element, Record):
                    yield from _parts(element, (*here, index), f"{called}[{key or index}]")
        elif value is not None:
            yield called, here


def _key(element: object) -> str:
    names = ("name", "device", "path", "label")
    return next((str(getattr(element, one)) for one in names if getattr(element, one, None)), "")


NAMELESS = Storage(disks=(Disk(device="", partitions=(Partition(label=""), Partition())),), luks=(Luks(name="a"),))


@pytest.mark.parametrize(
    ("path", "unmerged", "merged"),
    [
        (("storage",), True, True),
        (("storage", "disks"), True, True),
        (("storage", "disks", 0), True, True),
        (("storage", "disks", 0, "device"), True, False),
        (("storage", "disks", 0, "partitions", 0), True, True),
        (("storage", "disks", 0, "partitions", 0, "label"), True, True),
        (("storage", "disks", 0, "partitions", 1), False, False),
        (("storage", "disks", 0, "partitions", 1, "label"), False, False),
        (("storage", "luks", 0, "name"), True, True),
        (("storage", "luks", 0, "key_file"), False, False),
        (("storage", "files"), False, False),
        (("passwd",), False, False),
        (("unknown",), False, False),
    ],
)
def test_butane_knows_the_place_of_what_is_set(path: Path, *, unmerged: bool, merged: bool) -> None:
    """In a MachineConfig, what is not set has the path of the result. A merge forgets texts that are empty."""
    draft = Draft(Config(storage=NAMELESS))
    for now, expected in ((draft, unmerged), (draft.merged_over(Config(), {}), merged)):
        found = ButanePaths(now, minor("3.4"), wrapped=True).source_of(path)
        assert found == (path if expected else ("spec", "config", *path))

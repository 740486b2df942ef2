"""Devices with names that the config does not make."""

from __future__ import annotations

import pytest

from tests.transpiler.lint.test_lints import findings_of

TEXT = """storage:
  disks:
    - device: /dev/vda
      partitions:
        - label: {label}
          number: 1
          size_mib: 100
  luks:
    - name: {volume}
      device: /dev/vdb
      clevis: {{tpm2: true}}
  filesystems:
    - device: /dev/{device}
      format: xfs
"""


@pytest.mark.parametrize(
    ("label", "volume", "device", "found"),
    [
        ("dat", "x", "disk/by-partlabel/data", ["15:unused-label"]),
        ("data", "x", "disk/by-partlabel/data", []),
        ("data1", "x", "disk/by-partlabel/data2", []),
        ("oem", "x", "disk/by-partlabel/OEM", []),
        ("dat", "x", "disk/by-partlabel/other", []),
        ("dat", "x", "disk/by-label/data", []),
        ("x", "dat", "mapper/data", ["15:unused-label"]),
        ("x", "dat", "disk/by-id/dm-name-data", ["15:unused-label"]),
        ("x", "data", "mapper/data", []),
        ("data", "x", "mapper/dat", []),
    ],
)
def test_a_name_that_nothing_makes(label: str, volume: str, device: str, found: list[str]) -> None:
    assert findings_of(TEXT.format(label=label, volume=volume, device=device)) == found

"""Partitions, signatures and sizes in the words of plans."""

from __future__ import annotations

from provision.planning.machine_view import PartitionEntry, Signature

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def partition_text(partition: PartitionEntry, sector: int, held: Signature) -> str:
    """A partition that would be lost: `partition 2 'data' with ext4 'd' (20 GiB)`."""
    size = partition.size * sector
    return called(partition.number, partition.label) + (
        f" with {signature_text(held, size)}" if held.type else f" ({size_text(size)})"
    )


def called(number: int, label: str | None) -> str:
    """A partition in words; number 0 means that the number is not decided yet."""
    return f"partition {number or 'of the next free number'}" + (f" '{label}'" if label else "")


def size_text(size: int) -> str:
    """A size in bytes as people read it: `20 GiB`, `1.5 GiB`."""
    number, unit = float(size), 0
    while number >= 1024 and unit < len(UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f}".removesuffix(".0") + f" {UNITS[unit]}"


def signature_text(signature: Signature, size: int) -> str:
    """What would be lost with a signature: `ext4 'data' (20 GiB)`; empty if there is none."""
    if not signature.type:
        return ""
    label = f" '{signature.label}'" if signature.label else ""
    return f"{signature.type}{label} ({size_text(size)})"

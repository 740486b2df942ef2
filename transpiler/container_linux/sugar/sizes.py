"""Sizes of partitions with units, such as `512MiB`, `1.5GiB` or `1GiB512MiB`.

Source: `ParseBase2Bytes` of alecthomas/units, `config/types/disks.go` of coreos/container-linux-config-transpiler.
"""

from __future__ import annotations

import re

from provision.config.rules.systemd import quoted

_MIB = 1 << 20
_PREFIXES = ("K", "M", "G", "T", "P", "E")
_BINARY = {"B": 1, **{f"{prefix}iB": 1 << 10 * (power + 1) for power, prefix in enumerate(_PREFIXES)}}
_SHORT = {"B": 1, **{f"{prefix}B": 1 << 10 * (power + 1) for power, prefix in enumerate(_PREFIXES)}}
"""Units without `i` are powers of 1024 too."""

_LARGEST_NUMBER = ((1 << 63) - 10) // 10
"""Go refuses a number that reaches this before its last digit."""

_MOST_DECIMALS = 309
"""For Go, the power of ten of so many decimals is infinite, so that the decimals are zero."""


class BadSize(ValueError):
    """A text is not a size of whole MiB; the message is ct's."""


def mebibytes(text: str) -> int | None:
    """A size in MiB; None for an empty text. Raises BadSize."""
    if not text:
        return None
    try:
        size = _bytes(text, _BINARY)
    except BadSize:
        size = _bytes(text, _SHORT)
    if size < 0:
        raise BadSize(f"invalid dimension (negative): {quoted(text)}")
    if size % _MIB:
        raise BadSize("invalid dimension (finest granularity is 1MiB)")
    return size // _MIB


def _bytes(text: str, units: dict[str, int]) -> int:
    """A sum of numbers with units in bytes. All units of a text are of one kind. Raises BadSize."""
    sign, rest = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if rest == "0":
        return 0
    total = 0.0
    while rest:
        match = re.match(r"([0-9]*)(?:\.([0-9]*))?([^.0-9]*)", rest)
        whole, decimals, unit = match.groups() if match else ("", "", "")
        numbers = [_number(part or "") for part in (whole, decimals)]
        if not (whole or decimals) or None in numbers:
            raise BadSize(f"units: invalid {text}")
        if unit not in units:
            raise BadSize(f"units: unknown unit {unit} in {text}")
        number = float(numbers[0] or 0)
        if decimals and len(decimals) < _MOST_DECIMALS:
            number += float(numbers[1] or 0) / 10.0 ** len(decimals)
        total += number * units[unit]
        rest = rest[match.end() :] if match else ""
    if not text[len(sign) :]:
        raise BadSize(f"units: invalid {text}")
    total = -total if sign == "-" else total
    if abs(total) > float((1 << 63) - 1):
        raise BadSize("units: overflow parsing unit")
    return int(total)


def _number(digits: str) -> int | None:
    """The number; None if it is too large for Go. Python reads at most 4,300 digits, so zeros are left out first."""
    rest = digits.lstrip("0")
    if len(rest) > 20 or int(rest[:-1] or "0") >= _LARGEST_NUMBER:
        return None
    return int(rest or "0")

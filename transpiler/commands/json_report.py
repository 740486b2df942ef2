"""Reports in JSON, for programs, without the secrets that are known."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from typing import Any

from provision.config.model import masked


def print_json(report: Any, secrets: Collection[str]) -> None:
    """Write a report to standard output, with `***` in the place of each of these secrets.

    They are replaced before the text is escaped: in JSON, a secret with a quote is another text.
    """
    text = json.dumps(_without(report, secrets), indent=2, ensure_ascii=False)
    sys.stdout.buffer.write(f"{text}\n".encode("utf-8", "backslashreplace"))


def _without(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(one, secrets) for key, one in value.items()}
    if isinstance(value, list):
        return [_without(one, secrets) for one in value]
    return masked(value, secrets) if isinstance(value, str) else value

"""The result file: that, when and by which boot the machine was provisioned."""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError, dumps, loads

from provision.actions import Content, Wave, Write
from provision.failures import PlanRefused
from provision.observe import Observe
from provision.stages.paths import missing_parents, resolve

RESULT = "/etc/.ignition-result.json"
BOOT_ID, NOW, USER_CONFIG = "boot-id", "now", "user-config-provided"
"""What this run was started with, under these names: boot id, RFC 3339 time, whether a user config was found."""


def plan(observe: Observe) -> Iterator[Wave]:
    """One file (0600), an earlier result nested in it as the reference engine does."""
    path = resolve(observe, RESULT)
    previous = observe.content(path)
    result: dict[str, object] = {
        "provisioningBootID": observe.recall(BOOT_ID) or "",
        "provisioningDate": observe.recall(NOW) or "",
        "userConfigProvided": observe.recall(USER_CONFIG) is True,
    }
    if previous is not None:
        try:
            result["previousReport"] = loads(previous)
        except (JSONDecodeError, UnicodeDecodeError):
            raise PlanRefused([f"{RESULT}: is not JSON"], hint="remove the file, or restore it") from None
    text = dumps(result, indent=2, ensure_ascii=False) + "\n"
    parents = missing_parents(observe, path)
    yield (Write(path, (Content(text.encode()),), 0o600, parents=parents, reason="the result of this run"),)

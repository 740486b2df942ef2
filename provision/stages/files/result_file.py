"""The result file: that, when and by which boot the machine was provisioned."""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError, dumps, loads

from provision.failures import PlanRefused
from provision.planning.actions import Content, Wave, WriteFile
from provision.planning.boot_state import BOOT_ID, NOW, USER_CONFIG, text, truth
from provision.planning.machine_view import MachineView
from provision.planning.target_paths import missing_parents, resolve

RESULT = "/etc/.ignition-result.json"


def plan(view: MachineView) -> Iterator[Wave]:
    """One file (0600), an earlier result nested in it as the reference engine does."""
    path = resolve(view, RESULT)
    previous = view.content(path)
    result: dict[str, object] = {
        "provisioningBootID": text(view, BOOT_ID),
        "provisioningDate": text(view, NOW),
        "userConfigProvided": truth(view, USER_CONFIG),
    }
    if previous is not None:
        try:
            result["previousReport"] = loads(previous)
        except (JSONDecodeError, UnicodeDecodeError):
            raise PlanRefused([f"{RESULT}: is not JSON"], hint="remove the file, or restore it") from None
    contents = (Content((dumps(result, indent=2, ensure_ascii=False) + "\n").encode()),)
    parents = missing_parents(view, path)
    yield (WriteFile(path, contents, 0o600, parents=parents, config_path="the result of this run"),)

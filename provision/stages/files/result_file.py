"""The result file: that, when and by which boot the machine was provisioned."""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError, dumps, loads

from provision.config.format import Config
from provision.config.problems import Problem
from provision.failures import PlanRefused
from provision.planning.actions import Content, Wave, WriteFile
from provision.planning.machine_view import FileType, MachineView
from provision.planning.target_paths import missing_parents, resolve

RESULT = "/etc/.ignition-result.json"


def plan(_config: Config, view: MachineView) -> Iterator[Wave]:
    """One file (0600), an earlier result nested in it as the reference engine does."""
    path = resolve(view, RESULT)
    _check(path, view)
    previous, state = view.content(path), view.boot_state()
    result: dict[str, object] = {
        "provisioningBootID": state.boot_id,
        "provisioningDate": state.started,
        "userConfigProvided": state.user_config,
    }
    if previous is not None:
        try:
            result["previousReport"] = loads(previous)
        except (JSONDecodeError, UnicodeDecodeError):
            raise PlanRefused(
                [Problem((), f"{RESULT} of the root is not JSON")], hint="remove the file, or restore it"
            ) from None
    contents = (Content((dumps(result, indent=2, ensure_ascii=False) + "\n").encode()),)
    parents = missing_parents(view, path)
    yield (WriteFile(path, contents, 0o600, parents=parents),)


def _check(path: str, view: MachineView) -> None:
    """Only a file that an earlier run wrote may be there. Raises PlanRefused."""
    there = view.file_status(path)
    if there is not None and there.kind not in {FileType.FILE, FileType.LINK}:
        raise PlanRefused([Problem((), f"{path} is a {there.kind.value}, and the result of this run goes there")])
    planned = there is not None and there.size is None and there.uid is not None
    if there is not None and there.kind is FileType.FILE and planned:
        raise PlanRefused([Problem((), f"the config makes {path}, where the result of this run goes")])

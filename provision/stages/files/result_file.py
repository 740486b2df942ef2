"""The result file: when the machine was provisioned, and by which boot."""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError, dumps, loads
from posixpath import basename

from provision.config.format import Config
from provision.config.problems import Problem
from provision.failures import PlanRefused
from provision.planning.actions import Wave
from provision.planning.arguments import Content
from provision.planning.file_actions import WriteFile
from provision.planning.machine_view import FileType, MachineView
from provision.planning.root.target_paths import missing_parents, resolve_path

RESULT = "/etc/.ignition-result.json"


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """One file (0600) with an earlier result inside, as in Ignition. Raises PlanRefused if that is not JSON."""
    path = resolve_path(view, RESULT)
    _check(config, path, view)
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
                [Problem((), f"{RESULT} of the root is not JSON", rule="result-file")],
                hint="remove the file, or restore it",
            ) from None
    contents = (Content((dumps(result, indent=2, ensure_ascii=False) + "\n").encode()),)
    parents = missing_parents(view, path)
    yield (WriteFile(path, contents, 0o600, parents=parents),)


def _check(config: Config, path: str, view: MachineView) -> None:
    """Only a file that an earlier run wrote may be there, none of the config. Raises PlanRefused."""
    storage = config.storage
    for section, nodes in (("directories", storage.directories), ("files", storage.files), ("links", storage.links)):
        for index, node in enumerate(nodes):
            if basename(node.path) == basename(RESULT) and resolve_path(view, node.path) == path:
                raise PlanRefused(
                    [
                        Problem(
                            ("storage", section, index),
                            f"{path} is where the result of this run goes",
                            rule="result-file",
                        )
                    ]
                )
    there = view.file_status(path)
    if there is not None and there.kind not in {FileType.FILE, FileType.LINK}:
        raise PlanRefused(
            [Problem((), f"{path} is a {there.kind.value}: the result of this run cannot go there", rule="result-file")]
        )

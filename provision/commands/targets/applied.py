"""Plans for a config that was applied to the target before: only what has changed since then is done again.

The usual plan would refuse existing files and wipe the disks again. So the config is changed to allow existing files
and to wipe nothing (`as_applied`), and each action is skipped if the target already has its effect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from provision.config.format import Config, Resource
from provision.engine.verification import agrees
from provision.failures import Failure
from provision.planning.actions import (
    Action,
    FetchBlob,
    ForgetBlob,
    Keep,
    Mount,
    RunProgram,
    SetPassword,
    StoreBlob,
    Unmount,
    UpdateBootState,
    WaitForDevices,
    Wave,
)
from provision.planning.arguments import Blob, Content
from provision.planning.file_actions import MakeHardLink, WriteFile
from provision.planning.machine_view import FileType, MachineView
from provision.planning.root.target_paths import resolve_path
from provision.planning.stage import Plan, Stage
from provision.stages.files import crypttab
from provision.stages.files.result_file import RESULT

ALWAYS_DUE = (WaitForDevices, Keep, UpdateBootState, StoreBlob, ForgetBlob, Mount, Unmount)
"""Actions that are carried out in every run, because their effect is not in the target or ends with the run."""


def as_applied(config: Config) -> Config:
    """The config, changed not to wipe anything and not to refuse existing files."""
    storage = config.storage
    disks = [
        one.changed(
            wipe_table=None,
            partitions=tuple(part.changed(wipe_partition_entry=None) for part in one.partitions),
        )
        for one in storage.disks
    ]
    return config.changed(
        storage=storage.changed(
            disks=tuple(disks),
            luks=tuple(one.changed(wipe_volume=None) for one in storage.luks),
            filesystems=tuple(one.changed(wipe_filesystem=None) for one in storage.filesystems),
            files=tuple(one.changed(overwrite=True) if one.contents.source else one for one in storage.files),
            links=tuple(one.changed(overwrite=True) for one in storage.links),
            directories=tuple(one.changed(overwrite=None) for one in storage.directories),
        )
    )


def without_done_actions(stage: Stage, unseen: dict[str, str]) -> Stage:
    """The stage for a config that was applied before, without the actions whose effects are there.

    What cannot be compared is added to `unseen`: path or title -> reason. SELinux labels are set again if any action is
    carried out.
    """
    progress = _Progress(unseen)

    def again(part: Plan) -> Plan:
        def plan(config: Config, view: MachineView) -> Iterator[Wave]:
            if part is stage.parts[0]:
                progress.begin()
            planned = crypttab.plan_applied if part is crypttab.plan else part
            for wave in planned(as_applied(config), view):
                yield tuple(progress.due(action, view) for action in wave)

        return plan

    def labels(config: Config, view: MachineView) -> Iterator[str]:
        if stage.labels is not None and progress.changed:
            yield from stage.labels(config, view)

    parts = tuple(again(part) for part in stage.parts)
    return stage._replace(parts=parts, labels=labels if stage.labels is not None else None)


class _Progress:
    """Decides which actions of a stage are due, and remembers whether one was."""

    def __init__(self, unseen: dict[str, str]) -> None:
        self._unseen = unseen
        self.begin()

    def begin(self) -> None:
        """Forget the previous run of the stage; a stage runs once simulated and once for real."""
        self._unchanged_blobs: set[Blob] = set()
        self._identities: dict[str, tuple[int, int] | None] = {}
        self.changed = False

    def due(self, action: Action, view: MachineView) -> Action:
        """The action if it is due, else a `Keep` that replaces it."""
        if isinstance(action, ALWAYS_DUE):
            return action
        try:
            holds = self._is_done(action, view)
        except (Failure, OSError) as error:
            self._unseen[action.title] = f"it cannot be compared: {error}"
            holds = True
        if holds:
            return Keep(action.title.partition(" ")[2], "it is there already", action.config_path)
        if isinstance(action, WriteFile) and any(
            isinstance(part, Blob) and part in self._unchanged_blobs for part in action.parts
        ):
            action = action._replace(parts=(), keep=True)  # only its owner or mode has changed
        if isinstance(action, WriteFile) and action.keep and not action.parts:
            self._identities[action.path] = _identity(action.path, view)
        self.changed = self.changed or not isinstance(action, FetchBlob)
        return action

    def _is_done(self, action: Action, view: MachineView) -> bool:
        if isinstance(action, FetchBlob):
            return self._is_fetched(action, view)
        if isinstance(action, SetPassword):
            return _has_password(action, view)
        facts = action.effect()
        if not all(agrees(fact.value, fact.now(view)) for fact in facts):
            return False
        if isinstance(action, WriteFile):
            return not self.changed if action.path == resolve_path(view, RESULT) else self._has_content(action, view)
        if isinstance(action, MakeHardLink):
            return self._is_hard_link(action, view)
        return bool(facts) or not (isinstance(action, RunProgram) and self.changed)

    def _is_hard_link(self, action: MakeHardLink, view: MachineView) -> bool:
        """Whether the link and its target are the same file. Changing owner or mode of a file keeps it the same."""
        target = self._identities.get(action.target) or _identity(action.target, view)
        return target is not None and target == _identity(action.path, view)

    def _is_fetched(self, action: FetchBlob, view: MachineView) -> bool:
        """Whether a file has the content of a resource. Without a digest in the config any regular file is accepted."""
        there = view.file_status(action.destination) if action.destination else None
        holds = there is not None and there.kind is FileType.FILE and _has_digest(action, view)
        if holds:
            self._unchanged_blobs.add(action.blob)
            if not _comparable(action.resource):
                self._unseen[action.destination] = "its content is not compared: the config has no digest of it"
        return holds

    def _has_content(self, action: WriteFile, view: MachineView) -> bool:
        data = [part.data for part in action.parts if isinstance(part, Content)]
        if len(data) < len(action.parts):
            return all(part in self._unchanged_blobs for part in action.parts if isinstance(part, Blob))
        found = view.content(action.path)
        if found is None:
            there = view.file_status(action.path)
            return there is not None and (action.keep or there.size == sum(map(len, data)))
        wanted = b"".join(data)
        if not action.keep:
            return wanted == found
        return wanted in found or set(wanted.splitlines()) <= set(found.splitlines())


def _identity(path: str, view: MachineView) -> tuple[int, int] | None:
    there = view.file_status(path)
    return there and there.identity


def _comparable(resource: Resource) -> bool:
    """Whether the config has a digest of the file's bytes. The digest of a compressed resource is not that."""
    return bool(resource.verification.hash) and not resource.compression


def _has_digest(action: FetchBlob, view: MachineView) -> bool:
    if not _comparable(action.resource):
        return True
    name, _, wanted = (action.resource.verification.hash or "").partition("-")
    content = view.content(action.destination)
    return content is None or hashlib.new(name, content).hexdigest() == wanted.lower()


def _has_password(action: SetPassword, view: MachineView) -> bool:
    """Whether field 2 of the account's line in shadow (gshadow), or else in passwd (group), is the hash (shadow(5))."""
    other = {"shadow": "passwd", "gshadow": "group"}[action.database]
    for database in (action.database, other):
        for line in (view.content(resolve_path(view, f"/etc/{database}")) or b"").decode(errors="replace").splitlines():
            fields = line.split(":")
            if fields[0] == action.name and len(fields) > 1 and fields[1] == action.hash.reveal():
                return True
    return False

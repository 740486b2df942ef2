"""The machine as it will be: a view with the effects of planned actions laid over what is there now.

`plan` is all stages run against a forecast; preflight is the same run to its end before the first change. No action
is carried out on a forecast, so there is no dry-run flag anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from provision.observe import Account, Device, Fact, Memory, Mounted, Node, Observe, Signature, Table, Value, Volume


class Forecast:
    """`base` with facts laid over it; itself a view (`Observe`).

    Below the mount point of a file system that was made in this run nothing exists but what was laid there since; what
    is on a file system that is only going to be mounted cannot be known, and is taken for nothing.
    """

    def __init__(self, base: Observe) -> None:
        self._base = base
        self._facts: dict[tuple[str, str], Value] = {}
        self._covers: set[str] = set()

    def lay(self, facts: Iterable[Fact]) -> None:
        """Take facts as given from now on; a later one about the same thing wins."""
        for fact in facts:
            if (fact.kind == "mount" and fact.value is not None) or (fact.kind == "node" and fact.value is None):
                self._cover(fact.name)
            self._facts[fact.kind, fact.name] = fact.value

    def lift(self, facts: Iterable[Fact]) -> None:
        """Forget what was laid about these things: the base answers for them again."""
        for fact in facts:
            self._facts.pop((fact.kind, fact.name), None)
            if fact.kind in {"mount", "node"}:
                self._covers.discard(fact.name)

    def device(self, name: str) -> Device | None:
        """A device fact may stand under a further name; its value carries the canonical one."""
        laid = self._laid("device", name)
        if laid is not _NOTHING:
            return cast("Device | None", laid)
        found = self._base.device(name)
        if found is None:
            return None
        return cast("Device | None", self._facts.get(("device", found.name), found))

    def table(self, name: str) -> Table:
        """The table that was laid there, or what is there."""
        laid = self._laid("table", name)
        if laid is not _NOTHING:
            return cast("Table", laid)
        return Table("") if self._is_new(name) else self._base.table(name)

    def signature(self, name: str) -> Signature:
        """A device that is new in the forecast is blank."""
        laid = self._laid("signature", name)
        if laid is not _NOTHING:
            return cast("Signature", laid)
        return Signature() if self._is_new(name) else self._base.signature(name)

    def volume(self, name: str) -> Volume | None:
        """A header that was laid, or is there."""
        laid = self._laid("volume", name)
        if laid is not _NOTHING:
            return cast("Volume | None", laid)
        return None if self._is_new(name) else self._base.volume(name)

    def node(self, path: str) -> Node | None:
        """What was laid at the path, else what is there unless a new mount or a removal hides it."""
        laid = self._laid("node", path)
        if laid is not _NOTHING:
            return cast("Node | None", laid)
        return None if self._hidden(path) else self._base.node(path)

    def children(self, path: str) -> Sequence[str]:
        """Names laid below the path and names that are there."""
        prefix = path.rstrip("/") + "/"
        names = {} if self._hidden(prefix + "-") else dict.fromkeys(self._base.children(path), True)
        for kind, name in self._facts:
            if kind == "node" and name.startswith(prefix) and "/" not in name[len(prefix) :]:
                names[name[len(prefix) :]] = self._facts[kind, name] is not None
        return sorted(name for name, exists in names.items() if exists and name)

    def content(self, path: str) -> bytes | None:
        """Bytes that were laid, or of files that are there now; those of planned ones are not kept."""
        laid = self._laid("content", path)
        if laid is not _NOTHING:
            return cast("bytes | None", laid)
        known = ("node", path) in self._facts or self._hidden(path)
        return None if known else self._base.content(path)

    def own_file(self, path: str) -> bytes | None:
        """Files of the running system do not change."""
        return self._base.own_file(path)

    def own_names(self, path: str) -> Sequence[str]:
        """Directories of the running system do not change."""
        return self._base.own_names(path)

    def user(self, name: str) -> Account | None:
        """An account that was laid, or is there."""
        laid = self._laid("user", name)
        return self._base.user(name) if laid is _NOTHING else cast("Account | None", laid)

    def group(self, name: str) -> Account | None:
        """A group that was laid, or is there."""
        laid = self._laid("group", name)
        return self._base.group(name) if laid is _NOTHING else cast("Account | None", laid)

    def mount(self, path: str) -> Mounted | None:
        """A mount that was laid, or is there."""
        laid = self._laid("mount", path)
        return self._base.mount(path) if laid is _NOTHING else cast("Mounted | None", laid)

    def enabled(self, unit: str) -> bool:
        """What is enabled now, unless a new mount hides it."""
        return not self._hidden("/etc/systemd/system") and self._base.enabled(unit)

    def tool(self, name: str) -> str | None:
        """Tools do not change."""
        return self._base.tool(name)

    def recall(self, name: str) -> Memory:
        """What was laid, or was remembered before."""
        laid = self._laid("recall", name)
        return self._base.recall(name) if laid is _NOTHING else cast("Memory", laid)

    def _laid(self, kind: str, name: str) -> object:
        return self._facts.get((kind, name), _NOTHING)

    def _is_new(self, device: str) -> bool:
        return ("device", device) in self._facts

    def _hidden(self, path: str) -> bool:
        """Whether what is there now at the path will be covered by a mount, or gone with a directory above it."""
        if not self._covers:
            return False
        above = path.rstrip("/")
        while above:
            above = above.rpartition("/")[0]
            if (above or "/") in self._covers:
                return True
        return False

    def _cover(self, path: str) -> None:
        """Nothing that is below the path now, or was laid there, can be seen any more."""
        self._covers.add(path)
        prefix = path.rstrip("/") + "/"
        for key in [key for key in self._facts if key[0] == "node" and key[1].startswith(prefix) and key[1] != prefix]:
            del self._facts[key]


_NOTHING = object()

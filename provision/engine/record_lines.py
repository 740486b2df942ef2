"""The text of the record of a run: one line per event. The checksum of a line covers that of the line before.

    1f0c... {"config": "...", "owner": "..."}              which config, and for which machine
    88ab... {"wave": "...", "before": [...], ...}          a wave begins; how the machine was before
    0c77... {"done": "..."}                                the wave was carried out
    d1e2... {"ended": [...]}                               all waves were; the facts that are true since then

A run may be killed, or the power may fail, at any byte of the record. What an interrupted write leaves (a last line
without its line break, or blocks of NUL bytes) is ignored. Every other line with a wrong checksum is damage.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from provision.planning.facts import ContentFact, FileFact, GroupFact, UserFact
from provision.planning.machine_view import Account, FileStatus, FileType

_SUM = 16
"""Hexadecimal digits of a checksum."""

KINDS = {"file": FileFact, "content": ContentFact, "user": UserFact, "group": GroupFact}
"""The facts that a record keeps."""

RecordedFact = FileFact | ContentFact | UserFact | GroupFact


class Damaged(ValueError):
    """A line (counted from 1) has a wrong checksum or form."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} of the record is damaged")
        self.line = line


class WaveRecord(NamedTuple):
    """One wave: its digest, how the machine was before it, and whether it was finished.

    `appends` has, for each path that is appended to, the digests of the content before and after. `beside` has names of
    other files beside the account files (`account_side_files`). `enabled` has, for each unit that the plan asked about,
    the answer.
    """

    wave: str
    before: tuple[RecordedFact, ...] = ()
    appends: Mapping[str, tuple[str, str]] = {}
    beside: tuple[str, ...] = ()
    enabled: Mapping[str, bool] = {}
    done: bool = False


class ParsedRecord(NamedTuple):
    """A record as `parse` read it.

    `valid_size` is the length in bytes of the undamaged lines, `last` the checksum of the last of them. `final_facts`
    are the facts that were true when the run ended; None if the run did not end.
    """

    config: str = ""
    owner: str = ""
    waves: tuple[WaveRecord, ...] = ()
    final_facts: tuple[RecordedFact, ...] | None = None
    valid_size: int = 0
    last: str = ""


def line(entry: Mapping[str, object], last: str) -> tuple[bytes, str]:
    """The line for an entry that follows the line with the checksum `last`; and the checksum of the new line."""
    text = json.dumps(entry)
    checksum = _checksum(text.encode(), last)
    return f"{checksum} {text}\n".encode(), checksum


def header(config: str, owner: str) -> dict[str, object]:
    """The first entry."""
    return {"config": config, "owner": owner}


def begun(wave: WaveRecord) -> dict[str, object]:
    """The entry for a wave that begins."""
    entry: dict[str, object] = {"wave": wave.wave, "before": [_to_json(fact) for fact in wave.before]}
    entry |= {"appends": wave.appends} if wave.appends else {}
    entry |= {"beside": wave.beside} if wave.beside else {}
    return entry | ({"enabled": wave.enabled} if wave.enabled else {})


def done(wave: str) -> dict[str, object]:
    """The entry for a wave that was carried out."""
    return {"done": wave}


def ended(facts: Iterable[RecordedFact]) -> dict[str, object]:
    """The last entry: all waves were carried out, and these facts are true."""
    return {"ended": [_to_json(fact) for fact in facts]}


def parse(data: bytes) -> ParsedRecord:
    """Read a record. Raises Damaged."""
    past = ParsedRecord()
    for number, text in enumerate(data.splitlines(keepends=True), 1):
        checksum, _, body = text.rstrip(b"\n").partition(b" ")
        if checksum != _checksum(body, past.last).encode() or not text.endswith(b"\n"):
            if _is_torn(data[past.valid_size :]):
                return past
            raise Damaged(number)
        try:
            past = _with_entry(past, json.loads(body), first=number == 1)
        except (ValueError, LookupError, TypeError) as error:
            raise Damaged(number) from error
        past = past._replace(valid_size=past.valid_size + len(text), last=checksum.decode())
    return past


def _checksum(text: bytes, last: str) -> str:
    return sha256(last.encode() + text).hexdigest()[:_SUM]


def _is_torn(rest: bytes) -> bool:
    """Whether the end of a file is what an interrupted write leaves: a part of a line, or blocks of NUL bytes."""
    return b"\0" in rest or b"\n" not in rest


def _with_entry(past: ParsedRecord, entry: dict[str, Any], *, first: bool) -> ParsedRecord:
    if first:
        return past._replace(config=entry["config"], owner=entry["owner"])
    if "wave" in entry:
        appends = {path: (before, after) for path, (before, after) in entry.get("appends", {}).items()}
        before = tuple(map(_from_json, entry["before"]))
        wave = WaveRecord(entry["wave"], before, appends, tuple(entry.get("beside", ())), entry.get("enabled", {}))
        return past._replace(waves=(*past.waves, wave))
    if "done" in entry:
        return past._replace(waves=(*past.waves[:-1], past.waves[-1]._replace(done=True)))
    return past._replace(final_facts=tuple(map(_from_json, entry["ended"])))


def _to_json(fact: RecordedFact) -> list[Any]:
    kind = next(name for name, one in KINDS.items() if isinstance(fact, one))
    value: Any = fact.value
    if isinstance(value, FileStatus):
        value = [value.kind.value, *value[1:]]
    elif isinstance(value, bytes):
        value = b64encode(value).decode()
    return [kind, fact.name, value]


def _from_json(entry: list[Any]) -> RecordedFact:
    kind, name, value = entry
    if kind == "content":
        return ContentFact(name, value if value is None else b64decode(value))
    if kind == "file":  # the identity (device, inode) is valid only in the run that stored it
        return FileFact(name, value and FileStatus(FileType(value[0]), *value[1:-1]))
    account = value and Account(*value)
    return UserFact(name, account) if kind == "user" else GroupFact(name, account)

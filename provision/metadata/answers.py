"""Where the metadata of a machine is: an HTTP service, a folder of a config drive, or the DHCP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

from provision.failures import FetchFailed
from provision.fetch.http.http_types import Headers, Request
from provision.fetch.platforms.context import FetchContext
from provision.fetch.platforms.metadata_services import TokenRequest, bearer, dhcp_server, is_metadata

ANSWER_LIMIT = 1 << 20
"""The most bytes of one answer."""

ADDRESS_SECONDS = 60.0
"""How long an interface is waited for."""

DRIVE_SECONDS = 10.0
"""How long a drive is waited for."""


class RunProgram(Protocol):
    """Runs a program of this machine, as `RunningSystem.run`."""

    def __call__(self, *argv: str, given: bytes = b"") -> bytes | None:
        """The standard output of a program that gets `given` as input; None if it is missing or fails."""
        ...


class Answers:
    """The answers of one service, each asked for once.

    A place is a path below the service's base, for text; or a path, `#` and a path in the document there, for a value
    of JSON or YAML. A `*` in the latter stands for every key or index.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[str], bytes | None],
        send: Callable[[Request], bytes],
        run: RunProgram | None = None,
    ) -> None:
        self._name = name
        self._read = read
        self._send = send
        self._run = run
        self._known: dict[str, bytes | None] = {}
        self._documents: dict[str, Any] = {}

    def text(self, path: str) -> str | None:
        """The text at a path without line breaks at its end; None if there is none. Raises FetchFailed."""
        raw = self.read(path)
        return None if raw is None else raw.decode("utf-8", "replace").rstrip("\r\n")

    def read(self, path: str) -> bytes | None:
        """The bytes at a path; None if there are none. Raises FetchFailed."""
        if path not in self._known:
            self._known[path] = self._read(path)
        return self._known[path]

    def document(self, path: str) -> Any:
        """The value of the JSON or YAML text at a path; None if there is none. Raises FetchFailed."""
        if path not in self._documents:
            raw = self.read(path)
            self._documents[path] = None if raw is None else parse_document(raw, f"{self._name}{path}")
        return self._documents[path]

    def send(self, request: Request) -> bytes:
        """The answer to another request, which gets no header or token of the service. Raises FetchFailed."""
        return self._send(request)

    def filtered(self, given: bytes, *argv: str) -> bytes | None:
        """The standard output of a program that gets `given` as input; None if it is missing or fails."""
        return self._run(*argv, given=given) if self._run else None

    def values(self, place: str) -> Iterator[tuple[str, str]]:
        """The values at a place, each with what `*` stands for (empty without one). Empty values are left out.

        A list of values is one value, joined with colons, as Afterburn does for tags. Raises FetchFailed.
        """
        path, _, inner = place.partition("#")
        found = find(self.document(path), inner.split("/")) if inner else [("", self.text(path))]
        for index, value in found:
            text = answer_text(value)
            if text:
                yield index, text

    def value(self, place: str) -> str:
        """The first value at a place, or an empty text. Raises FetchFailed."""
        return next((value for _, value in self.values(place)), "")


class MetadataService(Protocol):
    """Where a platform keeps the metadata of a machine."""

    def answers(self, context: FetchContext) -> Answers | None:
        """The answers of the service; None if it is not there. Raises FetchFailed."""
        ...


class HttpService(NamedTuple):
    """An HTTP service. `headers` are sent with every request; `token` is asked for once."""

    base: str
    headers: Headers = ()
    token: TokenRequest | None = None

    def answers(self, context: FetchContext) -> Answers:
        """Get the token if one is needed. Raises FetchFailed."""
        from provision.fetch.http.client import Client, NotFoundError

        client = Client(context.settings, context.log, stop=context.stop)
        headers = (*self.headers, *bearer(self.base, self.token, client))

        def read(path: str) -> bytes | None:
            try:
                return client.read(_direct(Request(f"{self.base}{path}", headers)), ANSWER_LIMIT)
            except NotFoundError:
                return None

        run = context.running_system.run
        return Answers(self.base, read, lambda request: client.read(_direct(request), ANSWER_LIMIT), run)


class DhcpService(NamedTuple):
    """An HTTP service at the DHCP server."""

    path: str

    def answers(self, context: FetchContext) -> Answers:
        """Wait for a lease that names the server. Raises FetchFailed if none does in time."""
        return HttpService(f"http://{dhcp_server(context)}{self.path}").answers(context)


class GuestInfo(NamedTuple):
    """The guestinfo of VMware; a path is a key."""

    def answers(self, context: FetchContext) -> Answers:
        """Ask the host."""
        from provision.fetch.platforms.hypervisors import vmware

        return Answers("", lambda key: vmware.guestinfo(context, key).encode() or None, _no_send)


class OwnSettings(NamedTuple):
    """What this machine knows of itself, where nobody else tells it: a path is `hostname`, or an interface."""

    def answers(self, context: FetchContext) -> Answers:
        """Read them; the address of an interface is waited for."""
        return Answers("", partial(self._read, context), _no_send)

    def _read(self, context: FetchContext, path: str) -> bytes | None:
        if path == "hostname":
            return context.running_system.read("/proc/sys/kernel/hostname")
        deadline = context.settings.deadline(ADDRESS_SECONDS)
        while True:
            shown = context.running_system.run("ip", "-4", "-json", "address", "show", "dev", path)
            found = [text for _, text in find(parse_document(shown or b"[]", path), ["*", "addr_info", "*", "local"])]
            if found or not deadline.left():
                return str(found[0]).encode() if found else None
            context.running_system.await_change(min(2.0, deadline.left()))


class DriveService(NamedTuple):
    """A folder of the drive with one of these labels. The file `cloud_config` counts only if it is a cloud-config."""

    labels: tuple[str, ...]
    folder: str
    cloud_config: str = ""

    def answers(self, context: FetchContext) -> Answers | None:
        """Wait a short time for the drive."""
        from provision.fetch.platforms.drives import Drive

        for label in self.labels:
            seconds = DRIVE_SECONDS if label == self.labels[0] else 0.1
            device = Drive(label, (), seconds).device(context)
            if device:
                return Answers(f"drive {label}: ", partial(self._file, context, device), _no_send)
        return None

    def _file(self, context: FetchContext, device: str, path: str) -> bytes | None:
        from posixpath import normpath

        from provision.fetch.platforms.drives import is_cloud_config

        raw = context.running_system.read_from(device, normpath(f"{self.folder}{path}"))
        return None if raw and path == self.cloud_config and not is_cloud_config(raw) else raw


def _direct(request: Request) -> Request:
    return request._replace(direct=is_metadata(request.url))


def _no_send(request: Request) -> bytes:
    raise FetchFailed(request.url, "this platform takes no messages")


def parse_document(raw: bytes, name: str) -> Any:
    """The value of a JSON or YAML text. Raises FetchFailed if it is neither."""
    import json

    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        pass
    import yaml

    try:
        return yaml.load(raw, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FetchFailed(name, f"the metadata is not JSON or YAML: {str(error).splitlines()[0]}") from error


def find(value: Any, path: list[str], index: str = "") -> Iterator[tuple[str, Any]]:
    """Every value at a path of keys in a document, with what the last `*` of the path stands for. Nothing if absent."""
    if not path:
        yield index, value
    elif path[0] == "*":
        for key, part in _parts(value):
            yield from find(part, path[1:], key)
    elif isinstance(value, dict) and path[0] in value:
        yield from find(value[path[0]], path[1:], index)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((str(number), part) for number, part in enumerate(value))
    elif isinstance(value, dict):
        yield from ((str(key), part) for key, part in value.items())


def answer_text(value: Any) -> str:
    """A value of a document as the text of an attribute; empty for a value that cannot be one."""
    if isinstance(value, list):
        return ":".join(answer_text(part) for part in value if not isinstance(part, list) and answer_text(part))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)

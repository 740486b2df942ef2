"""Each request gets an answer: its result, or an error that says what is wrong with it. Nothing ends the server.

pygls alone is silent, or shows a message to the user, where a request cannot be read. Source: Language Server Protocol
3.17, "Base Protocol" and "Server lifecycle"; JSON-RPC 2.0, section 5.1.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import unquote

from cattrs import BaseValidationError, transform_error
from lsprotocol import types
from pygls.protocol import LanguageServerProtocol

from transpiler.editor.protocol.messages import UnreadableMessage, read_message

_MISFITS = (BaseValidationError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)
"""What cattrs raises for parameters of another form."""


async def answer_all(stream: IO[bytes], protocol: AnsweringProtocol) -> None:
    """Answer all messages of a stream, in their order. Raises SystemExit if the editor says `exit`."""
    while True:
        try:
            message = await asyncio.to_thread(read_message, stream)
        except EOFError:
            return
        except UnreadableMessage as error:
            protocol.refuse(None, types.ErrorCodes.ParseError, str(error))
            continue
        protocol.receive(message)


class AnsweringProtocol(LanguageServerProtocol):
    """The protocol of pygls, with an error for each request that it cannot read."""

    def receive(self, message: object) -> None:
        """Handle the JSON value of one message. Requests are answered; answers of the editor are not needed."""
        invalid = types.ErrorCodes.InvalidRequest
        if isinstance(message, list):
            for one in message or [None]:
                self.refuse(_id_of(one), invalid, "several messages in one list are not part of the protocol")
        elif not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self.refuse(_id_of(message), invalid, 'a message is an object with "jsonrpc": "2.0"')
        elif "method" in message:
            self._call(message)
        elif "result" not in message and "error" not in message:
            self.refuse(_id_of(message), invalid, "the message has no method")

    def refuse(self, identifier: str | int | None, code: types.ErrorCodes, message: str) -> None:
        """Answer with an error. The identifier is None if that of the request is not known."""
        error = {"code": int(code), "message": message}
        self._send_data({"jsonrpc": self.VERSION, "id": identifier, "error": error})  # lsprotocol leaves null out

    def _call(self, message: dict[str, Any]) -> None:
        """Handle a request or a notification. A notification that cannot be read is left out: it has no answer."""
        wrong = next(self._faults(message), None)
        if wrong is None:
            try:
                readable: Any = self._converter.structure(
                    {**message, **_identified(message)}, _type_of(message["method"])
                )
            except _MISFITS as error:
                wrong = types.ErrorCodes.InvalidParams, f"{message['method']}: {_reasons(error)}"
            else:
                if not self._means_nothing(readable):
                    self.handle_message(readable)
                return
        if "id" in message:
            self.refuse(_id_of(message), *wrong)

    def _faults(self, message: dict[str, Any]) -> Iterator[tuple[types.ErrorCodes, str]]:
        """The errors of a message without a look at its parameters. The first one is its answer."""
        method, codes = message["method"], types.ErrorCodes
        if not isinstance(method, str):
            yield codes.InvalidRequest, "the method is not a string"
            return
        if "id" in message and _id_of(message) is None:
            yield codes.InvalidRequest, f"{method}: the id is neither an integer nor a string"
        if self._shutdown and method != types.EXIT:
            yield codes.InvalidRequest, f"{method}: the server was shut down"
        if self._workspace is None and method not in {types.INITIALIZE, types.EXIT}:
            yield codes.ServerNotInitialized, f"{method}: the first request is `initialize`"
        if self._workspace is not None and method == types.INITIALIZE:
            yield codes.InvalidRequest, f"{method}: the server is initialized already"
        if method not in {**self.fm.builtin_features, **self.fm.features, types.CANCEL_REQUEST: None}:
            yield codes.MethodNotFound, f"{method}: the server does not know this method"
        elif ("id" in message) != hasattr(_type_of(method), "id"):
            yield codes.InvalidRequest, f"{method}: a request has an id, a notification has none"

    def _means_nothing(self, message: object) -> bool:
        """Whether nothing is to be done for a message that pygls would fail at.

        That is the cancellation of a request, because each is answered before the next message is read, and the change
        of a text that is not open.
        """
        if isinstance(message, types.DidChangeTextDocumentNotification):
            return unquote(message.params.text_document.uri) not in self.workspace.text_documents
        return isinstance(message, types.CancelNotification)


def _type_of(method: str) -> type:
    found: type = types.METHOD_TO_TYPES[method][0]
    return found


def _id_of(message: object) -> str | int | None:
    """The id of a request; None if it has none that the protocol knows. Some editors write integers as `1.0`."""
    found = message.get("id") if isinstance(message, dict) else None
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def _identified(message: dict[str, Any]) -> dict[str, str | int | None]:
    return {"id": _id_of(message)} if "id" in message else {}


def _reasons(error: Exception) -> str:
    """What is wrong with parameters, with the place of each fault."""
    if isinstance(error, BaseValidationError):
        found = "; ".join(transform_error(error, path="message")).replace("message.params", "params")
        return re.sub(r"_([a-z])", lambda match: match[1].upper(), found)  # attributes of lsprotocol are in snake case
    return f"the parameters cannot be read ({error})"

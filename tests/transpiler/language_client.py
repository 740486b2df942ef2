"""A small client of the Language Server Protocol over pipes."""

from __future__ import annotations

import json
from typing import IO, Any


class LanguageClient:
    """Sends messages to a server and reads its answers. Other messages of the server go to `answer`."""

    def __init__(self, sending: IO[bytes], receiving: IO[bytes]) -> None:
        self.sending = sending
        self.receiving = receiving
        self.last_id = 0

    def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.sending.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.sending.flush()

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a message that has no answer."""
        self.send({"method": method, "params": params})

    def receive(self) -> dict[str, Any]:
        """The next message of the server. Raises EOFError if the server has ended."""
        length = 0
        while (line := self.receiving.readline()).strip() or not length:
            if not line:
                raise EOFError
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.receiving.read(length))
        return message

    def request(self, method: str, params: dict[str, Any] | None) -> Any:
        """The result of a request. An error fails the test."""
        message = self.ask(method, params)
        assert "error" not in message, message
        return message["result"]

    def ask(self, method: str, params: dict[str, Any] | None) -> dict[str, Any]:
        """The answer to a request, with its `result` or its `error`."""
        self.last_id += 1
        self.send({"method": method, "params": params, "id": self.last_id})
        while (message := self.receive()).get("id") != self.last_id or "method" in message:
            self.answer(message)
        return message

    def wait(self, method: str) -> dict[str, Any]:
        """The parameters of the next message of this kind."""
        while (message := self.receive()).get("method") != method:
            self.answer(message)
        params: dict[str, Any] = message["params"]
        return params

    def answer(self, message: dict[str, Any]) -> None:
        """Answer a request of the server."""

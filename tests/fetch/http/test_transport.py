from __future__ import annotations

import errno
import os
import socket

import pytest

from provision.fetch.http.connections import ConnectRequest
from provision.fetch.http.http_types import Request
from provision.fetch.http.transport import Transport
from provision.fetch.stop_event import StopEvent


@pytest.mark.parametrize("number", [errno.ECONNRESET, errno.EPROTOTYPE, errno.EPIPE, errno.ECONNREFUSED])
def test_a_connection_that_fails_is_a_network_error(number: int) -> None:
    """urllib3 ignores some errors of sending a request, and goes on to read the answer."""

    def fail(_request: ConnectRequest) -> socket.socket:
        raise OSError(number, os.strerror(number))

    transport = Transport(fail, None, 1, StopEvent())
    with pytest.raises(OSError, match=os.strerror(number)):
        transport.exchange(Request("http://127.0.0.1:1/"), "", 1.0, 1.0, lambda *_: None)

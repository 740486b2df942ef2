"""Texts for failed exchanges: what went wrong, and what to do about it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from typing import NamedTuple

TELLING_BYTES = 200
"""How many bytes of an error's body are shown."""


class Cause(NamedTuple):
    """A reason and its remedy. `is_no_network` says that the cause may be a network that is not up yet."""

    text: str
    remedy: str = ""
    is_no_network: bool = False


REMEDIES = {
    errno.ECONNREFUSED: "is the server running, and is it the right port?",
    errno.EHOSTUNREACH: "is the host switched on and in this network?",
    errno.ENETUNREACH: "check the gateway",
    errno.ETIMEDOUT: "does a firewall drop the packets?",
    errno.ECONNRESET: "a proxy, a firewall or the server closed the connection",
    errno.EPROTO: "is it the right port, and does the server want http or https there?",
    errno.EBADMSG: "the server, or a proxy before it, breaks the rules of HTTP: see its log",
}

NO_NETWORK = frozenset({errno.ENETUNREACH, errno.ENETDOWN})

NAME_REMEDY = "check the DNS servers and the spelling of the host"
CLOCK_REMEDY = "if this machine's clock is wrong, set it in the firmware's setup; if it is right, renew the certificate"
TRUST_REMEDY = "add the issuer to ignition.security.tls.certificateAuthorities"
HOST_REMEDY = "the URL's host must be in the certificate's subjectAltName; its commonName does not count"
LARGE_HEADERS_REMEDY = "the server, or a proxy before it, must send smaller headers"

UNREACHED = frozenset({
    NAME_REMEDY,
    *(REMEDIES[number] for number in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT)),
})  # fmt: skip
"""The remedies where nothing answers. With a proxy they are about the proxy, or a server that it does not reach."""

BROKEN_OFF = Cause("the connection ended before the end of the answer", REMEDIES[errno.ECONNRESET])
NOT_HTTP = Cause("the answer is not HTTP", REMEDIES[errno.EPROTO])

PROTOCOL_ERRORS = {
    "RemoteDisconnected": Cause("the server closed the connection without an answer", REMEDIES[errno.EPROTO]),
    "IncompleteRead": BROKEN_OFF,
    "LineTooLong": Cause("a line of the answer is longer than 64 KiB", REMEDIES[errno.EBADMSG]),
    "BadStatusLine": NOT_HTTP,
    "UnknownProtocol": Cause("the answer is of an unknown version of HTTP", REMEDIES[errno.EPROTO]),
    "HTTPException": Cause("the answer has more than 100 headers", REMEDIES[errno.EBADMSG]),
    "ValueError": Cause("the answer has letters in place of a number", REMEDIES[errno.EBADMSG]),
}
"""What http.client raises for an answer, by the name of the class: the module is not loaded before there is one."""

# X509_V_ERR_* of OpenSSL's x509_vfy.h
CERT_NOT_YET_VALID, CERT_HAS_EXPIRED = 9, 10
HOSTNAME_MISMATCH, IP_MISMATCH = 62, 64


def explain(error: BaseException) -> Cause:
    """The cause of a failed exchange, without the exceptions that libraries wrap around it."""
    roots = list(chain(error))
    for one in roots:
        cause = _certificate(one) or _name(one)
        if cause:
            return cause
    for one in roots:
        if isinstance(one, OSError) and one.errno:
            text = one.strerror or os.strerror(one.errno)
            return Cause(text, REMEDIES.get(one.errno, ""), one.errno in NO_NETWORK)
    if any(isinstance(one, TimeoutError) or "Timeout" in type(one).__name__ for one in roots):
        return Cause("no answer in time", REMEDIES[errno.ETIMEDOUT])
    return next(filter(None, map(_protocol, reversed(roots))), None) or _unexpected(roots[-1])


def status(code: int, reason: str, body: bytes) -> Cause:
    """The cause of an error answer: the status `code` (RFC 9110) and the first printable bytes of the body."""
    told = printable(body)
    text = f"HTTP status {code} {printable(reason.encode())}".rstrip()
    remedy = STATUS_REMEDIES.get(code, SERVER_REMEDY if code >= 500 else "")
    return Cause(f"{text}: {told}" if told else text, remedy)


STATUS_REMEDIES = {
    401: "the server requires credentials: see httpHeaders",
    403: "the server refuses: are credentials or the instance's role missing?",
    404: "is the path right?",
    407: "the proxy requires credentials",
    429: "the server limits requests: start fewer machines at once",
    502: "a gateway answers for the server: is the server itself running?",
    504: "a gateway answers for the server: is the server itself running?",
    511: "a captive portal requires a login",
}
SERVER_REMEDY = "see the server's own log"


def printable(body: bytes) -> str:
    """The beginning of a body as one line of printable characters."""
    text = body[:TELLING_BYTES].decode("utf-8", "replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and those that led to it, outermost first: causes, contexts, and exceptions in its arguments."""
    seen: set[int] = set()
    pending: list[BaseException] = [error]
    while pending:
        one = pending.pop(0)
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
            pending += [other for other in inner if isinstance(other, BaseException)]


def _certificate(error: BaseException) -> Cause | None:
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in {CERT_NOT_YET_VALID, CERT_HAS_EXPIRED}:
            return Cause(f"TLS: {error.verify_message} (clock here: {_clock()})", CLOCK_REMEDY)
        mismatch = error.verify_code in {HOSTNAME_MISMATCH, IP_MISMATCH}
        return Cause(f"TLS: {error.verify_message}".rstrip("."), HOST_REMEDY if mismatch else TRUST_REMEDY)
    if type(error).__name__ == "CertificateError":  # urllib3 1.26 compares host names itself
        return Cause(f"TLS: certificate is not valid for the host: {error}", HOST_REMEDY)
    if isinstance(error, ssl.SSLError) and error.reason:
        return Cause(f"TLS: {error.reason.lower().replace('_', ' ')}", "does the server speak TLS 1.2 or newer here?")
    return None


def _clock() -> str:
    from time import gmtime, strftime

    return strftime("%Y-%m-%d %H:%M UTC", gmtime())


def _name(error: BaseException) -> Cause | None:
    if isinstance(error, socket.gaierror):
        return Cause(f"name not resolved ({error.strerror})", NAME_REMEDY, error.errno == socket.EAI_AGAIN)
    return None


def _protocol(error: BaseException) -> Cause | None:
    names = (one.__name__ for one in type(error).__mro__)
    return next((PROTOCOL_ERRORS[name] for name in names if name in PROTOCOL_ERRORS), None)


def _unexpected(error: BaseException) -> Cause:
    """The cause for any other error. The error's text is not shown, because it may hold a URL."""
    return Cause(f"unexpected error {type(error).__name__}", "see the server's log; if it says nothing, report a bug")

"""The SSH key that Azure Stack Hub gives a machine: in a message that is encrypted for a certificate of the machine.

Source: WALinuxAgent (`protocol/wire.py`, `utils/cryptutil.py`), Afterburn (`providers/microsoft`). The program openssl
does the cryptography. It gets everything on its standard input, a nameless file in memory, so the private key of the
certificate is never in a file or on a command line.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.failures import FetchFailed
from provision.metadata.answers import Answers

INPUT = "/proc/self/fd/0"
"""The standard input as a file that openssl opens and reads twice (proc_pid_fd(5))."""

NEW_CERTIFICATE = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=LinuxTransport -days 365 -keyout - -out -"
DECRYPT = f"openssl cms -decrypt -inform PEM -in {INPUT} -inkey {INPUT}"
CHAIN = f"openssl pkcs12 -in {INPUT} -passin pass: -nokeys -cacerts"
PUBLIC_KEY = f"openssl x509 -in {INPUT} -pubkey -noout"
SSH_KEY = f"ssh-keygen -i -m PKCS8 -f {INPUT}"

CERTIFICATE_HEADER = "x-ms-guest-agent-public-x509-cert"
CIPHER = ("x-ms-cipher-name", "DES_EDE3_CBC")
"""The only cipher that the service has."""


def new_certificate(answers: Answers) -> tuple[bytes, str]:
    """A new key with its certificate in PEM, and the certificate as CERTIFICATE_HEADER has it. Raises FetchFailed."""
    made = _run(answers, NEW_CERTIFICATE, b"")
    _, begin, rest = made.partition(b"-----BEGIN CERTIFICATE-----")
    encoded, end, _ = rest.partition(b"-----END CERTIFICATE-----")
    if not begin or not end:
        raise FetchFailed("openssl", "made no certificate")
    return made, b"".join(encoded.split()).decode("ascii")


def ssh_keys(answers: Answers, certificate: bytes, message: str) -> Iterator[str]:
    """The key of the first further certificate in a message (base64 of CMS with PKCS #12), if any. Raises FetchFailed.

    `certificate` is the key and certificate for which the message is encrypted.
    """
    # the message stands first: openssl would take a certificate in front of it for the message
    text = b"-----BEGIN CMS-----\n%s\n-----END CMS-----\n%s" % (message.strip().encode("ascii", "replace"), certificate)
    contents = _run(answers, DECRYPT, text)
    chain = answers.filtered(contents, *CHAIN.split())
    if chain is None:  # the ciphers of older services
        chain = _run(answers, f"{CHAIN} -legacy", contents)
    if b"-----BEGIN CERTIFICATE-----" in chain:
        key = _run(answers, SSH_KEY, _run(answers, PUBLIC_KEY, chain))
        yield key.decode("ascii", "replace").strip()


def _run(answers: Answers, command: str, given: bytes) -> bytes:
    words = command.split()
    made = answers.filtered(given, *words)
    if made is None:
        raise FetchFailed(" ".join(words[:2]), "failed, or is not there", hint="install openssl and ssh-keygen")
    return made

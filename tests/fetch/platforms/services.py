"""Faithful copies of the platforms' metadata services: what each demands, and how it answers.

Written from the platforms' documentation and the observed behaviour of Ignition, not from our own
table: an entry of the table that asks for something else fails here.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.fetch.server import Answer, Asked

METADATA = "169.254.169.254"


class TokenService(NamedTuple):
    """The place of the token: a PUT with a required header, and the name of the header that must have the token later.

    Where the token service is `optional`, a platform without one (404) gives user data without a token.
    """

    path: str
    demands: str
    header: str
    optional: bool = False


class Service(NamedTuple):
    """A metadata service. `addresses` are its real ones; the first is the one that every client knows.

    `demands` are headers with the values they must have. `not_yet` are statuses after which a client must ask again
    later; `absent_is_error` says that a machine without user data does not boot on this platform. `lease` is what a
    DHCP client wrote down, where the address is only there.
    """

    path: str
    addresses: tuple[str, ...] = (METADATA,)
    demands: Mapping[str, str] = {}
    token_service: TokenService | None = None
    wrap: Callable[[bytes], bytes] = bytes
    absent_is_error: bool = False
    not_yet: tuple[int, ...] = ()
    low_port: bool = False
    host: str = ""
    tls: bool = False
    lease: str = ""


SERVICES: Mapping[str, Service] = {
    "akamai": Service(
        "/v1/user-data",
        (METADATA, "fd00:a9fe:a9fe::1"),
        {"accept": "*/*"},
        TokenService("/v1/token", "metadata-token-expiry-seconds", "metadata-token"),
        wrap=b64encode,
        absent_is_error=True,
    ),
    "aliyun": Service("/latest/user-data", ("100.100.100.200",)),
    "aws": Service(
        "/2019-10-01/user-data",
        (METADATA, "fd00:ec2::254"),
        token_service=TokenService(
            "/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token", optional=True
        ),
    ),
    "azure": Service(
        "/metadata/instance/compute/userData?api-version=2021-01-01&format=text",
        demands={"metadata": "true"},
        wrap=b64encode,
        not_yet=(404, 410, 429),
        absent_is_error=True,
    ),
    "brightbox": Service("/openstack/latest/user_data"),
    "cloudstack": Service("/latest/user-data", ("10.9.0.1",), lease="ADDRESS=10.9.0.2\nSERVER_ADDRESS=10.9.0.1\n"),
    "digitalocean": Service("/metadata/v1/user-data", absent_is_error=True),
    "exoscale": Service("/1.0/user-data"),
    "gcp": Service("/computeMetadata/v1/instance/attributes/user-data", demands={"metadata-flavor": "Google"}),
    "hetzner": Service("/hetzner/v1/userdata"),
    "openstack": Service("/openstack/latest/user_data"),
    "oraclecloud": Service(
        "/opc/v2/instance/metadata/user_data",
        demands={"authorization": "Bearer Oracle"},
        wrap=b64encode,
        not_yet=(429,),
    ),
    "packet": Service(
        "/userdata",
        ("127.0.0.1",),
        {"accept": "*/*"},
        absent_is_error=True,
        host="metadata.packet.net",
        tls=True,
    ),
    "scaleway": Service("/user_data/cloud-init", ("169.254.42.42", "fd00:42::42"), low_port=True),
    "upcloud": Service("/metadata/v1/user_data"),
    "vultr": Service("/user-data/user-data"),
}


def good_token() -> Answer:
    """The answer of a token service to a correct request."""
    return Answer(b"t0ken")


def respond(
    service: Service, user_data: Callable[[], Answer], token: Callable[[], Answer] = good_token
) -> Callable[[Asked], Answer]:
    """The function with which the service answers; the user data and the token are requested anew for each answer."""
    closed = False

    def answer(asked: Asked) -> Answer:
        nonlocal closed
        if service.low_port and asked.port >= 1024:
            return Answer(b"only root may ask", 403)
        if service.token_service and asked.path == service.token_service.path:
            given = _token(service.token_service, asked, token)
            closed = given.status == 404
            return given
        if asked.path != service.path or asked.method != "GET":
            return Answer(b"no such page", 404)
        if (
            service.token_service
            and not (closed and service.token_service.optional)
            and asked.headers.get(service.token_service.header) != "t0ken"
        ):
            return Answer(b"a token is needed", 401)
        if any(asked.headers.get(name) != value for name, value in service.demands.items()):
            return Answer(b"a header is missing or wrong", 403)
        return user_data()

    return answer


def _token(token_service: TokenService, asked: Asked, token: Callable[[], Answer]) -> Answer:
    good = asked.method == "PUT" and asked.headers.get(token_service.demands, "").isdecimal()
    return token() if good else Answer(b"bad token request", 400)

"""The options of programs that a cloud-config sets in their environment: data.

A program's options stand in the order in which coreos-cloudinit writes them. Source: the files `config/*.go` of
coreos/coreos-cloudinit.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from transpiler.container_linux import options


class Program(NamedTuple):
    """A program: the unit that runs it, the start of its variables, its options, and what it is.

    `variables` has the options whose variable has another name. `gone` says that no image has the program any more.
    """

    unit: str
    prefix: str
    options: tuple[str, ...]
    doc: str
    variables: Mapping[str, str] = MappingProxyType({})
    gone: bool = False

    def variable(self, option: str) -> str:
        """The environment variable of an option."""
        return self.variables.get(option, self.prefix + option.upper())


_ETCD_0_4 = """
    addr advertise_client_urls bind_addr ca_file cert_file cluster_active_size cluster_remove_delay
    cluster_sync_interval cors data_dir discovery discovery_fallback discovery_srv discovery_proxy election_timeout
    force_new_cluster graphite_host heartbeat_interval http_read_timeout http_write_timeout initial_advertise_peer_urls
    initial_cluster initial_cluster_state initial_cluster_token key_file listen_client_urls listen_peer_urls
    max_result_buffer max_retry_attempts max_snapshots max_wals name peer_addr peer_bind_addr peer_ca_file
    peer_cert_file peer_election_timeout peer_heartbeat_interval peer_key_file peers peers_file proxy retry_interval
    snapshot snapshot_count trace verbose very_verbose very_very_verbose
"""

_FLEET = """
    agent_ttl authorized_keys_file disable_engine engine_reconcile_interval etcd_cafile etcd_certfile etcd_keyfile
    etcd_key_prefix etcd_request_timeout etcd_servers etcd_username etcd_password metadata public_ip token_limit
    verbosity verify_units
"""

_FLANNEL = """
    etcd_endpoints etcd_cafile etcd_certfile etcd_keyfile etcd_prefix etcd_username etcd_password ip_masq subnet_file
    interface public_ip
"""

_LOCKSMITH = """
    endpoint etcd_cafile etcd_certfile etcd_keyfile etcd_username etcd_password group window_start window_length
"""

PROGRAMS = {
    "etcd": Program(
        "etcd.service",
        "ETCD_",
        tuple(_ETCD_0_4.split()),
        "etcd 0.4",
        {"snapshot_count": "ETCD_SNAPSHOTCOUNT"},
        gone=True,
    ),
    "etcd2": Program("etcd2.service", "ETCD_", tuple(options.ETCD_2.split()), "etcd 2", gone=True),
    "fleet": Program("fleet.service", "FLEET_", tuple(_FLEET.split()), "fleet", gone=True),
    "flannel": Program(
        "flanneld.service",
        "FLANNELD_",
        tuple(_FLANNEL.split()),
        "overlay network for containers",
        {"interface": "FLANNELD_IFACE"},
    ),
    "locksmith": Program(
        "locksmithd.service",
        "LOCKSMITHD_",
        tuple(_LOCKSMITH.split()),
        "restarts after updates",
        {"window_start": "REBOOT_WINDOW_START", "window_length": "REBOOT_WINDOW_LENGTH"},
    ),
}
"""Section below `coreos` -> the program that it sets up."""

NUMBERS = options.NUMBERS | {
    "cluster_active_size",
    "max_result_buffer",
    "max_retry_attempts",
    "peer_election_timeout",
    "peer_heartbeat_interval",
    "token_limit",
    "verbosity",
}
"""Options whose value is a whole number."""

FRACTIONS = frozenset(
    {
        "cluster_remove_delay",
        "cluster_sync_interval",
        "engine_reconcile_interval",
        "etcd_request_timeout",
        "http_read_timeout",
        "http_write_timeout",
        "retry_interval",
    }
)
"""Options whose value is a number of seconds, which may be a fraction."""

SWITCHES = options.SWITCHES | {
    "disable_engine",
    "snapshot",
    "verbose",
    "verify_units",
    "very_verbose",
    "very_very_verbose",
}
"""Options whose value is true or false."""

SECRETS = options.SECRETS
"""Options whose value is a secret."""


def kind_of(option: str) -> type:
    """The type of an option's value: int, bool or str; a fraction is read as a text."""
    return int if option in NUMBERS else bool if option in SWITCHES else str

"""The options of etcd and flannel that a Container Linux Config may give: what their values are.

Cloud-configs have the same. Source: `config/types/etcd.go` and `flannel.go` of
coreos/container-linux-config-transpiler and of Flatcar's fork; `etcd --help`, `flanneld --help`.
"""

from __future__ import annotations

ETCD_2 = """
    advertise_client_urls ca_file cert_file client_cert_auth cors data_dir debug discovery
    discovery_fallback discovery_srv discovery_proxy election_timeout enable_pprof force_new_cluster
    heartbeat_interval initial_advertise_peer_urls initial_cluster initial_cluster_state
    initial_cluster_token key_file listen_client_urls listen_peer_urls log_package_levels
    max_snapshots max_wals name peer_ca_file peer_cert_file peer_key_file peer_client_cert_auth
    peer_trusted_ca_file proxy proxy_dial_timeout proxy_failure_wait proxy_read_timeout
    proxy_refresh_interval proxy_write_timeout snapshot_count strict_reconfig_check trusted_ca_file
    wal_dir
"""
"""The options of etcd 2.3 as YAML names, in the order in which ct writes them on the command line."""

NUMBERS = frozenset(
    {
        "auth_token_ttl",
        "backend_batch_limit",
        "bcrypt_cost",
        "election_timeout",
        "experimental_compaction_batch_limit",
        "heartbeat_interval",
        "max_request_bytes",
        "max_snapshots",
        "max_txn_ops",
        "max_wals",
        "proxy_dial_timeout",
        "proxy_failure_wait",
        "proxy_read_timeout",
        "proxy_refresh_interval",
        "proxy_write_timeout",
        "quota_backend_bytes",
        "self_signed_cert_validity",
        "snapshot_count",
    }
)
"""Options whose value is a whole number."""

SWITCHES = frozenset(
    {
        "auto_tls",
        "client_cert_auth",
        "debug",
        "enable_log_rotation",
        "enable_pprof",
        "enable_v2",
        "experimental_enable_distributed_tracing",
        "experimental_enable_lease_checkpoint",
        "experimental_initial_corrupt_check",
        "experimental_txn_mode_write_with_shared_buffer",
        "force_new_cluster",
        "initial_election_tick_advance",
        "kube_subnet_mgr",
        "peer_auto_tls",
        "peer_client_cert_auth",
        "pre_vote",
        "socket_reuse_address",
        "socket_reuse_port",
        "strict_reconfig_check",
        "unsafe_no_fsync",
    }
)
"""Options whose value is true or false."""

RETENTION = "auto_compaction_retention"
"""A number of hours before etcd 3.3; since then a text, because it may be a duration or a number of revisions."""

SECRETS = frozenset({"discovery", "etcd_password", "initial_cluster_token"})
"""Options whose value is a secret."""


def kind_of(option: str, version: str) -> type:
    """The type of an option's value in a version of its program: int, bool or str."""
    if option in NUMBERS or (option == RETENTION and version < "3.3"):
        return int
    return bool if option in SWITCHES else str


def flag(option: str) -> str:
    """The option as the program's command line names it, such as `--data-dir`."""
    return "--iface" if option == "interface" else f"--{option.replace('_', '-')}"

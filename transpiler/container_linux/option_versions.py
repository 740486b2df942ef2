"""The options of etcd and flannel that a Container Linux Config may give, by version: data.

The options of a version stand in the order in which ct writes them on the command line. Source: as of options.
"""

from __future__ import annotations

from collections.abc import Mapping

from transpiler.container_linux.options import ETCD_2

Table = Mapping[str, tuple[str, ...]]

ETCD: Table = {
    version: tuple(text.split())
    for version, text in {
        "2.3": ETCD_2,
        "3.0": """
            name data_dir wal_dir snapshot_count heartbeat_interval election_timeout enable_pprof
            listen_peer_urls listen_client_urls max_snapshots max_wals cors initial_advertise_peer_urls
            initial_cluster initial_cluster_state initial_cluster_token advertise_client_urls discovery
            discovery_srv discovery_fallback discovery_proxy strict_reconfig_check auto_compaction_retention
            proxy proxy_failure_wait proxy_refresh_interval proxy_dial_timeout proxy_write_timeout
            proxy_read_timeout ca_file cert_file key_file client_cert_auth trusted_ca_file auto_tls
            peer_ca_file peer_cert_file peer_key_file peer_client_cert_auth peer_trusted_ca_file
            peer_auto_tls debug log_package_levels force_new_cluster
        """,
        "3.1": """
            name data_dir wal_dir snapshot_count heartbeat_interval election_timeout enable_pprof
            listen_peer_urls listen_client_urls max_snapshots max_wals cors initial_advertise_peer_urls
            initial_cluster initial_cluster_state initial_cluster_token advertise_client_urls discovery
            discovery_srv discovery_fallback discovery_proxy strict_reconfig_check auto_compaction_retention
            proxy proxy_failure_wait proxy_refresh_interval proxy_dial_timeout proxy_write_timeout
            proxy_read_timeout ca_file cert_file key_file client_cert_auth trusted_ca_file auto_tls
            peer_ca_file peer_cert_file peer_key_file peer_client_cert_auth peer_trusted_ca_file
            peer_auto_tls debug log_package_levels force_new_cluster metrics log_output
        """,
        "3.2": """
            name data_dir wal_dir snapshot_count heartbeat_interval election_timeout enable_pprof enable_v2
            listen_peer_urls listen_client_urls max_snapshots max_wals cors initial_advertise_peer_urls
            initial_cluster initial_cluster_state initial_cluster_token advertise_client_urls discovery
            discovery_srv discovery_fallback discovery_proxy strict_reconfig_check auto_compaction_retention
            proxy proxy_failure_wait proxy_refresh_interval proxy_dial_timeout proxy_write_timeout
            proxy_read_timeout ca_file cert_file key_file client_cert_auth trusted_ca_file auto_tls
            peer_ca_file peer_cert_file peer_key_file peer_client_cert_auth peer_trusted_ca_file
            peer_auto_tls auth_token debug log_package_levels force_new_cluster metrics log_output
        """,
        "3.3": """
            name data_dir wal_dir snapshot_count heartbeat_interval election_timeout enable_pprof enable_v2
            listen_peer_urls listen_client_urls max_snapshots max_wals cors quota_backend_bytes max_txn_ops
            max_request_bytes grpc_keepalive_min_time grpc_keepalive_interval grpc_keepalive_timeout
            initial_advertise_peer_urls initial_cluster initial_cluster_state initial_cluster_token
            advertise_client_urls discovery discovery_srv discovery_fallback discovery_proxy
            strict_reconfig_check auto_compaction_retention auto_compaction_mode proxy proxy_failure_wait
            proxy_refresh_interval proxy_dial_timeout proxy_write_timeout proxy_read_timeout ca_file
            cert_file key_file client_cert_auth client_crl_file trusted_ca_file auto_tls peer_ca_file
            peer_cert_file peer_key_file peer_client_cert_auth peer_crl_file peer_trusted_ca_file
            peer_auto_tls peer_cert_allowed_cn auth_token debug log_package_levels force_new_cluster metrics
            log_output listen_metrics_urls experimental_initial_corrupt_check
            experimental_corrupt_check_time experimental_enable_v2v3
        """,
        "3.4": """
            name data_dir wal_dir snapshot_count heartbeat_interval election_timeout
            initial_election_tick_advance listen_peer_urls listen_client_urls max_snapshots max_wals
            quota_backend_bytes backend_batch_interval backend_batch_limit max_txn_ops max_request_bytes
            grpc_keepalive_min_time grpc_keepalive_interval grpc_keepalive_timeout
            initial_advertise_peer_urls initial_cluster initial_cluster_state initial_cluster_token
            advertise_client_urls discovery discovery_fallback discovery_proxy discovery_srv
            discovery_srv_name strict_reconfig_check pre_vote auto_compaction_retention auto_compaction_mode
            enable_v2 cert_file key_file client_cert_auth client_crl_file client_cert_allowed_hostname
            trusted_ca_file auto_tls peer_cert_file peer_key_file peer_client_cert_auth peer_trusted_ca_file
            peer_cert_allowed_cn peer_cert_allowed_hostname peer_auto_tls peer_crl_file cipher_suites cors
            host_whitelist auth_token bcrypt_cost auth_token_ttl enable_pprof metrics listen_metrics_urls
            logger log_outputs log_level proxy proxy_failure_wait proxy_refresh_interval proxy_dial_timeout
            proxy_write_timeout proxy_read_timeout experimental_initial_corrupt_check
            experimental_corrupt_check_time experimental_enable_v2v3
            experimental_backend_bbolt_freelist_type experimental_enable_lease_checkpoint
            experimental_compaction_batch_limit experimental_watch_progress_notify_interval
            experimental_warning_apply_duration force_new_cluster debug log_package_levels
        """,
        "3.5": """
            name data_dir wal_dir snapshot_count heartbeat_interval election_timeout
            initial_election_tick_advance listen_peer_urls listen_client_urls max_snapshots max_wals
            quota_backend_bytes backend_bbolt_freelist_type backend_batch_interval backend_batch_limit
            max_txn_ops max_request_bytes grpc_keepalive_min_time grpc_keepalive_interval
            grpc_keepalive_timeout socket_reuse_port socket_reuse_address initial_advertise_peer_urls
            initial_cluster initial_cluster_state initial_cluster_token advertise_client_urls discovery
            discovery_fallback discovery_proxy discovery_srv discovery_srv_name strict_reconfig_check
            pre_vote auto_compaction_retention auto_compaction_mode enable_v2 v2_deprecation cert_file
            key_file client_cert_auth client_crl_file client_cert_allowed_hostname trusted_ca_file auto_tls
            peer_cert_file peer_key_file peer_client_cert_auth peer_trusted_ca_file peer_cert_allowed_cn
            peer_cert_allowed_hostname peer_auto_tls self_signed_cert_validity peer_crl_file cipher_suites
            cors host_whitelist auth_token bcrypt_cost auth_token_ttl enable_pprof metrics
            listen_metrics_urls logger log_outputs log_level enable_log_rotation log_rotation_config_json
            experimental_enable_distributed_tracing experimental_distributed_tracing_address
            experimental_distributed_tracing_service_name experimental_distributed_tracing_instance_id proxy
            proxy_failure_wait proxy_refresh_interval proxy_dial_timeout proxy_write_timeout
            proxy_read_timeout experimental_initial_corrupt_check experimental_corrupt_check_time
            experimental_enable_v2v3 experimental_enable_lease_checkpoint
            experimental_compaction_batch_limit experimental_watch_progress_notify_interval
            experimental_warning_apply_duration experimental_txn_mode_write_with_shared_buffer
            force_new_cluster unsafe_no_fsync
        """,
    }.items()
}
"""Version of etcd, oldest first -> its options as YAML names."""

FLANNEL: Table = {
    version: tuple(text.split())
    for version, text in {
        "0.5": """
            etcd_endpoints etcd_cafile etcd_certfile etcd_keyfile etcd_prefix ip_masq subnet_file interface
            public_ip
        """,
        "0.6": """
            etcd_username etcd_password etcd_endpoints etcd_cafile etcd_certfile etcd_keyfile etcd_prefix
            ip_masq subnet_file interface public_ip
        """,
        "0.7": """
            etcd_username etcd_password etcd_endpoints etcd_cafile etcd_certfile etcd_keyfile etcd_prefix
            ip_masq subnet_file interface public_ip kube_subnet_mgr
        """,
    }.items()
}
"""Version of flannel, oldest first -> its options as YAML names."""

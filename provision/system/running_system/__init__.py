"""The running system as a source of configs: its files, drives, programs and hypervisor channels."""

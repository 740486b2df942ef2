#!/bin/sh
# Starts systemd-networkd in the initramfs, and the unit that writes its name servers to resolv.conf.
exec systemctl start systemd-networkd.service provision-resolve.path

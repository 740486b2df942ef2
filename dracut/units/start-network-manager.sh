#!/bin/sh
# Starts NetworkManager in the initramfs: as if rd.neednet=1 were on the kernel command line, makes the connections that
# ip= describes (DHCP on every wired interface without it), and starts the units of dracut's module network-manager.
# There is no `set -e`, because functions of dracut return 1 where nothing is wrong.
mkdir -p /etc/cmdline.d || exit
echo 'rd.neednet=1' >/etc/cmdline.d/40-provision.conf || exit
# shellcheck source=/dev/null
. /lib/dracut-lib.sh
# shellcheck source=/dev/null disable=SC2154 # dracut-lib.sh sets hookdir, in some versions under another name
. "${hookdir:-/lib/dracut/hooks}/cmdline/99-nm-config.sh"
if [ ! -e /run/NetworkManager/initrd/neednet ]; then
    echo 'dracut has made no connection for NetworkManager' >&2
    exit 1
fi
# in the emergency target, where this script runs too, what they require conflicts with that target
systemctl start --job-mode=ignore-requirements dbus.socket
systemctl start --job-mode=ignore-requirements nm-initrd.service

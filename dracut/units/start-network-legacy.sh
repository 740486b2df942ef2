#!/bin/sh
# Starts the network of dracut's module network-legacy, as if rd.neednet=1 were on the kernel command line: the interfaces
# that ip= names, or all wired ones with DHCP. dracut decided early in the boot that it is not needed; decide again.
# There is no `set -e`, because functions of dracut return 1 where nothing is wrong.
mkdir -p /etc/cmdline.d || exit
echo 'rd.neednet=1' >/etc/cmdline.d/40-provision.conf || exit
# shellcheck source=/dev/null
. /lib/dracut-lib.sh
hookdir=${hookdir:-/lib/dracut/hooks}
queue=$hookdir/initqueue
# writes a rule of udev, by which each interface gets a job in the queue
# shellcheck source=/dev/null
. "$hookdir/pre-udev/60-net-genrules.sh" || exit
# the engine decides how long it waits for the network, and whether the boot fails without
rm -f "$queue/finished/wait-network.sh"
udevadm control --reload || exit
udevadm trigger --subsystem-match=net --action=add || exit

is_done() {
    for one in "$queue"/ifup-*.sh "$queue"/setup_net_*.sh; do [ ! -e "$one" ] || return 1; done
    for one in /tmp/net.*.did-setup; do [ ! -e "$one" ] || return 0; done
    return 1
}

# dracut-initqueue runs the jobs only until it has found the root device
run_jobs() {
    until is_done; do
        if [ "$(systemctl is-active dracut-initqueue.service)" != activating ]; then
            for job in "$queue"/ifup-*.sh "$queue"/setup_net_*.sh; do
                # shellcheck source=/dev/null
                [ ! -e "$job" ] || . "$job"
            done
        fi
        sleep 1
    done
}
# this unit does not wait for the network: the engine can prepare disks until it needs it
run_jobs &

#!/bin/sh
# composefs.sh base KIND IMAGE                a small root of Debian 14, which is Debian testing, with OSTree
# composefs.sh machine KIND IMAGE WHEEL DIR   our part on such a root (changed in place); DIR gets what boots a deployment of
#                                             that root, with composefs: vmlinuz, initramfs, and root.img
# Run as root, in a mount namespace of its own: whatever happens, nothing stays mounted.
set -eu
# shellcheck source=provision/system/virtual_machine/debian-root.sh
. provision/system/virtual_machine/debian-root.sh
private_mounts

packages=systemd,systemd-sysv,udev,dbus,kmod,passwd,dracut,linux-image-cloud-amd64,e2fsprogs,fdisk,ostree,ostree-boot
packages=$packages,python3,python3-requests,python3-pyudev,ca-certificates
root=$(mktemp -d)
trap 'umount --recursive "$root" 2>/dev/null || :; rmdir "$root"' EXIT

base() {
    # a mirror that is a copy may be older than Debian allows for a release that still changes
    debian_root forky "$root" "$packages" --aptopt='Acquire::Check-Valid-Until "false"'
    file_system "$root" 1500M "$2.new"
    rm -rf --one-file-system "$root"
    mkdir "$root"
    mv "$2.new" "$2"
}

machine() {
    mount -o loop "$2" "$root"
    # shellcheck source=tests/real/boot/deployments/ostree.sh
    . tests/real/boot/deployments/ostree.sh
    printf '[composefs]\nenabled = yes\n' >"$root/usr/lib/ostree/prepare-root.conf"
    our_part "$3" "$4"
    deployment "$4/ostree"
}

"$@"

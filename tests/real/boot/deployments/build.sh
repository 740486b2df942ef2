#!/bin/sh
# build.sh base KIND IMAGE                a small root with multipath-tools: of Debian 12 if KIND is `two-paths`, of Debian 13
#                                         with OSTree if it is `deployments`
# build.sh machine KIND IMAGE WHEEL DIR   our part on such a root (changed in place); vmlinuz and initramfs go to DIR, and
#                                         with OSTree to DIR/ostree what boots a deployment of that root: root.img has two
#                                         commits, `debian`, which is deployed, and `next`
# Run as root, in a mount namespace of its own: whatever happens, nothing stays mounted.
set -eu
# shellcheck source=provision/system/virtual_machine/debian-root.sh
. provision/system/virtual_machine/debian-root.sh
private_mounts

packages=systemd,systemd-sysv,udev,dbus,kmod,passwd,dracut,linux-image-cloud-amd64,e2fsprogs,procps,fdisk
packages=$packages,python3,python3-requests,python3-pyudev,ca-certificates,multipath-tools
root=$(mktemp -d)
trap 'umount --recursive "$root" 2>/dev/null || :; rmdir "$root"' EXIT

base() {
    suite=bookworm
    [ "$1" != deployments ] || suite=trixie packages=$packages,ostree,ostree-boot
    debian_root "$suite" "$root" "$packages"
    file_system "$root" 1500M "$2.new"
    rm -rf --one-file-system "$root"
    mkdir "$root"
    mv "$2.new" "$2"
}

machine() {
    mount -o loop "$2" "$root"
    # shellcheck source=tests/real/boot/deployments/ostree.sh
    . tests/real/boot/deployments/ostree.sh
    our_part "$3" "$4"
    if [ "$1" = deployments ]; then
        deployment "$4/ostree"
    fi
    # a device of which only one path is there yet belongs to multipath too
    printf 'defaults {\n    find_multipaths greedy\n}\n' >"$root/etc/multipath.conf"
    initramfs "$root" "$4/initramfs" --no-hostonly --omit ostree
}

"$@"

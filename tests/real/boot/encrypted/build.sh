#!/bin/sh
# build.sh base KIND IMAGE                a small Debian root with initramfs-tools and cryptsetup-initramfs
# build.sh machine KIND IMAGE WHEEL DIR   our part on such a root (changed in place); vmlinuz and initramfs go to DIR, and the
#                                         key with which that initramfs opens the disk `root`
# Run as root, in a mount namespace of its own: whatever happens, nothing stays mounted.
set -eu
# shellcheck source=provision/system/virtual_machine/debian-root.sh
. provision/system/virtual_machine/debian-root.sh
private_mounts

packages=systemd,systemd-sysv,udev,dbus,kmod,passwd,fdisk,initramfs-tools,cryptsetup-initramfs,zstd
packages=$packages,linux-image-cloud-amd64,e2fsprogs,xfsprogs
packages=$packages,python3,python3-idna,python3-urllib3,python3-pyudev,ca-certificates
root=$(mktemp -d)
trap 'umount --recursive "$root" 2>/dev/null || :; rmdir "$root"' EXIT

base() {
    # the hook would build an initramfs for the kernel package: ours is built later
    debian_root bookworm "$root" "$packages" --dpkgopt='path-exclude=/etc/kernel/postinst.d/initramfs-tools'
    file_system "$root" 1200M "$2.new"
    rm -rf --one-file-system "$root"
    mkdir "$root"
    mv "$2.new" "$2"
}

machine() {
    # shellcheck source=tests/real/boot/machine.sh
    . tests/real/boot/machine.sh
    mount -o loop "$2" "$root"
    python3 -m zipfile -e "$3" "$(python_folder "$root")"
    make --silent install-initramfs-tools DESTDIR="$root" >/dev/null
    install_probe
    # a key in the initramfs, as README.initramfs of cryptsetup describes it
    mkdir -m 700 "$root/etc/keys"
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$root/etc/keys/root.key"
    echo 'root /dev/disk/by-id/virtio-root /etc/keys/root.key luks,initramfs' >"$root/etc/crypttab"
    echo 'KEYFILE_PATTERN="/etc/keys/*.key"' >>"$root/etc/cryptsetup-initramfs/conf-hook"
    echo 'UMASK=0077' >"$root/etc/initramfs-tools/conf.d/umask"
    cp "$root/etc/keys/root.key" "$4/"
    take_kernel "$4"
    chroot "$root" mkinitramfs -o /run/initramfs "$kernel"
    mv "$root/run/initramfs" "$4/initramfs"
    mask_slow
}

"$@"

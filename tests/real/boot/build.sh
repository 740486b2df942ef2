#!/bin/sh
# build.sh base IMAGE              a file system with a Debian root: kernel, dracut, python3 and the libraries we use
# build.sh machine IMAGE WHEEL DIR [OMITTED]
#                                   our part on such a root (changed in place); vmlinuz and an initramfs (without a
#                                   dracut module, if one is named) go to DIR
# Run as root, in a mount namespace of its own: whatever happens, nothing stays mounted.
set -eu
# fails in a chroot, where / is no mount point
mount --make-rprivate / 2>/dev/null || :

packages=systemd,systemd-sysv,udev,dbus,kmod,passwd,fdisk,dracut,linux-image-cloud-amd64,e2fsprogs,xfsprogs,btrfs-progs
packages=$packages,clevis,clevis-luks,clevis-tpm2,cryptsetup-bin,jose,libpwquality-tools,tpm2-tools
packages=$packages,dosfstools,python3,python3-requests,python3-pyudev,python3-parted,ca-certificates,binutils
root=$(mktemp -d)
trap 'umount --recursive "$root" 2>/dev/null || :; rmdir "$root"' EXIT

base() {
    sources=/etc/apt/sources.list.d/debian.sources
    grep -qs bookworm "$sources" || sources=
    # dracut's hook would build an initramfs for every kernel package: ours is built below
    mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
        --dpkgopt='path-exclude=/etc/kernel/postinst.d/dracut' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --essential-hook="mkdir -p \"\$1/etc/kernel/postinst.d\"" \
        --essential-hook="ln -s /bin/true \"\$1/etc/kernel/postinst.d/dracut\"" \
        bookworm "$root" $sources
    # no loop device: other tests of this machine take and leave them at the same time
    truncate --size=2G "$1.new"
    mkfs.ext4 -q -F -L root -d "$root" "$1.new"
    rm -rf --one-file-system "$root"
    mkdir "$root"
    mv "$1.new" "$1"
}

machine() {
    mount -o loop "$1" "$root"
    python3 -m zipfile -e "$2" "$root/usr/local/lib/python3.11/dist-packages"
    make --silent install-dracut DESTDIR="$root" >/dev/null
    install -m 644 tests/real/boot/probe.service "$root/etc/systemd/system/"
    ln -s ../probe.service "$root/etc/systemd/system/multi-user.target.wants/"
    # entries that nothing boots from: the kernel is given to qemu
    mkdir -p "$root/boot/loader/entries"
    printf 'title Linux\nlinux /vmlinuz\noptions root=LABEL=root quiet\n' >"$root/boot/loader/entries/linux.conf"
    printf 'LOADER=bls\nBOOT=LABEL=root\n' >"$root/etc/provision-kargs.conf"
    for one in proc dev sys; do mount --rbind "/$one" "$root/$one"; done
    kernel=$(basename "$root"/usr/lib/modules/*)
    chroot "$root" dracut --quiet --force --no-hostonly --no-compress --omit "${4-}" /root/initramfs "$kernel"
    mv "$root/root/initramfs" "$3/initramfs"
    cp "$root/boot/vmlinuz-$kernel" "$3/vmlinuz"
}

"$@"

#!/bin/sh
# build.sh base KIND IMAGE                a file system with a Debian root: kernel, dracut, python3, the libraries we use
# build.sh machine KIND IMAGE WHEEL DIR   our part on such a root (changed in place); vmlinuz and initramfs go to DIR
# KIND is `plain`, or `wide`: with NetworkManager, RAID, Debian's Ignition, and an initramfs for each of them.
# Run as root, in a mount namespace of its own: whatever happens, nothing stays mounted.
set -eu
# fails in a chroot, where / is no mount point
mount --make-rprivate / 2>/dev/null || :

packages=systemd,systemd-sysv,udev,dbus,kmod,passwd,fdisk,dracut,linux-image-cloud-amd64,e2fsprogs,xfsprogs,btrfs-progs
packages=$packages,clevis,clevis-luks,clevis-systemd,clevis-tpm2,cryptsetup-bin,jose,libpwquality-tools,tpm2-tools
packages=$packages,dosfstools,python3,python3-requests,python3-pyudev,python3-parted,ca-certificates,binutils
packages=$packages,grub-common,grub-pc-bin
wide=dracut-network,gdisk,ignition,mdadm,network-manager
root=$(mktemp -d)
trap 'umount --recursive "$root" 2>/dev/null || :; rmdir "$root"' EXIT

base() {
    sources=/etc/apt/sources.list.d/debian.sources
    grep -qs bookworm "$sources" || sources=
    [ "$1" = plain ] || packages=$packages,$wide
    # dracut's hook would build an initramfs for every kernel package: ours is built below
    mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
        --dpkgopt='path-exclude=/etc/kernel/postinst.d/dracut' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --essential-hook="mkdir -p \"\$1/etc/kernel/postinst.d\"" \
        --essential-hook="ln -s /bin/true \"\$1/etc/kernel/postinst.d/dracut\"" \
        bookworm "$root" $sources
    # no loop device: other tests of this machine take and leave them at the same time
    truncate --size=2G "$2.new"
    mkfs.ext4 -q -F -L root -d "$root" "$2.new"
    rm -rf --one-file-system "$root"
    mkdir "$root"
    mv "$2.new" "$2"
}

machine() {
    mount -o loop "$2" "$root"
    python3 -m zipfile -e "$3" "$root/usr/local/lib/python3.11/dist-packages"
    make --silent install-dracut DESTDIR="$root" >/dev/null
    install -m 644 tests/real/boot/probe.service "$root/etc/systemd/system/"
    ln -s ../probe.service "$root/etc/systemd/system/multi-user.target.wants/"
    printf 'LOADER=grub\nBOOT=LABEL=boot\nROOT=LABEL=root\n' >"$root/etc/provision-kargs.conf"
    mkdir -p "$root/etc/default"
    echo 'GRUB_CMDLINE_LINUX="provision.test=unwanted"' >"$root/etc/default/grub"
    # entries that nothing boots from, for the helpers of other boot loaders
    mkdir -p "$root/boot/loader/entries" "$root/etc/kernel"
    printf 'title Linux\nlinux /vmlinuz\noptions root=LABEL=root quiet\n' >"$root/boot/loader/entries/linux.conf"
    echo 'root=LABEL=root quiet' >"$root/etc/kernel/cmdline"
    for one in proc dev sys; do mount --rbind "/$one" "$root/$one"; done
    mount -t tmpfs run "$root/run" # without it dracut 059 ignores --hostonly
    kernel=$(basename "$root"/usr/lib/modules/*)
    cp "$root/boot/vmlinuz-$kernel" "$4/vmlinuz"
    "initramfs_$1" "$4"
}

initramfs_plain() {
    initramfs "$1/initramfs" --no-hostonly
    # the stages of GRUB for a BIOS; the one between MBR and first partition reads the other from there
    cp "$root/usr/lib/grub/i386-pc/boot.img" "$1/"
    chroot "$root" grub-mkimage --format=i386-pc --prefix='(hd0,msdos1)/grub' --output=/run/core.img \
        biosdisk configfile ext2 linux normal part_msdos
    cp "$root/run/core.img" "$1/"
}

initramfs_wide() {
    initramfs "$1/initramfs" --no-hostonly --omit ignition
    initramfs "$1/bare" --no-hostonly --omit 'ignition provision provision-units'
    initramfs "$1/ignition" --no-hostonly --omit 'provision provision-units' --add ignition
    initramfs "$1/beside-ignition" --no-hostonly --add ignition
    # the machine of the tests is not this one: its drivers
    initramfs "$1/hostonly" --hostonly --omit ignition --add-drivers 'virtio_blk virtio_console virtio_pci'
    mv "$root/usr/lib/systemd/systemd-networkd" "$root/run/"
    initramfs "$1/network-manager" --no-hostonly --omit ignition
    mv "$root/run/systemd-networkd" "$root/usr/lib/systemd/"
}

initramfs() {
    file=$1
    shift
    chroot "$root" dracut --quiet --force --no-compress "$@" /run/initramfs "$kernel"
    mv "$root/run/initramfs" "$file"
}

"$@"

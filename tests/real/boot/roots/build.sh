#!/bin/sh
# build.sh base KIND IMAGE                a small Debian root with RAID and encryption, whose initramfs unlocks by clevis
# build.sh machine KIND IMAGE WHEEL DIR   our part on such a root (changed in place); vmlinuz and initramfs go to DIR
# Run as root, in a mount namespace of its own: whatever happens, nothing stays mounted.
set -eu
# shellcheck source=provision/system/virtual_machine/debian-root.sh
. provision/system/virtual_machine/debian-root.sh
private_mounts

packages=systemd,systemd-sysv,udev,dbus,kmod,passwd,fdisk,dracut,dracut-network,isc-dhcp-client,iproute2,iputils-arping
packages=$packages,linux-image-cloud-amd64,e2fsprogs,xfsprogs,btrfs-progs,mdadm,cryptsetup-bin
packages=$packages,clevis,clevis-luks,clevis-systemd,clevis-dracut,clevis-tpm2,jose,libpwquality-tools,tpm2-tools
packages=$packages,python3,python3-idna,python3-urllib3,python3-pyudev,ca-certificates
root=$(mktemp -d)
trap 'umount --recursive "$root" 2>/dev/null || :; rmdir "$root"' EXIT

base() {
    debian_root bookworm "$root" "$packages"
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
    make --silent install-dracut DESTDIR="$root" >/dev/null
    install_probe
    # the entry of the boot loader, from which the test starts the next boots
    mkdir -p "$root/boot/loader/entries"
    printf 'title Linux\nlinux /vmlinuz\noptions root=LABEL=root rw\n' >"$root/boot/loader/entries/linux.conf"
    printf 'LOADER=bls\nBOOT=LABEL=root\n' >"$root/etc/provision-kargs.conf"
    cp tests/real/boot/roots/special_files.py "$root/srv/"
    python3 tests/real/boot/roots/special_files.py "$root/srv/special"
    python3 tests/real/boot/roots/special_files.py --show "$root/srv/special" >"$root/srv/special.json"
    take_kernel "$4"
    initramfs "$root" "$4/initramfs" --no-hostonly --install 'e2fsck tune2fs'
    mask_slow
    mask "$root" mdadm-shutdown
}

"$@"

# shellcheck shell=sh
# Functions that make the root of a virtual machine, and its initramfs, for `provision try` and for the boot tests. Those
# that mount something need a mount namespace of their own: then nothing stays mounted, whatever happens.
set -eu

# debian_root SUITE TARGET PACKAGES [OPTION...]: Debian packages in a directory or a tar archive, by mmdebstrap
debian_root() {
    suite=$1 target=$2 packages=$3
    shift 3
    sources=/etc/apt/sources.list.d/debian.sources
    grep -qs "$suite" "$sources" || sources=
    # dracut's hook would build an initramfs for every kernel package: ours is built later
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --dpkgopt='path-exclude=/etc/kernel/postinst.d/dracut' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --essential-hook="mkdir -p \"\$1/etc/kernel/postinst.d\"" \
        --essential-hook="ln -s /bin/true \"\$1/etc/kernel/postinst.d/dracut\"" \
        "$@" "$suite" "$target" $sources
}

# file_system ROOT SIZE IMAGE: a file system with the label root that holds a directory. It needs no loop device
file_system() {
    rm -f "$3"
    truncate --size="$2" "$3"
    mkfs.ext4 -q -F -L root -d "$1" "$3"
}

# python_folder ROOT: where Debian's Python finds packages that Debian has not installed
python_folder() {
    echo "$1"/usr/local/lib/python3.*/dist-packages
}

# mount_kernel_file_systems ROOT: what programs in a chroot need
mount_kernel_file_systems() {
    for one in proc dev sys; do mount --rbind "/$one" "$1/$one"; done
    mount -t tmpfs run "$1/run" # without it dracut 059 ignores --hostonly
}

# in a user namespace what is mounted below /dev and /sys cannot be unmounted alone
unmount_kernel_file_systems() {
    for one in proc dev sys run; do umount --lazy "$1/$one" 2>/dev/null || :; done
}

private_mounts() {
    # fails in a chroot, where / is no mount point
    mount --make-rprivate / 2>/dev/null || :
}

# kernel_version ROOT: of its kernel for clouds, if it has one
kernel_version() {
    for one in "$1"/usr/lib/modules/*-cloud-* "$1"/usr/lib/modules/*; do
        [ ! -d "$one" ] || break
    done
    echo "${one##*/}"
}

# initramfs ROOT FILE [OPTION...]: an initramfs that dracut makes in that root
initramfs() {
    in_root=$1 file=$2
    shift 2
    chroot "$in_root" dracut --quiet --force --no-compress "$@" /run/initramfs "$(kernel_version "$in_root")"
    mv "$in_root/run/initramfs" "$file"
}

# mask ROOT UNIT...: services without their ending, other units with it
mask() {
    masked_in=$1
    shift
    for one in "$@"; do
        case $one in *.*) ;; *) one=$one.service ;; esac
        ln -sf /dev/null "$masked_in/etc/systemd/system/$one"
    done
}

# root_of_archive TAR FOLDER PYTHON DRACUT: a machine's files in FOLDER: root.img, vmlinuz, initramfs. TAR is what
# debian_root made; PYTHON the directory with our packages; DRACUT our directory of that name. Run it as root, at least
# of a user namespace
root_of_archive() {
    private_mounts
    root=$2/root
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    trap 'unmount_kernel_file_systems "$root"; rm -rf --one-file-system "$root"' EXIT
    # a user namespace may not make device nodes, and the kernel makes those of /dev
    tar --extract --file="$1" --directory="$root" --numeric-owner --exclude='./dev/*'
    # byte-code that another user has made may not be readable
    tar --create --directory="$3" --exclude=__pycache__ provision transpiler |
        tar --extract --directory="$(python_folder "$root")" --no-same-owner
    sh "$4/install" "$root"
    settings "$root"
    mount_kernel_file_systems "$root"
    cp "$root/boot/vmlinuz-$(kernel_version "$root")" "$2/vmlinuz"
    initramfs "$root" "$2/initramfs" --no-hostonly
    chroot "$root" systemctl --quiet enable systemd-networkd
    mask "$root" apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap \
        fstrim.timer systemd-networkd-wait-online
    unmount_kernel_file_systems "$root"
    file_system "$root" 4G "$2/root.img"
    chmod 644 "$2/root.img" "$2/vmlinuz" "$2/initramfs"
}

# settings ROOT: the network of qemu, keys where a config puts them, and a helper for kernel arguments
settings() {
    printf '[Match]\nType=ether\n[Network]\nDHCP=yes\n' >"$1/etc/systemd/network/80-ethernet.network"
    echo 'nameserver 10.0.2.3' >"$1/etc/resolv.conf"
    echo try >"$1/etc/hostname"
    echo 'AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys.d/ignition' \
        >"$1/etc/ssh/sshd_config.d/provision.conf"
    # there is no boot loader: `provision try` starts the kernel with the arguments of the config
    printf '#!/bin/sh\n' >"$1/usr/sbin/ignition-kargs-helper"
    chmod 755 "$1/usr/sbin/ignition-kargs-helper"
}

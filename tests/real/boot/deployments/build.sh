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
    # with OSTree /usr/local is a part of /var
    python3 -m zipfile -e "$3" "$root/usr/lib/python3/dist-packages"
    make --silent install-dracut DESTDIR="$root" >/dev/null
    install -m 644 tests/real/boot/probe.service "$root/etc/systemd/system/"
    ln -s ../probe.service "$root/etc/systemd/system/multi-user.target.wants/"
    mask "$root" apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap \
        fstrim.timer getty.target systemd-binfmt systemd-logind
    mount_kernel_file_systems "$root"
    kernel=$(kernel_version "$root")
    cp "$root/boot/vmlinuz-$kernel" "$4/vmlinuz"
    if [ "$1" = deployments ]; then
        mkdir "$4/ostree"
        cp "$4/vmlinuz" "$4/ostree/"
        initramfs "$root" "$4/ostree/initramfs" --no-hostonly --omit multipath
        deployment "$4/ostree"
    fi
    # a device of which only one path is there yet belongs to multipath too
    printf 'defaults {\n    find_multipaths greedy\n}\n' >"$root/etc/multipath.conf"
    initramfs "$root" "$4/initramfs" --no-hostonly --omit ostree
}

# an image with a deployment, as `ostree admin` makes it
deployment() {
    tree=$root/tree
    # the files are the same, under further names
    mkdir "$tree"
    for one in bin etc lib lib64 sbin usr; do cp -al "$root/$one" "$tree/"; done
    ostree_layout "$1"
    truncate --size=2G "$1/root.img"
    mkfs.ext4 -q -F -L root "$1/root.img"
    mkdir "$root/run/sysroot"
    mount -o loop "$1/root.img" "$root/run/sysroot"
    repository=--repo=/run/sysroot/ostree/repo
    in_root ostree admin init-fs /run/sysroot
    in_root ostree "$repository" config set sysroot.readonly true
    in_root ostree admin --sysroot=/run/sysroot os-init debian
    in_root ostree "$repository" commit --branch=debian --tree=dir=/tree
    in_root ostree admin --sysroot=/run/sysroot deploy --os=debian --karg=root=LABEL=root --karg=rw debian
    touch "$tree/usr/lib/next"
    in_root ostree "$repository" commit --branch=next --tree=dir=/tree
    cat "$root"/run/sysroot/boot/loader/entries/*.conf >"$1/entry"
    umount "$root/run/sysroot"
    rm -rf --one-file-system "$tree"
}

# where OSTree wants what is not /usr: https://ostreedev.github.io/ostree/adapting-existing/
ostree_layout() {
    mv "$tree/etc" "$tree/usr/etc"
    rm -rf "${tree:?}/usr/local"
    ln -s ../var/usrlocal "$tree/usr/local"
    mkdir "$tree/boot" "$tree/dev" "$tree/proc" "$tree/run" "$tree/sys" "$tree/sysroot" "$tree/var"
    ln -s sysroot/ostree "$tree/ostree"
    ln -s sysroot/tmp "$tree/tmp"
    ln -s var/roothome "$tree/root"
    for one in home mnt media opt srv; do ln -s "var/$one" "$tree/$one"; done
    for one in home mnt media opt roothome srv usrlocal; do echo "d /var/$one 0755 root root -"; done \
        >"$tree/usr/lib/tmpfiles.d/deployment.conf"
    cp "$1/vmlinuz" "$1/initramfs" "$tree/usr/lib/modules/$kernel/"
    mv "$tree/usr/lib/modules/$kernel/initramfs" "$tree/usr/lib/modules/$kernel/initramfs.img"
}

in_root() {
    chroot "$root" "$@" >/dev/null
}

"$@"

# shellcheck shell=sh disable=SC2154
# Functions for the scripts of this folder, which set `root`: our part on a root of Debian, and a deployment of OSTree of it.

# shellcheck source=tests/real/boot/machine.sh
. tests/real/boot/machine.sh

# our_part WHEEL DIR: kernel file systems stay mounted; vmlinuz goes to DIR
our_part() {
    # with OSTree /usr/local is a part of /var
    python3 -m zipfile -e "$1" "$root/usr/lib/python3/dist-packages"
    make --silent install-dracut DESTDIR="$root" >/dev/null
    install_probe
    mask_slow
    take_kernel "$2"
}

# deployment DIR: DIR, which is new, gets what boots a deployment of the root, as `ostree admin` makes it
deployment() {
    mkdir "$1"
    cp "$root/boot/vmlinuz-$kernel" "$1/vmlinuz"
    initramfs "$root" "$1/initramfs" --no-hostonly --omit multipath
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

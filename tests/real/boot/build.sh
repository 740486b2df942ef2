#!/bin/sh
# build.sh base KIND IMAGE                a file system with a Debian root: kernel, dracut, python3, the libraries we use
# build.sh machine KIND IMAGE WHEEL DIR   our part on such a root (changed in place); vmlinuz and initramfs go to DIR
# KIND is `plain`; `wide`: with NetworkManager, RAID, Debian's Ignition, initramfs-tools, and an initramfs for each; or
# `next`: as plain, of the Debian release after it.
# Run as root, in a mount namespace of its own: whatever happens, nothing stays mounted.
set -eu
# fails in a chroot, where / is no mount point
mount --make-rprivate / 2>/dev/null || :

packages=systemd,systemd-sysv,udev,dbus,kmod,passwd,fdisk,dracut,linux-image-cloud-amd64,e2fsprogs,xfsprogs,btrfs-progs
packages=$packages,clevis,clevis-luks,clevis-systemd,clevis-tpm2,cryptsetup-bin,jose,libpwquality-tools,tpm2-tools
packages=$packages,dosfstools,python3,python3-requests,python3-pyudev,python3-parted,ca-certificates,binutils
packages=$packages,grub-common,grub-pc-bin
wide=cpio,dracut-network,gdisk,ignition,initramfs-tools-core,mdadm,network-manager,systemd-boot-efi,zstd
root=$(mktemp -d)
trap 'umount --recursive "$root" 2>/dev/null || :; rmdir "$root"' EXIT

base() {
    suite=bookworm
    sources=/etc/apt/sources.list.d/debian.sources
    case $1 in
    wide) packages=$packages,$wide ;;
    next) suite=trixie packages=$packages,systemd-cryptsetup ;;
    esac
    grep -qs "$suite" "$sources" || sources=
    # dracut's hook would build an initramfs for every kernel package: ours is built below
    mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
        --dpkgopt='path-exclude=/etc/kernel/postinst.d/dracut' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --essential-hook="mkdir -p \"\$1/etc/kernel/postinst.d\"" \
        --essential-hook="ln -s /bin/true \"\$1/etc/kernel/postinst.d/dracut\"" \
        "$suite" "$root" $sources
    # no loop device: other tests of this machine take and leave them at the same time
    truncate --size=2G "$2.new"
    mkfs.ext4 -q -F -L root -d "$root" "$2.new"
    rm -rf --one-file-system "$root"
    mkdir "$root"
    mv "$2.new" "$2"
}

machine() {
    image=$2
    mount -o loop "$image" "$root"
    python3 -m zipfile -e "$3" "$(echo "$root"/usr/local/lib/python3.*/dist-packages)"
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
    # the stages of GRUB for a BIOS; the one between MBR and first partition reads the other from there
    cp "$root/usr/lib/grub/i386-pc/boot.img" "$4/"
    chroot "$root" grub-mkimage --format=i386-pc --prefix='(hd0,msdos1)/grub' --output=/run/core.img \
        biosdisk configfile ext2 linux normal part_msdos search search_label
    cp "$root/run/core.img" "$4/"
    "initramfs_$1" "$4"
    # what takes long in an emulated machine, and nobody looks at
    for one in NetworkManager apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer e2scrub_all.timer \
        e2scrub_reap fstrim.timer getty.target mdadm-shutdown systemd-binfmt systemd-logind; do
        case $one in *.*) ;; *) one=$one.service ;; esac
        ln -sf /dev/null "$root/etc/systemd/system/$one"
    done
    # for a factory reset
    mkdir -p "$root/usr/share/factory"
    cp -a "$root/etc" "$root/usr/share/factory/"
}

initramfs_plain() {
    initramfs "$1/initramfs" --no-hostonly
}

initramfs_next() {
    initramfs "$1/initramfs" --no-hostonly
}

initramfs_wide() {
    # NetworkManager is in those that use it; Debian's Ignition does
    omitted='ignition ifcfg network network-manager'
    initramfs "$1/initramfs" --no-hostonly --omit "$omitted"
    initramfs "$1/ignition" --no-hostonly --omit 'provision provision-units' --add ignition
    initramfs "$1/beside-ignition" --no-hostonly --add ignition
    # the machine of the tests is not this one: its drivers
    initramfs "$1/hostonly" --hostonly --omit ignition --add-drivers 'virtio_blk virtio_console virtio_pci'
    mv "$root/usr/lib/systemd/systemd-networkd" "$root/run/"
    initramfs "$1/network-manager" --no-hostonly --omit ignition
    mv "$root/run/systemd-networkd" "$root/usr/lib/systemd/"
    make --silent install-initramfs-tools DESTDIR="$root" >/dev/null
    chroot "$root" mkinitramfs -o /run/initramfs "$kernel"
    mv "$root/run/initramfs" "$1/initramfs-tools"
    first_boot_archive "$1"
    cp "$root/usr/lib/systemd/boot/efi/systemd-bootx64.efi" "$root/usr/lib/systemd/boot/efi/linuxx64.efi.stub" "$1/"
}

# an initramfs without us, the archive that a boot loader adds to it, and the menu of GRUB, with the stamp
first_boot_archive() {
    mkdir -p "$root/etc/dracut.conf.d" "$root/boot/grub"
    printf 'hostonly=no\nomit_dracutmodules+=" %s "\nprovision_first_boot_archive=yes\n' "$omitted" \
        >"$root/etc/dracut.conf.d/provision.conf"
    initramfs "$1/bare"
    zstd -1 -q -f -o "$root/boot/initrd.img-$kernel" "$1/bare"
    chroot "$root" provision-first-boot-archive "/boot/initrd.img-$kernel" /boot/provision-first-boot.img
    cp "$root/boot/provision-first-boot.img" "$1/archive"
    cp -r "$root/usr/lib/grub/i386-pc" "$root/boot/grub/"
    touch "$root/boot/ignition.firstboot"
    mv "$root/etc/default/grub" "$root/run/grub"
    echo "GRUB_CMDLINE_LINUX='$COMMAND_LINE'" >"$root/etc/default/grub"
    printf 'GRUB_TIMEOUT=0\nGRUB_TERMINAL=console\n' >>"$root/etc/default/grub"
    # it cannot find out on which device this root is, because that is a loop device: what it would find in the machine
    cat >"$root/run/grub-probe" <<EOF
#!/bin/sh
case "\$*" in
*--target=device*) echo /dev/vda ;;
*--target=fs_uuid*) echo $(blkid -o value -s UUID "$image") ;;
*--target=fs*) echo ext2 ;;
esac
EOF
    chmod +x "$root/run/grub-probe"
    mount --bind "$root/run/grub-probe" "$root/usr/sbin/grub-probe"
    chroot "$root" grub-mkconfig -o /boot/grub/grub.cfg
    umount "$root/usr/sbin/grub-probe"
    mv "$root/run/grub" "$root/etc/default/grub"
}

initramfs() {
    file=$1
    shift
    chroot "$root" dracut --quiet --force --no-compress "$@" /run/initramfs "$kernel"
    mv "$root/run/initramfs" "$file"
}

"$@"

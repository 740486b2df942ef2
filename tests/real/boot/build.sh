#!/bin/sh
# build.sh base KIND IMAGE                a file system with a Debian root: kernel, dracut, python3, the libraries we use
# build.sh machine KIND IMAGE WHEEL DIR   our part on such a root (changed in place); vmlinuz and initramfs go to DIR
# KIND is `plain`; `wide`: with NetworkManager, RAID, Debian's Ignition, initramfs-tools, sshd, and an initramfs for each; or
# `next`: as plain, of the Debian release after it, with YAML, and with an initrd of mkosi-initrd and a boot archive too.
# Run as root, in a mount namespace of its own: whatever happens, nothing stays mounted.
set -eu
# shellcheck source=provision/system/virtual_machine/debian-root.sh
. provision/system/virtual_machine/debian-root.sh
private_mounts

packages=systemd,systemd-sysv,udev,dbus,kmod,passwd,fdisk,dracut,linux-image-cloud-amd64,e2fsprogs,xfsprogs,btrfs-progs
packages=$packages,clevis,clevis-luks,clevis-systemd,clevis-tpm2,cryptsetup-bin,jose,libpwquality-tools,tpm2-tools
packages=$packages,dosfstools,python3,python3-idna,python3-urllib3,python3-pyudev,python3-parted,ca-certificates,binutils
packages=$packages,grub-common,grub-pc-bin
# the kernel for clouds has no 9p
wide=cpio,dracut-network,gdisk,ignition,initramfs-tools-core,linux-image-amd64,mdadm,network-manager,openssh-server
wide=$wide,procps,systemd-boot-efi,zstd
next=cpio,mkosi,ostree-boot,python3-yaml,systemd-boot-efi,systemd-cryptsetup,systemd-ukify,zstd
root=$(mktemp -d)
trap 'umount --recursive "$root" 2>/dev/null || :; rmdir "$root"' EXIT

base() {
    suite=bookworm
    case $1 in
    wide) packages=$packages,$wide ;;
    next) suite=trixie packages=$packages,$next ;;
    esac
    debian_root "$suite" "$root" "$packages"
    # no loop device: other tests of this machine take and leave them at the same time
    file_system "$root" 2G "$2.new"
    rm -rf --one-file-system "$root"
    mkdir "$root"
    mv "$2.new" "$2"
}

machine() {
    # shellcheck source=tests/real/boot/machine.sh
    . tests/real/boot/machine.sh
    image=$2
    mount -o loop "$image" "$root"
    python3 -m zipfile -e "$3" "$(python_folder "$root")"
    make --silent install-dracut install-metadata DESTDIR="$root" >/dev/null
    printf '#!/usr/bin/python3\nfrom provision.cli import main\nmain()\n' >"$root/usr/bin/provision"
    chmod 755 "$root/usr/bin/provision"
    install_probe
    printf 'LOADER=grub\nBOOT=LABEL=boot\nROOT=LABEL=root\n' >"$root/etc/provision-kargs.conf"
    mkdir -p "$root/etc/default"
    echo 'GRUB_CMDLINE_LINUX="provision.test=unwanted"' >"$root/etc/default/grub"
    # entries that nothing boots from, for the helpers of other boot loaders
    mkdir -p "$root/boot/loader/entries" "$root/etc/kernel"
    printf 'title Linux\nlinux /vmlinuz\noptions root=LABEL=root quiet\n' >"$root/boot/loader/entries/linux.conf"
    echo 'root=LABEL=root quiet' >"$root/etc/kernel/cmdline"
    take_kernel "$4"
    # the stages of GRUB for a BIOS; the one between MBR and first partition reads the other from there
    cp "$root/usr/lib/grub/i386-pc/boot.img" "$4/"
    chroot "$root" grub-mkimage --format=i386-pc --prefix='(hd0,msdos1)/grub' --output=/run/core.img \
        biosdisk configfile ext2 linux normal part_msdos search search_label
    cp "$root/run/core.img" "$4/"
    "initramfs_$1" "$4"
    mask_slow
    mask "$root" NetworkManager mdadm-shutdown ssh
    # for a factory reset
    mkdir -p "$root/usr/share/factory"
    cp -a "$root/etc" "$root/usr/share/factory/"
}

initramfs_plain() {
    initramfs "$root" "$1/initramfs" --no-hostonly
}

initramfs_next() {
    initramfs "$root" "$1/initramfs" --no-hostonly
    make --silent install-mkosi-initrd DESTDIR="$root"
    # it installs packages into its initrd
    cp /etc/resolv.conf "$root/etc/"
    mkdir -p "$root/usr/lib/firmware"
    chroot "$root" apt-get update --quiet
    chroot "$root" mkosi-initrd --kernel-version "$kernel" --output-dir /run/mkosi
    mv "$root/run/mkosi/initrd" "$1/mkosi"
    mkdir -p "$root/etc/dracut.conf.d"
    omitted=ostree
    first_boot_archive "$1"
    unified_kernel_image "$1"
}

# one for all boots, and the addon for the first one
unified_kernel_image() {
    chroot "$root" ukify build --linux="/boot/vmlinuz-$kernel" --initrd="/boot/initrd.img-$kernel" \
        --cmdline="$COMMAND_LINE" --output=/run/uki.efi
    chroot "$root" ukify build --initrd=/boot/provision-first-boot.img --cmdline=ignition.firstboot \
        --output=/run/first-boot.addon.efi
    mv "$root/run/uki.efi" "$root/run/first-boot.addon.efi" "$1/"
}

initramfs_wide() {
    mkdir -p "$root/etc/dracut.conf.d"
    # NetworkManager is in those that use it; Debian's Ignition does
    omitted='ignition ifcfg network network-manager'
    initramfs "$root" "$1/initramfs" --no-hostonly --omit "$omitted"
    initramfs "$root" "$1/ignition" --no-hostonly --omit 'provision provision-units' --add ignition
    initramfs "$root" "$1/beside-ignition" --no-hostonly --add ignition
    # the machine of the tests is not this one: its drivers
    initramfs "$root" "$1/hostonly" --hostonly --omit ignition --add-drivers 'virtio_blk virtio_console virtio_pci'
    initramfs_with_9p "$1"
    initramfs_without_clevis "$1"
    echo 'provision_ssh=yes' >"$root/etc/dracut.conf.d/provision.conf"
    initramfs "$root" "$1/ssh" --no-hostonly --omit "$omitted"
    mv "$root/usr/lib/systemd/systemd-networkd" "$root/run/"
    initramfs "$root" "$1/network-manager" --no-hostonly --omit ignition
    mv "$root/usr/sbin/NetworkManager" "$root/run/"
    initramfs "$root" "$1/network-legacy" --no-hostonly --omit ignition
    mv "$root/run/NetworkManager" "$root/usr/sbin/"
    mv "$root/run/systemd-networkd" "$root/usr/lib/systemd/"
    rm "$root/etc/dracut.conf.d/provision.conf"
    make --silent install-initramfs-tools DESTDIR="$root" >/dev/null
    chroot "$root" mkinitramfs -o /run/initramfs "$kernel"
    mv "$root/run/initramfs" "$1/initramfs-tools"
    first_boot_archive "$1"
    grub_menu
    cp "$root/usr/lib/systemd/boot/efi/systemd-bootx64.efi" "$root/usr/lib/systemd/boot/efi/linuxx64.efi.stub" "$1/"
}

initramfs_with_9p() {
    larger=${kernel%-cloud-amd64}-amd64
    cp "$root/boot/vmlinuz-$larger" "$1/vmlinuz-9p"
    chroot "$root" dracut --quiet --force --no-compress --no-hostonly --omit "$omitted" \
        --add-drivers '9p 9pnet_virtio' /run/initramfs "$larger"
    mv "$root/run/initramfs" "$1/9p"
}

# what `make bench-boot` compares where no program of clevis is installed
initramfs_without_clevis() {
    mkdir "$root/run/clevis"
    mv "$root"/usr/bin/clevis* "$root"/usr/bin/jose "$root"/usr/bin/tpm2* "$root/run/clevis/"
    initramfs "$root" "$1/without-clevis" --no-hostonly --omit "$omitted"
    initramfs "$root" "$1/ignition-without-clevis" --no-hostonly --omit 'provision provision-units' --add ignition
    mv "$root"/run/clevis/* "$root/usr/bin/"
    rmdir "$root/run/clevis"
}

# an initramfs without us, and the archive that a boot loader adds to it
first_boot_archive() {
    printf 'hostonly=no\nomit_dracutmodules+=" %s "\nprovision_first_boot_archive=yes\n' "$omitted" \
        >"$root/etc/dracut.conf.d/provision.conf"
    initramfs "$root" "$1/bare"
    zstd -1 -q -f -o "$root/boot/initrd.img-$kernel" "$1/bare"
    chroot "$root" provision-first-boot-archive "/boot/initrd.img-$kernel" /boot/provision-first-boot.img
    cp "$root/boot/provision-first-boot.img" "$1/archive"
}

# the menu of GRUB, with the stamp
grub_menu() {
    mkdir -p "$root/boot/grub"
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

"$@"

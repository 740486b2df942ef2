#!/bin/bash
# The program and what it needs: tools, drivers, udev rules. The interface is that of dracut (dracut.modules(7)).
# Its number is lower than that of Ignition's module, because the first module that installs a path keeps it.

# dracut sets these
: "${initdir=}" "${moddir=}" "${add_dracutmodules=}" "${IN_KDUMP=}"

check() {
    # neither a crash kernel nor a rescue system provisions a machine
    [[ $IN_KDUMP == 1 || " $add_dracutmodules " == *' rescue '* ]] && return 1
    require_binaries blkid mount python3 sfdisk udevadm || return 1
    python3 -sE -c 'import provision' 2>/dev/null
}

# udev rules for the volumes that a config makes, which a hostonly initramfs has only if this system has such volumes.
# dracut leaves us out if a module that we name cannot be installed, so each is named only if its programs exist
depends() {
    echo systemd
    if find_binary dmsetup >/dev/null; then
        echo dm
        ! find_binary cryptsetup >/dev/null || echo crypt
    fi
    if find_binary mdadm >/dev/null && find_binary expr >/dev/null; then
        echo mdraid
    fi
}

installkernel() {
    # drivers for the places that configs come from
    hostonly='' instmods cdrom isofs sr_mod udf vfat nls_ascii nls_cp437 nls_iso8859_1 nls_utf8
    hostonly='' instmods hv_utils mlxbf_bootctl qemu_fw_cfg vboxguest virtio_blk vmur
    hostonly='' instmods vmw_vsock_virtio_transport vmw_vsock_vmci_transport vsock
    # drivers for the devices and file systems that configs make
    hostonly='' instmods '=drivers/char/tpm'
    hostonly='' instmods btrfs dm_crypt dm_mod ext4 linear loop raid0 raid1 raid10 raid456 vfat xfs
    if find_binary cryptsetup >/dev/null; then
        hostonly='' instmods '=crypto' '=arch/x86/crypto' '=arch/arm64/crypto' '=arch/s390/crypto'
    fi
    # drivers for networks
    hostonly='' instmods af_packet ipv6 hv_netvsc virtio_net vmxnet3 xen_netfront '=drivers/net/ethernet' '=drivers/net/phy'
}

install() {
    local binaries source place
    binaries=$(python3 -sE "$moddir/collect.py" "$initdir") || return 1
    while IFS=$'\t' read -r source place; do
        inst "$source" "$place" || return 1
    done <<<"$binaries"
    # loaded by name: libudev by pyudev, libgcc_s by libc when a thread ends
    inst_libdir_file 'libudev.so.1*' 'libgcc_s.so.1'

    # the tools of the first line are always needed; the others only for some configs
    inst_multiple blkid grep modprobe mount sfdisk systemctl udevadm umount wipefs || return 1
    inst_multiple -o chroot groupadd groupdel groupmod useradd userdel usermod
    inst_multiple -o cryptsetup dmsetup kpartx mdadm mkfs.btrfs mkfs.ext4 mkfs.fat mkfs.vfat mkfs.xfs mkswap
    inst_multiple -o chccwdev cio_ignore journalctl vmur zstd
    inst_multiple -o ignition-kargs-helper is-live-image setfiles vmware-rpctool zkey zkey-cryptsetup
    if [[ -f ${dracutsysrootdir-}/etc/provision-kargs.conf ]] && ! find_binary ignition-kargs-helper >/dev/null; then
        install_kargs_helper || return 1
    fi
    if find_binary clevis >/dev/null; then
        install_clevis || return 1
    fi
    inst_simple -H /etc/mke2fs.conf
    inst_simple /etc/ssl/certs/ca-certificates.crt
    inst_simple /etc/pki/tls/certs/ca-bundle.crt
    # settings about trusted sources of the config, see docs/guide/trust.md
    inst_simple /usr/lib/ignition/provision.conf
    inst_simple /etc/ignition/provision.conf
    # config drives on optical media are found by what udev says about the medium
    inst_rules 60-cdrom_id.rules
}

# our helper for kernel arguments, if the distribution has none and /etc/provision-kargs.conf names the boot loader; it
# has the path of the one in Ignition's module, which only fails
install_kargs_helper() {
    inst_simple /etc/provision-kargs.conf
    inst "$moddir/kargs-helper.sh" /usr/sbin/ignition-kargs-helper || return 1
    inst_multiple bash chmod mktemp mount mv rmdir sleep stat sync systemctl umount
}

# the programs that `clevis luks bind` and `unlock` start: dracut does not find them, because the pins and helpers of
# clevis are shell scripts
install_clevis() {
    inst_multiple clevis clevis-decrypt clevis-decrypt-sss clevis-decrypt-tang clevis-encrypt-sss clevis-encrypt-tang \
        clevis-luks-bind clevis-luks-common-functions clevis-luks-list clevis-luks-pass clevis-luks-unlock \
        cryptsetup curl jose pwmake || return 1
    inst_multiple basename bash cat cut dirname grep head id ls mkdir mktemp od rm sed sh sort tail tr uname || return 1
    inst_multiple -o clevis-decrypt-null clevis-encrypt-null luksmeta mountpoint shred
    inst_multiple -o clevis-decrypt-tpm2 clevis-encrypt-tpm2 tpm2 tpm2_create tpm2_createpolicy tpm2_createprimary \
        tpm2_flushcontext tpm2_load tpm2_pcrlist tpm2_pcrread tpm2_unseal
    # pwmake fails without the dictionaries of cracklib; they have some megabytes, and random words need no such check
    mkdir -p "$initdir/etc/security/pwquality.conf.d"
    echo 'dictcheck = 0' >"$initdir/etc/security/pwquality.conf.d/provision.conf"
    # the tools for a TPM load it by name
    inst_libdir_file 'libtss2-tcti-device.so*'
}

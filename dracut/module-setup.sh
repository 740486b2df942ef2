#!/bin/bash
# What goes into an initramfs for provisioning at first boot: the interface that dracut asks for (dracut.modules(7)).

# dracut sets these
: "${initdir=}" "${moddir=}" "${systemdsystemunitdir=}" "${systemdutildir=}" "${SYSTEMCTL=}"

check() {
    require_binaries blkid mount python3 sfdisk udevadm || return 1
    python3 -sE -c 'import provision' 2>/dev/null
}

depends() {
    echo systemd
}

installkernel() {
    # drivers for the places that configs come from
    hostonly='' instmods cdrom isofs sr_mod udf vfat nls_ascii nls_cp437 nls_iso8859_1 nls_utf8
    hostonly='' instmods hv_utils mlxbf_bootctl qemu_fw_cfg vboxguest virtio_blk vmur
    hostonly='' instmods vmw_vsock_virtio_transport vmw_vsock_vmci_transport vsock
    # drivers for the devices and file systems that configs make
    hostonly='' instmods '=drivers/char/tpm'
    hostonly='' instmods btrfs dm_crypt dm_mod ext4 linear loop raid0 raid1 raid10 raid456 vfat xfs
    # drivers for networks
    hostonly='' instmods af_packet ipv6 hv_netvsc virtio_net vmxnet3 xen_netfront '=drivers/net/ethernet' '=drivers/net/phy'
}

install() {
    local binaries source place unit
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

    install_network
    for unit in "$moddir"/provision-*.{path,service}; do
        inst_simple "$unit" "$systemdsystemunitdir/${unit##*/}"
    done
    inst_simple "$moddir/emergency.conf" "$systemdsystemunitdir/emergency.service.d/provision.conf"
    $SYSTEMCTL -q --root "$initdir" enable provision-record.service
}

# our helper for kernel arguments, if the distribution has none and /etc/provision-kargs.conf names the boot loader
install_kargs_helper() {
    inst_simple /etc/provision-kargs.conf
    inst "$moddir/kargs-helper.sh" /usr/bin/ignition-kargs-helper || return 1
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

# systemd-networkd; it is started only when the engine needs the network
install_network() {
    inst_multiple -o ip networkctl \
        "$systemdutildir/systemd-networkd" \
        "$systemdutildir/systemd-network-generator" \
        "$systemdsystemunitdir/systemd-networkd.service" "$systemdsystemunitdir/systemd-networkd.socket" \
        "$systemdsystemunitdir/systemd-network-generator.service" \
        "$systemdsystemunitdir/network.target" "$systemdsystemunitdir/network-pre.target" \
        "$systemdsystemunitdir/network-online.target"
    inst_simple "$moddir/zz-provision.network" "$systemdutildir/network/zz-provision.network"
    grep '^systemd-network:' "${dracutsysrootdir-}/etc/passwd" >>"$initdir/etc/passwd"
    grep '^systemd-network:' "${dracutsysrootdir-}/etc/group" >>"$initdir/etc/group"
    if [[ -e $initdir$systemdsystemunitdir/systemd-network-generator.service ]]; then
        $SYSTEMCTL -q --root "$initdir" enable systemd-network-generator.service
    fi
}

# shellcheck shell=sh disable=SC2034 # for every builder of an initramfs: what the program needs beside Python
# Builders have variables of their own in the same shell (`drivers` of dracut): all names here begin with provision_.

# programs that are always needed, and those (tools for accounts are those of the root: see collect.py) that some configs or platforms need
provision_needed_tools='blkid modprobe mount systemctl udevadm umount wipefs'
provision_optional_tools='cryptsetup dmsetup kpartx mdadm mkfs.btrfs mkfs.ext4 mkfs.fat mkfs.vfat mkfs.xfs mkswap
    chccwdev cio_ignore journalctl vmur
    ignition-kargs-helper is-live-image mkdir setfiles vmware-rpctool zkey zkey-cryptsetup'

# libraries that are loaded by name: libgcc_s by libc when a thread ends, the others by provision.system
provision_libraries='libblkid.so.1 libgcc_s.so.1 libudev.so.1 libzstd.so.1'

# what our helper for kernel arguments starts
provision_kargs_tools='mount systemctl umount'

# what `clevis luks bind` and `unlock` start: its pins and helpers are shell scripts
provision_clevis_tools='clevis clevis-decrypt clevis-decrypt-sss clevis-decrypt-tang clevis-encrypt-sss clevis-encrypt-tang
    clevis-luks-bind clevis-luks-common-functions clevis-luks-list clevis-luks-pass clevis-luks-unlock
    cryptsetup curl jose pwmake
    basename bash cat cut dirname grep head id ls mkdir mktemp od rm sed sh sort tail tr uname'
provision_optional_clevis_tools='clevis-decrypt-null clevis-encrypt-null luksmeta mountpoint shred
    clevis-decrypt-tpm2 clevis-encrypt-tpm2 tpm2 tpm2_create tpm2_createpolicy tpm2_createprimary
    tpm2_flushcontext tpm2_load tpm2_pcrlist tpm2_pcrread tpm2_unseal'

# drivers for the places that configs come from, for a record in the firmware, for the devices and file systems that
# configs make, for networks
provision_drivers='cdrom isofs sr_mod udf vfat nls_ascii nls_cp437 nls_iso8859_1 nls_utf8
    efivarfs hv_utils mlxbf_bootctl qemu_fw_cfg vboxguest virtio_blk vmur
    vmw_vsock_virtio_transport vmw_vsock_vmci_transport vsock
    btrfs dm_crypt dm_mod ext4 linear loop raid0 raid1 raid10 raid456 xfs lzo-rle zram zstd
    af_packet ipv6 hv_netvsc virtio_net vmxnet3 xen_netfront'
provision_driver_folders='drivers/char/tpm drivers/net/ethernet drivers/net/phy'
provision_crypto_folders='crypto arch/x86/crypto arch/arm64/crypto arch/s390/crypto'

# settings that the program and its tools read
provision_settings='/etc/mke2fs.conf /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt
    /usr/lib/ignition/provision.conf /etc/ignition/provision.conf'

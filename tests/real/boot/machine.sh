# shellcheck shell=sh disable=SC2154
# Functions for the scripts that build the roots of machines, which set `root`. `machine` of a script sources them, and not
# the part above it: machine.py names the base images by a digest of that part.

# install_probe: the unit that reports what the machine is
install_probe() {
    install -m 644 tests/real/boot/probe.service "$root/etc/systemd/system/"
    ln -s ../probe.service "$root/etc/systemd/system/multi-user.target.wants/"
}

# take_kernel DIR: vmlinuz goes to DIR, its version to `kernel`; kernel file systems stay mounted
take_kernel() {
    mount_kernel_file_systems "$root"
    kernel=$(kernel_version "$root")
    cp "$root/boot/vmlinuz-$kernel" "$1/vmlinuz"
}

# mask_slow: what takes long in an emulated machine, and nobody looks at
mask_slow() {
    mask "$root" apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap \
        fstrim.timer getty.target systemd-binfmt systemd-logind
}

#!/bin/bash
# The units that run the program at a first boot, and the network that they start. The interface is that of dracut
# (dracut.modules(7)). If Ignition's module is in the initramfs too, its units run the program, and ours stay away;
# only the hooks that show why a boot failed are there.

# shellcheck disable=SC1091 # installable.sh is in the other module

# dracut sets these
: "${initdir=}" "${moddir=}" "${systemdsystemunitdir=}" "${systemdutildir=}" "${SYSTEMCTL=}" "${hookdir=}" "${provision_first_boot_archive=}" "${provision_ssh=}"

check() {
    . "$(dracut_module_path provision)/installable.sh"
    # nothing without the program, which says itself why it is left out
    are_installable provision || return 1
    # only if asked for (--add), where everything of ours is in an archive of its own
    [[ $provision_first_boot_archive != yes ]] || return 255
}

depends() {
    . "$(dracut_module_path provision)/installable.sh"
    echo provision systemd
    ! has_networkd || return 0
    if find_binary NetworkManager >/dev/null && are_installable network-manager; then
        echo network-manager
    elif are_installable network-legacy network; then
        echo network-legacy network
    fi
}

has_networkd() {
    [[ -x ${dracutsysrootdir-}$systemdutildir/systemd-networkd ]]
}

install() {
    local unit
    # every way in which dracut ends a boot that failed runs one of these hooks; they come before the others (80-)
    inst_hook emergency 10 "$moddir/explain.sh"
    inst_hook shutdown-emergency 10 "$moddir/explain.sh"
    if [[ $provision_ssh == yes ]]; then
        install_sshd || exit 1
    fi
    if dracut_module_included ignition; then
        dinfo 'the units of the dracut module ignition start provision; those of provision-units are left out'
        return 0
    fi
    if has_networkd; then
        install_networkd
        install_start networkd
    elif dracut_module_included network-manager; then
        install_start network-manager
    elif dracut_module_included network-legacy; then
        install_start network-legacy
    else
        dwarn 'there is neither systemd-networkd nor NetworkManager nor dhclient: no config can come over the network'
    fi
    for unit in "$moddir"/*.{path,service,target}; do
        inst_simple "$unit" "$systemdsystemunitdir/${unit##*/}"
    done
    # the units of a distribution are ordered by Ignition's names
    for unit in fetch-offline fetch kargs disks mount files; do
        ln_r "$systemdsystemunitdir/provision-$unit.service" "$systemdsystemunitdir/ignition-$unit.service"
    done
    ln_r "$systemdsystemunitdir/provision-remount.service" "$systemdsystemunitdir/ignition-remount-sysroot.service"
    inst_simple "$moddir/stage.sh" /usr/lib/provision/stage.sh
    inst_simple "$moddir/subsequent.sh" /usr/lib/provision/subsequent.sh
    inst_multiple sh
    $SYSTEMCTL -q --root "$initdir" enable provision-record.service provision-subsequent.service
}

# the script that starts the network
install_start() {
    inst_simple "$moddir/start-$1.sh" /usr/lib/provision/start-network.sh
}

# sshd, for `provision.on_failure=hold`; newer versions are several programs
install_sshd() {
    if ! inst_multiple sshd ssh-keygen sh ls cat journalctl; then
        derror 'provision_ssh=yes: sshd is not installed'
        return 1
    fi
    inst_multiple -o /usr/lib/openssh/sshd-auth /usr/lib/openssh/sshd-session \
        /usr/libexec/openssh/sshd-auth /usr/libexec/openssh/sshd-session
    grep '^sshd:' "${dracutsysrootdir-}/etc/passwd" >>"$initdir/etc/passwd"
}

# systemd-networkd; it is started only when the engine needs the network
install_networkd() {
    inst_multiple -o "$systemdutildir/systemd-networkd" "$systemdutildir/systemd-network-generator" \
        "$systemdsystemunitdir/systemd-networkd.service" "$systemdsystemunitdir/systemd-networkd.socket" \
        "$systemdsystemunitdir/systemd-network-generator.service" \
        "$systemdsystemunitdir/network.target" "$systemdsystemunitdir/network-pre.target" \
        "$systemdsystemunitdir/network-online.target"
    inst_simple "$moddir/zz-provision.network" "$systemdutildir/network/zz-provision.network"
    inst_simple "$moddir/resolve.sh" /usr/lib/provision/resolve.sh
    inst_multiple mv
    grep '^systemd-network:' "${dracutsysrootdir-}/etc/passwd" >>"$initdir/etc/passwd"
    grep '^systemd-network:' "${dracutsysrootdir-}/etc/group" >>"$initdir/etc/group"
    if [[ -e $initdir$systemdsystemunitdir/systemd-network-generator.service ]]; then
        $SYSTEMCTL -q --root "$initdir" enable systemd-network-generator.service
    fi
}

#!/bin/bash
# The program and what it needs: tools, drivers, udev rules. The interface is that of dracut (dracut.modules(7)).
# Its number is lower than that of Ignition's module, because the first module that installs a path keeps it.

# shellcheck disable=SC1091,SC2086,SC2154 # contents.sh sets lists of words

# dracut sets these
: "${initdir=}" "${moddir=}" "${systemdsystemunitdir=}" "${add_dracutmodules=}" "${IN_KDUMP=}" "${provision_clevis=}" "${provision_first_boot_archive=}" "${omit_dracutmodules=}"

check() {
    # neither a crash kernel nor a rescue system provisions a machine
    [[ $IN_KDUMP == 1 || " $add_dracutmodules " == *' rescue '* ]] && return 1
    require_binaries blkid mount python3 udevadm || return 1
    python3 -sE -c 'import provision' 2>/dev/null || return 1
    # only if asked for (--add), where everything of ours is in an archive of its own
    [[ $provision_first_boot_archive != yes ]] || return 255
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
    ! has_multipath || echo multipath
}

# whether this system uses multipath; without that file dracut's module takes no device for it
has_multipath() {
    local program
    [[ -f ${dracutsysrootdir-}/etc/multipath.conf && " $omit_dracutmodules " != *' multipath '* ]] || return 1
    [[ -d $(dracut_module_path multipath) ]] || return 1
    for program in dmsetup kpartx multipath multipathd partx pkill; do
        find_binary "$program" >/dev/null || return 1
    done
}

installkernel() {
    local folder
    . "$moddir/contents.sh"
    hostonly='' instmods $provision_drivers
    for folder in $provision_driver_folders; do hostonly='' instmods "=$folder"; done
    if find_binary cryptsetup >/dev/null; then
        for folder in $provision_crypto_folders; do hostonly='' instmods "=$folder"; done
    fi
}

install() {
    local binaries source place
    . "$moddir/contents.sh"
    binaries=$(python3 -sE -X no_debug_ranges "$moddir/collect.py" "$initdir") || return 1
    while IFS=$'\t' read -r source place; do
        inst "$source" "$place" || return 1
    done <<<"$binaries"
    for source in $provision_libraries; do inst_libdir_file "$source*"; done

    inst_multiple $provision_needed_tools || return 1
    inst_multiple -o $provision_optional_tools
    if [[ -f ${dracutsysrootdir-}/etc/provision-kargs.conf ]] && ! find_binary ignition-kargs-helper >/dev/null; then
        install_kargs_helper || return 1
    fi
    if [[ $provision_clevis != no ]] && find_binary clevis >/dev/null; then
        install_clevis || return 1
    fi
    if find_binary systemd-creds >/dev/null; then
        inst systemd-creds
        # it loads them by name, to decrypt credentials that belong to a TPM
        inst_libdir_file 'libtss2-esys.so*' 'libtss2-mu.so*' 'libtss2-rc.so*' 'libtss2-tcti-device.so*'
    fi
    for source in $provision_settings; do inst_simple "$source"; done
    if dracut_module_included multipath; then
        install_for_multipath
    fi
    # config drives on optical media are found by what udev says about the medium
    inst_rules 60-cdrom_id.rules
}

# what dracut's module multipath lacks: udev rules of multipath-tools and kpartx under the names that upstream and Debian
# give them. Without them udev takes each path for a disk of its own. They ask multipathd, and mean no if it does not run yet
install_for_multipath() {
    local plugin
    mkdir -p "$initdir$systemdsystemunitdir/multipathd.service.d" "$initdir$systemdsystemunitdir/multipathd.socket.d"
    printf '[Unit]\nBefore=systemd-udev-trigger.service\n' \
        >"$initdir$systemdsystemunitdir/multipathd.service.d/provision.conf"
    # the socket of dracut 059 would start it again while the initramfs ends, which then never ends
    printf '[Unit]\nConditionPathExists=!/etc/initrd-release\n' \
        >"$initdir$systemdsystemunitdir/multipathd.socket.d/provision.conf"
    inst_rules 56-dm-mpath.rules 56-dm-parts.rules 60-kpartx.rules 60-multipath.rules 68-del-part-nodes.rules \
        99-z-dm-mpath-late.rules
    inst_multiple -o rm "${udevdir-/usr/lib/udev}/kpartx_id"
    # what multipathd loads by name; dracut 059 looks for it elsewhere
    for plugin in "${dracutsysrootdir-}"/usr/lib/multipath/*.so; do
        [[ ! -e $plugin ]] || inst "${plugin#"${dracutsysrootdir-}"}"
    done
}

# our helper for kernel arguments, if the distribution has none and /etc/provision-kargs.conf names the boot loader; it
# has the path of the one in Ignition's module, which only fails
install_kargs_helper() {
    inst_simple /etc/provision-kargs.conf
    inst "$moddir/kargs-helper.py" /usr/sbin/ignition-kargs-helper || return 1
    inst_multiple $provision_kargs_tools
}

# dracut does not find the programs of clevis, because its pins and helpers are shell scripts
install_clevis() {
    inst_multiple $provision_clevis_tools || return 1
    inst_multiple -o $provision_optional_clevis_tools
    # pwmake fails without the dictionaries of cracklib; they have some megabytes, and random words need no such check
    mkdir -p "$initdir/etc/security/pwquality.conf.d"
    echo 'dictcheck = 0' >"$initdir/etc/security/pwquality.conf.d/provision.conf"
    # the tools for a TPM load it by name
    inst_libdir_file 'libtss2-tcti-device.so*'
}

#!/bin/bash
# The program and what it needs: tools, drivers, udev rules. The interface is that of dracut (dracut.modules(7)).
# Its number is lower than that of Ignition's module, because the first module that installs a path keeps it.

# shellcheck disable=SC1091,SC2086,SC2154 # contents.sh sets lists of words, installable.sh has a function

# dracut sets these
: "${initdir=}" "${moddir=}" "${systemdsystemunitdir=}" "${add_dracutmodules=}" "${IN_KDUMP=}" "${provision_clevis=}" "${provision_first_boot_archive=}"

check() {
    local said
    # neither a crash kernel nor a rescue system provisions a machine
    [[ $IN_KDUMP == 1 || " $add_dracutmodules " == *' rescue '* ]] && return 1
    require_binaries blkid mount python3 udevadm || return 1
    if ! said=$(python3 -sE "$moddir/collect.py" 2>&1); then
        derror "provision is left out of the initramfs: ${said##*$'\n'}"
        return 1
    fi
    # only if asked for (--add), where everything of ours is in an archive of its own
    [[ $provision_first_boot_archive != yes ]] || return 255
}

# udev rules for the volumes that a config makes, which a hostonly initramfs has only if this system has such volumes
depends() {
    . "$moddir/installable.sh"
    echo systemd
    if are_installable dm; then
        echo dm
        if find_binary cryptsetup >/dev/null && are_installable crypt; then
            echo crypt
        fi
    fi
    ! are_installable mdraid || echo mdraid
    ! has_multipath || echo multipath
}

# whether this system uses multipath; without that file dracut's module takes no device for it
has_multipath() {
    local program
    [[ -f ${dracutsysrootdir-}/etc/multipath.conf ]] || return 1
    for program in multipathd partx pkill; do
        find_binary "$program" >/dev/null || return 1
    done
    are_installable multipath
}

installkernel() {
    local folder
    . "$moddir/contents.sh"
    hostonly='' instmods $provision_drivers
    for folder in $provision_driver_folders; do hostonly='' instmods "=$folder"; done
    if dracut_module_included crypt; then
        for folder in $provision_crypto_folders; do hostonly='' instmods "=$folder"; done
    fi
}

install() {
    local binaries source place
    . "$moddir/contents.sh"
    binaries=$(python3 -sE -X no_debug_ranges "$moddir/collect.py" "$initdir") || give_up 'the program is not complete'
    while IFS=$'\t' read -r source place; do
        inst "$source" "$place" || give_up "$source cannot be installed"
    done <<<"$binaries"
    for source in $provision_libraries; do inst_libdir_file "$source*"; done

    inst_multiple $provision_needed_tools || give_up 'a program that every boot needs is not installed'
    # shellcheck disable=SC2046 # a list of words
    inst_multiple -o $(optional_tools)
    if [[ -f ${dracutsysrootdir-}/etc/provision-kargs.conf ]] && ! find_binary ignition-kargs-helper >/dev/null; then
        install_kargs_helper || give_up 'the helper for kernel arguments is not complete'
    fi
    if [[ $provision_clevis != no ]] && dracut_module_included crypt && find_binary clevis >/dev/null; then
        install_clevis || give_up 'clevis is not complete; provision_clevis=no leaves it out'
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

# dracut ignores what install() returns, and the units would be there without the program
give_up() {
    dfatal "provision: $1"
    exit 1
}

# prints the programs that some configs need. If another module of dracut is left out, so are those that work only with
# it: then the engine refuses a config that needs them before it changes anything, and does not fail, or hang, later
optional_tools() {
    local tool module
    for tool in $provision_optional_tools; do
        case $tool in
            cryptsetup | zkey*) module=crypt ;;
            dmsetup | kpartx) module=dm ;;
            mdadm) module=mdraid ;;
            *) module=provision ;;
        esac
        ! dracut_module_included "$module" || echo "$tool"
    done
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

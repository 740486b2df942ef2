# shellcheck shell=sh disable=SC1091,SC2086,SC2154 # contents.sh sets lists of words
# What the hooks of initramfs-tools and mkosi-initrd install, each in its own way. They define three functions:
#
#   copy_binary SOURCE PLACE   copies a program or a library, and the libraries that it needs
#   copy_text SOURCE PLACE     copies another file
#   program NAME               copies a program of the system, fails if there is none
#
# provision_install TREE does the rest. With provision_clevis=no in the environment it leaves clevis out.
. /usr/share/provision/contents.sh

fail() {
    echo "provision: $*" >&2
    exit 1
}

provision_install() {
    binaries=$(python3 -sE -X no_debug_ranges /usr/share/provision/collect.py "$1") || fail 'the program cannot be collected'
    echo "$binaries" | while read -r source place; do
        copy_binary "$source" "$place"
    done
    for name in $provision_libraries; do
        for library in /usr/lib/*/"$name" "/usr/lib64/$name"; do
            [ ! -e "$library" ] || copy_binary "$library" "$library"
        done
    done
    for tool in $provision_needed_tools; do
        program "$tool" || fail "$tool is not installed"
    done
    for tool in $provision_optional_tools; do
        program "$tool" || :
    done
    if [ -f /etc/provision-kargs.conf ] && ! command -v ignition-kargs-helper >/dev/null; then
        copy_text /etc/provision-kargs.conf /etc/provision-kargs.conf
        copy_text /usr/share/provision/kargs-helper.py /usr/sbin/ignition-kargs-helper
        for tool in $provision_kargs_tools; do program "$tool"; done
    fi
    if [ "${provision_clevis-}" != no ] && command -v clevis >/dev/null; then
        install_clevis "$1"
    fi
    for file in $provision_settings; do
        [ ! -f "$file" ] || copy_text "$file" "$file"
    done
    for rule in 60-cdrom_id 55-dm 60-persistent-storage-dm 95-dm-notify 63-md-raid-arrays 64-md-raid-assembly; do
        file=/usr/lib/udev/rules.d/$rule.rules
        [ ! -f "$file" ] || copy_text "$file" "$file"
    done
}

install_clevis() {
    for tool in $provision_clevis_tools; do program "$tool" || fail "clevis needs $tool, which is not installed"; done
    for tool in $provision_optional_clevis_tools; do program "$tool" || :; done
    for library in /usr/lib/*/libtss2-tcti-device.so* /usr/lib64/libtss2-tcti-device.so*; do
        [ ! -e "$library" ] || copy_binary "$library" "$library"
    done
    mkdir -p "$1/etc/security/pwquality.conf.d"
    echo 'dictcheck = 0' >"$1/etc/security/pwquality.conf.d/provision.conf"
}

#!/bin/bash
# ignition-kargs-helper: changes the kernel arguments of the installed system and, if anything changed, reboots.
#
#   ignition-kargs-helper [--should-exist ARGUMENT | --should-not-exist ARGUMENT]...
#
# Ignition's protocol: https://coreos.github.io/ignition/operator-notes/#kernel-arguments
# /etc/provision-kargs.conf, a shell fragment that dracut copies into the initramfs, names the boot loader:
#
#   LOADER=bls            changes loader/entries/*.conf of BOOT
#   LOADER=grub           changes grub/grub.cfg of BOOT, and /etc/default/grub of ROOT for the next grub-mkconfig
#   LOADER=systemd-boot   changes loader/entries/*.conf of BOOT, and /etc/kernel/cmdline of ROOT for kernel-install
#   BOOT=LABEL=boot       file system with the boot loader's files, in a form that mount(8) knows; or a directory
#   ROOT=LABEL=root       root file system, or a directory; the same as BOOT if there is no boot partition
set -eu -o pipefail
set -f # an argument may hold a *

LOADER='' BOOT='' ROOT='' REBOOT='systemctl reboot --force'
[[ -d /run/systemd/system ]] || REBOOT='reboot -f'
config=${PROVISION_KARGS_CONF:-/etc/provision-kargs.conf}
# shellcheck source=/dev/null
. "$config"

wanted=() unwanted=() changed=''
mounts=()

fail() {
    echo "ignition-kargs-helper: $*" >&2
    exit 1
}

leave() {
    local place
    for place in "${mounts[@]}"; do
        umount "$place"
        rmdir "$place"
    done
    mounts=()
}
trap leave EXIT

parse() {
    while (($#)); do
        (($# >= 2)) || fail "$1: an argument is missing"
        case $1 in
        --should-exist) wanted+=("$2") ;;
        --should-not-exist) unwanted+=("$2") ;;
        *) fail "$1: unknown option" ;;
        esac
        shift 2
    done
}

# sets `place` to a directory: to $1 if that is one, else to a new mount point on which $1 is mounted
open() {
    place=$1
    [[ -d $1 ]] && return
    place=$(mktemp -d)
    mount "$1" "$place" || fail "$1: cannot be mounted; see $config"
    mounts+=("$place")
}

# prints the arguments $1 without the unwanted ones and, at the end, with the wanted ones that were missing; each value
# of kernelArguments may be several words
edited() {
    local line=" $1 " one
    for one in "${unwanted[@]}"; do
        while [[ $line == *" $one "* ]]; do line=${line/" $one "/ }; done
    done
    for one in "${wanted[@]}"; do
        [[ $line == *" $one "* ]] || line="$line$one "
    done
    line=${line# }
    printf '%s' "${line% }"
}

# rewrites the lines of the file $1 that match the expression $2, which has three groups: the text before the
# arguments, the arguments, the text after them
rewrite() {
    local file=$1 expression=$2 line new mode text=''
    [[ -f $file ]] || fail "$file: there is no such file; see $config"
    while IFS= read -r line || [[ $line ]]; do
        if [[ $line =~ $expression ]]; then
            new="${BASH_REMATCH[1]}$(edited "${BASH_REMATCH[2]}")${BASH_REMATCH[3]}"
            [[ $new == "$line" ]] || changed=yes
            line=$new
        fi
        text+=$line$'\n'
    done <"$file"
    mode=$(stat -c %a "$file")
    (umask 077 && printf '%s' "$text" >"$file.new")
    chmod "$mode" "$file.new"
    sync "$file.new"
    mv "$file.new" "$file"
    sync "${file%/*}"
}

entries() {
    local file found=''
    set +f
    for file in "$1"/loader/entries/*.conf; do
        [[ -f $file ]] || continue
        found=yes
        set -f
        rewrite "$file" '^(options[[:space:]]+)(.*)()$'
        set +f
    done
    set -f
    [[ $found ]] || fail "$1/loader/entries: there are no entries; see $config"
}

parse "$@"
open "$BOOT"
boot=$place
root=$boot
# without a boot partition its files are in a directory of the system
if [[ -d $boot/boot/loader || -d $boot/boot/grub ]]; then
    boot=$boot/boot
fi
if [[ $ROOT && $ROOT != "$BOOT" && $LOADER != bls ]]; then
    open "$ROOT"
    root=$place
fi
case $LOADER in
bls) entries "$boot" ;;
grub)
    rewrite "$boot/grub/grub.cfg" '^([[:space:]]*linux[^[:space:]]*[[:space:]]+[^[:space:]]+[[:space:]]+)(.*)()$'
    rewrite "$root/etc/default/grub" '^(GRUB_CMDLINE_LINUX=")(.*)(")$'
    ;;
systemd-boot)
    entries "$boot"
    rewrite "$root/etc/kernel/cmdline" '^()(.*)()$'
    ;;
*) fail "LOADER=$LOADER is unknown; see $config" ;;
esac
leave
# the engine changes arguments for the next boot, too
if [[ $changed && ${PROVISION_KARGS_REBOOT-} != no ]]; then
    echo 'kernel arguments changed: rebooting'
    $REBOOT
    sleep infinity # so that no later stage begins before the reboot
fi

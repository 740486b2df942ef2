#!/bin/sh
# subsequent.sh [ROOT]: at a boot that is not the first one, does what Ignition's generator does: writes the platform to
# /run/ignition.env, and starts ignition-subsequent.target, if a unit is linked there. ROOT is for tests. A shell needs a
# tenth of the time in which Python starts.
root=${1-}

# prints the last value of an argument of the kernel command line
value() {
    found=''
    for word in $line; do
        case $word in "$1"=*) found=${word#*=} ;; esac
    done
    echo "$found"
}

# whether units are linked to a target
is_used() {
    for folder in etc run usr/lib; do
        for link in "$root/$folder/systemd/system/$1".requires/* "$root/$folder/systemd/system/$1".wants/*; do
            [ ! -e "$link" ] && [ ! -L "$link" ] || return 0
        done
    done
    return 1
}

if [ ! -e "$root/run/ignition.env" ]; then
    set -f
    read -r line <"$root/proc/cmdline"
    platform=$(value ignition.platform.id)
    platform=${platform:-$(value flatcar.oem.id)}
    platform=${platform:-$(value coreos.oem.id)}
    set +f
    echo "PLATFORM_ID=$platform" >"$root/run/ignition.env"
fi

is_used ignition-subsequent.target || is_used ignition-diskful-subsequent.target || exit 0
set -- ignition-subsequent.target ignition-diskful-subsequent.target
! command -v is-live-image >/dev/null || ! is-live-image || set -- ignition-subsequent.target
exec systemctl start --no-block "$@"

#!/bin/sh
# subsequent.sh [ROOT]: at a boot that is not the first one, does what Ignition's generator does: writes the platform to
# /run/ignition.env, and starts ignition-subsequent.target. The unit runs only if a unit is linked there. ROOT is for
# tests. A shell needs a tenth of the time in which Python starts.
root=${1-}

# prints the last value of an argument of the kernel command line
value() {
    found=''
    for word in $line; do
        case $word in "$1"=*) found=${word#*=} ;; esac
    done
    echo "$found"
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

set -- ignition-subsequent.target ignition-diskful-subsequent.target
! command -v is-live-image >/dev/null || ! is-live-image || set -- ignition-subsequent.target
exec systemctl start --no-block "$@"

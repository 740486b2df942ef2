#!/bin/sh
# stage.sh STEP...: `provision-firstboot run STEP...`, in a fork of the process that provision-look.service has left, where
# Python and the modules are loaded. The fork takes the place of this shell in its unit. Where there is no such process,
# this shell becomes the program. PROVISION_RUN is for tests.
run=${PROVISION_RUN:-/run/provision}
if [ -p "$run/requests" ] && [ -p "$run/answers" ]; then
    # opened for both, no side waits for the other. Of the answers this shell then keeps only what it reads from: so their
    # end says that the process has ended
    # shellcheck disable=SC2094
    exec 3<>"$run/requests" 4<>"$run/answers" 5<"$run/answers" 4>&-
    # in a subshell: for a redirection a shell exchanges its own output for a moment, and the fork takes what it finds there
    (echo "$$ $*" >&3)
    while read -r client status <&5; do
        [ "$client" = $$ ] || continue # a shell that was stopped has not read its answer
        [ "$status" -le 128 ] || echo "the stage was ended by signal $((status - 128))" >&2
        exit "$status"
    done
    # told to end, the process answers what it has begun, and removes the FIFOs; else it was killed
    if [ -p "$run/requests" ]; then
        echo 'the process that provision-look.service has left for the stages was killed' >&2
        exit 1
    fi
fi
exec /usr/bin/provision-firstboot run "$@"

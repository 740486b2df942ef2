# bash completion for provision

_provision() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-} options
    local target="--disk --image --size --sector-size --base --root --timeout --files-dir"
    local platforms="auto akamai aliyun applehv aws azure azurestack brightbox cloudstack digitalocean exoscale file gcp \
        hetzner hyperv ibmcloud kubevirt metal nutanix nvidiabluefield openstack oraclecloud packet powervs \
        proxmoxve qemu scaleway upcloud virtualbox vmware vultr zvm"
    case $previous in
        -d | --files-dir)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        --network-units | --networkmanager-profiles | --netplan-config)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        --ssh-keys)
            mapfile -t COMPREPLY < <(compgen -u -- "$current")
            return
            ;;
        --root | --base | --image | --config | -o | --output | --attributes | --coreos-attributes | --environment | --hostname)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --format)
            mapfile -t COMPREPLY < <(compgen -W "text json github sarif junit" -- "$current")
            return
            ;;
        --sector-size)
            mapfile -t COMPREPLY < <(compgen -W "512 4096" -- "$current")
            return
            ;;
        --platform | --provider)
            mapfile -t COMPREPLY < <(compgen -W "$platforms" -- "$current")
            return
            ;;
        --disk | --size | --timeout | --suite | --package | --memory | --disk-size | --argument) return ;;
    esac
    case $COMP_CWORD:$command in
        1:*)
            mapfile -t COMPREPLY < <(compgen -W "plan apply validate fetch metadata clean grow reset try capture replay --help --version" -- "$current")
            return
            ;;
        *:plan) options="$target --json --verbose --strict-devices --exit-code" ;;
        *:apply) options="$target --force --json --quiet" ;;
        *:validate) options="--format --strict --files-dir" ;;
        *:metadata) options="--platform --provider --cmdline --attributes --coreos-attributes --environment --hostname --ssh-keys --network-units --networkmanager-profiles --netplan-config --check-in --timeout --json" ;;
        *:fetch) options="--platform --timeout --offline --json --quiet" ;;
        *:clean) options="--root --ssh-host-keys --record-device" ;;
        *:reset) options="--root --keep --yes" ;;
        *:try) options="--files-dir --check --ssh --base --uefi --suite --package --memory --disk-size --argument --emulate" ;;
        *:capture) options="--files-dir --output --root --timeout" ;;
        *:replay) options="--config --files-dir --timeout --json --verbose --log" ;;
        *:grow)
            mapfile -t COMPREPLY < <(compgen -W "--help" -- "$current"; compgen -f -- "${current:-/dev/}")
            return
            ;;
    esac
    mapfile -t COMPREPLY < <(
        compgen -W "$options --help" -- "$current"
        [[ $command != replay || $current == -* ]] || compgen -f -- "$current"
        [[ $command == fetch || $command == metadata || $command == clean || $command == reset || $command == replay || $current == -* ]] || compgen -f -X '!*.@(ign|json|bu|butane|yaml|yml)' -- "$current"
        [[ $command == fetch || $command == metadata || $command == clean || $command == reset || $command == replay || $current == -* ]] || compgen -d -S / -- "$current"
    )
}

shopt -s extglob
complete -o nosort -o filenames -F _provision provision

# bash completion for transpile

_transpile() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=""
    case ${COMP_WORDS[1]-} in
        check | convert | diff | explain | fmt | lsp | pack | schema) ((COMP_CWORD > 1)) && command=${COMP_WORDS[1]} ;;
    esac
    case $previous in
        -d | --files-dir)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        --to)
            mapfile -t COMPREPLY < <(compgen -W "2.2 2.3 2.4 3.0 3.1 3.2 3.3 3.4 3.5 3.6 3.7 fcos flatcar r4e fiot" -- "$current")
            return
            ;;
        -i | --ignore)
            return
            ;;
        --dialect)
            mapfile -t COMPREPLY < <(compgen -W "coreos flatcar" -- "$current")
            return
            ;;
        --platform)
            if [ "$command" = pack ]; then
                mapfile -t COMPREPLY < <(compgen -W "aws azure digitalocean gcp hetzner openstack virtualbox" -- "$current")
                return
            fi
            mapfile -t COMPREPLY < <(compgen -W "azure digitalocean ec2 gce packet openstack-metadata
                vagrant-virtualbox cloudstack-configdrive custom" -- "$current")
            return
            ;;
        --engine)
            mapfile -t COMPREPLY < <(compgen -W "ignition provision" -- "$current")
            return
            ;;
        --target)
            mapfile -t COMPREPLY < <(compgen -W "fcos-36 fcos-37 fcos-38 fcos-39 fcos-40 fcos-41 fcos-42 fcos-43 fcos-44 flatcar-3815
                flatcar-3975 flatcar-4081 flatcar-4152 flatcar-4230 flatcar-4459 flatcar-4593 openshift-4.8
                openshift-4.9 openshift-4.10 openshift-4.11 openshift-4.12 openshift-4.13 openshift-4.14
                openshift-4.15 openshift-4.16 openshift-4.17 openshift-4.18 openshift-4.19 openshift-4.20
                openshift-4.21 debian-12 debian-13" -- "$current")
            return
            ;;
        --var | --limit | --url)
            return
            ;;
        -o | --output | -x | --exclude | --vars-file | --secrets-file | --second)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        -f | --format)
            [ "$command" = check ] && mapfile -t COMPREPLY < <(compgen -W "text json github gitlab sarif junit" -- "$current")
            return
            ;;
        --color)
            if [ "$command" = check ]; then
                mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$current")
                return
            fi
            ;;
    esac
    local options
    case $command in
        check)
            options="--files-dir --strict --exclude --ignore --fix --diff --format --output --jobs --quiet --color --help"
            options+=" --skip-others --target --var --vars-file --secrets-file --watch"
            ;;
        convert) options="--to --lowest --mount --files-dir --platform --dialect --address --allow-loss --pretty --output --help" ;;
        diff) options="--files-dir --exit-code --markdown --json --textconv --git --var --vars-file --secrets-file --help" ;;
        explain) options="--files-dir --json --var --vars-file --secrets-file --help" ;;
        pack) options="--platform --engine --limit --url --second --output --files-dir --var --vars-file --secrets-file --target --json --help" ;;
        fmt) options="--exclude --check --diff --help" ;;
        lsp)
            mapfile -t COMPREPLY < <(compgen -W "--stdio --help" -- "$current")
            return
            ;;
        schema)
            if ((COMP_CWORD == 2)); then
                options="fcos flatcar openshift r4e fiot container-linux"
            else
                options=$(transpile schema --help 2>&1 | sed -n "s/^  ${COMP_WORDS[2]} //p")
            fi
            mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
            return
            ;;
        *)
            options="--check --color --color=always --color=never --dialect --files-dir --help --lowest --output --plain --platform"
            options+=" --pretty --raw --raw-errors --secrets-file --strict --target --var --vars-file --version --watch"
            ((COMP_CWORD == 1)) && options+=" check convert diff explain fmt lsp pack schema"
            ;;
    esac
    mapfile -t COMPREPLY < <(
        compgen -W "$options" -- "$current"
        [[ $current == -* ]] || compgen -f -X '!*.@(bu|butane|yaml|yml)' -- "$current"
        [[ $current == -* ]] || compgen -d -S / -- "$current"
    )
}

shopt -s extglob
complete -o nosort -o filenames -F _transpile transpile

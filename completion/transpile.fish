# fish completion for transpile

set -l plain 'not __fish_seen_subcommand_from check convert diff lsp schema'
set -l convert '__fish_seen_subcommand_from convert'
set -l check '__fish_seen_subcommand_from check'

complete -c transpile -n __fish_use_subcommand -a check -d 'check many configs'
complete -c transpile -n __fish_use_subcommand -a convert -d 'convert an Ignition config to another version'
complete -c transpile -n __fish_use_subcommand -a diff -d 'show what changes between two configs'
complete -c transpile -n __fish_use_subcommand -a lsp -d 'judge configs in an editor while they are typed'
complete -c transpile -n __fish_use_subcommand -a schema -d 'print a JSON Schema'
complete -c transpile -n $plain -s c -l check -d 'check config without producing output'
complete -c transpile -n $plain -l color -x -a 'auto always never' -d 'colour of the report'
complete -c transpile -n $plain -l dialect -x -a 'coreos flatcar' -d 'dialect of a Container Linux Config'
complete -c transpile -n $plain -s d -l files-dir -x -a '(__fish_complete_directories)' -d 'allow embedding local files'
complete -c transpile -n $plain -s h -l help -d 'show usage and exit'
complete -c transpile -n $plain -s o -l output -r -d 'write to output file instead of stdout'
complete -c transpile -n $plain -l platform -x -d 'platform of a Container Linux Config' \
    -a 'azure digitalocean ec2 gce packet openstack-metadata vagrant-virtualbox cloudstack-configdrive custom'
complete -c transpile -n $plain -s p -l pretty -d 'output formatted json'
complete -c transpile -n $plain -s r -l raw -d 'never wrap in a MachineConfig'
complete -c transpile -n $plain -l raw-errors -d 'show raw errors'
complete -c transpile -n $plain -s s -l strict -d 'fail on any warning'
complete -c transpile -n $plain -s V -l version -d 'print the version and exit'

complete -c transpile -n $check -s d -l files-dir -x -a '(__fish_complete_directories)' -d 'where local files are'
complete -c transpile -n $check -s s -l strict -d 'warnings are errors'
complete -c transpile -n $check -s x -l exclude -r -d 'leave out files and directories'
complete -c transpile -n $check -s i -l ignore -x -d 'leave out the warnings of a rule'
complete -c transpile -n $check -l fix -d 'mend what has one certain remedy'
complete -c transpile -n $check -l diff -d 'show what --fix would change'
complete -c transpile -n $check -s f -l format -x -a 'text json github sarif junit' -d 'how findings are written'
complete -c transpile -n $check -s o -l output -r -d 'write findings to a file'
complete -c transpile -n $check -s j -l jobs -x -d 'processes'
complete -c transpile -n $check -s q -l quiet -d 'no progress and no summary'
complete -c transpile -n $check -l color -x -a 'auto always never' -d colour

complete -c transpile -n $convert -l to -x -a '2.2 2.3 2.4 3.0 3.1 3.2 3.3 3.4 3.5 3.6 3.7 fcos flatcar r4e fiot' -d 'version or variant of the result'
complete -c transpile -n $convert -l lowest -d 'the lowest version that can say all of it'
complete -c transpile -n $convert -s d -l files-dir -x -a '(__fish_complete_directories)' -d 'where local files are'
complete -c transpile -n $convert -l platform -x -a 'azure digitalocean ec2 gce packet openstack-metadata vagrant-virtualbox cloudstack-configdrive custom' -d 'platform of a Container Linux Config'
complete -c transpile -n $convert -l dialect -x -a 'coreos flatcar' -d 'dialect of a Container Linux Config'
complete -c transpile -n $convert -l mount -x -d 'where a file system of a config 2.x is mounted'
complete -c transpile -n $convert -l allow-loss -d 'write the result even if something is lost'
complete -c transpile -n $convert -s p -l pretty -d 'indent the result'
complete -c transpile -n $convert -s o -l output -r -d 'write to a file'

set -l diff '__fish_seen_subcommand_from diff'
complete -c transpile -n $diff -s d -l files-dir -x -a '(__fish_complete_directories)' -d 'where local files are'
complete -c transpile -n $diff -l exit-code -d 'exit with 1 if there are differences'

complete -c transpile -n '__fish_seen_subcommand_from lsp' -l stdio -d 'use standard input and output'

complete -c transpile -n '__fish_seen_subcommand_from schema' -x -a 'fcos flatcar openshift r4e fiot'

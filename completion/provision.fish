# fish completion for provision

set -l plan '__fish_seen_subcommand_from plan'
set -l apply '__fish_seen_subcommand_from apply'
set -l target '__fish_seen_subcommand_from plan apply'
set -l validate '__fish_seen_subcommand_from validate'
set -l metadata '__fish_seen_subcommand_from metadata'
set -l fetch '__fish_seen_subcommand_from fetch'
set -l clean '__fish_seen_subcommand_from clean'
set -l reset '__fish_seen_subcommand_from reset'
set -l try '__fish_seen_subcommand_from try'
set -l platforms auto akamai aliyun applehv aws azure azurestack brightbox cloudstack digitalocean exoscale file gcp \
    hetzner hyperv ibmcloud kubevirt metal nutanix nvidiabluefield openstack oraclecloud packet powervs \
    proxmoxve qemu scaleway upcloud virtualbox vmware vultr zvm

complete -c provision -n __fish_use_subcommand -f
complete -c provision -n __fish_use_subcommand -a plan -d 'show what a config would do, and change nothing'
complete -c provision -n __fish_use_subcommand -a apply -d 'provision disk images or a directory tree'
complete -c provision -n __fish_use_subcommand -a validate -d 'check configs and report every problem'
complete -c provision -n __fish_use_subcommand -a fetch -d 'show the config this machine would get'
complete -c provision -n __fish_use_subcommand -a metadata -d 'write what the platform says of this machine'
complete -c provision -n __fish_use_subcommand -a clean -d 'prepare a system for capture as an image'
complete -c provision -n __fish_use_subcommand -a grow -d 'let partitions grow into the free space behind them'
complete -c provision -n __fish_use_subcommand -a reset -d 'make the next boot a first boot on an emptied root file system'
complete -c provision -n __fish_use_subcommand -a try -d 'boot a virtual machine with a config'
complete -c provision -n __fish_use_subcommand -l version -d 'print the version'
complete -c provision -s h -l help -d 'show the usage'

complete -c provision -n $target -s d -l files-dir -x -a '(__fish_complete_directories)' -d 'where a YAML config finds local files'
complete -c provision -n $target -l disk -x -d 'let a device of the config be a disk image: DEVICE=IMAGE[:SIZE]'
complete -c provision -n $target -l image -r -d 'disk image for the only disk of the config'
complete -c provision -n $target -l size -x -d 'make the image of --image new, with this size'
complete -c provision -n $target -l sector-size -x -a '512 4096' -d 'of images without a partition table'
complete -c provision -n $target -l base -r -d 'tree to seed the file system at / with'
complete -c provision -n $target -l timeout -x -d 'give up when nothing arrives for so many seconds'
complete -c provision -n $target -l root -x -a '(__fish_complete_directories)' -d 'work on a directory tree'

complete -c provision -n $plan -l json -d 'print the plan as JSON'
complete -c provision -n $plan -l verbose -d 'show what is kept unchanged as well'
complete -c provision -n $plan -l strict-devices -d 'fail if a device does not exist here'
complete -c provision -n $plan -l exit-code -d 'exit with 4 if there are changes to make'

complete -c provision -n $apply -l force -d 'replace an existing image, or lose what is on it'
complete -c provision -n $apply -l json -d 'a line of JSON for each step'
complete -c provision -n $apply -l quiet -d 'print nothing when all goes well'

complete -c provision -n $validate -l format -x -a 'text json github sarif junit' -d 'form of the report'
complete -c provision -n $validate -l strict -d 'treat warnings as errors'
complete -c provision -n $validate -s d -l files-dir -x -a '(__fish_complete_directories)' -d 'where YAML configs find local files'

complete -c provision -n $fetch -f
complete -c provision -n $fetch -l platform -x -a "$platforms" -d 'where to ask'
complete -c provision -n $fetch -l timeout -x -d 'seconds for all together'
complete -c provision -n $fetch -l offline -d 'fail instead of using a network'
complete -c provision -n $fetch -l json -d 'print the config'
complete -c provision -n $fetch -l quiet -d 'show no progress'

complete -c provision -n $metadata -l platform -x -a "$platforms" -d 'where to ask'
complete -c provision -n $metadata -l provider -x -a "$platforms" -d 'where to ask'
complete -c provision -n $metadata -l cmdline -d 'ask the platform of the kernel command line'
complete -c provision -n $metadata -l attributes -r -d 'write the attributes'
complete -c provision -n $metadata -l coreos-attributes -r -d 'write them with the names of coreos-metadata'
complete -c provision -n $metadata -l environment -r -d 'write the addresses'
complete -c provision -n $metadata -l hostname -r -d 'write the host name'
complete -c provision -n $metadata -l ssh-keys -x -a '(__fish_complete_users)' -d 'write the SSH keys of a user'
complete -c provision -n $metadata -l network-units -x -a '(__fish_complete_directories)' -d 'write units of systemd-networkd'
complete -c provision -n $metadata -l networkmanager-profiles -x -a '(__fish_complete_directories)' -d 'write profiles of NetworkManager'
complete -c provision -n $metadata -l netplan-config -x -a '(__fish_complete_directories)' -d 'write a file of netplan'
complete -c provision -n $metadata -l check-in -d 'tell the platform that the machine has booted'
complete -c provision -n $metadata -l timeout -x -d 'give up when all took so many seconds'
complete -c provision -n $metadata -l json -d 'print the metadata as JSON'

complete -c provision -n $clean -f
complete -c provision -n $clean -l root -x -a '(__fish_complete_directories)' -d 'root of the system'
complete -c provision -n $clean -l ssh-host-keys -d 'remove SSH host keys too'
complete -c provision -n $reset -f
complete -c provision -n $reset -l root -x -a '(__fish_complete_directories)' -d 'root of the system'
complete -c provision -n $reset -l keep -r -d 'a file or directory that stays'
complete -c provision -n $reset -l yes -d 'ask for the reset'

complete -c provision -n $try -s d -l files-dir -x -a '(__fish_complete_directories)' -d 'where a YAML config finds local files'
complete -c provision -n $try -l check -d 'end the machine when its boot has ended'
complete -c provision -n $try -l ssh -d 'log in by ssh'
complete -c provision -n $try -l base -r -d 'start from this disk image'
complete -c provision -n $try -l uefi -d 'start the image with UEFI'
complete -c provision -n $try -l suite -x -d 'release of the Debian root'
complete -c provision -n $try -l package -x -d 'a Debian package more'
complete -c provision -n $try -l memory -x -d 'memory of the machine in MiB'
complete -c provision -n $try -l disk-size -x -d 'size of the disks that are made'
complete -c provision -n $try -l argument -x -d 'a kernel argument more'
complete -c provision -n $try -l emulate -d 'do not use KVM'

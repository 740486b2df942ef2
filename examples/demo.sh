#!/bin/sh
# `make demo`: YAML on a laptop to a provisioned disk image, and a look at what is on it. Needs root: loop devices, mounts.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
config=examples/web-server.yaml image=build/demo.img

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
# offset and size in bytes of partition $1
place() { sfdisk --json "$image" | python3 -c 'import json, sys
disk = json.load(sys.stdin)["partitiontable"]; one = disk["partitions"][int(sys.argv[1]) - 1]
print(one["start"] * 512, one["size"] * 512)' "$1"; }

mkdir -p build
say "The config: $config, checked and made JSON (the first lines of build/demo.ign)"
transpile --strict --pretty "$config" >build/demo.ign
head -n 12 build/demo.ign
provision validate build/demo.ign && echo "... valid"

say "The plan"
provision plan build/demo.ign --image "$image" --size 4G

say "Provisioning $image"
provision apply build/demo.ign --image "$image" --size 4G --force

say "Its partition table"
sfdisk --list "$image"

root=$(mktemp -d)
trap 'umount -R "$root" 2>/dev/null || :; rmdir "$root"' EXIT
say "Its file systems"
for number in 1 2; do
    read -r offset size <<EOF
$(place $number)
EOF
    echo "partition $number: $(blkid --probe --offset "$offset" --size "$size" --output export "$image" |
        grep -E '^(TYPE|LABEL|UUID)=' | sort | tr '\n' ' ')"
    mount -o "ro,loop,offset=$offset,sizelimit=$size" "$image" "$root$([ $number = 1 ] || echo /var/www)"
done

say "The files on it"
(cd "$root" && find . -mindepth 1 -not -name lost+found -printf '%M %5U %5G %p -> %l\n' | sed 's/ -> $//' | sort -k 4)

say "Its users"
cat "$root/etc/passwd"

say "Its units: enabled at the first boot, masked"
cat "$root/etc/systemd/system-preset/20-ignition.preset"
find "$root/etc/systemd/system" -lname /dev/null -printf 'masked %f\n'

say "The page it will serve"
cat "$root/var/www/html/index.html"

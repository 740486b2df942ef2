"""The scripts for an initramfs of initramfs-tools: where each does its work, and what they run there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "initramfs-tools"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")

FUNCTIONS = """\
panic() { echo "panic: $*" >>/events; }
wait_for_udev() { :; }
resolve_device() { [ -e "/devices/$1" ]; }
configure_networking() {
    echo "configure $IP" >>/events
    case ${NO_ANSWER:-none} in "$IP" | all) exit 2 ;; esac
    case $IP in :::::*) device=${IP#:::::} device=${device%:*} ;; *) device=ens3 ;; esac
    printf 'IPV4DNS0=10.0.0.%s\nIPV4DNS1=0.0.0.0\n' "${device#ens}" >"/run/net-$device.conf"
}
"""
"""Those of initramfs-tools that our scripts call; a device exists if there is a file of its name in /devices.

Without an answer configure_networking ends the shell: it reads a file that is not there.
"""

LOCAL = """\
local_block() {
    echo "local-block $1" >>/events
    [ "$(grep -c local-block /events)" -lt "${OPENED_BY_ROUND:-999}" ] || touch "/devices/$1"
}
"""

PROGRAM = """\
#!/bin/sh
echo "$*" >>/events
[ "$*" != "${FAILS-}" ] || exit 1
case $* in
look*)
    echo "PLATFORM_ID=${PLATFORM:-qemu}" >/run/ignition.env
    [ -z "${NEEDS_NETWORK-}" ] || { mkdir -p /run/ignition && touch /run/ignition/neednet; }
    [ "${VERDICT:-first}" != first ] || touch /run/provision/first-boot /run/ignition.json
    ;;
network)
    echo "nameserver fd00::53" >/run/provision/resolv.conf
    printf '%s\n' $DHCP_LINKS
    exit "${DESCRIBED:-0}"
    ;;
*files*)
    echo ours >/sysroot/usr/written 2>/dev/null
    touch /run/provision/recorded
    ;;
esac
"""
"""`provision-firstboot`, which notes what it shall do."""

AUTO = "provision.firstboot=auto root=LABEL=root"
STAMP = "ignition.firstboot root=LABEL=root"
PREMOUNT = ("init-premount", "local-premount")
LOCAL_BOOT = (*PREMOUNT, "local-bottom", "init-bottom")
SOURCE_OF = {"premount": "disks", "bottom": "files"}

UNWRITABLE_USR = """\
#!/bin/sh
case $* in *remount,rw*/usr) exit 32 ;; esac
exec /usr/bin/mount "$@"
"""

IN_A_TREE = """
mount --bind /usr "$1/usr" && mount -t proc proc "$1/proc" && mount --bind "$1/cmdline" "$1/proc/cmdline" &&
    mount -t tmpfs root "$1/root" && mkdir "$1/root/usr" && mount -t tmpfs usr "$1/root/usr" &&
    mount -o remount,ro "$1/root" && mount -o remount,ro "$1/root/usr" || exit 99
exec chroot "$1" sh -c "$2"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An initramfs with our scripts, the programs of this machine, and stand-ins for what our scripts call."""
    tree = tmp_path / "tree"
    for name in ("usr", "proc", "run", "root", "etc", "dev", "devices/LABEL=root", "scripts", "tools"):
        (tree / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    for place in (*LOCAL_BOOT, "nfs-premount", "nfs-bottom"):
        source = "check" if place == "init-bottom" else SOURCE_OF[place.partition("-")[2]]
        (tree / "scripts" / place).mkdir()
        shutil.copy(SOURCES / source, tree / "scripts" / place / "provision")
    shutil.copy(SOURCES / "functions", tree / "scripts/provision")
    (tree / "scripts/functions").write_text(FUNCTIONS)
    (tree / "scripts/local").write_text(LOCAL)
    for name, text in (("provision-firstboot", PROGRAM), ("provision", PROGRAM), ("sleep", "#!/bin/sh\n")):
        (tree / "tools" / name).write_text(text)
        (tree / "tools" / name).chmod(0o755)
    (tree / "tools/modprobe").symlink_to("sleep")
    (tree / "events").touch()
    return tree


def boot(tree: Path, command_line: str, *places: str, then: str = ":", **environment: str) -> str:
    """Run our scripts of these places one after the other, then a command; returns what that prints."""
    (tree / "cmdline").write_text(command_line + "\n")
    script = "".join(f"/scripts/{place}/provision; " for place in places) + then
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", IN_A_TREE, "sh", tree, script],
        env={
            "PATH": "/tools:/usr/sbin:/usr/bin",
            "BOOT": "local",
            "ROOT": "LABEL=root",
            "IP": "",
            "rootmnt": "/root",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def events(tree: Path) -> list[str]:
    return (tree / "events").read_text().splitlines()


DISKS = "run kargs disks"
FILES = "run reset mount files umount record end"


def test_a_record_is_looked_for_after_scripts_have_opened_the_root(tree: Path) -> None:
    (tree / "devices/LABEL=root").rmdir()
    boot(tree, AUTO, *LOCAL_BOOT, OPENED_BY_ROUND="3")
    assert events(tree) == [*["local-block LABEL=root"] * 3, "look", DISKS, FILES]


def test_nothing_is_opened_before_a_first_boot_that_the_boot_loader_names(tree: Path) -> None:
    boot(tree, STAMP, "init-premount")
    assert events(tree) == ["look", DISKS]
    boot(tree, STAMP, *LOCAL_BOOT[1:])
    assert events(tree) == ["look", DISKS, FILES]


def test_a_device_that_does_not_appear_is_not_waited_for_twice(tree: Path) -> None:
    (tree / "devices/LABEL=root").rmdir()
    shown = boot(tree, f"{AUTO} provision.firstboot.wait=7", *PREMOUNT, VERDICT="later")
    assert events(tree) == [*["local-block LABEL=root"] * 7, "look now"]
    assert shown == "provision: waiting for the device LABEL=root, 2 s more\n"


def test_the_device_that_has_the_record_is_waited_for(tree: Path) -> None:
    boot(tree, f"{AUTO} provision.firstboot.device=LABEL=data provision.firstboot.wait=1", *PREMOUNT, VERDICT="later")
    assert events(tree) == ["local-block LABEL=data", "look now"]


def test_a_record_in_the_firmware_is_looked_for_before_a_volume_is_opened(tree: Path) -> None:
    (tree / "devices/LABEL=root").rmdir()
    boot(tree, f"{AUTO} provision.firstboot.device=efivar", "init-premount")
    assert events(tree) == ["look", DISKS]


def test_a_missing_root_is_explained_before_initramfs_tools_gives_up(tree: Path) -> None:
    (tree / "devices/LABEL=root").rmdir()
    boot(tree, STAMP, *PREMOUNT)
    assert events(tree)[:3] == ["look", DISKS, "local-block LABEL=root"]
    assert events(tree)[-2:] == ["explain", "panic: there is no root device LABEL=root"]


def test_what_failed_is_not_gone_on_with_when_a_person_leaves_the_shell(tree: Path) -> None:
    boot(tree, STAMP, *LOCAL_BOOT, FAILS=DISKS)
    assert [one for one in events(tree) if not one.startswith("panic: ")] == ["look", DISKS, "explain", "explain"]
    first, second = events(tree)[-2:]
    assert first == "panic: an earlier step of the first boot failed"
    assert second.startswith("panic: the first boot is not complete")


def test_a_slow_root_is_waited_for_as_long_as_rootdelay_says(tree: Path) -> None:
    (tree / "devices/LABEL=root").rmdir()
    boot(tree, STAMP, *LOCAL_BOOT, ROOTDELAY="45", OPENED_BY_ROUND="40")
    assert [one for one in events(tree) if not one.startswith("local-block")] == ["look", DISKS, FILES]


def test_a_root_on_nfs_is_provisioned_once(tree: Path) -> None:
    places = ("nfs-premount", "local-premount", "nfs-bottom", "local-bottom", "init-bottom")
    boot(tree, "provision.firstboot=auto boot=nfs", "init-premount", *places, BOOT="nfs", ROOT="/dev/nfs")
    assert events(tree) == ["look", DISKS, FILES]


@pytest.mark.parametrize(
    ("command_line", "places", "expected"),
    [
        (AUTO, ("init-premount", "init-bottom"), "boot=live runs no script of local-premount or nfs-premount"),
        (STAMP, ("init-premount", "init-bottom"), "the first boot is not complete"),
        ("root=LABEL=root", ("init-premount", "init-bottom"), ""),
    ],
)
def test_a_boot_that_runs_none_of_the_scripts_stops(
    command_line: str, places: tuple[str, ...], expected: str, tree: Path
) -> None:
    boot(tree, command_line, *places, BOOT="live")
    panics = [line.removeprefix("panic: ") for line in events(tree) if line.startswith("panic")]
    assert [line[: len(expected)] for line in panics] == ([expected] if expected else [])


def test_a_usr_of_its_own_gets_what_is_written(tree: Path) -> None:
    shown = boot(tree, STAMP, *LOCAL_BOOT, then="cat /root/usr/written; grep -c sysroot /proc/mounts || :")
    assert shown == "ours\n0\n"


def test_a_usr_that_nobody_can_write_stays_as_it_is(tree: Path) -> None:
    (tree / "tools/mount").write_text(UNWRITABLE_USR)
    (tree / "tools/mount").chmod(0o755)
    boot(tree, STAMP, *LOCAL_BOOT)
    assert events(tree)[-1] == FILES


def test_the_host_name_of_the_platform_comes_before_the_config(tree: Path) -> None:
    boot(tree, f"{STAMP} provision.hostname=platform", *LOCAL_BOOT)
    assert events(tree) == [
        *("look", "configure ", DISKS, "run reset"),
        "metadata --cmdline --timeout 300 --hostname /sysroot/etc/hostname",
        "run mount files umount record end",
    ]


@pytest.mark.parametrize("platform", ["kubevirt", "proxmoxve", "qemu"])
@pytest.mark.parametrize("ip", ["", "off", "::::node:ens9:dhcp"])
def test_the_network_of_the_platform_is_used_unless_ip_says_otherwise(platform: str, ip: str, tree: Path) -> None:
    shown = boot(tree, STAMP, *PREMOUNT, then="cat /etc/resolv.conf", PLATFORM=platform, NEEDS_NETWORK="1", IP=ip)
    is_described = platform != "qemu" and not ip
    assert events(tree) == ["look", "network" if is_described else f"configure {ip}", DISKS]
    assert shown == ("nameserver fd00::53\n" if is_described else "nameserver 10.0.0.3\n")


def test_each_link_with_dhcp_is_asked_for(tree: Path) -> None:
    machine = {"PLATFORM": "kubevirt", "DHCP_LINKS": "ens3 ens4 ens5", "NO_ANSWER": ":::::ens4:dhcp"}
    shown = boot(tree, STAMP, *PREMOUNT, then="cat /etc/resolv.conf", NEEDS_NETWORK="1", **machine)
    assert [*events(tree)[:2], events(tree)[-1]] == ["look", "network", DISKS]
    assert sorted(events(tree)[2:-1]) == [f"configure :::::{name}:dhcp" for name in ("ens3", "ens4", "ens5")]
    assert shown.splitlines() == [f"nameserver {one}" for one in ("fd00::53", "10.0.0.3", "10.0.0.5")]


def test_without_a_description_there_is_dhcp(tree: Path) -> None:
    boot(tree, STAMP, *PREMOUNT, PLATFORM="kubevirt", NEEDS_NETWORK="1", DESCRIBED="1")
    assert events(tree) == ["look", "network", "configure ", DISKS]


def test_a_network_that_gives_no_answer_does_not_end_the_script(tree: Path) -> None:
    """The engine waits for the network, and says what is missing."""
    boot(tree, STAMP, *PREMOUNT, NEEDS_NETWORK="1", NO_ANSWER="all")
    assert events(tree) == ["look", "configure ", DISKS]


def test_no_file_is_written_if_the_disks_were_not_made(tree: Path) -> None:
    """The first script ends early, for example by an error in a function of initramfs-tools that it calls."""
    with (tree / "scripts/functions").open("a") as file:
        file.write("wait_for_udev() { exit 1; }\n")
    boot(tree, STAMP, "init-premount", then="touch /run/provision/first-boot; /scripts/local-bottom/provision || :")
    assert events(tree) == [
        "explain",
        "panic: an earlier script of the first boot has ended before the disks were made",
    ]


def test_an_initramfs_for_kdump_provisions_nothing(tree: Path) -> None:
    (tree / "scripts/provision").unlink()
    boot(tree, AUTO, *LOCAL_BOOT)
    assert events(tree) == []


def test_a_crash_kernel_provisions_nothing(tree: Path) -> None:
    """It may have the initramfs of the system; /proc/vmcore tells that it runs."""
    hidden = "umount /proc/cmdline; mount -t tmpfs none /proc; touch /proc/vmcore; cp /cmdline /proc/; "
    boot(tree, AUTO, then=hidden + "; ".join(f"/scripts/{place}/provision" for place in LOCAL_BOOT))
    assert events(tree) == []


def test_the_hook_leaves_an_initramfs_for_kdump_alone(tmp_path: Path) -> None:
    """kdump-tools marks its copy of the settings; without our part being installed here the hook would fail."""
    (tmp_path / "initramfs.conf").write_text("MODULES=dep\nKDUMP=y\n")
    argv = [SOURCES / "hook"]
    done = subprocess.run(
        argv, env={**os.environ, "CONFDIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


HOOK_FUNCTIONS = """
copy_exec() {
    [ ! -e "$DESTDIR$1" ] || return 0
    [ ! -L "$1" ] || ln -s "$(readlink "$1")" "$DESTDIR$1"
    real=$(readlink -f "$1")
    [ -e "$DESTDIR$real" ] || cp "$real" "$DESTDIR$real"
}
copy_file() { :; }
manual_add_modules() { :; }
copy_modules_dir() { :; }
"""
"""Those of initramfs-tools that the hook calls, without libraries and drivers."""


def test_programs_take_the_place_of_those_of_busybox(tmp_path: Path) -> None:
    """Those that a link leads to, too: mkfs.ext4 is a link to mke2fs, and busybox has a program of that name."""
    for name in ("sbin", "tree/usr/sbin", "tree/etc", "share/provision", "share/initramfs-tools"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "sbin/mkfs.ext4").symlink_to("mke2fs")
    for name in ("mke2fs", "wipefs"):
        (tmp_path / "sbin" / name).write_text("real")
        (tmp_path / "sbin" / name).chmod(0o755)
        (tmp_path / "tree/usr/sbin" / name).write_text("busybox")
    (tmp_path / "share/initramfs-tools/hook-functions").write_text(HOOK_FUNCTIONS)
    (tmp_path / "share/provision/common.sh").write_text("provision_install() { program mkfs.ext4; program wipefs; }\n")
    script = f"""
mount --bind {tmp_path}/share /usr/share && mount --bind {tmp_path}/sbin /usr/sbin || exit 99
DESTDIR={tmp_path}/tree CONFDIR={tmp_path} exec sh {SOURCES}/hook
"""
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [(tmp_path / "tree/usr/sbin" / name).read_text() for name in ("mkfs.ext4", "wipefs")] == ["real", "real"]


@pytest.mark.parametrize(("setting", "expected"), [("", True), ("provision_clevis=no", False)])
def test_clevis_is_left_out_if_the_environment_says_so(setting: str, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "collect.py").touch()
    for source in (SOURCES / "common.sh", SOURCES.parent / "dracut/engine/contents.sh"):
        shutil.copy(source, tmp_path)
    script = f"""
mount -t tmpfs none /usr/share && mkdir /usr/share/provision && cp {tmp_path}/* /usr/share/provision/ || exit 99
clevis() {{ :; }}
copy_binary() {{ :; }}
copy_text() {{ :; }}
program() {{ echo "$1"; }}
{setting}
. /usr/share/provision/common.sh
provision_install {tmp_path}/tree
"""
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("clevis-luks-bind" in done.stdout.split()) is expected
    assert "blkid" in done.stdout.split()

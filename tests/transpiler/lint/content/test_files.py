"""Contents of files that a program of the machine reads."""

from __future__ import annotations

import pytest

from tests.transpiler.lint.test_lints import findings_of, key, unit
from transpiler.lint.content.calendar import wrong_span
from transpiler.lint.units.values import wrong_value
from transpiler.phases import transpile

SSHD = "/etc/ssh/sshd_config.d/x.conf"
PROFILE = "/etc/NetworkManager/system-connections/x.nmconnection"
ETHERNET = "[connection]\nid=x\ntype=ethernet\n"
NETWORK = "/etc/systemd/network/x.network"
NETDEV = "/etc/systemd/network/x.netdev"
LINK = "/etc/systemd/network/x.link"
JOURNAL = "/etc/systemd/journald.conf.d/x.conf"
KEYS = "/home/core/.ssh/authorized_keys"
SECRET = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n"


def of_file(path: str, text: str, mode: str = "0600") -> list[str]:
    """The findings in a file; the first line of its text is line 9."""
    block = "".join(f"          {line}\n" for line in text.rstrip("\n").split("\n"))
    return findings_of(
        f"storage:\n  files:\n    - path: {path}\n      mode: {mode}\n      contents:\n        inline: |\n{block}"
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/sudoers.d/x", "core ALL=(ALL) NOPASSWD: ALL"),
        ("/etc/sudoers.d/x", "# a\n%wheel ALL=(ALL:ALL) ALL # b\nDefaults !requiretty\n@includedir /etc/sudoers.d"),
        ("/etc/sudoers.d/x", "core ALL=(ALL) ALL : host2=(ALL) NOPASSWD: ALL"),
        ("/etc/sudoers.d/x", "Cmnd_Alias A = /bin/a, \\\n  /bin/b\nus\\ er h1, h2 = NOPASSWD:SETENV: A"),
        ("/etc/sudoers.d/x", '#Defaults!"/bin/ls" x\n"a\\"" "b" = ("root") ALL\n#1000 ALL=ALL'),
        ("/etc/sudoers.d/x", "core ALL=(ALL) CWD=/tmp TIMEOUT=5m /bin/a --x=y"),
        ("/etc/sudoers.d/x", 'Defaults !!requiretty, env_keep += "A, B"\nDefaults:a,b !authenticate'),
        ("/etc/tmpfiles.d/x.conf", 'd /x 0755 root root "10d"\nd /y - - - ~aB:1w\nd /z - - - 0\nd /a - - - %t'),
        ("/etc/sysusers.d/x.conf", "u a 5:6\nu b -:b\nu c /usr/bin/c\ng d /x\nu e 7\nu f -"),
        (SSHD, "Ciphers aes128-ctr,new@example.com\nCiphers -aes*,x\nMACs ^hmac-sha1\nPort https"),
        (PROFILE, ETHERNET + "autoconnect=false\n[ipv4]\nmethod=auto\nnever-default=1"),
        (PROFILE, ETHERNET + "[ethernet]\nmac-address=0:1:2:3:4:AB\n[wifi]\nmac-address=0;1;2;3;4;255;"),
        (SSHD, "# x\nPermitRootLogin no\npasswordauthentication=no\nMatch User a\n  AllowTcpForwarding local"),
        (SSHD, '"PermitRootLogin" "no"\nPort ssh\nPort 22\nLoginGraceTime 1m30s\nRSAAuthentication yes'),
        (PROFILE, ETHERNET + "[ipv4]\nmethod=manual\naddress1=192.0.2.5/24,192.0.2.1\ndns=192.0.2.1;"),
        (PROFILE, ETHERNET + "[ipv6]\naddress1=2001:db8::2,64,2001:db8::1\naddress2=2001:db8::3,64"),
        (PROFILE, "[connection]\nid=x\n[vlan]\nid=3\nparent=eth0"),
        (PROFILE, "# x\n[connection]\nid=x\ntype=wifi\n[wifi]\nssid=x\n[wifi-security]\npsk=x"),
        (NETWORK, "[Match]\nName=e*\n[Network]\nDHCP=yes\nAddress=192.0.2.1/24\nX-Mine=1\n[X-Mine]\na=1"),
        (NETWORK, "[Match]\nName=e*\n[PIE]\nParent=root\nPacketLimit=3\n[FairQueueing]\nHandle=2"),
        (NETDEV, "[NetDev]\nName=br0\nKind=bridge\nMACAddress=none"),
        (LINK, "[Match]\nMACAddress=02:00:00:00:00:01\n[Link]\nName=lan0"),
        (KEYS, key()),
        ("/etc/locale.conf", "# x\nLANG=de_DE.UTF-8\nLC_TIME=C.UTF-8\nLANGUAGE=de:en"),
        ("/etc/systemd/journald.conf.d/x.conf", "[Journal]\n# x\nStorage=persistent\nSystemMaxUse=1G"),
        (JOURNAL, "[Journal]\nSystemMaxUse=1.5G 20M\nMaxRetentionSec=1month\nSeal=Y\nMaxLevelStore=7\nStorage="),
        (JOURNAL, "[Journal]\nAudit=keep\nStorage=@STORAGE@\nRateLimitBurst=10000"),
        ("/etc/systemd/resolved.conf", "[Resolve]\nDNSSEC=allow-downgrade\nDNSOverTLS=True\nCache=no-negative"),
        (NETWORK, "[Match]\nName=e*\n[Network]\nDNS=192.0.2.1 2001:db8::1#x [2001:db8::1]:53 192.0.2.1:53%eth0#a"),
        (NETWORK, "[Match]\nName=e*\n[Network]\nDNS=_link\nIPMasquerade=both\nIPv6PrivacyExtensions=kernel"),
        (NETWORK, "[Match]\nName=e*\n[Link]\nMTUBytes=9K\nRequiredForOnline=no"),
        (NETDEV, "[NetDev]\nName=br0.123456789ab\nKind=vlan\n[VLAN]\nId=4094"),
        (LINK, "[Match]\nDriver=x\n[Link]\nWakeOnLan=magic arp\nNamePolicy=kernel path\nMTUBytes=1500"),
        ("/etc/systemd/system.conf", "[Manager]\nDefaultTimeoutStopSec=10s\n[X-Mine]\na"),
        ("/etc/systemd/logind.conf.d/x.conf", "[Login]\nHandleLidSwitch=ignore"),
        ("/etc/systemd/zram-generator.conf", "[zram0]\nzram-size=ram"),
        (
            "/etc/tmpfiles.d/x.conf",
            "# x\nd /var/lib/x 0755 root root 10d\nL+ /etc/x - - - - ../y\nf+ %t/x ~0644\nw /a - - - - x",
        ),
        ("/etc/tmpfiles.d/x.conf", 'd "/var/x y" 0755\nr! /tmp/*'),
        ("/etc/sysusers.d/x.conf", 'u x 404 "A b" /var/x /bin/sh\nu! y -\ng z -\nm x z\nr - 500-900'),
        ("/etc/other.conf", "anything"),
    ],
)
def test_good_contents(path: str, text: str) -> None:
    assert of_file(path, text) == []


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        *(
            ("/etc/sudoers.d/x", text, ["9:sudoers"])
            for text in (
                *(
                    "core ALL",
                    "core ALL=(ALL) NOPASWD: ALL",
                    "core ALL=(ALL NOPASSWD: ALL",
                    "core ALL=(ALL) NOPASSWD ALL",
                ),
                *("core ALL=", "core =ALL", "core ALL=(ALL) ls", "Default !x", "@includ /x", "User_Alias a = b"),
            )
        ),
        *(
            (SSHD, text, [f"9:sshd-{rule}"])
            for text, rule in (
                *(
                    ("PasswordAuthentification no", "setting"),
                    ("PermitRootLogin maybe", "value"),
                    ("Port 70000", "value"),
                ),
                *(("PasswordAuthentication", "value"), ("MaxAuthTries x", "value"), ("LoginGraceTime x", "value")),
                ("Match Users a", "value"),
                ("ClientAliveInterval 5 minutes", "value"),
            )
        ),
        (SSHD, "Match User a\n  Port 22", ["10:sshd-setting"]),
        (PROFILE, ETHERNET + "x", ["12:setting-without-equals"]),
        (PROFILE, ETHERNET + "[ipv5]", ["12:keyfile-section"]),
        (PROFILE, ETHERNET + "autoconect=yes", ["12:keyfile-setting"]),
        (PROFILE, "[connection]\nid=x\ntype=ethernt", ["11:keyfile-value"]),
        (PROFILE, ETHERNET + "uuid=x", ["12:keyfile-value"]),
        (PROFILE, ETHERNET + "[ipv4]\nmethod=manul", ["13:keyfile-value"]),
        (PROFILE, ETHERNET + "[ipv6]\nmethod=manual", ["13:keyfile-value"]),
        (PROFILE, ETHERNET + "[ipv4]\ndns=192.0.2.300", ["13:keyfile-value"]),
        (PROFILE, ETHERNET + "[ipv4]\naddress1=192.0.2.5/44", ["13:keyfile-value"]),
        (PROFILE, "[connection]\nid=x", ["9:keyfile-value"]),
        (NETWORK, "Name=e*\n[Network]\nDHCP=yes", ["9:network-section"]),
        (NETWORK, "[Netwrk]\nDHCP=yes", ["9:network-section"]),
        (NETWORK, "[NetDev]\nKind=bridge", ["9:network-section"]),
        (NETWORK, "[Network]\nDHPC=yes", ["10:network-setting"]),
        (NETWORK, "[Network]\nDHCP=maybe", ["10:network-value"]),
        (NETWORK, "[Network]\nAddress=192.0.2.1/33", ["10:network-value"]),
        (NETWORK, "[Network]\nGateway=192.0.2.1/24", ["10:network-value"]),
        (NETWORK, "[Network]\nDNS=192.0.2", ["10:network-value"]),
        (NETWORK, "[Route]\nDestination=x", ["10:network-value"]),
        (NETWORK, "[Network]\nDHCP", ["10:setting-without-equals"]),
        (NETDEV, "[NetDev]\nKind=brigde", ["10:network-value"]),
        (LINK, "[Match]\nMACAddress=02:00", ["10:network-value"]),
        (LINK, "[Link]\nNmae=x", ["10:network-setting"]),
        ("/etc/sudoers.d/x", "Defaults !!requirety", ["9:sudoers"]),
        ("/etc/sudoers.d/x", "Defaults@h x = 5, !requiretty", ["9:sudoers"]),
        ("/etc/tmpfiles.d/x.conf", "d /x 0755 root root 10x", ["9:tmpfiles"]),
        ("/etc/sysusers.d/x.conf", "u foo bar\ng x 5:6", ["9:sysusers", "10:sysusers"]),
        (SSHD, "Port abc\nPort 22x\nPort 0", [f"{line}:sshd-value" for line in (9, 10, 11)]),
        (SSHD, "Ciphers aes999\nMACs +hmac-sha2-257", ["9:sshd-value", "10:sshd-value"]),
        (PROFILE, ETHERNET + "autoconnect=maybe", ["12:keyfile-value"]),
        (PROFILE, ETHERNET + "[ipv4]\nmethod=auto\nnever-default=yes", ["14:keyfile-value"]),
        (PROFILE, ETHERNET + "[ethernet]\nmac-address=zz", ["13:keyfile-value"]),
        (NETWORK, "[Network]\nDNS=foo", ["10:network-value"]),
        (NETWORK, "[Network]\nDNS=192.0.2.1 ns.example.com", ["10:network-value"]),
        (
            NETWORK,
            "[Link]\nMTUBytes=abc\nARP=never\nActivationPolicy=on",
            [f"{line}:network-value" for line in (10, 11, 12)],
        ),
        (
            NETDEV,
            "[NetDev]\nName=sixteenletters16\nKind=vlan\n[VLAN]\nId=5000",
            ["10:network-value", "13:network-value"],
        ),
        (NETDEV, "[Bond]\nMode=ative-backup", ["10:network-value"]),
        (LINK, "[Link]\nWakeOnLan=magick\nName=a b", ["10:network-value", "11:network-value"]),
        (
            JOURNAL,
            "[Journal]\nStorage=disk\nSystemMaxUse=1GiB\nSeal=maybe",
            [f"{line}:settings-value" for line in (10, 11, 12)],
        ),
        (JOURNAL, "[Journal]\nMaxFileSec=1 fortnight\nMaxLevelStore=9", ["10:settings-value", "11:settings-value"]),
        ("/etc/systemd/resolved.conf", "[Resolve]\nDNSSEC=maybe", ["10:settings-value"]),
        ("/etc/systemd/logind.conf", "[Login]\nHandleLidSwitch=nothing", ["10:settings-value"]),
        ("/etc/systemd/system.conf", "[Manager]\nDefaultTimeoutStopSec=ten", ["10:settings-value"]),
        ("/etc/systemd/journald.conf", "[Journal]\nStorge=persistent", ["10:settings-name"]),
        ("/etc/systemd/resolved.conf.d/x.conf", "[Resolver]\nDNS=192.0.2.1", ["9:settings-section"]),
        ("/etc/systemd/timesyncd.conf", "NTP=a\n[Time]\nNTP", ["9:settings-section", "11:setting-without-equals"]),
        ("/etc/systemd/user.conf.d/x.conf", "[Manager]\nDefaultTimeoutStop=5s", ["10:settings-name"]),
        (
            "/etc/tmpfiles.d/x.conf",
            "dir /var/x\nd\nd var/x\nd /x u=rwx",
            [f"{line}:tmpfiles" for line in range(9, 13)],
        ),
        ("/etc/sysusers.d/x.conf", "user x\nu\nm x", [f"{line}:sysusers" for line in (9, 10, 11)]),
        (KEYS, "ssh-ed25519 AAAA", ["9:ssh-key"]),
        ("/etc/locale.conf", "LANG=de_DD.UTF-8", ["9:locale"]),
        ("/etc/locale.conf", "LANGG=C", ["9:locale"]),
        ("/etc/locale.conf", "de_DE.UTF-8", ["9:locale"]),
    ],
)
def test_bad_contents(path: str, text: str, found: list[str]) -> None:
    assert of_file(path, text) == found


@pytest.mark.parametrize(
    ("path", "text", "mode", "found"),
    [
        (PROFILE, ETHERNET, "0644", ["6:keyfile-mode"]),
        ("/etc/x.pem", SECRET, "0644", ["6:exposed-secret"]),
        ("/etc/x.pem", SECRET, "0640", []),
        ("/usr/bin/x", "x", "0755", ["5:unwritable-path"]),
        ("/usr/local/bin/x", "x", "0755", []),
        ("/run/x", "x", "0644", ["5:lost-path"]),
        ("/etc/sudoers.d/x.conf", "core ALL=ALL", "0440", ["5:sudoers-name"]),
        ("/etc/ssh/sshd_config.d/x", "Port 22", "0600", ["5:sshd-name"]),
        ("/etc/localtime", "Europe/Berlin", "0644", ["5:time-zone"]),
    ],
)
def test_places_and_modes(path: str, text: str, mode: str, found: list[str]) -> None:
    assert of_file(path, text, mode) == found


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("../usr/share/zoneinfo/Europe/Berlin", []),
        ("/usr/share/zoneinfo/UTC", []),
        ("../usr/share/zoneinfo/Europe/Berln", ["6:time-zone"]),
        ("Europe/Berlin", ["6:time-zone"]),
    ],
)
def test_time_zones(target: str, found: list[str]) -> None:
    assert findings_of(f"storage:\n  links:\n    - path: /etc/localtime\n      target: {target}\n") == found


@pytest.mark.parametrize(
    ("path", "file_system", "found"),
    [("/home", "ext4", ["6:symlink-mount-point"]), ("/home", "none", []), ("/var/home", "ext4", [])],
)
def test_mount_points(path: str, file_system: str, found: list[str]) -> None:
    text = f"storage:\n  filesystems:\n    - device: /dev/sdb\n      path: {path}\n      format: {file_system}\n"
    assert findings_of(text) == found


def test_a_text_of_a_template_is_not_judged() -> None:
    assert "sshd-setting" not in str(of_file(SSHD, "{{ settings }}\nFoo yes"))


@pytest.mark.parametrize(
    "text", ["9" * 5000, "0" * 5000 + "1", "\u00b2", "1" * 60 + "x", "(" * 99, "=", "192.0.2.1/" + "9" * 5000]
)
def test_odd_values_are_judged_in_any_case(text: str) -> None:
    for path in (SSHD, PROFILE, NETWORK, "/etc/sudoers.d/x", "/etc/locale.conf"):
        assert of_file(path, f"Port {text}\n[ipv4]\naddress1={text}\n[Network]\nAddress={text}\nLANG={text}")


@pytest.mark.parametrize("text", ["9" * 5000, "1-" + "0" * 5000 + "1-1", "\u00b2:1", "1" * 60 + "x"])
def test_odd_values_of_units_are_judged_in_any_case(text: str) -> None:
    assert wrong_value("OnCalendar", "TIMER", text) != ("", "") or text.startswith("1-")
    assert all(wrong_value("Nice", "NICE", text))
    assert text.isdecimal() or wrong_span(text)


def test_sshd_of_red_hat_has_names_of_its_own() -> None:
    assert of_file(SSHD, "CanonicalMatchUser yes\nX11MaxDisplays 10\nGSSAPIIndicators a") == []


STORAGE = (
    "storage:\n  files:\n    - path: {}\n  directories:\n    - path: {}\n  links:\n    - {{path: {}, target: x}}\n"
)


@pytest.mark.parametrize(
    ("file", "directory", "link", "found"),
    [
        ("/home/core/a", "/opt/a", "/srv/a", []),
        ("/var/home/core/a", "/usr/local/a", "/root/a", []),
        ("/etc/a", "/home", "/home", ["7:unwritable-path"]),
        ("/etc/a", "/usr/local", "/etc/b", ["7:unwritable-path"]),
        ("/a", "/b/c", "/d", ["5:unwritable-path", "7:unwritable-path", "9:unwritable-path"]),
        ("/home/core/a", "/var/home/core/a", "/etc/b", ["7:same-place-twice"]),
        ("/etc/a", "/var/opt", "/opt", []),
        ("/opt/a", "/etc/b", "/var/opt/a", ["9:same-place-twice"]),
        ("/", "/etc/a", "/etc/b", []),
    ],
)
def test_places_of_an_ostree_system(file: str, directory: str, link: str, found: list[str]) -> None:
    text = STORAGE.format(file, directory, link)
    assert [one for one in findings_of(text) if "place" in one or "path" in one] == found
    other = transpile(("variant: flatcar\nversion: 1.0.0\n" + text).encode()).findings()
    assert [one.rule for one in other if one.rule == "same-place-twice"] == []


@pytest.mark.parametrize(
    "more",
    [
        "kernel_arguments: {should_exist: [ostree.prepare-root.composefs=0]}\n",
        "storage: {files: [{path: /a/b}, {path: /etc/ostree/prepare-root.conf}]}\n",
        "storage: {files: [{path: /a/b}], filesystems: [{device: /dev/sdb, path: /a, format: none}]}\n",
    ],
)
def test_a_root_directory_that_may_be_writable(more: str) -> None:
    text = more if "storage" in more else more + "storage: {files: [{path: /a/b}]}\n"
    assert findings_of(text) == []


def test_a_mount_point_in_the_root_directory() -> None:
    text = "storage: {filesystems: [{device: /dev/sdb, path: /data, format: ext4}], files: [{path: /data/x}]}"
    assert findings_of(text) == ["3:unwritable-path"]


@pytest.mark.parametrize(
    ("name", "where", "found"),
    [
        ("mnt-x.mount", "/mnt/x", ["8:symlink-mount-point"]),
        ("srv.automount", "/srv", ["8:symlink-mount-point"]),
        ("var-mnt-x.mount", "/var/mnt/x", []),
        ("mnt-x.mount", "/var/mnt/x", ["5:mount-unit-name"]),
    ],
)
def test_mount_units_through_a_link(name: str, where: str, found: list[str]) -> None:
    what = "What=/dev/vdb" if name.endswith(".mount") else ""
    assert unit(name, f"[{name.rpartition('.')[2].capitalize()}]\nWhere={where}\n{what}") == found


@pytest.mark.parametrize(
    ("path", "line", "is_wrong"),
    [
        ("/etc/systemd/journald.conf", "[Journal]\nStorage=disk", True),
        ("/etc/systemd/journald.conf", "[Journal]\nStorage=volatile", False),
        ("/etc/systemd/journald.conf", "[Journal]\nSystemMaxUse=1GB", True),
        ("/etc/systemd/journald.conf", "[Journal]\nSystemMaxUse=1.5G", False),
        ("/etc/systemd/journald.conf", "[Journal]\nMaxRetentionSec=1 moon", True),
        ("/etc/systemd/journald.conf", "[Journal]\nForwardToWall=never", True),
        ("/etc/systemd/resolved.conf.d/x.conf", "[Resolve]\nDNSSEC=maybe", True),
        ("/etc/systemd/resolved.conf.d/x.conf", "[Resolve]\nDNSSEC=true\nCache=no-negative", False),
        ("/etc/systemd/logind.conf.d/x.conf", "[Login]\nHandleLidSwitch=sleeping", True),
        ("/etc/systemd/logind.conf.d/x.conf", "[Login]\nHandleLidSwitch=ignore\nIdleAction=lock", False),
        ("/etc/systemd/system.conf", "[Manager]\nRuntimeWatchdogPreSec=off\nDefaultTimeoutStopSec=infinity", False),
    ],
)
def test_values_of_settings_of_systemd(path: str, line: str, is_wrong: bool) -> None:
    assert of_file(path, line, "0644") == (["10:settings-value"] if is_wrong else [])


@pytest.mark.parametrize(
    ("value", "is_wrong"), [("utf-9", True), ("UTF8", False), ("utf-8", False), ("ISO-8859-1", False)]
)
def test_the_encoding_of_a_locale(value: str, is_wrong: bool) -> None:
    assert of_file("/etc/locale.conf", f"LANG=de_DE.{value}") == (["9:locale"] if is_wrong else [])


@pytest.mark.parametrize(("mode", "found"), [("0666", ["6:sudoers-mode"]), ("0644", []), ("0440", [])])
def test_rules_of_sudo_that_everyone_may_write(mode: str, found: list[str]) -> None:
    assert of_file("/etc/sudoers.d/core", "core ALL=(ALL) ALL", mode) == found


@pytest.mark.parametrize(
    ("mode", "before", "found"),
    [
        ("0644", "After=x.target", ["14:not-executable"]),
        ("0755", "After=x.target", []),
        ("0644", "ExecStartPre=/bin/chmod +x /opt/run.sh", []),
    ],
)
def test_a_program_of_a_service_that_nobody_may_run(mode: str, before: str, found: list[str]) -> None:
    section = "Unit" if before.startswith("After") else "Service"
    text = f"""systemd:
  units:
    - name: a.service
      contents: |
        [{section}]
        {before}
        [Service]
        ExecStart=-/opt/run.sh x
storage:
  files:
    - path: /opt/run.sh
      mode: {mode}
      contents: {{inline: x}}
"""
    assert findings_of(text) == found

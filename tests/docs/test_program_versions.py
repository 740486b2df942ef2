"""The versions that added names are read from the sources and programs of OpenSSH and NetworkManager."""

from __future__ import annotations

from docs.generate.program_versions import of_binary, of_headers, of_sshd, since

SERVCONF = """\
static struct {
	const char *name;
} keywords[] = {
#ifdef USE_PAM
	{ "usepam", sUsePAM, SSHCFG_GLOBAL },
#endif
	{ "refuseconnection", sRefuseConnection, SSHCFG_ALL },
	{ NULL, sBadOption, 0 }
};
static struct { "other", sOther }
"""

WIRED = """\
#define NM_SETTING_WIRED_SETTING_NAME "802-3-ethernet"
#define NM_SETTING_WIRED_PORT         "port"
#define NM_SETTING_WIRED_WAKE_ON_LAN_PASSWORD "wake-on-lan-password"
"""

IP = """\
#define NM_SETTING_IP_CONFIG_METHOD "method"
"""

ETHTOOL = """\
#define NM_ETHTOOL_OPTNAME_FEC_MODE "fec-mode"
"""


def test_keywords_of_sshd() -> None:
    assert of_sshd(SERVCONF) == {("", "usepam"), ("", "refuseconnection")}


def test_headers_of_libnm() -> None:
    assert of_headers([WIRED, IP, ETHTOOL]) == {
        ("802-3-ethernet", "802-3-ethernet"),
        ("802-3-ethernet", "port"),
        ("802-3-ethernet", "wake-on-lan-password"),
        *(("ipv4", "method"), ("ipv6", "method"), ("ethtool", "fec-mode")),
    }


def test_texts_of_a_program() -> None:
    assert of_binary(b"\0usepam\0x11usedns\0", ["usepam", "usedns"]) == {("", "usepam")}


def test_the_first_version_counts_and_older_packages_do() -> None:
    old, new, ported = ("", "old"), ("", "new"), ("", "ported")
    known = [("10.0", {old, new, ported}), ("9.8", {old}), ("8.0", {old}), ("9.2", {ported})]
    assert since(known, "8.0") == {new: "10.0", ported: "9.2"}

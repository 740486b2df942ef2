"""Which proxy a URL is fetched through. Only the config decides, not the environment.

Source: golang.org/x/net/http/httpproxy, which Ignition uses. An http proxy is not used for https.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from provision.config.resources.urls import Origin, origin


def choose(url: str, http_proxy: str, https_proxy: str, no_proxy: Sequence[str]) -> str:
    """The URL of the proxy for a URL, or empty for a direct connection. Raises ValueError for a port that is none."""
    wanted = origin(url)
    proxy = https_proxy if wanted.scheme == "https" else http_proxy
    if not proxy or _is_loopback(wanted.host) or any(_matches(rule, wanted) for rule in no_proxy):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _matches(written: str, wanted: Origin) -> bool:
    """Whether a rule of noProxy covers a host.

    A rule is `*`, an address, a network or a domain. An address or a domain may have a `:port`.
    """
    rule = written.strip().lower()
    if rule == "*":
        return True
    if "/" in rule:
        return _is_address(wanted.host) and _is_within(wanted.host, rule)
    host, port = _split_port(rule)
    if not host or (port and port != str(wanted.port)):
        return False
    if _is_address(host):
        return _is_address(wanted.host) and ip_address(host) == ip_address(wanted.host)
    return _is_of_domain(wanted.host, host)


def _is_within(host: str, rule: str) -> bool:
    try:
        return ip_address(host) in ip_network(rule, strict=False)
    except ValueError:
        return False


def _split_port(rule: str) -> tuple[str, str]:
    """Host and port of a rule. An IPv6 address with a port is written in brackets."""
    if _is_address(rule):
        return rule, ""
    host, colon, port = rule.rpartition(":")
    return (host.strip("[]"), port) if colon else (rule, "")


def _is_of_domain(host: str, rule: str) -> bool:
    """Whether a domain covers a host: `foo.com` itself and its subdomains, `.foo.com` and `*.foo.com` only these."""
    domain = rule.removeprefix("*")
    if domain.startswith("."):
        return host.endswith(domain)
    return host == domain or host.endswith(f".{domain}")

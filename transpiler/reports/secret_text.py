"""Hide the secrets of a text that has no declared fields: passwords, tokens and private keys in the contents of files.

A secret is recognised by the name before it (`apikey:`, `DB_PW=`, `--token `), by its form (a private key, a password
hash, a URL with a password, the tokens of well-known services), or by the name of its file. Names and the rest of the
text stay readable. A secret without any of these signs is not recognised.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice

HIDDEN = "(not shown)"

PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----", re.MULTILINE)

WIREGUARD_KEY = re.compile(r"^[^\S\n]*+(?:PrivateKey|PresharedKey)\s*=\s*[A-Za-z0-9+/]{43}=\s*$", re.MULTILINE)
"""Keys of WireGuard, in wg(8), systemd.netdev(5) and nm-settings-keyfile(5)."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_STRONG = re.compile(
    r".*(?:password|passwd|passphrase|passcode|pwd|pw|secrets?|tokens?|credentials?|apikey|masterauth|authtok"
    r"|(?:private|secret|access|auth|shared|master|account|crypt|encryption)key)|psk"
)
"""Words of names whose values are secrets."""

_STRONG_AT_END = re.compile(
    r"(?!(?:by|com|tres|encom|sur|over|under)pass$).*pass|creds?|pin|cookie|auth|authorization|\w+community"
)
"""Such words if they are the last one of a name."""

_KINDS_OF_KEYS = re.compile(
    r"access|account|admin|api|app|application|auth|client|crypt|deploy|encryption|ingest|license|luks|master"
    r"|preshared|private|recovery|secret|service|session|shared|signing|ssl|storage|subscription|tls|wep|write"
)

_WITHOUT_MEANING = re.compile(
    r"b64|base64|current|data|default|dev|encoded|encrypted|hash|hashed|new|old|plain|prod|production|raw"
    r"|staging|string|test|text|value"
)
"""Last words of a name that do not change what it names."""

_DESCRIBING = re.compile(
    r".*(?:file|path|dir|name|url|uri|type)s?|age|agent|alg|algorithm|attempts|audience|authentication|backend|ca|certs?"
    r"|certificate|cmd|command|config|count|days|directory|enabled?|encoding|encryption|endpoint|env|expir\w+|field|format"
    r"|hashes|ids?|issuer|len|length|limit|manager|method|mgmt|min|max|mode|nonalpha|options?|policy|priority|prompt"
    r"|provider|quality|ref|required|retries|rotation|scopes?|server|service|size|store|timeout|ttl|var|version"
)
"""Last words of a name that is about a secret, but does not have its value: `password_file`."""

_NOT_SECRET = re.compile(
    r"fastcgi_pass|grpc_pass|memcached_pass|proxy_pass|scgi_pass|uwsgi_pass|loadcredential"
    r"|loadcredentialencrypted|importcredential|conditioncredential|assertcredential|passenvironment|nopasswd"
    r"|kpasswd"
)
"""Settings of nginx, systemd and sudo that sound like secrets."""

_SHOWN_VALUE = re.compile(
    r"(?:true|false|yes|no|on|off|none|null|nil|~|enabled?|disabled?|required|requisite|optional|sufficient|include"
    r"|always|never|auto|basic|(?:un)?limited|prohibit-password)\W*|(?:files|compat|db)(?:\s.*)?"
    r"|\$\{?[A-Z_][A-Z0-9_]*[^}\s]?\}?|\$\(.*|`.*|\{\{.*\}\}|<[\w .-]+>|%\w|\*+"
    r"|(?:[a-z]+:)?/(?:bin|boot|dev|etc|home|mnt|opt|proc|root|run|srv|sys|tmp|usr|var)/.*"
    r"|[a-z][a-z0-9+.-]*://.*",
    re.IGNORECASE,
)
"""Values that are no secrets: words, names of variables, paths. What is secret in a URL is hidden by other rules."""

_FORMS = re.compile(
    r"\$(?:y|gy|7|1|2[abxy]?|5|6|apr1|sha1|md5|argon2\w{0,3}|scrypt|pbkdf2[\w-]*+)\$[^\s:\"'$]*+\$[^\s:\"']*+"
    r"|grub\.pbkdf2\.[\w.]++|\{(?:SSHA|SHA|SMD5|MD5|CRYPT|PBKDF2[\w-]*+)\d*\}[^\s\"']++"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{10,}|\bxox[a-z]-[\w-]{10,}"
    r"|\bsk-[\w-]{20,}|\bAIza[\w-]{30,}|\bhv[sbr]\.\w{20,}|\bdop_v1_\w{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bK10\w{20,}::\S+|(?<![\w.])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.])"
    r"|\bAGE-SECRET-KEY-\w+|LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FUR)[\w+/=]{20,}"
    r"|(?<=hooks\.slack\.com/services/)[^\s\"']+|(?<=/api/webhooks/)[^\s\"']+|(?<=api\.telegram\.org/bot)[^\s\"'/]+"
    r"|(?<=Bearer )(?=\S*\d)[^\s\"']{8,}|\btskey-[\w-]{8,}|(?<=[?&]sig=)[^\s&\"']+|(?<=Signature=)[^\s&\"']+"
    r"|(?<=:)[^\s@:/\"']+(?=@(?:tcp|unix)\()"
)
"""What is a secret by its form: password hashes, and tokens of clouds, GitHub, GitLab, Slack, k3s, kubeadm, Vault."""

_IN_URL = re.compile(
    r"(?:(?<=://)[^\s:/?#@\"']*+:[^\s\"']{0,512}|(?:(?<=http://)|(?<=https://))[^\s:/?#@\"']++)@(?=[^\s@])"
)

_OF_PROGRAMS = re.compile(
    r"\b(?:(?:mysql|mariadb)[\w-]*+(?=\s).{0,300}?\s-p|redis-cli\s.{0,300}?-a\s++|ldap\w++\s.{0,300}?-w\s++"
    r"|curl\s.{0,300}?(?:-[uU]|--(?:proxy-)?user)[\s=]?+[\"']?+[^\s:\"']++:|mongo\w*+(?=\s).{0,300}?\s-p\s*+"
    r"|(?:docker|podman|helm|skopeo|buildah|oc)\s(?:registry\s|-\S++\s|/\S++\s){0,4}login(?=\s).{0,300}?\s-p[\s=]*+"
    r"|-pass(?:in|out)?\s++pass:|neighbor\s\S++\spassword\s++)[\"']?+(?!\$[A-Z{(])([^\s\"']++)"
)
"""Passwords among the arguments of programs, without a name."""

_OF_DATABASES = re.compile(
    r"\bIDENTIFIED\s++(?:WITH\s++\S++\s++)?BY\s++(?:PASSWORD\s++)?(?:'([^']++)|\"([^\"]++))"
    r"|\b(?-i:IDENTIFIED\s++BY)\s++([^\s'\";]++)"
    r"|\b(?:ALTER|CREATE|SET)\s++(?:USER|ROLE|PASSWORD)\b.{0,300}?\bPASSWORD[\s(]++'([^']++)"
    r"|\b\w*?dsn\W{1,5}[\w.-]++:([^\s\"'@:/]++)@",
    re.IGNORECASE,
)
"""`IDENTIFIED BY 'VALUE'` of MariaDB, `PASSWORD 'VALUE'` of PostgreSQL, `dsn: NAME:VALUE@/` of programs in Go."""

_OF_CURL = re.compile(
    r"^\s*+(?:(?:proxy-)?user\s*+=\s*+\"|(?:-[uU]|--(?:proxy-)?user)[\s=]++[\"']?(?=[^\s:]++:[a-z_-]*+[^a-z_\s\"'-]))"
    r"([^\s:\"']++):(?!\1(?![^\s\"'])|\d++(?![^\s\"']))([^\s\"']++)",
    re.MULTILINE,
)
"""`user = "NAME:VALUE"` in a file of curl's options, `-u NAME:VALUE` in a line of its own; no user and group."""

_READS_PASSWORDS = re.compile(
    r"\b(?:chpasswd|sshpass|htpasswd|smbpasswd|passwd\s+--stdin)\b|--password-stdin\b|\|\s*cryptsetup\b"
)

_NAMED = re.compile(r"(?<![\w.$%-])([\w.-]++)(\\*[\"']?)\]?(\s*+(?:=>|:=|[:=])(?![:=]|//)\s*+)")

_OPTION = re.compile(r"(?<![^\s=\"'(,\[])(-{1,2}[\w-]++)([\"']?+)(\s++|,\s*+(?=[^\]]*+\]))(?=[^\s=-])")

_OPTION_ALONE = re.compile(r"\s*+(?:-\s++)?[\"']?(-{1,2}[\w-]++)[\"']?,?\s*+")
"""An option whose value is the next item of a list: the next line."""

_ITEM = re.compile(r"\s*+(?:-\s++)?(?!-)[\"']?")

_ALONE = re.compile(r"^\s*+(?:[#;]\s*+)?(?:set\s++)?([\w.-]++)()(\s++)(?=(?:\"[^\"]*+\"|'[^']*+'|\S++)\s*+;?$)")
"""A line with a name and one value: `requirepass VALUE`."""

_IN_CALL = re.compile(r"[\"']([\w.-]++)[\"']()(\s*+,\s*+)(?=[\"'](?![^\"']*+[\"']\s*+:))")
"""`define('DB_PASSWORD', 'value')`"""

_OF_USER = re.compile(
    r"^\s*+(password)()\s++(?!required|requisite|sufficient|optional|include|substack|\[)\S++(\s++)(?=\S++\s*+$)"
)
"""`password USER VALUE` of GRUB, and no line of PAM."""

_LOGIN_LINE = re.compile(r"\blogin\s+\S+\s+(?:account\s+\S+\s+)?password\s")

_LOGIN = re.compile(r"(?<=\s)(password)()(\s++)(?=\S)")

_XML = re.compile(r"<([\w.:-]++)[^<>]{0,200}>()()(?=[^<\s])")

_QUOTE = re.compile(r"(\"\"\"|'''|\\*[\"'])")

_AT_START = re.compile(r"[\s#;*>|-]*(?:(?:export|set|setenv|declare|local)\s+)?(?:[^\s:]+: contents: )?[\"']?")

_OPENS_BLOCK = re.compile(r"(?:[|>][-+\d]*|[\[{(]|)\s*(?:#.*)?")

_NAMES_VARIABLE = re.compile(r"(?<![\w.-])(?:name|key)[\"']?\s*[:=]\s*[\"']?([\w.-]++)", re.IGNORECASE)

_SIGNS = re.compile(r"pass|pw|secret|token|cred|key|psk|pin|cookie|auth|community|cryptsetup", re.IGNORECASE)
"""A text without any of these has no name of a secret, no private key, and none of _READS_PASSWORDS."""

_MOST = 100
"""A line with so many secrets is hidden as a whole."""

_KUBERNETES_SECRET = re.compile(r"\s*[\"']?kind[\"']?\s*:\s*[\"']?Secret\b")

_SECRET_FILE = re.compile(
    r"\.?(?:netrc|pgpass|htpasswd|g?shadow-?|erlang\.cookie|vault-token|id_(?:rsa|dsa|ecdsa|ed25519))"
    r"|.*\.(?:key|p12|pfx|jks|keystore|kdbx|keytab|psk|jwk|secrets?|token|pass|passwd)"
)

_PUBLIC_FILES = re.compile(r"/etc/passwd-?|/etc/pam\.d/.*|.*/(?:s?bin|bash-completion/.*)/[^/]*")


@cache
def names_secret(name: str) -> bool:
    """Whether the value of a setting, a variable or an option with this name is a secret."""
    if _NOT_SECRET.fullmatch(name.lower().strip("-")):
        return False
    words = [one.lower() for one in _WORD.findall(name[:200])]
    while words and (_WITHOUT_MEANING.fullmatch(words[-1]) or words[-1].isdecimal()):
        words.pop()
    if not words or _DESCRIBING.fullmatch(words[-1]):
        return False
    if words[-1] in {"key", "keys"} and len(words) > 1 and _KINDS_OF_KEYS.fullmatch(words[-2]):
        return True
    if _STRONG_AT_END.fullmatch(words[-1]):
        return True
    return any(map(_STRONG.fullmatch, words)) and not (words[-1] == "tokens" and words[0] in {"max", "min", "num"})


def is_secret_file(path: str, first_line: str = "") -> bool:
    """Whether all of a file is a secret, by its path. Scripts are not."""
    if _PUBLIC_FILES.fullmatch(path) or first_line.startswith("#!"):
        return False
    base = posixpath.basename(path)
    stem, suffix = posixpath.splitext(base)
    return bool(_SECRET_FILE.fullmatch(base)) or (suffix in {"", ".txt", ".b64"} and names_secret(stem))


def secrets_hidden(lines: Sequence[str]) -> list[str]:
    """The lines of a text, each with HIDDEN in the place of its secrets. Their number stays."""
    whole = "\n".join(lines)
    if not any(one.search(whole) for one in (_SIGNS, _FORMS, _IN_URL, _OF_PROGRAMS, _OF_DATABASES, _OF_CURL)):
        return list(lines)
    return list(_Text(lines).shown())


class _Text:
    """The lines of a text, and what the lines before say about the next one."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.of_kubernetes = any(map(_KUBERNETES_SECRET.match, lines))
        self.in_key = False
        self.deeper_than = -1
        """Lines with more indentation belong to a secret; -1 if there is none."""
        self.continues = False
        self.until = ""
        """The quote that ends a secret of several lines; empty if there is none."""
        self.after_option = False
        self.value_within = 0
        """The number of lines in which `value` is that of a variable with a secret."""

    def shown(self) -> Iterator[str]:
        for line in self.lines:
            indent = len(line) - len(line.lstrip())
            if self.deeper_than >= 0 and line.strip() and indent <= self.deeper_than:
                self.deeper_than = -1
            if self.in_key or PRIVATE_KEY.search(line):
                yield self.key_line(line)
            elif self.deeper_than >= 0 and line.strip():
                yield line[:indent] + HIDDEN
            elif self.after_option and (item := _ITEM.match(line)) and line.strip():
                self.after_option = False
                yield item[0] + HIDDEN
            elif self.until:
                yield HIDDEN
                self.until = "" if self.until in line else self.until
            elif self.continues:
                self.continues = line.rstrip().endswith("\\")
                yield line[:indent] + HIDDEN
            else:
                yield self.plain_line(line, indent)

    def key_line(self, line: str) -> str:
        """A line of a private key: what stands before its beginning, and nothing else."""
        found = PRIVATE_KEY.search(line)
        before = line[: found.start()] if found and not self.in_key else line[: len(line) - len(line.lstrip())]
        self.in_key = not re.search(r"-----END [A-Z0-9 ]*PRIVATE KEY-----", line)
        return before + HIDDEN

    def plain_line(self, line: str, indent: int) -> str:
        option = _OPTION_ALONE.fullmatch(line)
        self.after_option = option is not None and names_secret(option[1])
        variable = _NAMES_VARIABLE.search(line)
        if variable and names_secret(variable[1]):
            self.value_within = 3
        elif self.value_within:
            self.value_within -= 1
        named = list(islice(self.named(line, indent), _MOST))
        if len(named) == _MOST:
            return line[:indent] + HIDDEN
        spans = [*named, *(one.span() for one in _FORMS.finditer(line))]
        spans += [(one.start(), one.end() - 1) for one in _IN_URL.finditer(line)]
        for pattern in (_OF_PROGRAMS, _OF_DATABASES, _OF_CURL):
            spans += [one.span(one.lastindex or 0) for one in pattern.finditer(line)]
        if _READS_PASSWORDS.search(line) and not line.lstrip().startswith(("#", ";")):
            name = re.match(r"\s*(?:\w+\s*=)?", line)
            spans.append((name.end() if name else 0, len(line)))
        if any(end == len(line) for _, end in spans):
            self.continues = line.endswith("\\")
        return _without(line, spans)

    def named(self, line: str, indent: int) -> Iterator[tuple[int, int]]:
        """The places of values whose names say that they are secrets."""
        hidden: list[tuple[int, int]] = []
        patterns = [_NAMED, _OPTION, _ALONE, _OF_USER, _IN_CALL, _XML] + ([_LOGIN] if _LOGIN_LINE.search(line) else [])
        for pattern in patterns:
            for found in pattern.finditer(line):
                if not self.is_secret(found[1]) or any(start <= found.start(1) < end for start, end in hidden):
                    continue
                at_start = pattern is _NAMED and _AT_START.fullmatch(line, 0, found.start()) is not None
                start, end = _value(line, found, at_start=at_start)
                value = line[start:end].strip()
                quote = _QUOTE.match(line, found.end())
                if quote and end == len(line.rstrip()):
                    self.until = quote[1]
                opens = (at_start or value) and _OPENS_BLOCK.fullmatch(line[found.end() :]) is not None
                if opens and not (found[1].lower().endswith("auth") and not value):
                    self.deeper_than = indent
                elif value and _is_hidden(found[1], value):
                    if at_start:
                        self.deeper_than = indent
                    hidden.append((start, end))
                    yield start, end

    def is_secret(self, name: str) -> bool:
        if names_secret(name):
            return True
        short = name.lower()
        return (short == "value" and self.value_within > 0) or (self.of_kubernetes and short in {"data", "stringdata"})


def _is_hidden(name: str, value: str) -> bool:
    """Whether a value is hidden, after a name that says so: words such as `yes`, variables and paths are not."""
    last = _WORD.findall(name)[-1].lower()
    if last == "pin":
        return re.match(r"\W*\d{4}", value) is not None
    return not _SHOWN_VALUE.fullmatch(value) and (last != "auth" or len(value) >= 12)


def _value(line: str, found: re.Match[str], *, at_start: bool) -> tuple[int, int]:
    """Where the value after a name begins and ends, without its quotes."""
    start = found.end()
    opening = _QUOTE.match(line, start)
    if opening:
        return opening.end(), _closing(line, opening[1], opening.end())
    if line[start : start + 1] in {"[", "{"} and not line.startswith("{{", start):
        return start, len(line.rstrip())
    before = line[: found.start()]
    quote = before[-1:] if before[-1:] in {'"', "'"} and not found[2] and found.re is not _OPTION else ""
    if quote:
        return start, _closing(line, quote, start)
    inside = next((one for one in "\"'" if before.count(one) % 2), "")
    if at_start or re.search(r"authorization|cookie", found[1], re.IGNORECASE):
        return start, _closing(line, inside, start) if inside else len(line.rstrip())
    in_query = re.search(r"[?&][^\s?&]*$", before[-200:]) is not None
    stops = r"\s" + inside + ("&\"'" if in_query else "") + ("<" if found.re is _XML else "")
    end = re.compile(rf"[^{stops}]*").match(line, start)
    return start, end.end() if end else len(line)


def _closing(line: str, quote: str, start: int) -> int:
    """Where a quoted text ends: the place of its quote, which is not escaped, or the end of the line."""
    at = line.find(quote, start)
    while at > 0 and len(quote) == 1 and line[at - 1] == "\\":
        at = line.find(quote, at + 1)
    return at if at >= 0 else len(line.rstrip())


def _without(line: str, spans: list[tuple[int, int]]) -> str:
    """The line with HIDDEN in the place of each span; spans may overlap."""
    shown, at = "", 0
    for start, end in sorted(spans):
        if end <= at or start >= end:
            continue
        shown += line[at : max(start, at)] + (HIDDEN if start >= at else "")
        at = end
    return shown + line[at:]

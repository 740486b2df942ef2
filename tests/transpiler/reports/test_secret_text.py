"""Secrets in the contents of files are hidden; the rest of normal files can be read."""

from __future__ import annotations

import pytest

from transpiler.reports.secret_text import HIDDEN, is_secret_file, names_secret, secrets_hidden

SECRET_LINES = """\
apikey: SECRET
  "api_key": "SECRET two", "port": 1
Authorization: Bearer SECRET
ExecStart=curl -H "Authorization: Basic SECRET" https://example.com
ExecStart=curl -H 'X-Api-Key: SECRET' -u bob:SECRET https://example.com
db_pw = SECRET and more
Environment=A=b "DB_PW=SECRET x" OTHER=1
Environment=DATABASE_URL=postgres://app:SECRET@db/app
Environment=TOKEN=SECRET OTHER=1
https://example.com/x?token=SECRET&page=1
https://SECRET@example.com/x
export API_KEY=SECRET
#password=SECRET
requirepass SECRET
machine example.com login bob password SECRET
{password: SECRET, user: bob}
{"auths": {"example.com": {"auth": "SECRETSECRET"}}}
"a": {"tokens": ["SECRET", "SECRET"]}
<password>SECRET</password>
ExecStart=/bin/a --password=SECRET --user=x
ExecStart=/bin/a --password SECRET --user x
ExecStart=/bin/sh -c 'echo root:SECRET | chpasswd'
mysql -u root -pSECRET
psk=SECRET
wep-key0=SECRET
PrivateKey = SECRET
root:$6$salt$SECRET:19000:0
admin:$2y$10$SECRETSECRETSECRET
password_pbkdf2 root grub.pbkdf2.sha512.10000.SECRET
kubeadm join --token SECRET --discovery-token-ca-cert-hash sha256:00
client-key-data: SECRET
AccountName=a;AccountKey=SECRET
SetCredential=db:SECRET
pin: 1234SECRET
"{\\"password\\":\\"SECRET x\\"}"
Cookie: session=SECRET; b=SECRET
k3s: K10aaaaaaaaaaaaaaaaaaaaaaaaaaaaSECRET::server:SECRET
url: https://hooks.slack.com/services/T0/B0/SECRET
define('DB_PASSWORD', 'SECRET');
os.environ["API_TOKEN"] = "SECRET"
spring.datasource.password=SECRET
//registry.example.com/:_authToken=SECRET
//nas/share /mnt cifs username=a,password=SECRET 0 0
ldap_default_authtok = SECRET
password root SECRET
ExecStart=/bin/sh -c 'echo SECRET | docker login -u a --password-stdin'
ExecStart=/bin/sh -c 'echo -n SECRET | cryptsetup open /dev/sda2 data'
DSN=app:SECRET@tcp(db:3306)/app
https://a.blob.core.windows.net/c/f?sv=1&sig=SECRET&se=2
tailscale up --authkey tskey-SECRET-abcdefgh
"private_key": "-----BEGIN PRIVATE KEY-----\\nSECRET\\n-----END PRIVATE KEY-----\\n",
Passphrase=SECRET
password : SECRET
podman run -e POSTGRES_PASSWORD=SECRET postgres
curl --header="PRIVATE-TOKEN: SECRET" https://example.com
Server=db;User Id=a;Password=SECRET;
ExecStart=/bin/x --password SECRET --api-key=foo
<password>SECRET</password><add value="Server=x;Pwd=foo;"/>
Exec=--requirepass SECRET
Exec=--requirepass SECRET --masterauth SECRET
args: ["--requirepass", "SECRET", "--user", "a"]
command: [--password, SECRET]
user = "bob:SECRET"
-u bob:SECRET1 \\
curl --proxy-user bob:SECRET https://example.com
mysql -pSECRET
ExecStart=mariadb-dump -pSECRET db
mongosh -u a -p SECRET
podman login -u a -p SECRET quay.io
openssl pkcs12 -passin pass:SECRET -in a.p12
dsn: "user:SECRET@tcp(host:3306)/db"
db_dsn = "user:SECRET@/db"
CREATE USER a IDENTIFIED BY SECRET
ALTER USER a IDENTIFIED WITH mysql_native_password BY 'SECRET a';
CREATE ROLE a WITH LOGIN PASSWORD 'SECRET a';
neighbor 192.0.2.1 password SECRET
tls.key: SECRET
AWS_SECRET_ACCESS_KEY=SECRET""".splitlines()

SEVERAL_LINES = [
    ("a: 1\npassword: |\n  SECRET\n\n  SECRET\nb: 2", "a: 1\npassword: |\n  *\n\n  *\nb: 2"),
    ("tls.key: >-\n  SECRET\nb: 2", "tls.key: >-\n  *\nb: 2"),
    ("args:\n- --password\n- SECRET\n- --user\n- a", "args:\n- --password\n- *\n- --user\n- a"),
    ("password:\n  SECRET\nb: 2", "password:\n  *\nb: 2"),
    ("tokens:\n  - SECRET\n  - SECRET\nb: 2", "tokens:\n  *\n  *\nb: 2"),
    (
        "- name: DB_PASSWORD\n  value: SECRET\n- name: A\n  value: b",
        "- name: DB_PASSWORD\n  value: *\n- name: A\n  value: b",
    ),
    ("Environment=TOKEN=SECRET\\\n  SECRET\nA=b", "Environment=TOKEN=*\n  *\nA=b"),
    ('token = """\nSECRET\n"""\nb = 2', 'token = """\n*\n*\nb = 2'),
    ("A='x'\nPASSWORD='SECRET\nSECRET'\nB=2", "A='x'\nPASSWORD='*\n*\nB=2"),
    ("kind: Secret\nstringData:\n  user: SECRET\ntype: Opaque", "kind: Secret\nstringData:\n  *\ntype: Opaque"),
    (
        "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n-----END OPENSSH PRIVATE KEY-----\nb",
        "a\n*\n*\n*\nb",
    ),
]

PLAIN = """\
PasswordAuthentication no
PermitRootLogin prohibit-password
AuthorizedKeysFile .ssh/authorized_keys
HostKey /etc/ssh/ssh_host_ed25519_key
password required pam_unix.so sha512
password requisite pam_pwquality.so
print("user", "name")
//nas/share /mnt cifs credentials=/etc/nas.cred,uid=1000 0 0
passwd: files systemd
wheel ALL=(ALL) NOPASSWD: ALL
ssl_key = /etc/ssl/private/server.key
proxy_pass http://127.0.0.1:8080;
fastcgi_pass unix:/run/php.sock;
password_file: /run/secrets/db
passwordPolicy: strong
secretName: site-tls
PublicKey = 6Xv3Yk0qAbCdEfGhIjKlMnOpQrStUvWxYz0123456789=
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOeoYNnvzXOv1hPmvGkqHx9pDgYmI5a8t9yJ2Kq1hJ3s core@example.com
key: node-role.kubernetes.io/control-plane
key-mgmt=wpa-psk
token_endpoint: https://login.example.com/token
max_tokens: 100
LoadCredential=db:/etc/credstore/db
ConditionPathExists=!/var/lib/token
Environment=PASSWORD=${PASSWORD}
password: {{ password }}
# Enter the password:
Image=docker.io/library/caddy:2.8@sha256:0000000000000000000000000000000000000000000000000000000000000000
GET https://example.com/a?page=2#top
user: 0:0
podman run --user 1000:1000 -p 80:80 caddy
Pin: release a=stable
Pin-Priority: 500
net.ipv4.tcp_syncookies = 1
UUID=6c1d8a1e-4b5f-4c06-9a5b-2b5b6f4d9d0a / xfs defaults 0 0
<auth>EXTERNAL</auth>
if [ -z "$TOKEN" ]; then exit 1; fi
auth.info /var/log/auth.log
user = "1000:1000"
user = "app:app"
--user app:web \\
mysql -u root -p db
podman run --name login -p 80:80 caddy
command: --token-file a --no-password -x
dsn: sqlite:/var/lib/a.db
IDENTIFIED in the log
git clone ssh://git@example.com/site.git""".splitlines()


@pytest.mark.parametrize("line", SECRET_LINES)
def test_secrets_are_hidden(line: str) -> None:
    (shown,) = secrets_hidden([line])
    assert "SECRET" not in shown.replace("AWS_SECRET_ACCESS_KEY", "")
    assert HIDDEN in shown
    assert shown[:3] == line[:3] or shown.startswith(f"https://{HIDDEN}")


@pytest.mark.parametrize(("text", "shown"), SEVERAL_LINES, ids=[one for one, _ in SEVERAL_LINES])
def test_secrets_of_several_lines(text: str, shown: str) -> None:
    assert "\n".join(secrets_hidden(text.split("\n"))) == shown.replace("*", HIDDEN)


@pytest.mark.parametrize("line", PLAIN)
def test_the_rest_stays(line: str) -> None:
    assert secrets_hidden([line, "next: 1"]) == [line, "next: 1"]


def test_names() -> None:
    assert all(map(names_secret, ("DB_PW", "PGPASSWORD", "secret_key_base", "x-api-key", "token1", "--client-secret")))
    assert not any(map(names_secret, ("token_file", "public_key", "PasswordAuthentication", "keymap", "", "-", "1")))


def test_files() -> None:
    secret = ("/etc/a/token", "/root/.netrc", "/etc/ssl/a.key", "/root/.ssh/id_ed25519", "/etc/db-password.txt")
    public = (
        "/etc/passwd",
        "/etc/pam.d/passwd",
        "/usr/local/bin/get-token",
        "/etc/token.conf",
        "/root/.ssh/id_rsa.pub",
    )
    assert [path for path in secret if not is_secret_file(path)] == []
    assert [path for path in public if is_secret_file(path)] == []
    assert not is_secret_file("/opt/get-token", "#!/bin/sh")


@pytest.mark.parametrize(
    "part", ["a:", "://b:", "password=", "curl ", "$1$", "<a>", '"', "-", "Bearer ", "TOKEN=a ", "ALTER USER ", "-u a:"]
)
def test_the_time_grows_with_the_length_of_a_line(part: str) -> None:
    """The patterns do not go back over what they have read; if they did, this would take minutes."""
    line = part * (1 << 13)
    assert len(secrets_hidden([line])) == 1

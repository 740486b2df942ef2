"""User data that is a script (`#!`) -> a config with the script, and a unit that runs it once.

coreos-cloudinit runs such a script at each start, cloud-init at the first one. Here a script runs once, and only if a
kernel argument or the image allows it (provision.scripts=run).
"""

from __future__ import annotations

from provision.config.format import Config, File, Ignition, Resource, Storage, Systemd, Unit
from provision.config.machine_addresses import Addresses, filled_in, named_addresses
from provision.config.model import NEWEST, VERSIONS
from provision.config.resources.data_urls import base64_encoded

SCRIPT = "/var/lib/provision/user-script"
UNIT = "provision-user-script.service"

_TEXT = f"""\
[Unit]
Description=Run the script of the user data, once
Documentation=man:provision(1)
ConditionPathExists=!{SCRIPT}.started
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=-/run/metadata/afterburn
ExecStartPre=/usr/bin/touch {SCRIPT}.started
ExecStart={SCRIPT}

[Install]
WantedBy=multi-user.target
"""


def script_config(raw: bytes, addresses: Addresses) -> Config:
    """The config for a script. Known addresses of the machine replace `$private_ipv4` and the like in its text."""
    if named_addresses(raw):
        raw = filled_in(raw, addresses())
    file = File(path=SCRIPT, overwrite=True, mode=0o700, contents=Resource(source=base64_encoded(raw)))
    unit = Unit(name=UNIT, enabled=True, contents=_TEXT)
    return Config(
        ignition=Ignition(version=VERSIONS[NEWEST - 1]), storage=Storage(files=(file,)), systemd=Systemd(units=(unit,))
    )

"""What each platform answers, and what its metadata must be: values as the platforms' documentation shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5dnA1jzwJZ2ndPmoZAvB1MDLU core@host"
OTHER = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDYVEprvtYJXVOBN0XNKVVRNCRX6 other"


class Recorded(NamedTuple):
    """Path of the service (or of the drive) -> text; then attributes, host name and keys of the machine."""

    answers: Mapping[str, str]
    attributes: Mapping[str, str]
    hostname: str = ""
    ssh_keys: tuple[str, ...] = (KEY,)
    demands: tuple[str, str] = ("", "")
    provider: int = 0


OPENSTACK = f"""{{"hostname": "host.novalocal", "name": "host", "uuid": "d8e02d56", "instance_type": "m1",
  "public_keys": {{"mykey": "{KEY}\\n"}}}}"""

RECORDED: Mapping[str, Recorded] = {
    "akamai": Recorded(
        {
            "PUT /v1/token": "t0ken",
            "/v1/instance": """{"id": 12345, "host_uuid": "e0b8", "label": "my-linode", "region": "us-ord",
                "type": "g6-nanode-1", "tags": ["a", "b"], "specs": {"vcpus": 1}, "backups": {"enabled": false}}""",
            "/v1/network": """{"interfaces": [], "ipv4": {"public": ["1.2.3.4/32", "1.2.3.5/32"], "private": [],
                "shared": ["9.9.9.9/32"]}, "ipv6": {"slaac": "2600::1/128", "ranges": ["2600:1::/64"],
                "link_local": "fe80::1/128", "shared_ranges": []}}""",
            "/v1/ssh-keys": f'{{"users": {{"core": ["{KEY}"], "root": ["{OTHER}"]}}}}',
        },
        {
            "INSTANCE_ID": "12345",
            "INSTANCE_HOST_UUID": "e0b8",
            "INSTANCE_LABEL": "my-linode",
            "INSTANCE_REGION": "us-ord",
            "INSTANCE_TYPE": "g6-nanode-1",
            "INSTANCE_TAGS": "a:b",
            "PUBLIC_IPV4_0": "1.2.3.4/32",
            "PUBLIC_IPV4_1": "1.2.3.5/32",
            "SHARED_IPV4_0": "9.9.9.9/32",
            "IPV6_SLAAC": "2600::1/128",
            "IPV6_RANGE_0": "2600:1::/64",
            "IPV6_LINK_LOCAL": "fe80::1/128",
        },
        ssh_keys=(KEY, OTHER),
        demands=("metadata-token", "t0ken"),
    ),
    "aliyun": Recorded(
        {
            "/latest/meta-data/hostname": "iZ2ze",
            "/latest/meta-data/instance/instance-type": "ecs.t5",
            "/latest/meta-data/eipv4": "",
            "/latest/meta-data/private-ipv4": "10.0.0.2",
            "/latest/meta-data/public-keys/": "my-key/",
            "/latest/meta-data/public-keys/my-key/openssh-key": KEY,
        },
        {"HOSTNAME": "iZ2ze", "INSTANCE_TYPE": "ecs.t5", "IPV4_PRIVATE": "10.0.0.2"},
        "iZ2ze",
    ),
    "aws": Recorded(
        {
            "PUT /latest/api/token": "t0ken",
            "/2021-01-03/meta-data/instance-id": "i-1",
            "/2021-01-03/meta-data/hostname": "ip-10-0-0-2.ec2.internal",
            "/2021-01-03/meta-data/local-ipv4": "10.0.0.2",
            "/2021-01-03/meta-data/public-ipv4": "3.3.3.3",
            "/2021-01-03/meta-data/placement/availability-zone": "us-east-1a",
            "/2021-01-03/dynamic/instance-identity/document": '{"region": "us-east-1", "accountId": "1"}',
            "/2021-01-03/meta-data/public-keys": "0=first\n1=second",
            "/2021-01-03/meta-data/public-keys/0/openssh-key": f"{KEY}\n",
            "/2021-01-03/meta-data/public-keys/1/openssh-key": OTHER,
        },
        {
            "INSTANCE_ID": "i-1",
            "HOSTNAME": "ip-10-0-0-2.ec2.internal",
            "IPV4_LOCAL": "10.0.0.2",
            "IPV4_PUBLIC": "3.3.3.3",
            "AVAILABILITY_ZONE": "us-east-1a",
            "REGION": "us-east-1",
        },
        "ip-10-0-0-2.ec2.internal",
        (KEY, OTHER),
        ("x-aws-ec2-metadata-token", "t0ken"),
    ),
    "cloudstack": Recorded(
        {
            "local_hostname.txt": "vm-1",
            "vm_id.txt": "8a5b",
            "availability_zone.txt": "zone",
            "public_keys.txt": f"{KEY}\n{OTHER}\n",
        },
        {"LOCAL_HOSTNAME": "vm-1", "VM_ID": "8a5b", "AVAILABILITY_ZONE": "zone"},
        "vm-1",
        (KEY, OTHER),
    ),
    "digitalocean": Recorded(
        {
            "/metadata/v1.json": f"""{{"droplet_id": 1, "hostname": "web", "region": "nyc3", "public_keys": ["{KEY}"],
                "interfaces": {{"public": [{{"ipv4": {{"ip_address": "1.1.1.1"}}, "ipv6": {{"ip_address": "2001::1"}},
                "anchor_ipv4": {{"ip_address": "10.17.0.5"}}}}],
                "private": [{{"ipv4": {{"ip_address": "10.1.0.2"}}}}]}}}}"""
        },
        {
            "HOSTNAME": "web",
            "REGION": "nyc3",
            "IPV4_PUBLIC_0": "1.1.1.1",
            "IPV6_PUBLIC_0": "2001::1",
            "IPV4_ANCHOR_0": "10.17.0.5",
            "IPV4_PRIVATE_0": "10.1.0.2",
        },
        "web",
    ),
    "exoscale": Recorded(
        {
            "/1.0/meta-data/local-hostname": "vm",
            "/1.0/meta-data/public-ipv4": "5.5.5.5",
            "/1.0/meta-data/service-offering": "Tiny",
            "/1.0/meta-data/public-keys": KEY,
        },
        {"LOCAL_HOSTNAME": "vm", "PUBLIC_IPV4": "5.5.5.5", "SERVICE_OFFERING": "Tiny"},
        "vm",
    ),
    "gcp": Recorded(
        {
            "/computeMetadata/v1/instance/hostname": "vm.c.project.internal",
            "/computeMetadata/v1/instance/network-interfaces/0/ip": "10.128.0.2",
            "/computeMetadata/v1/instance/machine-type": "projects/1/machineTypes/e2-micro",
            "/computeMetadata/v1/instance/attributes/ssh-keys": f"core:{KEY}\n",
            "/computeMetadata/v1/project/attributes/ssh-keys": f"admin:{OTHER}\n\n",
        },
        {
            "HOSTNAME": "vm.c.project.internal",
            "IP_LOCAL_0": "10.128.0.2",
            "MACHINE_TYPE": "projects/1/machineTypes/e2-micro",
        },
        "vm.c.project.internal",
        (KEY, OTHER),
        ("metadata-flavor", "Google"),
    ),
    "hetzner": Recorded(
        {
            "/hetzner/v1/metadata": "availability-zone: fsn1-dc14\nhostname: ubuntu\ninstance-id: 42\n"
            "public-ipv4: 6.6.6.6\nregion: eu-central\npublic-keys: []\n",
            "/hetzner/v1/metadata/hostname": "ubuntu",
            "/hetzner/v1/metadata/private-networks": "- ip: 10.0.0.2\n  network_id: 1\n- ip: 10.1.0.2\n",
            "/hetzner/v1/metadata/public-keys": f'["{KEY}"]',
        },
        {
            "AVAILABILITY_ZONE": "fsn1-dc14",
            "HOSTNAME": "ubuntu",
            "INSTANCE_ID": "42",
            "PUBLIC_IPV4": "6.6.6.6",
            "REGION": "eu-central",
            "PRIVATE_IPV4_0": "10.0.0.2",
            "PRIVATE_IPV4_1": "10.1.0.2",
        },
        "ubuntu",
    ),
    "ibmcloud": Recorded(
        {
            "meta-data": "instance-id: 1711_2a58\nlocal-hostname: vpc-gen2\n",
            "vendor-data": 'Content-Type: multipart/mixed; boundary="==b=="\nMIME-Version: 1.0\n\n--==b==\n'
            'Content-Type: text/cloud-config; charset="us-ascii"\n\n#cloud-config\nssh_authorized_keys:\n'
            f"  - {KEY}\n\n--==b==--\n",
        },
        {"INSTANCE_ID": "1711_2a58", "LOCAL_HOSTNAME": "vpc-gen2"},
        "vpc-gen2",
    ),
    "ibmcloud-classic": Recorded(
        {"meta_data.json": OPENSTACK}, {"INSTANCE_ID": "d8e02d56", "LOCAL_HOSTNAME": "host"}, "host", ()
    ),
    "kubevirt": Recorded(
        {"meta_data.json": OPENSTACK},
        {"HOSTNAME": "host.novalocal", "INSTANCE_ID": "d8e02d56", "INSTANCE_TYPE": "m1"},
        "host.novalocal",
    ),
    "openstack": Recorded(
        {
            "meta_data.json": OPENSTACK,
            "../../ec2/latest/meta-data.json": '{"instance-id": "i-2", "local-ipv4": "10.0.0.9", "public-ipv4": null}',
        },
        {
            "HOSTNAME": "host.novalocal",
            "INSTANCE_UUID": "d8e02d56",
            "INSTANCE_ID": "i-2",
            "IPV4_LOCAL": "10.0.0.9",
        },
        "host.novalocal",
    ),
    "openstack-metadata": Recorded(
        {
            "/latest/meta-data/hostname": "host",
            "/latest/meta-data/local-ipv4": "10.0.0.9",
            "/openstack/2012-08-10/meta_data.json": OPENSTACK,
            "/latest/meta-data/public-keys": "0=mykey",
            "/latest/meta-data/public-keys/0/openssh-key": KEY,
        },
        {"HOSTNAME": "host", "IPV4_LOCAL": "10.0.0.9", "INSTANCE_UUID": "d8e02d56"},
        "host",
    ),
    "oraclecloud": Recorded(
        {
            "/opc/v2/instance": f"""{{"availabilityDomain": "EMIr:PHX-AD-1", "faultDomain": "FAULT-DOMAIN-3",
                "compartmentId": "ocid1.t", "hostname": "vm", "id": "ocid1.i", "shape": "VM.Standard.E3",
                "canonicalRegionName": "us-phoenix-1", "metadata": {{"ssh_authorized_keys": "{KEY}\\n{OTHER}"}}}}"""
        },
        {
            "AVAILABILITY_DOMAIN": "EMIr:PHX-AD-1",
            "COMPARTMENT_ID": "ocid1.t",
            "FAULT_DOMAIN": "FAULT-DOMAIN-3",
            "HOSTNAME": "vm",
            "INSTANCE_ID": "ocid1.i",
            "INSTANCE_SHAPE": "VM.Standard.E3",
            "REGION_ID": "us-phoenix-1",
        },
        "vm",
        (KEY, OTHER),
        ("authorization", "Bearer Oracle"),
    ),
    "packet": Recorded(
        {
            "/metadata": f"""{{"id": "a", "hostname": "metal", "plan": "c3", "ssh_keys": ["{KEY}"],
                "phone_home_url": "http://tinkerbell/phone-home", "network": {{"addresses": [
                {{"address": "7.7.7.7", "public": true, "gateway": "7.7.7.1"}},
                {{"address": "2604::1", "public": true, "gateway": "2604::"}},
                {{"address": "10.64.0.1", "public": false, "gateway": "10.64.0.0"}},
                {{"address": "10.64.0.3", "public": false, "gateway": "10.64.0.2"}}]}}}}"""
        },
        {
            "HOSTNAME": "metal",
            "PLAN": "c3",
            "PHONE_HOME_URL": "http://tinkerbell/phone-home",
            "IPV4_PUBLIC_0": "7.7.7.7",
            "IPV4_PUBLIC_GATEWAY_0": "7.7.7.1",
            "IPV6_PUBLIC_0": "2604::1",
            "IPV6_PUBLIC_GATEWAY_0": "2604::",
            "IPV4_PRIVATE_0": "10.64.0.1",
            "IPV4_PRIVATE_GATEWAY_0": "10.64.0.0",
            "IPV4_PRIVATE_1": "10.64.0.3",
            "IPV4_PRIVATE_GATEWAY_1": "10.64.0.2",
        },
        "metal",
    ),
    "powervs": Recorded({"meta_data.json": OPENSTACK}, {"INSTANCE_ID": "d8e02d56", "LOCAL_HOSTNAME": "host"}, "host"),
    "proxmoxve": Recorded(
        {
            "meta-data": "instance-id: 15a9\n",
            "user-data": f"#cloud-config\nhostname: pve\nssh_authorized_keys:\n  - {KEY}\n",
        },
        {"HOSTNAME": "pve", "INSTANCE_ID": "15a9"},
        "pve",
    ),
    "scaleway": Recorded(
        {
            "/conf?format=json": f"""{{"hostname": "scw", "id": "11111111", "commercial_type": "DEV1-S",
                "location": {{"zone_id": "par1"}}, "private_ip": "10.65.0.2", "public_ip": {{"address": "8.8.8.9"}},
                "ipv6": null, "ssh_public_keys": [{{"key": "{KEY}", "fingerprint": "x"}}]}}"""
        },
        {
            "HOSTNAME": "scw",
            "INSTANCE_ID": "11111111",
            "INSTANCE_TYPE": "DEV1-S",
            "ZONE_ID": "par1",
            "IPV4_PRIVATE": "10.65.0.2",
            "IPV4_PUBLIC": "8.8.8.9",
        },
        "scw",
    ),
    "upcloud": Recorded(
        {
            "/metadata/v1/hostname": "up",
            "/metadata/v1/instance_id": "00a1",
            "/metadata/v1/region": "fi-hel1",
            "/metadata/v1/public_keys": f"{KEY}\nnot a key\n{OTHER}",
        },
        {"HOSTNAME": "up", "INSTANCE_ID": "00a1", "REGION": "fi-hel1"},
        "up",
        (KEY, OTHER),
    ),
    "vultr": Recorded(
        {
            "/v1/hostname": "vu",
            "/v1/instanceid": "77",
            "/v1/region/regioncode": "EWR",
            "/v1/public-keys": KEY,
        },
        {"HOSTNAME": "vu", "INSTANCE_ID": "77", "REGION_CODE": "EWR"},
        "vu",
    ),
}
"""Provider -> its answers and metadata. For Azure and Azure Stack Hub see test_azure."""

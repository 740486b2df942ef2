"""The table of metadata providers. Names of attributes are Afterburn's, without its prefix and the provider's.

A place is a path, or `PATH#KEY/KEY` in a JSON or YAML document; a `*` in a place numbers the attributes `NAME_{}`.
Source of the facts: Afterburn 5.11 (src/providers), coreos-metadata, and the platforms' own documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from provision.fetch.platforms.table import AKAMAI_TOKEN, AWS_TOKEN, LINK_LOCAL
from provision.metadata import check_in, ssh_keys
from provision.metadata.answers import (
    Answers,
    DhcpService,
    DriveService,
    GuestInfo,
    HttpService,
    MetadataService,
    OwnSettings,
)
from provision.metadata.azure import WireServer
from provision.metadata.network import described, documents, dracut, packet
from provision.metadata.network.interfaces import Network
from provision.metadata.ssh_keys import SshKeys


class Provider(NamedTuple):
    """What a platform says of a machine, and where.

    `attributes` has a place for each attribute; `more` returns those that no place can describe. `hostname` is a place.
    `administrator` is the place of the name of the account that the owner of the machine chose.
    `check_in` tells the platform that the machine has booted.
    `network` returns the network that the platform describes, `netplan` the same as a document of netplan where the
    platform has one, and `kernel_arguments` the arguments that configure it in the initramfs.
    """

    prefix: str
    service: MetadataService
    attributes: Mapping[str, str]
    hostname: str = ""
    ssh_keys: SshKeys = ssh_keys.no_keys
    more: Callable[[Answers], Mapping[str, str]] | None = None
    check_in: Callable[[Answers], None] | None = None
    network: Callable[[Answers], Network] | None = None
    kernel_arguments: Callable[[Answers], str] | None = None
    administrator: str = ""
    netplan: Callable[[Answers], Mapping[str, Any] | None] | None = None


CONFIG_DRIVE = ("config-2", "CONFIG-2")
OPENSTACK_FOLDER = "/openstack/latest/"
EC2_STYLE = {
    "AVAILABILITY_ZONE": "availability-zone",
    "CLOUD_IDENTIFIER": "cloud-identifier",
    "INSTANCE_ID": "instance-id",
    "LOCAL_HOSTNAME": "local-hostname",
    "PUBLIC_HOSTNAME": "public-hostname",
    "SERVICE_OFFERING": "service-offering",
    "VM_ID": "vm-id",
}
"""Places of CloudStack's service, which Exoscale's is too."""

META_DATA = "meta_data.json"
EC2_META_DATA = "../../ec2/latest/meta-data.json"

OPENSTACK_DRIVE = Provider(
    "OPENSTACK",
    DriveService(CONFIG_DRIVE, OPENSTACK_FOLDER),
    {
        "HOSTNAME": f"{META_DATA}#hostname",
        "INSTANCE_UUID": f"{META_DATA}#uuid",
        "INSTANCE_ID": f"{EC2_META_DATA}#instance-id",
        "INSTANCE_TYPE": f"{EC2_META_DATA}#instance-type",
        "IPV4_LOCAL": f"{EC2_META_DATA}#local-ipv4",
        "IPV4_PUBLIC": f"{EC2_META_DATA}#public-ipv4",
    },
    f"{META_DATA}#hostname",
    ssh_keys.at(f"{META_DATA}#public_keys/*"),
)
OPENSTACK_SERVICE = Provider(
    "OPENSTACK",
    HttpService(LINK_LOCAL),
    {
        "HOSTNAME": "/latest/meta-data/hostname",
        "INSTANCE_ID": "/latest/meta-data/instance-id",
        "INSTANCE_TYPE": "/latest/meta-data/instance-type",
        "INSTANCE_UUID": "/openstack/2012-08-10/meta_data.json#uuid",
        "IPV4_LOCAL": "/latest/meta-data/local-ipv4",
        "IPV4_PUBLIC": "/latest/meta-data/public-ipv4",
    },
    "/latest/meta-data/hostname",
    ssh_keys.listed("/latest/meta-data/public-keys"),
)
CLOUDSTACK_DRIVE = Provider(
    "CLOUDSTACK",
    DriveService(CONFIG_DRIVE, "/cloudstack/metadata/"),
    {name: f"{place.replace('-', '_')}.txt" for name, place in EC2_STYLE.items() if name != "PUBLIC_HOSTNAME"},
    "local_hostname.txt",
    ssh_keys.lines("public_keys.txt"),
)
CLOUDSTACK_SERVICE = Provider(
    "CLOUDSTACK",
    DhcpService("/latest/meta-data/"),
    {**EC2_STYLE, "IPV4_LOCAL": "local-ipv4", "IPV4_PUBLIC": "public-ipv4"},
    "local-hostname",
    ssh_keys.lines("public-keys"),
)
AWS = Provider(
    "AWS",
    HttpService(LINK_LOCAL, token=AWS_TOKEN),
    {
        "AVAILABILITY_ZONE": "/2021-01-03/meta-data/placement/availability-zone",
        "AVAILABILITY_ZONE_ID": "/2021-01-03/meta-data/placement/availability-zone-id",
        "HOSTNAME": "/2021-01-03/meta-data/hostname",
        "INSTANCE_ID": "/2021-01-03/meta-data/instance-id",
        "INSTANCE_TYPE": "/2021-01-03/meta-data/instance-type",
        "IPV4_LOCAL": "/2021-01-03/meta-data/local-ipv4",
        "IPV4_PUBLIC": "/2021-01-03/meta-data/public-ipv4",
        "IPV6": "/2021-01-03/meta-data/ipv6",
        "PUBLIC_HOSTNAME": "/2021-01-03/meta-data/public-hostname",
        "REGION": "/2021-01-03/dynamic/instance-identity/document#region",
    },
    "/2021-01-03/meta-data/hostname",
    ssh_keys.listed("/2021-01-03/meta-data/public-keys"),
)
DIGITALOCEAN = "/metadata/v1.json#interfaces"

PROVIDERS: Mapping[str, tuple[Provider, ...]] = {
    "akamai": (
        Provider(
            "AKAMAI",
            HttpService(LINK_LOCAL, (("Accept", "application/json"),), AKAMAI_TOKEN),
            {
                "INSTANCE_HOST_UUID": "/v1/instance#host_uuid",
                "INSTANCE_ID": "/v1/instance#id",
                "INSTANCE_LABEL": "/v1/instance#label",
                "INSTANCE_REGION": "/v1/instance#region",
                "INSTANCE_TAGS": "/v1/instance#tags",
                "INSTANCE_TYPE": "/v1/instance#type",
                "IPV6_LINK_LOCAL": "/v1/network#ipv6/link_local",
                "IPV6_RANGE_{}": "/v1/network#ipv6/ranges/*",
                "IPV6_SHARED_RANGE_{}": "/v1/network#ipv6/shared_ranges/*",
                "IPV6_SLAAC": "/v1/network#ipv6/slaac",
                "PRIVATE_IPV4_{}": "/v1/network#ipv4/private/*",
                "PUBLIC_IPV4_{}": "/v1/network#ipv4/public/*",
                "SHARED_IPV4_{}": "/v1/network#ipv4/shared/*",
            },
            ssh_keys=ssh_keys.at("/v1/ssh-keys#users/*/*"),
        ),
    ),
    "aliyun": (
        Provider(
            "ALIYUN",
            HttpService("http://100.100.100.200/latest/meta-data/"),
            {
                "EIPV4": "eipv4",
                "HOSTNAME": "hostname",
                "IMAGE_ID": "image-id",
                "INSTANCE_ID": "instance-id",
                "INSTANCE_TYPE": "instance/instance-type",
                "IPV4_PRIVATE": "private-ipv4",
                "IPV4_PUBLIC": "public-ipv4",
                "REGION_ID": "region-id",
                "VPC_ID": "vpc-id",
                "ZONE_ID": "zone-id",
            },
            "hostname",
            ssh_keys.listed("public-keys/", "/"),
        ),
    ),
    "aws": (AWS,),
    "azure": (
        Provider(
            "AZURE",
            HttpService(LINK_LOCAL, (("Metadata", "true"),)),
            {"VMSIZE": "/metadata/instance/compute/vmSize?api-version=2017-08-01&format=text"},
            "/metadata/instance/compute/name?api-version=2017-08-01&format=text",
            ssh_keys.json_list("/metadata/instance/compute/publicKeys?api-version=2021-02-01", "keyData"),
            WireServer().addresses,
            WireServer().report_ready,
            administrator="/metadata/instance/compute/osProfile/adminUsername?api-version=2021-02-01&format=text",
        ),
    ),
    "azurestack": (
        Provider(
            "AZURESTACK",
            HttpService(LINK_LOCAL, (("Metadata", "true"),)),
            {},
            "/Microsoft.Compute/identity?api-version=2019-03-11#vmName",
            WireServer().ssh_keys,
            check_in=WireServer().report_ready,
        ),
    ),
    "cloudstack": (CLOUDSTACK_DRIVE, CLOUDSTACK_SERVICE),
    "cloudstack-configdrive": (CLOUDSTACK_DRIVE,),
    "cloudstack-metadata": (CLOUDSTACK_SERVICE,),
    "digitalocean": (
        Provider(
            "DIGITALOCEAN",
            HttpService(LINK_LOCAL),
            {
                "HOSTNAME": "/metadata/v1.json#hostname",
                "IPV4_ANCHOR_{}": f"{DIGITALOCEAN}/public/*/anchor_ipv4/ip_address",
                "IPV4_PRIVATE_{}": f"{DIGITALOCEAN}/private/*/ipv4/ip_address",
                "IPV4_PUBLIC_{}": f"{DIGITALOCEAN}/public/*/ipv4/ip_address",
                "IPV6_PRIVATE_{}": f"{DIGITALOCEAN}/private/*/ipv6/ip_address",
                "IPV6_PUBLIC_{}": f"{DIGITALOCEAN}/public/*/ipv6/ip_address",
                "REGION": "/metadata/v1.json#region",
            },
            "/metadata/v1.json#hostname",
            ssh_keys.at("/metadata/v1.json#public_keys/*"),
            network=lambda answers: documents.digitalocean(answers.document("/metadata/v1.json")),
        ),
    ),
    "exoscale": (
        Provider(
            "EXOSCALE",
            HttpService(f"{LINK_LOCAL}/1.0/meta-data/"),
            {**EC2_STYLE, "LOCAL_IPV4": "local-ipv4", "PUBLIC_IPV4": "public-ipv4"},
            "local-hostname",
            ssh_keys.lines("public-keys"),
        ),
    ),
    "gcp": (
        Provider(
            "GCP",
            HttpService(f"{LINK_LOCAL}/computeMetadata/v1/", (("Metadata-Flavor", "Google"),)),
            {
                "HOSTNAME": "instance/hostname",
                "IP_EXTERNAL_0": "instance/network-interfaces/0/access-configs/0/external-ip",
                "IP_LOCAL_0": "instance/network-interfaces/0/ip",
                "MACHINE_TYPE": "instance/machine-type",
            },
            "instance/hostname",
            ssh_keys.google,
        ),
    ),
    "hetzner": (
        Provider(
            "HETZNER",
            HttpService(f"{LINK_LOCAL}/hetzner/v1/metadata"),
            {
                "AVAILABILITY_ZONE": "#availability-zone",
                "HOSTNAME": "#hostname",
                "INSTANCE_ID": "#instance-id",
                "PRIVATE_IPV4_{}": "/private-networks#*/ip",
                "PUBLIC_IPV4": "#public-ipv4",
                "REGION": "#region",
            },
            "/hostname",
            ssh_keys.json_list("/public-keys"),
            described.public_ipv6,
            network=lambda answers: documents.cloud_init(answers.document("/network-config")),
        ),
    ),
    "ibmcloud": (
        Provider(
            "IBMCLOUD",
            DriveService(("cidata",), "/"),
            {"INSTANCE_ID": "meta-data#instance-id", "LOCAL_HOSTNAME": "meta-data#local-hostname"},
            "meta-data#local-hostname",
            ssh_keys.vendor_data,
        ),
    ),
    "ibmcloud-classic": (
        Provider(
            "IBMCLOUD_CLASSIC",
            DriveService(CONFIG_DRIVE, OPENSTACK_FOLDER),
            {"INSTANCE_ID": f"{META_DATA}#uuid", "LOCAL_HOSTNAME": f"{META_DATA}#name"},
            f"{META_DATA}#name",
            network=described.network_data,
        ),
    ),
    "kubevirt": (
        Provider(
            "KUBEVIRT",
            DriveService(CONFIG_DRIVE, OPENSTACK_FOLDER),
            {
                "HOSTNAME": f"{META_DATA}#hostname",
                "INSTANCE_ID": f"{META_DATA}#uuid",
                "INSTANCE_TYPE": f"{META_DATA}#instance_type",
            },
            f"{META_DATA}#hostname",
            ssh_keys.at(f"{META_DATA}#public_keys/*"),
            lambda answers: described.first_addresses(described.network_data(answers)),
            network=described.network_data,
            kernel_arguments=lambda answers: dracut.kernel_arguments(described.network_data(answers)),
        ),
        Provider(
            "KUBEVIRT",
            DriveService(("cidata",), "/"),
            {
                "HOSTNAME": "meta-data#local-hostname",
                "INSTANCE_ID": "meta-data#instance-id",
                "INSTANCE_TYPE": "meta-data#instance_type",
            },
            "meta-data#local-hostname",
            ssh_keys.at("meta-data#public_keys/*"),
            lambda answers: described.first_addresses(described.network_config(answers)),
            network=described.network_config,
            kernel_arguments=lambda answers: dracut.kernel_arguments(described.network_config(answers)),
        ),
    ),
    "openstack": (OPENSTACK_DRIVE, OPENSTACK_SERVICE),
    "openstack-metadata": (OPENSTACK_SERVICE,),
    "oraclecloud": (
        Provider(
            "ORACLECLOUD",
            HttpService(f"{LINK_LOCAL}/opc/v2/", (("Authorization", "Bearer Oracle"),)),
            {
                "AVAILABILITY_DOMAIN": "instance#availabilityDomain",
                "COMPARTMENT_ID": "instance#compartmentId",
                "FAULT_DOMAIN": "instance#faultDomain",
                "HOSTNAME": "instance#hostname",
                "INSTANCE_ID": "instance#id",
                "INSTANCE_SHAPE": "instance#shape",
                "REGION_ID": "instance#canonicalRegionName",
            },
            "instance#hostname",
            ssh_keys.at("instance#metadata/ssh_authorized_keys"),
        ),
    ),
    "packet": (
        Provider(
            "PACKET",
            HttpService("https://metadata.packet.net/"),
            {
                "HOSTNAME": "metadata#hostname",
                "PHONE_HOME_URL": "metadata#phone_home_url",
                "PLAN": "metadata#plan",
            },
            "metadata#hostname",
            ssh_keys.at("metadata#ssh_keys/*"),
            packet.addresses,
            check_in.phone_home,
            packet.network,
        ),
    ),
    "powervs": (
        Provider(
            "POWERVS",
            DriveService(CONFIG_DRIVE, OPENSTACK_FOLDER),
            {"INSTANCE_ID": f"{META_DATA}#uuid", "LOCAL_HOSTNAME": f"{META_DATA}#name"},
            f"{META_DATA}#name",
            ssh_keys.at(f"{META_DATA}#public_keys/*"),
        ),
    ),
    "proxmoxve": (
        Provider(
            "PROXMOXVE",
            DriveService(("cidata",), "/", "user-data"),
            {"HOSTNAME": "user-data#hostname", "INSTANCE_ID": "meta-data#instance-id"},
            "user-data#hostname",
            ssh_keys.at("user-data#ssh_authorized_keys/*"),
            lambda answers: described.first_addresses(described.network_config(answers)),
            network=described.network_config,
            kernel_arguments=lambda answers: dracut.without_names(described.network_config(answers)),
        ),
    ),
    "scaleway": (
        Provider(
            "SCALEWAY",
            HttpService("http://169.254.42.42/"),
            {
                "HOSTNAME": "conf?format=json#hostname",
                "INSTANCE_ID": "conf?format=json#id",
                "INSTANCE_TYPE": "conf?format=json#commercial_type",
                "IPV4_PRIVATE": "conf?format=json#private_ip",
                "IPV4_PUBLIC": "conf?format=json#public_ip/address",
                "IPV6_PUBLIC": "conf?format=json#ipv6/address",
                "ZONE_ID": "conf?format=json#location/zone_id",
            },
            "conf?format=json#hostname",
            ssh_keys.at("conf?format=json#ssh_public_keys/*/key"),
            check_in=check_in.Booted("http://169.254.42.42/state").report,
        ),
    ),
    "upcloud": (
        Provider(
            "UPCLOUD",
            HttpService(f"{LINK_LOCAL}/metadata/v1/"),
            {"HOSTNAME": "hostname", "INSTANCE_ID": "instance_id", "REGION": "region"},
            "hostname",
            ssh_keys.lines("public_keys"),
        ),
    ),
    # Vagrant gives its machines a second interface, whose address the other machines reach
    "vagrant-virtualbox": (
        Provider("VAGRANT_VIRTUALBOX", OwnSettings(), {"HOSTNAME": "hostname", "PRIVATE_IPV4": "eth1"}, "hostname"),
    ),
    "vmware": (
        Provider(
            "VMWARE",
            GuestInfo(),
            {},
            kernel_arguments=lambda answers: answers.text("guestinfo.afterburn.initrd.network-kargs") or "",
            netplan=described.guestinfo,
        ),
    ),
    "vultr": (
        Provider(
            "VULTR",
            HttpService(f"{LINK_LOCAL}/v1/"),
            {"HOSTNAME": "hostname", "INSTANCE_ID": "instanceid", "REGION_CODE": "region/regioncode"},
            "hostname",
            ssh_keys.lines("public-keys"),
        ),
    ),
}
"""Platform -> its providers; the first whose service is there is asked."""

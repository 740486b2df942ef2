"""The table of platforms: where each keeps the config of a machine.

Source of the facts: Ignition's providers (internal/providers) and the platforms' own
documentation. docs/reference/platforms.md is generated from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from provision.fetch.platforms.context import FetchContext
from provision.fetch.platforms.drives import ByMachine, Drive, KernelFile, Optical, RawDevice, trim_nul
from provision.fetch.platforms.hypervisors.query import HypervisorQuery
from provision.fetch.platforms.metadata_services import DhcpServer, Http, LinkLocal, TokenRequest
from provision.fetch.platforms.sources import ConfigFile, NoSource, Source, base64, first_of, together

LINK_LOCAL = "http://169.254.169.254"
AWS_IPV6 = "http://[fd00:ec2::254]"
USER_DATA = "/openstack/latest/user_data"
CLOUDSTACK = "/cloudstack/userdata/user_data.txt"
HALF_A_MINUTE = 30.0


class Platform(NamedTuple):
    """A platform and the source of its config.

    `proof` says how the source was tested: `real` with a real device or a server at the real address, `recorded` with a
    recorded exchange; `read` means that it is only written from the platform's documentation. `delete` removes the
    config from the platform, so that no process in the machine can read it later.
    """

    title: str
    source: Source
    proof: str = "real"
    delete: Callable[[FetchContext], None] | None = None


AWS_TOKEN = TokenRequest(
    "/latest/api/token",
    (("X-aws-ec2-metadata-token-ttl-seconds", "21600"),),
    "X-aws-ec2-metadata-token",
    optional=True,
)
AKAMAI_TOKEN = TokenRequest(
    "/v1/token", (("Metadata-Token-Expiry-Seconds", "300"), ("Accept", "text/plain")), "Metadata-Token"
)
ANYTHING = (("Accept", "*/*"),)

OPENSTACK = together(
    Drive("config-2", (USER_DATA,)),
    Drive("CONFIG-2", (USER_DATA,)),
    Http(LINK_LOCAL, USER_DATA),
    LinkLocal(USER_DATA),
)
FW_CFG = KernelFile("/sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw", "qemu_fw_cfg")
VIRTIO_BLOCK = RawDevice("/dev/disk/by-id/virtio-ignition", "virtio_blk", 300.0)

VIRTUALBOX = HypervisorQuery("virtualbox", "guest property `/Ignition/Config`")
VMWARE = HypervisorQuery(
    "vmware",
    "`guestinfo.ignition.config.data`, its `.encoding`, or those properties of the OVF environment, "
    "by `vmware-rpctool` or else vsock, CID 0, port 976",
)

PLATFORMS: Mapping[str, Platform] = {
    "akamai": Platform(
        "Akamai Connected Cloud",
        together(
            *(
                Http(base, "/v1/user-data", ANYTHING, AKAMAI_TOKEN, decode=(base64,), absent=False)
                for base in (LINK_LOCAL, "http://[fd00:a9fe:a9fe::1]")
            )
        ),
    ),
    "aliyun": Platform("Alibaba Cloud", Http("http://100.100.100.200", "/latest/user-data")),
    "applehv": Platform(
        "Apple Hypervisor",
        Http("http://d", "/", (("Accept", "application/json"),), connection="vsock", module="vsock", offline=True),
    ),
    "aws": Platform(
        "Amazon EC2",
        together(
            Http(LINK_LOCAL, "/2019-10-01/user-data", token=AWS_TOKEN),
            Http(AWS_IPV6, "/2019-10-01/user-data", token=AWS_TOKEN),
        ),
    ),
    "azure": Platform(
        "Microsoft Azure",
        first_of(
            Http(
                LINK_LOCAL,
                "/metadata/instance/compute/userData?api-version=2021-01-01&format=text",
                (("Metadata", "true"),),
                decode=(base64,),
                retried=frozenset({404, 410, 429}),
            ),
            Optical("/CustomData.bin", "/ovf-env.xml", ("udf",)),
        ),
    ),
    "azurestack": Platform("Azure Stack Hub", Optical("/CustomData.bin", "/ovf-env.xml", ("udf", "iso9660"))),
    "brightbox": Platform("Brightbox", OPENSTACK),
    "cloudstack": Platform(
        "Apache CloudStack",
        together(Drive("config-2", (CLOUDSTACK,)), Drive("CONFIG-2", (CLOUDSTACK,)), DhcpServer("/latest/user-data")),
    ),
    "digitalocean": Platform("DigitalOcean", Http(LINK_LOCAL, "/metadata/v1/user-data", absent=False)),
    "exoscale": Platform("Exoscale", Http(LINK_LOCAL, "/1.0/user-data")),
    "file": Platform("a file", ConfigFile()),
    "gcp": Platform(
        "Google Compute Engine",
        Http(
            LINK_LOCAL,
            "/computeMetadata/v1/instance/attributes/user-data",
            (("Metadata-Flavor", "Google"),),
        ),
    ),
    "hetzner": Platform("Hetzner Cloud", Http(LINK_LOCAL, "/hetzner/v1/userdata")),
    "hyperv": Platform(
        "Microsoft Hyper-V",
        HypervisorQuery("hyperv", "KVP pool 0: `ignition.config`, or `ignition.config.0`, `.1` and so on, joined"),
        "recorded",
    ),
    "ibmcloud": Platform("IBM Cloud", Drive("cidata", ("/user-data",), HALF_A_MINUTE)),
    "kubevirt": Platform("KubeVirt", together(Drive("cidata", ("/user-data",)), Drive("config-2", (USER_DATA,)))),
    "metal": Platform("bare metal", NoSource()),
    "nutanix": Platform("Nutanix", Drive("config-2", (USER_DATA,))),
    "nvidiabluefield": Platform(
        "NVIDIA BlueField",
        KernelFile("/sys/bus/platform/devices/MLNXBF04:00/bootfifo", "mlxbf_bootctl", (trim_nul,)),
        proof="recorded",
    ),
    "openstack": Platform("OpenStack", OPENSTACK),
    "oraclecloud": Platform(
        "Oracle Cloud Infrastructure",
        Http(
            LINK_LOCAL,
            "/opc/v2/instance/metadata/user_data",
            (("Authorization", "Bearer Oracle"),),
            decode=(base64,),
        ),
    ),
    "packet": Platform("Equinix Metal", Http("https://metadata.packet.net", "/userdata", ANYTHING, absent=False)),
    "powervs": Platform("IBM Power Virtual Server", Drive("config-2", (USER_DATA,))),
    "proxmoxve": Platform(
        "Proxmox VE", Drive("cidata", ("/user-data", "/vendor-data"), HALF_A_MINUTE, skips_cloud_config=True)
    ),
    "qemu": Platform("QEMU", ByMachine(FW_CFG, ("s390x", "ppc64le"), VIRTIO_BLOCK)),
    "scaleway": Platform(
        "Scaleway",
        together(
            *(
                Http(base, "/user_data/cloud-init", connection="privileged")
                for base in ("http://169.254.42.42", "http://[fd00:42::42]")
            )
        ),
    ),
    "upcloud": Platform("UpCloud", Http(LINK_LOCAL, "/metadata/v1/user_data")),
    "virtualbox": Platform(
        "Oracle VirtualBox",
        VIRTUALBOX,
        "recorded",
        VIRTUALBOX.delete,
    ),
    "vmware": Platform(
        "VMware",
        VMWARE,
        "recorded",
        VMWARE.delete,
    ),
    "vultr": Platform("Vultr", Http(LINK_LOCAL, "/user-data/user-data")),
    "zvm": Platform(
        "IBM z/VM", HypervisorQuery("zvm", "first spool file of type `ign` in the reader `000c`"), "recorded"
    ),
}
"""The platforms by their names in `ignition.platform.id`."""

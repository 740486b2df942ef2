"""What a plan decides about encrypted volumes, the commands, and the files for the installed system."""

from __future__ import annotations

import json

import pytest

from provision.config.format import Cex, Clevis, ClevisCustom, Config, Luks, Resource, Storage, Tang
from provision.failures import PlanRefused
from provision.planning.actions import FetchBlob, ForgetBlob, Keep, RunProgram, StoreBlob
from provision.planning.arguments import Argument, Blob, Content, DeviceName, KeyFile
from provision.planning.file_actions import MakeDirectory, WriteFile
from provision.planning.forecast import Forecast
from provision.planning.luks_keys import ZKEY_REPOSITORY
from provision.planning.machine_view import Device, LuksHeader, Signature
from provision.planning.uuids import chosen_uuid
from provision.stages.disks.luks import cex
from provision.stages.disks.luks import volumes as luks
from provision.stages.files import crypttab
from tests.stages.world import MIB, World, actions, changes, partition, run, told

DISK = "/dev/vda"
DEVICE = "/dev/vda1"
KEY = KeyFile(Blob("luks-key-data"))
NODE = DeviceName(DEVICE)
UUID = "01234567-89ab-cdef-0123-456789abcdef"
SOURCE = Resource(source="data:,secret-key")


def volume(**changed: object) -> Luks:
    return Luks(name="data", device=DEVICE, key_file=SOURCE).changed(**changed)


def config(*volumes: Luks) -> Config:
    return Config(storage=Storage(luks=volumes))


def world(found: Signature | None = None, header: LuksHeader | None = None) -> World:
    machine = World().with_device(DEVICE, 64 * MIB, signature=found)
    if header is not None:
        machine.signatures[DEVICE] = found or Signature("crypto_LUKS", "", UUID)
        machine.volumes[DEVICE] = header
    return machine


def commands(entry: Luks, machine: World | None = None) -> list[tuple[Argument, ...]]:
    waves, _ = run(luks.plan, config(entry), machine or world())
    return [action.argv for action in actions(waves) if isinstance(action, RunProgram)]


def refused(entry: Luks, machine: World) -> str:
    with pytest.raises(PlanRefused) as caught:
        run(luks.plan, config(entry), machine)
    (reason,) = told(caught.value)
    return reason


class TestCreate:
    def test_the_commands(self) -> None:
        entry = volume(
            label="secret",
            uuid=UUID,
            options=("--pbkdf", "pbkdf2"),
            discard=True,
            open_options=("--perf-same_cpu_crypt",),
        )
        assert commands(entry) == [
            (
                *("cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--key-file", KEY),
                *("--label", "secret", "--uuid", UUID, "--pbkdf", "pbkdf2", NODE),
            ),
            (
                *("cryptsetup", "luksOpen", NODE, "data", "--key-file", KEY, "--persistent"),
                *("--allow-discards", "--perf-same_cpu_crypt"),
            ),
        ]

    def test_what_holds_afterwards(self) -> None:
        machine = world()
        _, forecast = run(luks.plan, config(volume(label="l", discard=True)), machine)
        uuid = chosen_uuid(machine, "luks", "data")
        assert forecast.signature(DEVICE) == Signature("crypto_LUKS", "l", uuid)
        assert forecast.luks_header(DEVICE) == LuksHeader(2, ("allow-discards",), opened="data")
        assert forecast.device("/dev/mapper/data") == Device("/dev/mapper/data", 48 * MIB, assumed=True, mapper="data")
        assert forecast.device("/dev/disk/by-id/dm-name-data") == forecast.device("/dev/mapper/data")

    def test_the_key_is_fetched_into_memory(self) -> None:
        waves, _ = run(luks.plan, config(volume()), world())
        (fetch,) = waves[0]
        assert isinstance(fetch, FetchBlob)
        assert (fetch.resource, fetch.blob, fetch.destination) == (SOURCE, Blob("luks-key-data"), "")

    def test_a_key_is_made_where_none_is_given(self) -> None:
        stored = [run(luks.plan, config(volume(key_file=Resource())), world())[0][0][0] for _ in range(2)]
        keys = [one.content.data for one in stored if isinstance(one, StoreBlob) and one.blob == Blob("luks-key-data")]
        assert [len(key) for key in keys] == [8192, 8192]
        assert keys[0] != keys[1]

    def test_nothing_shows_a_key(self) -> None:
        waves, _ = run(luks.plan, config(volume(), volume(name="other", device="/dev/x", key_file=Resource())), world())
        made = next(action for action in actions(waves) if isinstance(action, StoreBlob) and "other" in action.title)
        shown = repr(waves) + "".join(action.title for action in actions(waves))
        assert "secret-key" not in shown
        assert made.content.data[:40].decode() not in shown

    def test_wiping_what_is_there(self) -> None:
        waves, _ = run(luks.plan, config(volume(wipe_volume=True)), world(Signature("ext4", "old")))
        wipe = changes(waves)[2]
        assert isinstance(wipe, RunProgram)
        assert wipe.argv == ("wipefs", "-a", NODE)
        assert wipe.destroys == "ext4 'old' (64 MiB)"

    def test_partitions_in_the_way_are_reported_and_wiped(self) -> None:
        machine = World().with_disk(DISK, partition(1, 2048, 2048, "old"), signatures={1: Signature("xfs", "x")})
        waves, _ = run(luks.plan, config(volume(device=DISK)), machine)
        wipe, *_ = (action for action in actions(waves) if isinstance(action, RunProgram))
        assert wipe.argv == ("wipefs", "-a", DeviceName(DISK))
        assert wipe.destroys == "a gpt table, partition 1 'old' with xfs 'x' (1 MiB)"


class TestClevis:
    def bind(self, clevis: Clevis, **changed: object) -> list[tuple[Argument, ...]]:
        return commands(volume(clevis=clevis, **changed))[2:]

    def test_tang_and_tpm2(self) -> None:
        tang = Tang(url="http://t.example/x/", thumbprint="THP")
        bind, close, unlock = self.bind(Clevis(tang=(tang,), tpm2=True, threshold=2))
        assert bind[:9] == ("clevis", "luks", "bind", "-f", "-k", KEY, "-d", NODE, "sss")
        assert bind[9] == '{"pins":{"tang":[{"url":"http://t.example/x/","thp":"THP"}],"tpm2":{}},"t":2}'
        assert close == ("cryptsetup", "luksClose", "data")
        assert unlock == ("clevis", "luks", "unlock", "-d", NODE, "-n", "data")

    @pytest.mark.parametrize(
        ("clevis", "tool"),
        [
            (Clevis(tpm2=True), "clevis-encrypt-tpm2"),
            (Clevis(tpm2=True), "tpm2_create"),
            (Clevis(tang=(Tang(url="http://t.example"),)), "clevis-encrypt-tang"),
            (Clevis(tang=(Tang(url="http://t.example"),)), "pwmake"),
            (Clevis(custom=ClevisCustom(pin="tang", config="{}")), "clevis-encrypt-tang"),
        ],
    )
    def test_a_missing_part_of_clevis_is_reported_before_anything_is_done(self, clevis: Clevis, tool: str) -> None:
        machine = World(lacking=[tool]).with_device(DEVICE, 64 * MIB)
        assert f"{tool} is needed and not on PATH" in refused(volume(clevis=clevis), machine)

    def test_the_advertisement_is_asked_for_first(self) -> None:
        tang = Tang(url="http://t.example/x/", thumbprint="THP")
        waves, _ = run(luks.plan, config(volume(clevis=Clevis(tang=(tang,)))), world())
        fetches = [action for action in waves[0] if isinstance(action, FetchBlob)]
        assert [fetch.resource.source for fetch in fetches] == ["data:,secret-key", "http://t.example/x/adv"]
        assert ForgetBlob(Blob("luks-key-data-tang-0"), ("storage", "luks", 0)) in actions(waves)

    def test_a_password_in_a_url_is_not_shown(self) -> None:
        tang = Tang(url="http://user:hunter2@t.example", thumbprint="THP")
        waves, _ = run(luks.plan, config(volume(clevis=Clevis(tang=(tang,)))), world())
        assert not any("hunter2" in action.title for action in actions(waves))

    def test_a_known_advertisement_is_passed_on_and_not_tried(self) -> None:
        tang = Tang(url="http://t", thumbprint="THP", advertisement='{"payload": "x"}')
        (bind,) = self.bind(Clevis(tang=(tang,)))
        assert json.loads(str(bind[9]))["pins"]["tang"][0]["adv"] == {"payload": "x"}

    def test_only_a_threshold_means_no_server_at_all(self) -> None:
        (bind,) = self.bind(Clevis(threshold=1))
        assert bind[9] == '{"pins":{"tang":[]},"t":1}'

    def test_the_config_of_a_custom_pin_is_a_secret(self) -> None:
        custom = ClevisCustom(pin="tpm2", config='{"key":"hidden"}', needs_network=True)
        waves, _ = run(luks.plan, config(volume(clevis=Clevis(custom=custom))), world())
        (bind,) = (action for action in actions(waves) if isinstance(action, RunProgram) and action.argv[0] == "clevis")
        assert bind.argv[8:] == ("tpm2", '{"key":"hidden"}')
        assert "hidden" not in repr(bind)

    def test_a_generated_key_is_removed_after_binding(self) -> None:
        waves, forecast = run(luks.plan, config(volume(clevis=Clevis(tpm2=True), key_file=Resource())), world())
        remove, forget = actions(waves)[-2:]
        assert isinstance(remove, RunProgram)
        assert remove.argv == ("cryptsetup", "luksRemoveKey", NODE, KEY)
        assert forget == ForgetBlob(Blob("luks-key-data"), ("storage", "luks", 0))
        assert forecast.luks_header(DEVICE) == LuksHeader(2, (), ("clevis",), "data")


class TestReuse:
    def test_what_matches_is_opened(self) -> None:
        assert commands(volume(), world(header=LuksHeader(2))) == [
            ("cryptsetup", "luksOpen", NODE, "data", "--key-file", KEY, "--persistent")
        ]

    def test_what_is_open_already_stays_open(self) -> None:
        machine = world(header=LuksHeader(2, opened="data")).with_device("/dev/dm-0", MIB, "/dev/mapper/data")
        assert commands(volume(), machine) == [("cryptsetup", "luksOpen", "--test-passphrase", NODE, "--key-file", KEY)]

    @pytest.mark.parametrize(
        ("changed", "header", "why"),
        [
            ({"clevis": Clevis(tpm2=True)}, LuksHeader(2), "config must not specify clevis binding"),
            ({"key_file": Resource()}, LuksHeader(2), "config must specify keyfile"),
            ({"label": "x"}, LuksHeader(2), 'volume label "" doesn\'t match expected label "x"'),
            ({"uuid": "x"}, LuksHeader(2), f'volume UUID "{UUID}" doesn\'t match expected UUID "x"'),
            ({"discard": True}, LuksHeader(2), "volume allow-discards flag false doesn't match expected value true"),
            (
                {},
                LuksHeader(2, ("allow-discards",)),
                "volume allow-discards flag true doesn't match expected value false",
            ),
            ({}, LuksHeader(2, opened="other"), "it is open as other"),
        ],
    )
    def test_what_differs_is_refused(self, changed: dict[str, object], header: LuksHeader, why: str) -> None:
        reason = refused(volume(**changed), world(header=header))
        assert reason == (
            'storage.luks[0]: volume wipe was not requested and luks device "/dev/vda1" could not be reused: '
            f"{why} (volume is not of the correct type); wipeVolume would replace what is there"
        )

    def test_luks1_is_never_touched(self) -> None:
        assert "is a luks device but not luks2" in refused(volume(), world(header=LuksHeader(1)))

    def test_other_contents_are_refused(self) -> None:
        reason = refused(volume(), world(Signature("ext4")))
        assert 'volume at "/dev/vda1" is not of the correct type (found ext4)' in reason

    def test_a_lost_key_of_an_interrupted_run_is_reported(self) -> None:
        machine = world(header=LuksHeader(2))
        machine.signatures[DEVICE] = Signature("crypto_LUKS", "", chosen_uuid(machine, "luks", "data"))
        assert "an interrupted run made it, and its key is lost" in refused(volume(key_file=Resource()), machine)

    @pytest.mark.parametrize("key", [Resource(), Resource(source="data:,key")], ids=["made", "given"])
    def test_what_an_interrupted_run_left_half_made_is_made_again(self, key: Resource) -> None:
        machine = world(header=LuksHeader(2, keyless=True))
        machine.signatures[DEVICE] = Signature("crypto_LUKS", "", chosen_uuid(machine, "luks", "data"))
        waves, _ = run(luks.plan, config(volume(key_file=key)), machine)
        titles = [action.title for action in changes(waves)]
        assert f"wipe {DEVICE}, where an interrupted run left off" in titles
        assert not any(action.destroys for action in changes(waves))

    def test_what_somebody_else_left_half_made_is_refused(self) -> None:
        assert "interrupted while it was made" in refused(volume(), world(header=LuksHeader(2, keyless=True)))

    def test_the_name_is_taken(self) -> None:
        machine = world().with_device("/dev/dm-0", MIB, "/dev/mapper/data")
        assert refused(volume(), machine) == "storage.luks[0]: /dev/mapper/data exists already"

    def test_the_second_plan_only_tests_the_key(self) -> None:
        _, forecast = run(luks.plan, config(volume()), world())
        again = [
            action
            for action in changes(run(luks.plan, config(volume()), forecast)[0])
            if isinstance(action, RunProgram)
        ]
        assert [action.title for action in again] == ["test the key of data, which is open"]


class TestCex:
    def machine(self) -> World:
        machine = world()
        machine.own_files = {
            cex.KEY: b"passphrase",
            "/sys/bus/ap/devices/03.0039/uevent": b"DEVTYPE=ap_queue\nMODE=cca\n",
            "/sys/bus/ap/devices/03.0040/uevent": b"MODE=ep11\n",
            "/sys/bus/ap/devices/card03/uevent": b"MODE=cca\n",
            f"{ZKEY_REPOSITORY}/ignition-luks-data.skey": b"s",
            f"{ZKEY_REPOSITORY}/ignition-luks-data.info": b"i",
        }
        return machine

    def test_the_commands(self) -> None:
        entry = volume(cex=Cex(enabled=True), key_file=Resource())
        _, generate, format_, verify, open_ = commands(entry, self.machine())
        assert generate == (
            *("zkey", "generate", "--name", "ignition-luks-data", "--key-type", "CCA-AESCIPHER", "--xts"),
            *("--description", "Secure Key for data Volume", "--apqns", "03.0039"),
        )
        assert format_[-6:] == (
            *("--volume-key-file", "/etc/zkey/repository/ignition-luks-data.skey"),
            *("--cipher", "paes-xts-plain64", "--key-size", "2176"),
        )
        assert verify == ("zkey-cryptsetup", "setvp", NODE, "--key-file", cex.KEY)
        assert open_[5] == cex.KEY

    def test_what_the_installed_system_needs(self) -> None:
        entry = volume(cex=Cex(enabled=True), key_file=Resource())
        _, forecast = run(luks.plan, config(entry), self.machine())
        waves, _ = run(crypttab.plan, config(entry), forecast)
        assert [action.path for action in actions(waves) if isinstance(action, WriteFile)] == [
            "/etc/luks/data",
            "/etc/zkey/repository/ignition-luks-data.info",
            "/etc/zkey/repository/ignition-luks-data.skey",
            "/etc/crypttab",
        ]

    def test_without_an_adapter(self) -> None:
        with pytest.raises(PlanRefused) as caught:
            run(luks.plan, config(volume(cex=Cex(enabled=True))), world())
        assert [reason.split(":")[1] for reason in caught.value.reasons] == [
            " there is no /etc/luks/cex.key in the running system",
            " cannot find the cca ap controller (no CCA domain below /sys/bus/ap/devices)",
        ]


class TestCrypttab:
    def waves(self, *volumes: Luks, machine: World | None = None) -> list[object]:
        target = (machine or world()).with_directory("/etc")
        _, forecast = run(luks.plan, config(*volumes), target)
        return list(actions(run(crypttab.plan, config(*volumes), forecast)[0]))

    def line(self, entry: Luks) -> str:
        (written,) = (one for one in self.waves(entry) if isinstance(one, WriteFile) and one.path == "/etc/crypttab")
        (part,) = written.parts
        assert isinstance(part, Content)
        assert (written.mode, written.keep) == (0o600, False)
        return part.data.decode()

    def test_a_key_file(self) -> None:
        directory, key, *_, forget = self.waves(volume(uuid=UUID))
        assert isinstance(directory, MakeDirectory)
        assert isinstance(key, WriteFile)
        assert (directory.path, directory.mode) == ("/etc/luks", 0o700)
        assert (key.path, key.parts, key.mode) == ("/etc/luks/data", (Blob("luks-key-data"),), 0o600)
        assert forget == ForgetBlob(Blob("luks-key-data"), ("storage", "luks", 0))
        assert self.line(volume(uuid=UUID)) == f"data UUID={UUID} /etc/luks/data luks,x-initrd.attach\n"

    @pytest.mark.parametrize(
        ("clevis", "options"),
        [
            (Clevis(tpm2=True), "luks,x-initrd.attach"),
            (Clevis(tang=(Tang(url="http://t", thumbprint="t"),)), "luks,_netdev,x-initrd.attach"),
            (Clevis(custom=ClevisCustom(pin="sss", config="{}", needs_network=True)), "luks,_netdev,x-initrd.attach"),
            (Clevis(custom=ClevisCustom(pin="sss", config="{}")), "luks,x-initrd.attach"),
        ],
    )
    def test_clevis_needs_no_key(self, clevis: Clevis, options: str) -> None:
        assert self.line(volume(uuid=UUID, clevis=clevis)) == f"data UUID={UUID} none {options}\n"
        assert not [
            one for one in self.waves(volume(clevis=clevis)) if isinstance(one, WriteFile) and "luks/" in one.path
        ]

    def test_a_key_file_in_the_way(self) -> None:
        machine = world().with_file("/etc/luks/data")
        with pytest.raises(PlanRefused, match=r"storage.luks.0.: /etc/luks/data exists already"):
            self.waves(volume(), machine=machine)

    def test_where_the_config_was_applied_before_its_keys_stay(self) -> None:
        entries = (volume(), volume(name="new", device="/dev/vda2"))
        target = world().with_device("/dev/vda2").with_file("/etc/luks/data")
        _, forecast = run(luks.plan, config(*entries), target)
        done = actions(run(crypttab.plan_applied, config(*entries), forecast)[0])
        assert [one.path for one in done if isinstance(one, WriteFile)] == ["/etc/luks/new", "/etc/crypttab"]
        assert [one.blob for one in done if isinstance(one, ForgetBlob)] == [
            Blob("luks-key-data"), Blob("luks-key-new"),
        ]  # fmt: skip

    def test_no_key_replaces_a_directory(self) -> None:
        _, forecast = run(luks.plan, config(volume()), world().with_directory("/etc/luks/data"))
        with pytest.raises(PlanRefused, match=r"storage.luks.0.: /etc/luks/data exists already"):
            run(crypttab.plan_applied, config(volume()), forecast)

    def test_nothing_without_volumes(self) -> None:
        assert list(crypttab.plan(Config(), Forecast(World()))) == []


@pytest.mark.parametrize("name", ["my data", "a\\x20b", "a/b", ".."])
def test_a_name_that_no_mapping_has_is_refused(name: str) -> None:
    assert "is not a name for a mapping" in refused(volume(name=name), world())


def test_two_volumes_on_one_device() -> None:
    machine = world()
    machine.links["/dev/again"] = DEVICE
    with pytest.raises(PlanRefused, match=r"/dev/again is already used by storage.luks.0."):
        run(luks.plan, config(volume(), volume(name="b", device="/dev/again")), machine)


def test_kept_things_are_reported() -> None:
    waves, _ = run(luks.plan, config(volume()), world(header=LuksHeader(2)))
    assert any(isinstance(action, Keep) for action in actions(waves))

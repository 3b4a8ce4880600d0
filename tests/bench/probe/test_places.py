"""Where a machine stands: hypervisor, container, cloud; its metadata service is a local server."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time

import pytest
from faked_roots import faked_root
from machine_samples import AMD, APPLE, GRAVITON, INTEL

import bench.probe.cloud as cloud
import bench.probe.system as system
import bench.probe.virtual as virtual
from bench.probe.fact import Absent, Readings
from bench.probe.root import HOST


@pytest.fixture
def machine(tmp_path):
    """Make the root of a Linux machine from its firmware, cpuinfo, group path and marks."""

    def make(
        *,
        dmi=None,
        cpuinfo=INTEL,
        group="0::/",
        marks=(),
        systemd="",
        osrelease="6.1.0",
        mounts="",
        environment=None,
        files=None,
    ):
        files = {
            **(files or {}),
            **dict.fromkeys(marks, ""),
            "/proc/sys/kernel/osrelease": osrelease,
            "/proc/cpuinfo": cpuinfo,
            "/proc/self/cgroup": group,
            "/proc/self/mountinfo": mounts,
            **{f"/sys/class/dmi/id/{name}": text for name, text in (dmi or {}).items()},
        }
        return faked_root(tmp_path, files, hypervisor=systemd, environment=environment or {})

    return make


AWS = {"sys_vendor": "Amazon EC2", "product_name": "c7i.large"}
GCP = {"sys_vendor": "Google", "product_name": "Google Compute Engine"}
AZURE = {
    "sys_vendor": "Microsoft Corporation",
    "product_name": "Virtual Machine",
    "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77",
}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"dmi": AWS}, "Amazon EC2"),
        ({"dmi": GCP}, "Google Compute Engine"),
        ({"dmi": AZURE}, "Hyper-V"),
        ({"dmi": {"sys_vendor": "QEMU", "product_name": "Standard PC"}}, "QEMU"),
        ({"dmi": {"sys_vendor": "Amazon EC2", "product_name": "c7i.metal-24xl"}}, "none"),
        ({"dmi": {"sys_vendor": "LENOVO", "product_name": "ThinkPad"}, "cpuinfo": AMD}, "none"),
        ({"dmi": {"sys_vendor": "Google", "product_name": "Eve"}, "cpuinfo": AMD}, "none"),
        ({"dmi": {"sys_vendor": "Google", "product_name": "Krane"}, "cpuinfo": GRAVITON}, ""),
        ({"dmi": {"sys_vendor": "Xen", "product_name": "HVM domU"}, "cpuinfo": AMD}, "none"),
        ({"systemd": "kvm"}, "KVM"),
        ({"systemd": "acrn"}, "acrn"),
        ({}, "unknown hypervisor"),
        ({"cpuinfo": GRAVITON, "systemd": "none"}, "none"),
    ],
    ids=[
        *("AWS", "GCP", "Azure", "QEMU", "AWS metal", "laptop", "Chromebook", "Arm Chromebook"),
        *("a vendor's word against the CPU's", "microVM", "rare"),
        *("silent guest", "Arm on bare metal"),
    ],
)
def test_the_hypervisor_is_named(machine, given, name):
    root = machine(**given)
    if not name:
        with pytest.raises(Absent, match="neither firmware nor systemd"):
            virtual.hypervisor(root)
        return
    assert virtual.hypervisor(root) == name


def test_an_arm_machine_of_which_nothing_is_said_is_unknown(machine):
    root = machine(cpuinfo=GRAVITON)
    with pytest.raises(Absent, match="neither firmware nor systemd"):
        virtual.hypervisor(root)


def test_a_mac_is_no_guest_unless_it_says_so(tmp_path):
    """The sysctl text is made by hand: there is no Mac here to ask."""
    own = faked_root(tmp_path, system="Darwin", sysctl=system.parse_sysctl(APPLE))
    assert virtual.hypervisor(own) == "none"
    guest = faked_root(tmp_path, system="Darwin", sysctl={"kern.hv_vmm_present": "1"})
    assert virtual.hypervisor(guest) == "macOS guest"


#: A root that lies on a disk, and overlays with a lower directory.
DISK = "26 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
LIVE = "1 2 0:9 / / rw - overlay overlay rw,lowerdir={},upperdir=/u\n"
IN_DOCKER = {"marks": (".dockerenv",), "mounts": LIVE.format("/var/lib/docker/overlay2/l/AB")}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"group": "0::/kubepods.slice/pod1/abc"}, "Kubernetes"),
        ({"group": "4:memory:/docker/0123"}, "Docker"),
        ({"marks": (".dockerenv",)}, "Docker"),
        ({"marks": ("run/.containerenv",)}, "Podman"),
        ({"marks": (".singularity.d",)}, "Singularity"),
        ({"marks": ("run/secrets/kubernetes.io/serviceaccount/token",)}, "Kubernetes"),
        ({"marks": ("var/run/secrets/kubernetes.io/x", "run/.containerenv")}, "Kubernetes"),
        ({"mounts": "1 2 0:9 / / rw - overlay overlay rw,lowerdir=/a\n"}, "containerd or similar"),
        ({"mounts": "1 2 0:9 / / rw - overlay /cow rw\n"}, "none"),
        ({"mounts": "1 2 0:9 / /mnt rw - overlay overlay rw\n"}, "none"),
        ({"osrelease": "5.15.0-microsoft-standard-WSL2"}, "WSL"),
        ({"osrelease": "5.15.0-microsoft-standard-WSL2", "marks": (".dockerenv",)}, "WSL"),
        ({"osrelease": "5.15.0-microsoft-standard-WSL2", **IN_DOCKER}, "Docker"),
        ({"marks": (".dockerenv",), "mounts": DISK}, "none"),
        ({"marks": ("singularity/data",)}, "none"),
        ({"files": {"/run/systemd/container": "lxc"}}, "LXC"),
        ({"files": {"/run/host/container-manager": "systemd-nspawn"}}, "systemd-nspawn"),
        ({"files": {"/proc/1/environ": "PATH=/bin\0container=lxc\0"}}, "LXC"),
        ({"mounts": "1 2 0:60 / /proc/stat rw - fuse.lxcfs lxcfs rw\n"}, "LXC"),
        ({"mounts": "1 2 0:60 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw\n"}, "none"),
        ({"marks": ("proc/vz/x",)}, "OpenVZ"),
        ({"marks": ("proc/vz/x", "proc/bc/x")}, "none"),
        ({"group": f"0::/system.slice/docker-{'0a' * 32}.scope"}, "Docker"),
        ({"group": "0::/system.slice/docker.service"}, "none"),
        ({"group": "0::/app.slice/app-docker\\x2ddesktop-4711.scope"}, "none"),
        ({"group": "0::/system.slice/containerd.service"}, "none"),
        ({"group": "0::/system.slice/lxc.service"}, "none"),
        ({"group": "12:cpu:/lxc/web\n0::/"}, "LXC"),
        ({"group": f"0::/user.slice/libpod-{'0a' * 32}.scope/container"}, "Podman"),
        ({"group": f"0::/machine.slice/libpod-conmon-{'0a' * 32}.scope"}, "none"),
        ({"group": f"0::/actions_job/{'0a' * 32}"}, "containerd or similar"),
        ({"group": "0::/machine.slice/systemd-nspawn@x.service/payload"}, "systemd-nspawn"),
        ({"mounts": LIVE.format("/run/live/rootfs/filesystem.squashfs")}, "none"),
        (
            {"mounts": LIVE.format("/media/own") + "2 1 7:0 / /media/own ro - squashfs x ro\n"},
            "none",
        ),
        ({"mounts": LIVE.format("/var/lib/docker/overlay2/l/AB:/x")}, "containerd or similar"),
        ({"group": "0::/user.slice/session-1.scope"}, "none"),
    ],
)
def test_the_container_s_kind_is_named(machine, given, kind):
    assert virtual.container(machine(**given)) == kind


def test_a_pod_whose_path_is_hidden_is_known_by_its_environment(machine):
    root = machine(environment={"KUBERNETES_SERVICE_HOST": "10.96.0.1"})
    assert virtual.container(root) == "Kubernetes"


#: In place of an answer: it comes, but never to its end.
DRIBBLE = "..."


class Service(http.server.BaseHTTPRequestHandler):
    """A metadata service as the clouds document theirs; notes what it was asked."""

    answers: dict[str, str]
    asked: list[tuple[str, str]]

    def do_GET(self):
        self.server.asked.append((self.command, self.path))
        if not any(self.headers.get(name) == value for name, value in self.server.wanted):
            self.send_error(401)
            return
        text = self.server.answers.get(self.path)
        if text is None:
            self.send_error(404)
            return
        if text is DRIBBLE:
            self.dribble()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    do_PUT = do_GET

    def dribble(self):
        """Send a byte now and then: no single wait of the client's is long."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        for _ in range(100):
            time.sleep(0.05)
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture
def service():
    """Serve answers on loopback; return the address to ask and what was asked."""
    servers = []

    def start(answers, wanted):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        server.answers, server.wanted, server.asked = answers, wanted, []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", server.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


BASE_AWS, BASE_GCP = "/latest/meta-data", "/computeMetadata/v1/instance"
AZURE_PATH = "/metadata/instance/compute?api-version=2021-02-01"


@pytest.mark.parametrize(
    ("name", "answers", "wanted", "facts"),
    [
        (
            "aws",
            {
                "/latest/api/token": "secret",
                f"{BASE_AWS}/instance-type": "c7i.large",
                f"{BASE_AWS}/placement/region": "eu-west-1",
                f"{BASE_AWS}/instance-life-cycle": "spot",
            },
            [
                ("X-aws-ec2-metadata-token", "secret"),
                ("X-aws-ec2-metadata-token-ttl-seconds", "60"),
            ],
            ("c7i.large", "eu-west-1", "spot"),
        ),
        (
            "gcp",
            {
                f"{BASE_GCP}/machine-type": "projects/1/machineTypes/n2-standard-4",
                f"{BASE_GCP}/zone": "projects/1/zones/us-central1-a",
                f"{BASE_GCP}/scheduling/preemptible": "FALSE",
            },
            [("Metadata-Flavor", "Google")],
            ("n2-standard-4", "us-central1", "on-demand"),
        ),
        (
            "azure",
            {
                AZURE_PATH: json.dumps(
                    {"vmSize": "Standard_D2s_v5", "location": "westeurope", "priority": ""}
                )
            },
            [("Metadata", "true")],
            ("Standard_D2s_v5", "westeurope", "on-demand"),
        ),
    ],
    ids=["aws", "gcp", "azure"],
)
def test_a_cloud_s_service_tells_type_region_and_lifecycle(service, name, answers, wanted, facts):
    base, _ = service(answers, wanted)
    found = cloud.ask_service(name, base)
    assert tuple(found.values[key] for key in cloud.KEYS) == facts
    assert found.unknown == {}


def test_no_proxy_is_ever_asked_for_metadata(service, monkeypatch):
    base, asked = service({AZURE_PATH: "{}"}, [("Metadata", "true")])
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nothing listens there
    cloud.ask_service("azure", base)
    assert asked == [("GET", AZURE_PATH)]


TOKEN = {"/latest/api/token": "secret"}
HEADS = [
    ("X-aws-ec2-metadata-token", "secret"),
    ("X-aws-ec2-metadata-token-ttl-seconds", "60"),
]


def test_a_service_that_hangs_costs_its_time_out_and_gives_the_reason():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the question, never answers
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begin = time.monotonic()
        found = cloud.ask_service("aws", base, limit_s=0.3)
        assert time.monotonic() - begin < 5
    assert found.values == {}
    for key in cloud.KEYS:
        assert "aws gave no answer within 0.3 s" in found.unknown[key]


def test_a_service_that_refuses_is_not_said_to_be_silent(service):
    base, _ = service({}, [("Metadata", "true")])
    found = cloud.ask_service("azure", base)
    assert found.unknown["cloud_region"] == "the metadata service of azure refused: HTTP 404"


def test_a_field_that_the_service_does_not_have_costs_the_others_nothing(service):
    answers = {f"{BASE_AWS}/instance-type": "c7i.large", f"{BASE_AWS}/placement/region": "eu-1"}
    base, _ = service({**TOKEN, **answers}, HEADS)
    found = cloud.ask_service("aws", base)
    assert found.values == {"cloud_instance_type": "c7i.large", "cloud_region": "eu-1"}
    assert found.unknown == {"cloud_lifecycle": "the metadata service of aws refused: HTTP 404"}


def test_a_service_that_dribbles_costs_its_time_out_once_and_keeps_what_it_said(service):
    answers = {f"{BASE_AWS}/instance-type": "c7i.large", f"{BASE_AWS}/placement/region": DRIBBLE}
    base, _ = service({**TOKEN, **answers}, HEADS)
    begin = time.monotonic()
    found = cloud.ask_service("aws", base, limit_s=0.5)
    assert time.monotonic() - begin < 1.5  # the service would take 5 s
    assert found.values == {"cloud_instance_type": "c7i.large"}
    assert "gave no answer within 0.5 s" in found.unknown["cloud_region"]


@pytest.mark.parametrize("text", ["no JSON", "[1]", "{}"])
def test_a_service_that_answers_nonsense_gives_the_reason(service, text):
    base, _ = service({AZURE_PATH: text}, [("Metadata", "true")])
    found = cloud.ask_service("azure", base)
    assert "azure gave an answer that is not understood" in found.unknown["cloud_instance_type"]


def test_off_the_clouds_no_service_is_asked(machine, monkeypatch):
    asked = []
    monkeypatch.setattr(cloud, "ask_service", asked.append)
    root = machine(dmi={"sys_vendor": "LENOVO", "product_name": "ThinkPad"})
    for name in ("cloud_provider", *cloud.KEYS):
        with pytest.raises(Absent, match="LENOVO ThinkPad; no service was asked"):
            ROWS[name](root)
    monkeypatch.setattr(cloud, "provider", lambda root: None)  # of this machine
    for name in cloud.KEYS:
        with pytest.raises(Absent, match="no cloud's service was asked"):
            ROWS[name](HOST)
    assert asked == []


def test_firmware_that_names_nothing_is_not_said_to_name_no_cloud(machine):
    assert ROWS["cloud_provider"](machine()) is None
    assert "missing or unreadable" in cloud.OFF_CLOUD


@pytest.mark.parametrize(
    ("words", "lifecycle"),
    [
        ("spot", "spot"),
        ("on-demand", "on-demand"),
        ("capacity-block", None),
        ("scheduled", None),
        ("preemptible TRUE", "spot"),
        ("preemptible maybe", None),
        ("priority ", "on-demand"),
        ("priority Low", "spot"),
    ],
)
def test_only_words_that_mean_on_demand_are_on_demand(words, lifecycle):
    if lifecycle is None:
        with pytest.raises(Absent, match="means neither spot nor on demand"):
            cloud.lifecycle_of(words)
        return
    assert cloud.lifecycle_of(words) == lifecycle


ROWS = {fact.name: fact.read for fact in (*cloud.FACTS, *virtual.FACTS)}


@pytest.fixture
def answer(monkeypatch):
    """Plant the service's answer for a process that has not asked; the service is tried above."""
    asked = []

    def plant(provider, values=(), reason="planted: it said nothing"):
        monkeypatch.setattr(cloud, "provider", lambda root: provider)
        readings = Readings(dict(values), dict.fromkeys(cloud.KEYS, reason))
        monkeypatch.setattr(cloud, "ask_service", lambda name: asked.append(name) or readings)
        monkeypatch.setattr(cloud, "_ANSWER", cloud._Answer())
        return asked

    return plant


def test_on_a_cloud_the_service_is_asked_once_for_all_rows(answer):
    asked = answer("aws", {"cloud_instance_type": "c7i.large", "cloud_region": "eu-west-1"})
    assert ROWS["cloud_instance_type"](HOST) == "c7i.large"
    assert ROWS["cloud_region"](HOST) == "eu-west-1"
    assert asked == ["aws"]


def test_a_service_that_said_nothing_is_not_asked_again(answer):
    asked = answer("gcp")
    for name in (*cloud.KEYS, *cloud.KEYS):
        with pytest.raises(Absent, match="planted: it said nothing"):
            ROWS[name](HOST)
    assert asked == ["gcp"]


def test_the_firmware_of_aws_states_the_instance_type_where_the_service_does_not(machine):
    root = machine(dmi={"sys_vendor": "Amazon EC2", "product_name": "t3.large"})
    assert ROWS["cloud_instance_type"](root) == ROWS["firmware_instance_type"](root) == "t3.large"
    with pytest.raises(Absent, match="no file of a faked root"):
        ROWS["cloud_region"](root)


@pytest.mark.parametrize("dmi", [GCP, AZURE, {"sys_vendor": "Xen", "product_name": "HVM domU"}])
def test_no_other_firmware_s_product_is_an_instance_type(machine, dmi):
    assert ROWS["firmware_instance_type"](machine(dmi=dmi)) is None


@pytest.mark.parametrize(("dmi", "name"), [(AWS, "aws"), (GCP, "gcp"), (AZURE, "azure")])
def test_the_firmware_names_the_provider(machine, dmi, name):
    assert cloud.provider(machine(dmi=dmi)) == name

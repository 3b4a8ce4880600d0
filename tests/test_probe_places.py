"""Where a machine stands: hypervisor, container, cloud; its metadata service is a local server."""

from __future__ import annotations

import http.server
import json
import platform
import socket
import threading
import time

import pytest
from machine_samples import AMD, APPLE, GRAVITON, INTEL

import bench.probe.cloud as cloud
import bench.probe.system as system
import bench.probe.virtual as virtual
from bench.probe.fact import Absent


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make a Linux machine from its firmware's fields, cpuinfo, group path and marks."""

    def make(*, dmi=None, cpuinfo=INTEL, group="0::/", marks=(), systemd="", osrelease="6.1.0"):
        root = tmp_path / "root"
        for name in (*marks, "proc/sys/kernel/"):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.touch()
        (root / "proc/sys/kernel").mkdir(parents=True, exist_ok=True)
        (root / "proc/sys/kernel/osrelease").write_text(osrelease)
        (tmp_path / "dmi").mkdir()
        for name, text in (dmi or {}).items():
            (tmp_path / "dmi" / name).write_text(text + "\n")
        (tmp_path / "cpuinfo").write_text(cpuinfo)
        (tmp_path / "group").write_text(group)
        monkeypatch.setattr(virtual, "DMI", tmp_path / "dmi")
        monkeypatch.setattr(virtual, "ROOT", root)
        monkeypatch.setattr(virtual, "CPUINFO", tmp_path / "cpuinfo")
        monkeypatch.setattr(virtual, "MEMBERSHIP", tmp_path / "group")
        monkeypatch.setattr(virtual, "_systemd", lambda what: systemd)
        monkeypatch.setattr(platform, "system", lambda: "Linux")
        monkeypatch.delenv("container", raising=False)

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
        ({"systemd": "kvm"}, "KVM"),
        ({"systemd": "acrn"}, "acrn"),
        ({}, "unknown hypervisor"),
        ({"cpuinfo": GRAVITON, "systemd": "none"}, "none"),
    ],
    ids=[
        *("AWS", "GCP", "Azure", "QEMU", "AWS metal", "laptop", "microVM", "rare"),
        *("silent guest", "Arm on bare metal"),
    ],
)
def test_the_hypervisor_is_named(machine, given, name):
    machine(**given)
    assert virtual.hypervisor() == name


def test_an_arm_machine_of_which_nothing_is_said_is_unknown(machine):
    machine(cpuinfo=GRAVITON)
    with pytest.raises(Absent, match="neither firmware nor systemd"):
        virtual.hypervisor()


def test_a_mac_is_no_guest_unless_it_says_so(monkeypatch):
    """The sysctl text is made by hand: there is no Mac here to ask."""
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(system, "sysctl", lambda: system.parse_sysctl(APPLE))
    assert virtual.hypervisor() == "none"
    monkeypatch.setattr(system, "sysctl", lambda: {"kern.hv_vmm_present": "1"})
    assert virtual.hypervisor() == "macOS guest"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"group": "0::/kubepods.slice/pod1/abc"}, "Kubernetes"),
        ({"group": "4:memory:/docker/0123"}, "Docker"),
        ({"marks": (".dockerenv",)}, "Docker"),
        ({"marks": ("run/.containerenv",)}, "Podman"),
        ({"marks": (".singularity.d",)}, "Singularity"),
        ({"osrelease": "5.15.0-microsoft-standard-WSL2"}, "WSL"),
        ({"group": "0::/user.slice/session-1.scope"}, "none"),
    ],
)
def test_the_container_s_kind_is_named(machine, given, kind):
    machine(**given)
    assert virtual.container() == kind


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
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    do_PUT = do_GET

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture
def service():
    """Serve answers on loopback; return the address to ask and what was asked."""
    servers = []

    def start(answers, wanted):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        server.answers, server.wanted, server.asked = answers, wanted, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
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
    keys = ("cloud_instance_type", "cloud_region", "cloud_lifecycle")
    assert tuple(found[key] for key in keys) == facts


def test_no_proxy_is_ever_asked_for_metadata(service, monkeypatch):
    base, asked = service({AZURE_PATH: "{}"}, [("Metadata", "true")])
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nothing listens there
    cloud.ask_service("azure", base)
    assert asked == [("GET", AZURE_PATH)]


def test_a_service_that_hangs_costs_its_time_out_and_gives_the_reason():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the question, never answers
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begin = time.monotonic()
        with pytest.raises(Absent, match=r"aws gave no answer within 0\.3 s"):
            cloud.ask_service("aws", base, limit_s=0.3)
        assert time.monotonic() - begin < 5


def test_a_service_that_answers_nonsense_gives_the_reason(service):
    base, _ = service({AZURE_PATH: "no JSON"}, [("Metadata", "true")])
    with pytest.raises(Absent, match="azure gave no answer"):
        cloud.ask_service("azure", base)


def test_off_the_clouds_no_service_is_asked(machine, monkeypatch):
    asked = []
    monkeypatch.setattr(cloud, "ask_service", asked.append)
    machine(dmi={"sys_vendor": "LENOVO", "product_name": "ThinkPad"})
    rows = {fact.name: fact.read for fact in cloud.FACTS}
    assert rows["cloud_provider"]() is None
    for name in ("cloud_instance_type", "cloud_region", "cloud_lifecycle"):
        with pytest.raises(Absent, match="no service was asked"):
            rows[name]()
    assert asked == []


def test_on_a_cloud_the_service_is_asked_once_for_all_rows(machine, monkeypatch):
    """The answer is planted; the service itself is tried above."""
    asked = []

    def answer(name):
        asked.append(name)
        return {"cloud_instance_type": "c7i.large", "cloud_region": "eu-west-1"}

    monkeypatch.setattr(cloud, "ask_service", answer)
    monkeypatch.setattr(cloud, "_ANSWER", cloud._Answer())
    machine(dmi=AWS)
    rows = {fact.name: fact.read for fact in cloud.FACTS}
    assert rows["cloud_provider"]() == "aws"
    assert rows["cloud_instance_type"]() == "c7i.large"
    assert rows["cloud_region"]() == "eu-west-1"
    assert asked == ["aws"]


@pytest.mark.parametrize(("dmi", "name"), [(AWS, "aws"), (GCP, "gcp"), (AZURE, "azure")])
def test_the_firmware_names_the_provider(machine, dmi, name):
    machine(dmi=dmi)
    assert cloud.provider() == name

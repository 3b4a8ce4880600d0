"""`cluster prepare` and `check` on Google Cloud, by Google's own client, against a small fake.

Nothing of Google's can be had here; the fake holds networks, subnetworks, firewall rules and
quotas behind the paths of Compute Engine's version 1, and answers changes as operations that end
at the first wait. What a real project refuses is not known to it.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from command_line import run_command

from bench.cluster import find, gcp
from bench.cluster.check import issue_sentences
from bench.cluster.config import read_cluster_file
from bench.errors import DispatchError

discovery = pytest.importorskip("googleapiclient.discovery", reason="the test extra brings it")

ROOT = Path(__file__).resolve().parents[3]
ME, NAME = "203.0.113.7/32", "bench-mnist-bench-gcp"

#: What every new project has.
DEFAULT_RULE = {
    "name": "default-allow-ssh",
    "network": "https://compute/networks/default",
    "direction": "INGRESS",
    "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}],
    "sourceRanges": ["0.0.0.0/0"],
}


#: Whoever may do something in the project already.
OTHERS = {"role": "roles/owner", "members": ["user:me@example.com"]}
HEAD = "bench-mnist-bench-gcp@mine.iam.gserviceaccount.com"


class Google(BaseHTTPRequestHandler):
    """Answers for one project; what it holds is the server's `things`, by path."""

    def answer(self, code, document):
        content = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")

    def do_GET(self):
        path, things = self.path.split("?")[0], self.server.things
        if path in things:
            self.answer(200, things[path])
        elif path.endswith("/firewalls"):
            within = [thing for at, thing in things.items() if at.startswith(f"{path}/")]
            self.answer(200, {"items": within})
        else:
            self.answer(404, {"error": {"code": 404, "message": f"no {path}"}})

    def do_POST(self):
        path, body = self.path.split("?")[0], self.body()
        policy = self.server.things["policy"]
        if path.endswith(":getIamPolicy"):
            self.answer(200, policy)
            return
        if path.endswith(":setIamPolicy"):
            policy |= body["policy"]
            self.answer(200, policy)
            return
        if path.startswith("/v1/"):  # IAM makes what it is asked for at once
            if "accountId" in body:
                name = f"{path}/{body['accountId']}@mine.iam.gserviceaccount.com"
                made = body["serviceAccount"]
            else:
                name, made = f"{path}/{body['roleId']}", body["role"]
            self.server.changes.append(name)
            self.server.things[name] = made
            self.answer(200, made)
            return
        if path.endswith("/wait"):
            self.answer(200, {"name": "op", "status": "DONE", **self.server.outcome})
            return
        thing = f"{path}/{body['name']}"
        if thing in self.server.things:
            self.answer(409, {"error": {"code": 409, "message": "it is there already"}})
            return
        self.server.changes.append(thing)
        self.server.things[thing] = {**body, "selfLink": f"https://compute{thing}"}
        region = re.search("/regions/([^/]+)/", path)
        self.answer(200, {"name": "op", **({"region": region.group(1)} if region else {})})

    def do_PATCH(self):
        self.do_PUT()

    def do_PUT(self):
        path, body = self.path.split("?")[0], self.body()
        self.server.things[path] |= body
        self.answer(200, {"name": "op", "status": "DONE"})

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture
def google(monkeypatch):
    from google.auth.credentials import AnonymousCredentials

    with ThreadingHTTPServer(("127.0.0.1", 0), Google) as server:
        server.things, server.changes, server.outcome = {}, [], {}
        server.things["policy"] = {"etag": "x", "bindings": [OTHERS]}
        server.things["/projects/mine/global/firewalls/default-allow-ssh"] = DEFAULT_RULE
        server.things["/projects/mine"] = {"quotas": [{"metric": "GPUS_ALL_REGIONS", "limit": 1}]}
        server.things["/projects/mine/regions/us-west1"] = {
            "quotas": [{"metric": "NVIDIA_T4_GPUS", "limit": 1, "usage": 0}]
        }
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

        def client(service):
            return discovery.build(
                service,
                "v1",
                credentials=AnonymousCredentials(),
                cache_discovery=False,
                client_options={"api_endpoint": f"http://127.0.0.1:{server.server_port}/"},
            )

        monkeypatch.setattr(gcp, "client", client)
        yield server
        server.shutdown()


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "clusters" / "gcp.yaml").read_text().replace("your-project", "mine")
    path = tmp_path / "gcp.yaml"
    path.write_text(text)
    return path


def prepare(path, source=ME):
    said = []
    return gcp.prepare(read_cluster_file(path), source, said.append), said


def about(path, *words):
    return [s for s in issue_sentences(read_cluster_file(path)) if any(word in s for word in words)]


def test_as_typed_the_check_names_the_open_rule_of_every_type(google, file):
    said = about(file, "whole internet")
    assert len(said) == 3
    assert said[0].startswith("head: the rule default-allow-ssh opens tcp 22")
    assert "cluster prepare" in said[0]


def test_prepared_every_type_lies_on_a_network_that_lets_ssh_in_from_one_address(google, file):
    path, said = prepare(file)
    assert f"SSH only from {ME}" in said[0]
    rules = google.things
    ssh = rules[f"/projects/mine/global/firewalls/{NAME}-ssh"]
    assert (ssh["sourceRanges"], ssh["allowed"]) == (
        [ME],
        [{"IPProtocol": "tcp", "ports": ["22"]}],
    )
    inside = rules[f"/projects/mine/global/firewalls/{NAME}-inside"]
    assert inside["sourceRanges"] == [gcp.INSIDE]
    subnet = rules[f"/projects/mine/regions/us-west1/subnetworks/{NAME}"]
    assert {ssh["network"], inside["network"], subnet["network"]} == {
        rules[f"/projects/mine/global/networks/{NAME}"]["selfLink"]
    }
    types = yaml.safe_load(path.read_text())["available_node_types"]
    for declared in types.values():
        (interface,) = declared["node_config"]["networkInterfaces"]
        assert interface["subnetwork"] == subnet["selfLink"]
    assert about(path, "internet", "quota", "Google") == []
    assert about(path, "full rights") == []


def test_prepared_the_head_has_an_account_of_few_rights_and_the_workers_have_none(google, file):
    path, said = prepare(file)
    assert len(about(file, "full rights")) == 1
    types = yaml.safe_load(path.read_text())["available_node_types"]
    accounts = {
        name: declared["node_config"].get("serviceAccounts") for name, declared in types.items()
    }
    assert [one["email"] for one in accounts.pop("head")] == [HEAD]
    assert set(accounts.values()) == {None}
    owner, ours = google.things["policy"]["bindings"]
    assert owner == OTHERS
    assert ours["members"] == [f"serviceAccount:{HEAD}"]
    role = google.things[f"/v1/{ours['role']}"]
    assert "compute.instances.delete" in role["includedPermissions"]
    assert not [name for name in role["includedPermissions"] if not name.startswith("compute.")]
    assert HEAD in said[1]


def test_preparing_again_from_elsewhere_changes_the_one_rule_and_makes_nothing_anew(google, file):
    prepare(file)
    made = list(google.changes)
    prepare(file, "198.51.100.9/32")
    assert google.changes == made
    ssh = google.things[f"/projects/mine/global/firewalls/{NAME}-ssh"]
    assert ssh["sourceRanges"] == ["198.51.100.9/32"]


def test_the_command_prepares_by_the_file_s_provider(google, file, capsys):
    assert run_command(["cluster", "prepare", str(file), "--from", ME]) == 0
    assert "gcp.prepared.yaml; next: ray up" in capsys.readouterr().out


def test_a_quota_that_is_too_small_is_said_before_money_is_spent(google, file):
    google.things["/projects/mine/regions/us-west1"]["quotas"][0]["usage"] = 1
    (said,) = about(file, "quota")
    assert said.startswith("gpu: the quota NVIDIA_T4_GPUS leaves 0 of 1; ask for more")
    google.things["/projects/mine"]["quotas"][0]["limit"] = 0
    assert len(about(file, "quota")) == 2


def test_what_google_refuses_is_an_error_with_its_words(google, file):
    google.outcome = {"error": {"errors": [{"message": "Quota 'NETWORKS' exceeded"}]}}
    with pytest.raises(DispatchError, match=r"make a network .*Quota 'NETWORKS' exceeded"):
        prepare(file)
    assert not file.with_name("gcp.prepared.yaml").exists()


def test_the_placeholder_is_named_without_asking_google(google):
    said = about(ROOT / "clusters" / "gcp.yaml", "project_id", "Google")
    assert [one.partition(";")[0] for one in said] == ["provider.project_id is still your-project"]


def test_without_credentials_the_check_says_how_to_get_them(file, monkeypatch, tmp_path):
    """The library would ask a metadata server; where there is none it takes its time to say so."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    (said,) = about(file, "Google Cloud cannot be asked")
    assert "gcloud auth application-default login" in said


def test_a_run_warns_of_a_cluster_that_was_not_prepared(google, file, monkeypatch):
    monkeypatch.setattr(find, "open_ports", lambda *words: ())
    target = find.SshTarget("192.0.2.1", "ubuntu", None)
    loose = find.Cluster("gcp", read_cluster_file(file), target, token="t")
    assert "SSH is open" in " ".join(find.looseness(loose))
    path, _ = prepare(file)
    closed = find.Cluster("gcp", read_cluster_file(path), target, token="t")
    assert list(find.looseness(closed)) == []

"""Checks of what places jobs on this machine: the embedded Ray, and ports."""

from __future__ import annotations

from collections.abc import Iterator

from bench.app.doctor.check_result import CheckResult, ok, problem, warning
from bench.app.doctor.patient import Patient
from bench.app.live.server import ADDRESS, LiveServer
from bench.app.plan import absolute
from bench.cluster.firewall import open_ports
from bench.dispatch.ray_process import END_S, START_S
from bench.dispatch.ray_trial import try_ray
from bench.errors import DispatchError, RequestError

#: Seconds in which a Ray that works has started and prepared this machine; a busy host took 45.
RAY_S = START_S + 30.0

#: Seconds for its end, too.
TRIAL_S = RAY_S + 2 * END_S

#: Ports on which only a Ray listens as a rule: the control store, and its clients.
OF_RAY = (6379, 8265, 10001)


def embedded_ray(patient: Patient) -> Iterator[CheckResult]:
    """Start the embedded Ray, let it do one task and end it."""
    try:
        took_s = try_ray(absolute(patient.request.workload), RAY_S)
    except DispatchError as error:
        yield problem(error.problem, "{program} run --dispatch inline")
        return
    yield ok(f"it started, did a task and ended in {took_s:.1f} s")


def ports(patient: Patient) -> Iterator[CheckResult]:
    """Look whether the live page has its port, and whether another Ray runs here."""
    wanted = patient.request.serve or 0
    try:
        LiveServer({}, wanted).close()
    except RequestError as error:
        cure = f"{error.next_step}; what listens there: ss -ltnp 'sport = :{wanted}'"
        yield problem(error.problem, cure)
        return
    if taken := open_ports(ADDRESS, OF_RAY):
        numbers = ", ".join(map(str, taken))
        cure = "end it if nothing needs it, as it takes CPU time meanwhile: ray stop"
        yield warning(f"a Ray seems to run here already: port {numbers} answers", cure)
        return
    yield ok(f"the live page can listen on {wanted or 'any free port'}; no other Ray answers")

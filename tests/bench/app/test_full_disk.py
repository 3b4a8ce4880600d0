"""A disk that takes no line: the run pauses, keeps the line, and says what was not written."""

from __future__ import annotations

import threading

import pytest
from builders import a_job, a_measurement, a_record, a_run

from bench.app import announcer as announcer_module
from bench.app.announcer import Announcer
from bench.app.out_folder import LOW_BYTES, low_space
from bench.errors import OutputError
from bench.record.journal import Journal, read_run

JOBS = [a_job(seed=seed) for seed in (1, 2)]
RECORDS = [a_record(job, a_measurement([[0.5, 0.25]] * 2)) for job in JOBS]


class Said:
    """Stands for the progress: it keeps what is said, and shows nothing."""

    def __init__(self):
        self.lines, self.then = [], None

    def say(self, text):
        self.lines.append(text)
        if self.then and "paused" in text:
            self.then()


class FullDisk(Journal):
    """A journal on a disk that is full until it is told otherwise."""

    full = True

    def append(self, line):
        if self.full:
            raise OutputError(f"cannot write {self.path}", seen="No space left on device")
        super().append(line)


@pytest.fixture
def full(tmp_path, monkeypatch):
    monkeypatch.setattr(announcer_module, "AGAIN_S", 0.01)
    run = a_run([], planned=JOBS)
    journal = FullDisk(tmp_path / "run.jsonl")
    journal.create(run.header)
    Journal(journal.path).append(run.machines[0])
    journal._count = 2
    return journal, run.header, Said()


def test_a_line_is_kept_until_the_disk_takes_it(full):
    journal, header, said = full
    announcer = Announcer(journal, header, said)
    thread = threading.Thread(target=announcer.append, args=(RECORDS[0],))
    paused = threading.Event()
    said.then = paused.set
    thread.start()
    assert paused.wait(10)
    assert read_run(journal.path).records == ()
    journal.full = False
    thread.join(10)
    announcer.append(RECORDS[1])
    assert read_run(journal.path).records == tuple(RECORDS)
    assert len(said.lines) == 2
    assert said.lines[0].startswith(
        f"paused: cannot write {journal.path} (No space left on device)"
    )
    assert JOBS[0].job_id in said.lines[0]
    assert said.lines[1] == "the disk takes results again: the run goes on"


def test_ctrl_c_ends_a_paused_run_and_says_what_was_not_written(full):
    journal, header, said = full

    def interrupt():
        raise KeyboardInterrupt

    said.then = interrupt
    announcer = Announcer(journal, header, said)
    with pytest.raises(KeyboardInterrupt):
        announcer.append(RECORDS[0])
    announcer.end()
    assert said.lines[-1] == (
        "not written: 1 lines of run.jsonl; jobs that were measured and are lost: "
        f"{JOBS[0].job_id} on lab (the same command measures them again, or takes them "
        "from the cluster's head)"
    )
    assert read_run(journal.path).own.missing == tuple(job.job_id for job in JOBS)


def test_the_end_of_a_run_frees_a_thread_that_waits_for_the_disk(full):
    journal, header, said = full
    announcer, failed = Announcer(journal, header, said), []
    paused = threading.Event()
    said.then = paused.set

    def append():
        try:
            announcer.append(RECORDS[0])
        except OutputError as error:
            failed.append(error)

    thread = threading.Thread(target=append)
    thread.start()
    assert paused.wait(10)
    announcer.end()
    thread.join(10)
    assert len(failed) == 1


def test_a_run_whose_time_is_over_waits_no_longer(full):
    journal, header, said = full
    announcer = Announcer(journal, header, said, may_wait=lambda: False)
    with pytest.raises(OutputError, match="cannot write"):
        announcer.append(RECORDS[0])


def test_low_space_is_told_once(full, monkeypatch):
    journal, header, said = full
    journal.full = False
    assert low_space(journal.path.parent) is None
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("", (), {"free": LOW_BYTES - 1}))
    announcer = Announcer(journal, header, said)
    for record in RECORDS:
        announcer.append(record)
    assert [line[:30] for line in said.lines] == ["note: only 64 MiB are free on t"[:30]]

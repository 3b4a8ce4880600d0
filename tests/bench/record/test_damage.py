"""Damaged journals: no single damage loses a run, and each line that does not count is named."""

from __future__ import annotations

import os
import random

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts
from sealing import documents, write_documents

from bench.analysis.job_counts import counts_of
from bench.errors import OutputError, OutsideError, StoreError
from bench.record import text_lines
from bench.record.failure import Failure
from bench.record.folder import begun, next_number, unfinished
from bench.record.journal import Journal, find_journals, read_header, read_run, read_runs
from bench.record.lines import MachineEntry, ReportEntry
from bench.record.parsing import LINES, NAMES, parse_line
from bench.record.seal import seal_of, sealed

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
RECORDS = [a_record(job, a_measurement([[0.5, 0.25], [0.25, 0.25]])) for job in JOBS]
REPORT = ReportEntry(run_id="run-1", at="2026-11-01T12:00:00Z")


def written(path, *, run_id="run-1", label="lab", records=RECORDS, **header):
    """Write the journal of a run of three jobs; return its path."""
    change = {"run_id": run_id, "label": label}
    run = a_run([], planned=JOBS, **change, **header)
    journal = Journal(path)
    journal.create(run.header)
    for line in (*run.machines, *records):
        journal.append(line.model_copy(update=change))
    return path


@pytest.fixture
def journal(tmp_path):
    return written(tmp_path / "run.jsonl")


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def is_whole_or_names_its_damage(path, whole):
    """Hold what every damage of one place must leave: the run, and all records but one or two."""
    run = read_run(path)
    assert run.header == whole.header
    assert all(record in whole.records for record in run.records)
    assert len(run.records) >= len(whole.records) - 2
    assert len(run.shares) == 1
    assert run.warnings or run == whole
    assert counts_of([run]).measured <= 3
    return run


@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_anywhere_costs_one_line_at_most(journal, seed):
    whole, text = read_run(journal), journal.read_bytes()
    rng = random.Random(seed)
    for _ in range(150):
        place = rng.randrange(len(text))
        flipped = bytes([text[place] ^ 1 << rng.randrange(8)])
        journal.write_bytes(text[:place] + flipped + text[place + 1 :])
        run = is_whole_or_names_its_damage(journal, whole)
        assert len(run.records) >= 2


@pytest.mark.parametrize("seed", range(4))
def test_bytes_that_are_cut_out_anywhere_do_not_lose_the_run(journal, seed):
    whole, text = read_run(journal), journal.read_bytes()
    rng = random.Random(seed)
    for _ in range(100):
        place = rng.randrange(len(text))
        journal.write_bytes(text[:place] + text[place + rng.randrange(1, 400) :])
        is_whole_or_names_its_damage(journal, whole)


@pytest.mark.parametrize(
    "before",
    [b"\xef\xbb\xbf", b"\n", b"\r\n\r\n", b"\x00" * 512 + b"\n", b"{}\n", b"x" * 99 + b"\n"],
    ids=["byte-order mark", "empty line", "empty lines", "zeros", "empty object", "text"],
)
def test_what_stands_before_the_header_does_not_lose_the_run(journal, before):
    whole = read_run(journal)
    journal.write_bytes(before + journal.read_bytes())
    run = read_run(journal)
    assert (run.header, run.records) == (whole.header, whole.records)
    assert bool(run.warnings) == (before != b"\xef\xbb\xbf")


def test_a_journal_without_its_first_lines_has_its_header_and_its_machine_rebuilt(journal):
    whole = read_run(journal)
    journal.write_bytes(b"".join(lines_of(journal)[2:]))
    run = read_run(journal)
    assert (run.header, run.records) == (whole.header, whole.records)
    assert run.rebuilt == {"lab"}
    assert (run.own.jobs, run.own.facts) == (whole.own.jobs, whole.own.facts)
    assert run.warnings == ("run.jsonl: of 6 lines, 2 are missing: 1, 2",)


def test_line_ends_of_another_system_are_no_damage(journal):
    whole = read_run(journal)
    journal.write_bytes(journal.read_bytes().replace(b"\n", b"\r\n"))
    assert read_run(journal) == whole


def test_a_changed_figure_is_not_believed(journal):
    lines = lines_of(journal)
    assert b'"train_s":1.25' in lines[4]
    lines[4] = lines[4].replace(b'"train_s":1.25', b'"train_s":1.15')
    journal.write_bytes(b"".join(lines))
    run = read_run(journal)
    assert run.own.missing == (JOBS[1].job_id,)
    assert run.warnings == (
        "run.jsonl, line 5 is damaged (seen: its checksum does not fit its text): the line "
        "does not count",
    )


def test_a_line_whose_seal_is_gone_is_not_believed(journal):
    lines = lines_of(journal)
    lines[4] = lines[4].partition(b',"line"')[0] + b"}\n"
    journal.write_bytes(b"".join(lines))
    assert "line 5 is damaged (seen: it has no checksum)" in read_run(journal).warnings[0]


def test_two_lines_whose_line_end_is_damaged_both_count(journal):
    lines = lines_of(journal)
    lines[4] = lines[4][:-1] + b"\x08"
    journal.write_bytes(b"".join(lines))
    run = read_run(journal)
    assert run.records == tuple(RECORDS)
    assert run.warnings == ("run.jsonl, line 5 is damaged, but whole lines in it count (2)",)


def test_a_doubled_line_counts_once_and_is_named(journal):
    lines = lines_of(journal)
    journal.write_bytes(b"".join([*lines, lines[3], lines[1]]))
    run = read_run(journal)
    assert run.records == tuple(RECORDS)
    assert run.warnings == (
        "run.jsonl, line 7 repeats line 4 and counts once",
        "run.jsonl, line 8 repeats line 2 and counts once",
    )
    assert counts_of([run]).measured == counts_of([run]).planned == 3


def test_swapped_lines_are_read_in_the_order_in_which_they_were_written(journal):
    whole, lines = read_run(journal), lines_of(journal)
    order = [5, 0, 4, 2, 1, 3]
    journal.write_bytes(b"".join(lines[place] for place in order))
    assert read_run(journal) == whole


def test_a_line_that_is_taken_out_is_missed(journal):
    lines = lines_of(journal)
    journal.write_bytes(b"".join(lines[:4] + lines[5:]))
    run = read_run(journal)
    assert run.own.missing == (JOBS[1].job_id,)
    assert run.warnings == ("run.jsonl: of 6 lines, 1 are missing: 5",)


def old(path, change):
    """Make a journal of schema 2 of one, whose lines have no seal; `change` its lines."""
    lines = [line | {"schema_version": 2} for line in documents(path)]
    del lines[2]  # the header again
    for name in ("entry", "request", "number"):
        del lines[0][name]
    write_documents(path, change(lines) or lines)
    texts = [text.partition(b',"line"')[0] + b"}\n" for text in lines_of(path)]
    path.write_bytes(b"".join(texts))
    return read_run(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [*lines, lines[2]], "line 6 repeats line 3 and counts once"),
        (
            lambda lines: lines[2].update(label="rack"),
            "line 3 names rack, which is no machine of the run: it does not count",
        ),
        (
            lambda lines: lines[2].update(job_id="mine"),
            f"line 3 is called mine, but holds {JOBS[0].job_id}: it does not count",
        ),
        (
            lambda lines: lines[2].update(run_id="another"),
            "line 3 belongs to the run another, which has no header here: it does not count",
        ),
        (
            lambda lines: [*lines, lines[2] | {"ended_at": "2026-11-01T11:00:00Z"}],
            f"line 6 is a second record of {JOBS[0].job_id} on lab, and the record in line 3 "
            "counts",
        ),
    ],
    ids=["doubled", "relabelled", "misnamed", "of another run", "another time"],
)
def test_duplicates_and_strangers_of_an_old_journal_are_named_and_do_not_count(
    journal, change, words
):
    run = old(journal, change)
    assert run.warnings == (f"run.jsonl, {words}",)
    counts = counts_of([run])
    assert counts.planned == 3
    assert counts.measured == len({record.job_id for record in run.records}) <= 3


def test_a_job_that_was_lost_and_tried_again_has_two_records_that_count(tmp_path):
    lost = a_record(JOBS[0], Failure(reason="lost", message="the worker was killed"))
    again = RECORDS[0].model_copy(update={"started_at": "2026-11-01T11:00:00Z"})
    run = read_run(written(tmp_path / "run.jsonl", records=[lost, again]))
    assert (run.records, run.warnings) == ((lost, again), ())


def test_joined_journals_are_two_runs_and_a_run_goes_on_in_them(tmp_path):
    one = written(tmp_path / "one.jsonl", run_id="run-1", label="desk")
    two = written(tmp_path / "two.jsonl", run_id="run-2", label="rack", records=RECORDS[:1])
    both = tmp_path / "both.jsonl"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    runs = read_runs(both)
    assert [(run.header.run_id, len(run.records), run.warnings) for run in runs] == [
        ("run-1", 3, ()),
        ("run-2", 1, ()),
    ]
    again = Journal(both, runs[1].header)
    again.append(RECORDS[1].model_copy(update={"run_id": "run-2", "label": "rack"}))
    assert [len(run.records) for run in read_runs(both)] == [3, 2]
    assert read_run(both, run_id="run-2").warnings == ()


def test_a_joined_file_in_which_a_run_is_twice_has_each_run_once(tmp_path):
    one = written(tmp_path / "one.jsonl")
    one.write_bytes(one.read_bytes() * 2)
    (run,) = read_runs(one)
    assert run.records == tuple(RECORDS)
    assert len(run.warnings) == 6


def test_a_continued_journal_has_its_header_again_and_counts_on(journal):
    before = journal.read_bytes()
    again = Journal(journal, read_run(journal).header)
    failed = a_record(JOBS[0], Failure(reason="crash", message="x"), attempt=2)
    again.append(failed)
    again.append(REPORT)
    assert journal.read_bytes().startswith(before)
    lines = documents(journal)
    assert [line["entry"] for line in lines[6:]] == ["header", "record", "report"]
    counts = [seal_of(line.rstrip(b"\n")).count for line in lines_of(journal)]
    assert counts == list(range(1, 10))
    assert read_run(journal).is_reported


def test_a_report_holds_all_lines_only_if_no_line_follows_it(journal):
    assert not read_run(journal).is_reported
    again = Journal(journal)
    again.append(REPORT)
    assert read_run(journal).finished
    again.append(a_record(JOBS[0], Failure(reason="crash", message="x"), attempt=2))
    assert not read_run(journal).is_reported


def test_the_next_line_is_never_joined_to_a_torn_one(journal):
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-40])  # as a failed write may leave it
    Journal(journal).append(RECORDS[2].model_copy(update={"attempt": 2}))
    run = read_run(journal)
    assert [record.attempt for record in run.records] == [1, 1, 2]
    assert run.warnings[0].startswith("run.jsonl, line 6 is damaged")
    assert len(run.warnings) == 1


def test_a_write_that_fails_leaves_no_half_line(journal, monkeypatch):
    """The disk that is full after 50 bytes is planted."""
    before, write, written_bytes = journal.read_bytes(), os.write, []

    def full(descriptor, data):
        if written_bytes:
            raise OSError(28, "No space left on device")
        written_bytes.append(write(descriptor, data[:50]))
        return written_bytes[0]

    writer = Journal(journal)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match="No space left"):
        writer.append(REPORT)
    monkeypatch.undo()
    assert written_bytes == [50]
    assert journal.read_bytes() == before
    writer.append(REPORT)
    assert read_run(journal).warnings == ()


def test_a_header_that_cannot_be_written_leaves_no_journal(tmp_path, monkeypatch):
    def fails(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OutputError, match="No space left"):
        Journal(tmp_path / "run.jsonl").create(a_run([]).header)
    assert list(tmp_path.iterdir()) == []


def test_a_journal_is_read_while_it_is_written(tmp_path):
    """Every state of a file that grows byte by byte is read, and no state is called damaged."""
    path = written(tmp_path / "run.jsonl", records=RECORDS[:2])
    text = path.read_bytes()
    growing = tmp_path / "growing.jsonl"
    first = text.index(b"\n") + 1
    for size in range(first, len(text), 97):
        growing.write_bytes(text[:size])
        run = read_run(growing)
        assert not any("damaged" in words or "is not a" in words for words in run.warnings)


def test_a_line_that_is_too_long_is_damaged_and_not_kept(journal, monkeypatch):
    monkeypatch.setattr(text_lines, "MOST_BYTES", 40_000)
    journal.write_bytes(journal.read_bytes() + b"x" * 100_000 + b"\n" + sealed("{}", 9))
    run = read_run(journal)
    assert len(run.records) == 3
    assert "line 7 is damaged (seen: more than" in run.warnings[0]


@pytest.fixture
def odd(tmp_path, journal):
    """A folder of journals in which many other things lie."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "._run.jsonl").write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X")
    (tmp_path / ".#run.jsonl").symlink_to("me@desk.1234:1764000000")
    (tmp_path / ".lock").mkdir()
    (tmp_path / "good.jsonl").symlink_to(journal)
    return tmp_path


def test_odd_files_are_named_and_neither_hang_nor_hide_a_journal(odd):
    seen = {}
    for path in find_journals(odd):
        try:
            seen[path.name] = len(read_run(path).records)
        except StoreError as error:
            seen[path.name] = error.seen
    assert seen == {
        "folder.jsonl": "a folder",
        "good.jsonl": 3,
        "link.jsonl": "No such file or directory",
        "pipe.jsonl": "a named pipe",
        "run.jsonl": 3,
    }
    assert [path.name for path, _ in begun(find_journals(odd))] == ["good.jsonl", "run.jsonl"]


def test_runs_are_in_the_order_of_their_numbers_whatever_the_clock_said(tmp_path):
    written(tmp_path / "20260105.jsonl", request_digest="mine", number=1)
    cut = written(tmp_path / "20260101.jsonl", request_digest="mine", number=2, records=[])
    found = unfinished(find_journals(tmp_path), "mine")
    assert found.path == cut
    assert next_number(find_journals(tmp_path)) == 3


def test_a_header_is_read_from_a_journal_of_any_version(journal):
    assert read_header(journal) == read_run(journal).header
    lines = lines_of(journal)
    journal.write_bytes(b"damaged\n" + b"".join(lines[1:]))
    assert read_header(journal) == read_run(journal).header
    journal.write_bytes(b"".join(lines[3:]))
    with pytest.raises(StoreError, match="line 1 is not the header of a run"):
        read_header(journal)


def test_a_damaged_line_of_a_cluster_s_host_does_not_hide_its_records(journal):
    entry = MachineEntry(
        run_id="run-1", label="rack", machine=facts(machine_id="r" * 16), jobs=(JOBS[0].job_id,)
    )
    writer = Journal(journal)
    writer.append(entry)
    writer.append(RECORDS[0].model_copy(update={"label": "rack"}))
    lines = lines_of(journal)
    lines[6] = lines[6].replace(b"rack", b"ruck")
    journal.write_bytes(b"".join(lines))
    run = read_run(journal)
    assert [(share.label, len(share.records)) for share in run.shares] == [("lab", 3), ("rack", 1)]
    assert len(run.warnings) == 1


@pytest.mark.parametrize("kind", LINES)
def test_a_message_says_in_words_what_a_line_should_be(kind):
    with pytest.raises(OutsideError) as error:
        parse_line({"entry": kind})
    assert LINES[kind].__name__ not in error.value.what
    assert error.value.what.startswith(f"it is not {NAMES[LINES[kind]]}: ")

"""The table of processes: lines of /proc are read, and descendants are found."""

from __future__ import annotations

from bench.watch.process_table import PAGE_BYTES, TICK_S, ProcessLook, descendants, parse_stat


def test_a_process_whose_name_holds_brackets_and_spaces_is_read():
    fields = [
        "S",
        "7",
        "1",
        "1",
        "0",
        "-1",
        "4194304",
        "11",
        "0",
        "3",
        "0",
        "250",
        "50",
        "20",
        "10",
        "20",
        "0",
        "4",
        "0",
        "9000",
        "1000000",
        "256",
    ]
    look = parse_stat(f"42 (a) b (c) {' '.join(fields)} 0 0".encode())
    assert (look.pid, look.parent, look.name) == (42, 7, "a) b (c")
    assert (look.cpu_s, look.waited_cpu_s) == (300 * TICK_S, 30 * TICK_S)
    assert (look.minor_faults, look.major_faults, look.started) == (11, 3, 9000)
    assert look.rss_bytes == 256 * PAGE_BYTES


def test_what_a_child_started_is_below_it_however_deep():
    looks = {
        p: ProcessLook(p, q, "python", 0.0, 0.0, 0, 0) for p, q in ((2, 1), (3, 2), (4, 3), (5, 1))
    }
    assert descendants(2, looks) == {2, 3, 4}

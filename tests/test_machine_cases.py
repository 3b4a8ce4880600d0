"""Machines that other programs read wrongly: each case of tests/machine_cases/ is read right here.

The cases are made by hand after public reports, which each case.json names.
"""

from __future__ import annotations

import json

import machine_cases
import pytest

FOLDERS = machine_cases.cases_in(machine_cases.CASES)


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_a_machine_of_a_public_report_is_read_right(folder):
    said, wrong = machine_cases.run(folder)
    assert {key: said.get(key) for key in wrong} == {}, f"right is {wrong}"


def test_a_folder_of_cases_is_run_and_each_wrong_value_is_shown(tmp_path, capsys):
    for name, right in (("a", {"is": 2}), ("b", {"is": 3})):
        places = {"case.json": "", "root/proc/cpuinfo": "processor : 0\n\nprocessor : 1\n"}
        told = {"title": name, "how": "facts", "facts": ["logical_cores"]}
        places["case.json"] = json.dumps({**told, "right": {"logical_cores": right}})
        for place, text in places.items():
            path = tmp_path / name / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    assert machine_cases.main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out == (
        'ok    a: a\nWRONG b: b\n      logical_cores: says 2; right is {"is": 3}\n1 of 2 wrong\n'
    )
    assert machine_cases.main([str(tmp_path / "a")]) == 0

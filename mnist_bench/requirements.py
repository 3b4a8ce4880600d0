"""Says whether this Python and its packages can run the benchmark, in syntax that old Pythons read.

A Python that is too old must get as far as saying so: this module is kept to what Python 2.7
parses (no annotations, no f-strings) and imports only the standard library.
"""

import sys

OLDEST_PYTHON = (3, 11)

#: Distribution name -> least version; pyproject.toml lists the same, and a test holds them equal.
MINIMUMS = {
    "archspec": "0.2.5",
    "filelock": "3.16",
    "keras": "3.10",
    "numpy": "2.1",
    "nvidia-ml-py": "12.560",
    "packaging": "24.2",
    "pandas": "2.2.3",
    "psutil": "6.1",
    "pydantic": "2.10",
    "pyyaml": "6.0.2",
    "ray": "2.56",
    "rich": "13.9",
    "scipy": "1.14.1",
    "tabulate": "0.9",
    "tensorflow": "2.20",
    "threadpoolctl": "3.5",
}

MEND_PACKAGES = (
    "Next: type `make setup`, then use .venv/bin/python; "
    "or `{python} -m pip install -c constraints.txt -e .`"
)
MEND_PYTHON = (
    "Next: type `make setup`, which looks for a newer one (PYTHON=... names it), "
    "then use .venv/bin/python"
)


def problems(python_version, find_version):
    """Return a sentence per thing that is missing or too old; an empty list means fit.

    `python_version` is a tuple like sys.version_info; `find_version(name)` returns the installed
    version of a distribution as text, or None. On a Python that is too old nothing else is looked
    up: its packages are no news.
    """
    if tuple(python_version[:2]) < OLDEST_PYTHON:
        return [
            "Python {0} or newer is needed (seen: {1})".format(
                _dotted(OLDEST_PYTHON), _dotted(python_version[:3])
            )
        ]
    found = [_problem(name, MINIMUMS[name], find_version(name)) for name in sorted(MINIMUMS)]
    return [sentence for sentence in found if sentence]


def check():
    """Return the problems of the Python that runs this, importing none of the packages."""
    return problems(sys.version_info, _installed_version)


def exit_if_unfit(stream=None, leave=None):
    """Write one message to `stream` (standard error) and `leave(2)` if this Python is unfit."""
    found = check()
    if not found:
        return
    too_old = sys.version_info[:2] < OLDEST_PYTHON
    mend = MEND_PYTHON if too_old else MEND_PACKAGES.format(python=sys.executable)
    message = "error: " + "\n       ".join(found + [mend]) + "\n"
    (stream or sys.stderr).write(message)
    (leave or sys.exit)(2)


def _problem(name, minimum, seen):
    """Return what is wrong with one package, or None."""
    if seen is None:
        return "{0} {1} or newer is needed (seen: not installed)".format(name, minimum)
    if _release(seen) < _release(minimum):
        return "{0} {1} or newer is needed (seen: {2})".format(name, minimum, seen)
    return None


def _installed_version(name):
    """Return the version in the package's metadata, or None where there is none."""
    from importlib import metadata  # since Python 3.8; only a new enough Python comes this far

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _release(version):
    """Return the leading numbers of a version without closing zeros: "2.20.0rc1" -> (2, 20).

    A pre-release counts as its release; anything unreadable counts as older than all.
    """
    numbers = []
    for part in version.split("+")[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if digits:
            numbers.append(int(digits))
        if digits != part:
            break
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _dotted(version):
    return ".".join(str(number) for number in version)

"""The house rules of docs and DESIGN, read from the source: layers, doors, sizes, quiet imports."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LONGEST

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(path for name in ("bench", "mnist_bench") for path in (ROOT / name).rglob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

#: The engine's modules in the order in which data flow: first the loose ones, then the rooms. Each
#: imports only from its own layer and from those before it.
ROOT_MODULES = ("errors", "units", "text", "clock", "paths", "stops")
ROOMS = (
    "outside",
    "spec",
    "record",
    "probe",
    "watch",
    "child",
    "dispatch",
    "analysis",
    "report",
    "cluster",
    "app",
)
#: What the authors of workloads import; it stands behind the child, whose protocol it shows.
FACADE = "workload"
LAYERS = (
    ROOT_MODULES,
    *((room, FACADE) if room == "child" else (room,) for room in ROOMS),
)

#: Loose modules that the root of the engine may have at most.
MOST_LOOSE = 7

#: Words of one workload and of its frameworks, which the engine must not know.
FOREIGN = re.compile(
    r"mnist|keras|tensorflow|pytorch|\btorch|\bjax|\bxla\b|onednn|\bcnn\b|\bmlp\b|\btf\b|\bTF_"
    r"|annex clock|convolution|network's shape",
    re.I,
)

#: Third-party packages and the only places that may import them.
DOORS = {
    "ray": ("bench/dispatch/",),
    "click": ("bench/app/",),
    "psutil": ("bench/probe/", "bench/watch/"),
    "archspec": ("bench/probe/cpu.py",),
    "pynvml": ("bench/probe/nvml.py",),
    "threadpoolctl": ("bench/child/runtime.py",),
    "tabulate": ("bench/report/",),
    "altair": ("bench/report/figures/",),
    "vl_convert": ("bench/report/figures/", "bench/report/page/"),
    "pyarrow": ("bench/report/parquet.py",),
    "keras": ("mnist_bench/models.py", "mnist_bench/loops/", "mnist_bench/backends/"),
    "tensorflow": ("mnist_bench/loops/", "mnist_bench/backends/"),
    "jax": ("mnist_bench/loops/", "mnist_bench/backends/"),
    "torch": ("mnist_bench/loops/", "mnist_bench/backends/"),
}

#: Imported inside functions alone: only what needs them pays for them.
LAZY = (
    *("keras", "tensorflow", "jax", "torch", "ray", "archspec", "pynvml", "threadpoolctl"),
    *("altair", "vl_convert", "pyarrow"),
)

#: The modules of the command line, which alone print and exit.
COMMAND_LINE = (
    *(f"mnist_bench/{name}.py" for name in ("cli", "run", "report", "__main__", "requirements")),
    *("bench/app/commands/", "bench/app/main.py", "bench/app/progress.py"),
    *("bench/child/entry.py", "bench/child/keeper.py", "bench/dispatch/head.py"),
    *("bench/dispatch/launcher.py", "bench/dispatch/ray_driver.py"),
    "bench/cluster/images.py",
)

HEAVY = (
    *("tensorflow", "keras", "jax", "torch", "ray", "pandas", "scipy", "matplotlib"),
    *("altair", "vl_convert", "pyarrow"),
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def imported(node: ast.AST) -> list[str]:
    """Return the modules that an import statement names; each name of a package may be one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


@functools.cache
def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in it."""
    return {name for node in ast.walk(tree_of(path)) for name in imported(node)}


@functools.cache
def imports_at_import_time(path: Path) -> set[str]:
    """Return the modules that a file imports outside functions and type checking."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        found.update(imported(node))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree_of(path))
    return found


def layer_of(module: str) -> int | None:
    """Return the layer of a module of the engine; None of the package itself."""
    parts = module.split(".")
    if parts[0] != "bench" or len(parts) == 1 or parts[1].startswith("__"):
        return None
    return next(place for place, names in enumerate(LAYERS) if parts[1] in names)


def is_below(path: Path, places: tuple[str, ...]) -> bool:
    return any(
        name_of(path) == place or (place.endswith("/") and name_of(path).startswith(place))
        for place in places
    )


def engine() -> list[Path]:
    return [path for path in FILES if name_of(path).startswith("bench/")]


def module_of(path: Path) -> str:
    return name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_the_engine_holds_no_word_of_a_workload_or_of_a_framework():
    found = {
        f"{name_of(path)}:{number}": line.strip()
        for path in sorted((ROOT / "bench").rglob("*"))
        if path.suffix in {".py", ".yaml"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FOREIGN.search(line)
    }
    assert found == {}


def test_every_module_of_the_engine_has_its_layer():
    placed = {name for names in LAYERS for name in names}
    found = {path.relative_to(ROOT / "bench").parts[0].removesuffix(".py") for path in engine()}
    assert found - {"__init__"} == placed
    loose = {name for name in found if (ROOT / "bench" / f"{name}.py").exists()}
    assert len(loose - {"__init__"}) <= MOST_LOOSE


@pytest.mark.parametrize("path", engine(), ids=name_of)
def test_a_module_of_the_engine_imports_from_its_layer_and_those_above_it(path):
    own = layer_of(module_of(path))
    if own is None:  # the package itself
        assert imports(path) == set()
        return
    layers = {name: layer_of(name) for name in imports(path)}
    assert [name for name, layer in layers.items() if layer is not None and layer > own] == []


def test_modules_of_the_engine_import_one_another_in_no_circle():
    known = {module_of(path) for path in engine()}
    needs = {module_of(path): imports_at_import_time(path) & known for path in engine()}
    left = dict(needs)
    while free := {name for name, wanted in left.items() if not (wanted & left.keys() - {name})}:
        left = {name: wanted for name, wanted in left.items() if name not in free}
    assert left == {}


@pytest.mark.parametrize("package", DOORS)
def test_a_third_party_package_comes_in_by_its_door_alone(package):
    users = [p for p in FILES if any(n.split(".")[0] == package for n in imports(p))]
    assert [name_of(path) for path in users if not is_below(path, DOORS[package])] == []
    assert users


@pytest.mark.parametrize("package", LAZY)
def test_a_slow_package_is_imported_inside_functions_alone(package):
    offenders = [
        name_of(path)
        for path in FILES
        if any(name.split(".")[0] == package for name in imports_at_import_time(path))
    ]
    assert offenders == []


@functools.cache
def calls(path: Path) -> set[str]:
    nodes = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    return {ast.unparse(node.func) for node in nodes}


def test_only_the_command_line_prints_and_exits():
    loud = {"print", "sys.exit", "exit", "quit", "input"}
    offenders = {name_of(path): sorted(calls(path) & loud) for path in FILES}
    found = {name for name, words in offenders.items() if words}
    assert [name for name in sorted(found) if not is_below(ROOT / name, COMMAND_LINE)] == []


@functools.cache
def full_names(path: Path) -> frozenset[str]:
    """Return the dotted names that a file uses, each from the module that it is imported from."""
    return frozenset(names_in(tree_of(path)))


def names_in(tree: ast.Module) -> set[str]:
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return {dotted(node, known) for node in ast.walk(tree) if isinstance(node, NAMES)}


NAMES = (ast.Name, ast.Attribute)


def dotted(node: ast.AST, known: dict[str, str]) -> str:
    """Return a name with its module, which `known` has by the name in the file."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, known)}.{node.attr}"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else "()"


#: What reads JSON or YAML; only the door does, which checks sizes, depths and keys.
READERS = re.compile(
    r"^(json|yaml|pydantic_core|tomllib|simplejson)\.(.*load.*|.*Loader|JSONDecoder|from_json)$"
    r"|(^|\.)(from_json|model_validate_json|validate_json|parse_raw)$"
)

#: What takes texts, bytes or documents without the door, and the modules that may: each knows whose
#: they are, and how large. Everything else reads by `bench.outside`.
BESIDE_THE_DOOR = {
    # the shape of what the door has read, or of values of our own
    r"\.model_validate$": {
        *("bench/probe/machine.py", "bench/spec/written_grid.py", "bench/record/parsing.py"),
        *("bench/record/pool.py", "bench/record/price.py", "bench/record/price_table.py"),
    },
    # what an address answers
    r"(^|\.)(urlopen|build_opener|HTTPConnection|HTTPSConnection)$": {
        *("bench/probe/cloud.py", "bench/cluster/address.py", "mnist_bench/download.py"),
    },
    # what another program says
    r"^(subprocess\.(run|Popen|check_output|getoutput|getstatusoutput)|os\.popen)$": {
        *("bench/child/devices.py", "bench/child/keeper.py", "bench/child/process.py"),
        *("bench/dispatch/launcher.py", "bench/dispatch/tunnel.py"),
        *("bench/dispatch/ray_process.py", "bench/probe/system.py"),
    },
    r"^sys\.stdin(\.|$)": {
        *("bench/child/entry.py", "bench/child/keeper.py", "bench/dispatch/ray_driver.py"),
    },
    r"^(?!bench\.outside\.).*\b(read_text|read_bytes)$|^reads by open$": {
        # files of the package
        *("bench/record/price_table.py", "bench/report/page/build.py"),
        *("bench/report/page/libraries.py", "bench/report/words/phrasebook.py"),
        *("bench/spec/grid_files.py", "mnist_bench/reference/calibration.py"),
        "mnist_bench/reference/published.py",
        # files of the kernel
        *("bench/child/entry.py", "bench/probe/memory.py", "bench/watch/energy.py"),
        *(
            "bench/watch/memory_guard.py",
            "bench/watch/named_process.py",
            "bench/watch/process_table.py",
            "bench/watch/ray_session.py",
            "bench/watch/sources.py",
        ),
        # a journal, line by line
        *("bench/record/journal.py", "bench/record/text_lines.py"),
        # what the run itself has written, and the source of a workload
        *("bench/app/folder_lock.py", "bench/app/live/figures.py", "bench/app/live/live.py"),
        *("bench/child/left.py", "bench/child/process.py", "bench/child/workload.py"),
        *(
            "bench/dispatch/node.py",
            "bench/dispatch/ray_cluster.py",
            "bench/dispatch/ray_process.py",
        ),
        # data, whose size is read first
        "mnist_bench/npz.py",
    },
}


@functools.cache
def reads_by_open(path: Path) -> bool:
    """Say whether a file opens another one to read it, by `open` or by a path's own."""
    for node in ast.walk(tree_of(path)):
        name = dotted(node.func, {}) if isinstance(node, ast.Call) else ""
        if name == "open" or (name.endswith(".open") and name.partition(".")[0] not in NOT_FILES):
            place = 1 if name == "open" else 0
            modes = [one.value for one in node.keywords if one.arg == "mode"]
            modes += node.args[place : place + 1]
            if not modes or (isinstance(modes[0], ast.Constant) and "r" in str(modes[0].value)):
                return True
    return False


#: What has an `open` of another kind.
NOT_FILES = {"os", "tarfile", "source", "opener"}


def test_every_text_from_outside_comes_in_by_the_one_door():
    users = {name_of(path) for path in FILES if any(map(READERS.search, full_names(path)))}
    assert users <= {"bench/outside/documents.py", "bench/outside/yaml_files.py"}
    assert "bench/outside/documents.py" in users


@pytest.mark.parametrize("pattern", BESIDE_THE_DOOR)
def test_whatever_reads_beside_the_door_is_known(pattern):
    users = set()
    for path in FILES:
        names = [*full_names(path), *(["reads by open"] if reads_by_open(path) else [])]
        users |= {name_of(path)} if any(re.search(pattern, name) for name in names) else set()
    inside = {name for name in users if name.startswith("bench/outside/")}
    assert users - inside - BESIDE_THE_DOOR[pattern] == set()
    assert users


@pytest.mark.parametrize(
    "source",
    [
        "import json\njson.loads(x)",
        "from json import loads\nloads(x)",
        "import json as j\nmap(j.load, x)",
        "from json import JSONDecoder as D\nD().decode(x)",
        "from pydantic_core import from_json as f\nf(x)",
        "Model.model_validate_json(x)",
        "import yaml\nyaml.load(x, Loader=yaml.SafeLoader)",
    ],
)
def test_a_reader_is_found_under_each_name(source):
    assert any(map(READERS.search, names_in(ast.parse(source))))


def test_yaml_is_written_by_few_and_read_by_the_door_alone():
    """`yaml.safe_load` under another name would need the import, so the import is what is held."""
    users = {name_of(path) for path in FILES if "yaml" in imports(path)}
    assert users == {
        "bench/outside/yaml_files.py",
        *("bench/cluster/config.py", "bench/cluster/images.py"),  # they write cluster files
    }


def test_nothing_evaluates_text_or_reads_pickles():
    forbidden = {"eval", "exec", "pickle.loads", "pickle.load", "yaml.load"}
    assert {name_of(p): calls(p) & forbidden for p in FILES if calls(p) & forbidden} == {}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_states_its_purpose_and_stays_under_300_lines(path):
    assert ast.get_docstring(tree_of(path))
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300


@pytest.mark.parametrize(
    "statement",
    [
        "import bench, mnist_bench",
        "from mnist_bench import cli; cli.main(['run', '--help'])",
    ],
)
def test_starting_the_command_line_imports_nothing_heavy(statement):
    source = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "bench" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def functions(path: Path) -> dict[str, int]:
    """Return the lines of each function of a file, by name; docstrings count."""
    nodes = (
        node
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in nodes}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_function_fits_on_a_screen(path):
    assert {name: lines for name, lines in functions(path).items() if lines > 50} == {}


def test_only_the_engine_reads_a_clock_for_times():
    """A workload hands its steps to the meter: one that times itself would not be compared."""
    offenders = {
        name_of(path)
        for path in (*FILES, *EXAMPLES)
        if not name_of(path).startswith("bench/") and imports(path) & {"time", "timeit"}
    }
    assert offenders <= {"mnist_bench/data.py", "mnist_bench/download.py"}  # a download's end


def test_the_files_of_tests_that_begin_first_are_there():
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []


def test_packages_only_re_export():
    offenders = {
        name_of(path)
        for path in FILES
        if path.name == "__init__.py"
        for node in tree_of(path).body
        if not isinstance(node, ast.ImportFrom | ast.Import | ast.Expr | ast.Assign)
    }
    assert offenders <= {"mnist_bench/backends/__init__.py", "mnist_bench/loops/__init__.py"}


def test_the_examples_are_short_and_use_only_the_authors_facade():
    lengths = {path.stem: len(path.read_text().splitlines()) for path in EXAMPLES}
    assert lengths["matmul"] < 60
    assert lengths["keras_model"] < 80
    for path in EXAMPLES:
        ours = {name for name in imports(path) if name.split(".")[0] in {"bench", "mnist_bench"}}
        assert ours == {"bench.workload"}

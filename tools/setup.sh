#!/bin/sh
# Makes .venv and installs the project with the pinned packages; a no-op where nothing changed.
#
#   sh tools/setup.sh [EXTRA...]       extras of pyproject.toml, beside `report`, which is always
#                                      installed: without it a report has no figures
#   sh tools/setup.sh --which-python   only say which Python it would take
#
# PYTHON=... chooses the Python. Exit codes: 0 ready, 1 the install failed, 2 no fitting Python.
# Where packages come from is pip's own configuration on this machine.
set -eu
unset CDPATH

OLDEST=11      # Python 3.x, as in pyproject.toml
NEWEST=13      # the newest Python 3.x for which the pinned TensorFlow has wheels
SIZES='about 0.7 GB to download, 2.7 GB on disk, one to several minutes'
GPU_SIZES='; the CUDA packages add about 2.8 GB to the download'

# pip takes whatever lies on PYTHONPATH for installed, and refuses `user = true` in a venv.
unset PYTHONPATH PYTHONHOME 2>/dev/null || true
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONUNBUFFERED=1

root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
venv=.venv
venv_python=$venv/bin/python
stamp=$venv/setup-stamp
log=$venv/setup.log

say() { printf '%s\n' "$*" >&2; }

# --- finding a Python -------------------------------------------------------------------------

# Prints "ok 3.11.7", or why the given Python does not fit.
describe() {
    "$1" -I -c '
import platform, sys
oldest, newest = (3, int(sys.argv[1])), (3, int(sys.argv[2]))
here = (platform.system(), platform.machine())
homes = [("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")]
version = platform.python_version()
if not oldest <= sys.version_info[:2] <= newest:
    print("is " + version)
elif platform.python_implementation() != "CPython":
    print("is " + platform.python_implementation())
elif here not in homes:
    print("is built for %s %s, where TensorFlow or Ray has no packages" % here)
else:
    print("ok " + version)
' "$OLDEST" "$NEWEST" 2>/dev/null </dev/null
}

# Sets `python` to the first candidate that fits, or ends with 2.
find_python() {
    found=
    set -- python3 python3.13 python3.12 python3.11
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; fi
    for candidate in "$@"; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        answer=$(describe "$candidate") || answer=
        case "$answer" in
            ok*) python=$candidate; version=${answer#ok }; return ;;
            '') found="$found $candidate does not run;" ;;
            *) found="$found $candidate $answer;" ;;
        esac
    done
    if sound; then python=$venv_python; return; fi
    if [ -z "$found" ]; then found=" there is no $*;"; fi
    say "error: no Python that fits: CPython 3.$OLDEST to 3.$NEWEST is needed. Seen:${found%;}." \
        "Install one, or name it: make setup PYTHON=/path/to/python"
    exit 2
}

has_venv() { "$python" -I -c 'import ensurepip, venv' 2>/dev/null; }

# Debian and its kin ship Python without venv; as root this installs the missing package.
ensure_venv() {
    has_venv && return
    package="python${version%.*}-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing $package, which $python lacks (a few MB)"
        apt_log=$(mktemp)
        export DEBIAN_FRONTEND=noninteractive
        { apt-get update && apt-get install -y --no-install-recommends "$package"; } \
            >"$apt_log" 2>&1 </dev/null || { tail -n 15 "$apt_log" >&2; }
        rm -f "$apt_log"
        has_venv && return
    fi
    say "error: $python ($version) cannot make virtual environments. On Debian or Ubuntu type:" \
        "apt-get install $package   (as root), or name another Python: make setup PYTHON=..."
    exit 2
}

# --- is there anything to do? -----------------------------------------------------------------

# A digest of all that decides what .venv holds, and of what it does hold (by its own Python).
digest() {
    "$venv_python" -I -S -c '
import hashlib, os, sys
site = "%s/lib/python%d.%d/site-packages" % ((sys.argv[1],) + sys.version_info[:2])
parts = [sys.version, sys.base_prefix, os.getcwd()]
parts += sorted(name for name in os.listdir(site) if name.endswith(".dist-info"))
total = hashlib.sha256("\n".join(parts).encode())
for name in sys.argv[2:]:
    with open(name, "rb") as file:
        total.update(hashlib.sha256(file.read()).digest())
print(total.hexdigest())
' "$venv" pyproject.toml constraints.txt tools/setup.sh 2>/dev/null
}

# True where .venv is as it should be and has the extras asked for; sets `kept`, its extras.
ready() {
    kept=
    [ -x "$venv_python" ] && [ -f "$stamp" ] || return 1
    now=$(digest) || return 1
    { read -r stamped && read -r extras; } <"$stamp" || return 1
    [ "$now" = "$stamped" ] || return 1
    kept=$extras
    for extra in $wanted; do
        case " $kept " in *" $extra "*) ;; *) return 1 ;; esac
    done
    other_python && return 1
    return 0
}

# True where PYTHON names a Python of another version than the one that .venv was made with.
other_python() {
    [ -n "${PYTHON:-}" ] || return 1
    [ "$(describe "$PYTHON")" != "$(describe "$venv_python")" ]
}

# True where .venv can be installed into: it runs, it fits, it has pip, and no package in it is
# torn (pip writes RECORD last; a file missing or of another size is an install cut off).
sound() {
    [ -x "$venv_python" ] || return 1
    case "$(describe "$venv_python")" in ok*) ;; *) return 1 ;; esac
    other_python && return 1
    "$venv_python" -I -c '
import csv, pathlib, sys, sysconfig
import pip
site = pathlib.Path(sysconfig.get_path("purelib"))
for info in site.glob("*.dist-info"):
    with open(info / "RECORD", encoding="utf-8", newline="") as record:
        for name, _, size in csv.reader(record):
            if size and (site / name).stat().st_size != int(size):
                sys.exit("torn: " + name)
' 2>/dev/null
}

# --- installing -------------------------------------------------------------------------------

# Runs this script again under a lock on the script's own file, which ends with the process.
lock_and_rerun() {
    exec "$python" -I -c '
import fcntl, os, sys
try:
    handle = os.open(sys.argv[2], os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.set_inheritable(handle, True)
except OSError:
    pass  # a file system without locks: then one set-up at a time is up to the user
os.execvp(sys.argv[1], sys.argv[1:])
' sh "$root/tools/setup.sh" --locked "$@"
}

make_venv() {
    rm -f "$stamp"
    sound && return
    ensure_venv
    if [ -e "$venv" ]; then again=' anew: what is there does not fit or is incomplete'; fi
    rm -rf "$venv"
    say "Making .venv with Python $version${again:-}"
    "$python" -m venv "$venv" || { say "error: $python could not make $root/$venv"; exit 1; }
}

pip_install() {
    "$venv_python" -m pip install --only-binary=:all: --no-warn-script-location \
        -c constraints.txt "$@" >>"$log" 2>&1 </dev/null && return
    say "error: the install failed; the end of its log, $root/$log:"
    tail -n 15 "$log" >&2
    if grep -Eq 'No matching distribution|Could not find a version|ResolutionImpossible|Max retries' \
        "$log"; then
        say "pip found no package of the pinned version. On a machine without a network," \
            "docs/how-to/offline.md says how to bring the packages along. Then: the same command again."
    fi
    exit 1
}

install() {
    for extra in $kept; do
        case " $wanted " in *" $extra "*) ;; *) wanted="$wanted $extra" ;; esac
    done
    wanted=${wanted# }
    names=$(printf '%s' "$wanted" | tr ' ' ,)
    if [ -z "$(ls -d "$venv"/lib/*/site-packages/tensorflow 2>/dev/null)" ]; then
        case "$wanted" in *gpu*) SIZES="$SIZES$GPU_SIZES" ;; esac
        say "Installing the pinned packages${names:+ (extras: $names)}: $SIZES"
    else
        say "Bringing the packages in .venv to their pins${names:+ (extras: $names)}"
    fi
    : >"$log"
    # The build backend first, so that the build takes the pinned one and not the index's newest.
    pip_install setuptools
    pip_install --no-build-isolation -e ".${names:+[$names]}"
    made=$(digest)
    printf '%s\n%s\n' "$made" "$wanted" >"$stamp.new"
    mv "$stamp.new" "$stamp"
}

locked=
case "${1:-}" in
    --which-python) find_python; printf '%s %s\n' "$python" "$version"; exit 0 ;;
    --locked) locked=yes; shift ;;
esac
wanted="report"
for extra in "$@"; do
    case " $wanted " in *" $extra "*) ;; *) wanted="$wanted $extra" ;; esac
done
# The extras are the keys of their table in pyproject.toml, so that the two cannot part.
known=$(sed -n '/^\[project.optional-dependencies\]/,/^\[/s/^\([a-z0-9-]*\) = .*/\1/p' pyproject.toml)
for extra in $wanted; do
    case " $(echo $known) " in
        *" $extra "*) ;;
        *) say "error: there is no extra '$extra'. Known:" $known; exit 2 ;;
    esac
done
ready && exit 0
find_python
[ -n "$locked" ] || lock_and_rerun "$@"
make_venv
install

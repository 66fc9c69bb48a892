# Sourced by scripts/serve and scripts/test: makes the Python environment of this checkout in .venv.
# Sets root; needs nothing but a Python of a version that Gatehouse runs on.

root=$(cd "$(dirname "$0")/.." && pwd)

say() { echo "gatehouse: $*" >&2; }

fail() { say "$*"; exit 1; }

# need_packages PACKAGE...: installs the Debian packages that are missing, or names them and stops.
need_packages() {
    missing=
    for package; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || fail "these packages are missing; install them as root: apt-get install$missing"
    say "installing$missing (once; this may take a few minutes)"
    apt-get update -qq >&2 || fail "apt-get update failed"
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2 </dev/null ||
        fail "the packages could not be installed"
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

# make_environment NAME: installs scripts/requirements-build.txt and scripts/NAME.txt, with their hashes, and
# the project itself, unless that was done before for the same files.
make_environment() {
    name=$1
    stamp=$root/.venv/.installed-$name
    now=$(cat "$root/pyproject.toml" "$root/scripts/requirements-build.txt" "$root/scripts/$name.txt" | cksum)
    [ "$(cat "$stamp" 2>/dev/null)" = "$now $root" ] && return
    if ! "$root/.venv/bin/python" -c 'import pip' 2>/dev/null; then
        python=$(find_python)
        [ -n "$python" ] || fail "needs Python 3.11, 3.12 or 3.13 (package python3), or PYTHON set to one"
        "$python" -c 'import ensurepip' 2>/dev/null || need_packages python3-venv
        say "making the Python environment in $root/.venv"
        rm -rf "$root/.venv"
        "$python" -m venv "$root/.venv" || fail "the environment could not be made"
    fi
    say "installing the Python packages of $name (once; about a minute)"
    pip() { "$root/.venv/bin/python" -m pip --disable-pip-version-check --quiet "$@" >&2; }
    # Without build isolation, so that what builds a package is pinned as well.
    pip install --require-hashes -r "$root/scripts/requirements-build.txt" &&
        pip install --use-pep517 --require-hashes --no-build-isolation -r "$root/scripts/$name.txt" &&
        pip install --no-deps --no-build-isolation --editable "$root" ||
        fail "the Python packages could not be installed"
    echo "$now $root" > "$stamp"
}

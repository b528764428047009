#!/usr/bin/env bash
# ./run_all.sh [OPTIONS]   runs the notebooks on a snapshot of the Hub and builds the paper from them
# ./run_all.sh test        lint, all tests, the notebooks against their stored results
# ./run_all.sh COMMAND     all else; once the packages are there, ./run_all.sh --help lists the commands
#
# The first call installs what is missing; later calls start at once.
#
# - Python packages: the versions of requirements.txt (1.6 GB), into .venv beside this file. Python 3.11, 3.12 or 3.13
#   has to be there. With a conda environment active that was made from environment.yml, that one is used and no .venv
#   made. To start over: rm -r .venv
# - TeX, for the PDF: system-wide (250 MB), only with apt-get, and as root or with password-less sudo. Elsewhere one
#   line says what to install, and all but the PDF is made. --no-paper does without.
# - Chromium and a reader of PDFs, for the tests alone, in the same way (300 MB).
#
# Results land in paper/generated/NAME/. The last line on stdout is that directory.
# Exit codes: 0 all done, 1 failed, 2 wrong usage, 3 all done but the PDF.

# What this script itself has to say goes to stderr. It sets up Python and hands everything over, options unread.
set -euo pipefail

say() { printf 'run_all.sh: %s\n' "$*" >&2; }

fail() {
  say "$1"
  exit 1
}

# The directory of this file, also when it is called through a symbolic link. (macOS has no `readlink -f`.)
directory_of() {
  local file=$1 target
  while [ -L "$file" ]; do
    target=$(readlink "$file")
    case $target in
      /*) file=$target ;;
      *) file=$(dirname "$file")/$target ;;
    esac
  done
  (CDPATH='' cd -P -- "$(dirname "$file")" && pwd)
}

# What analysis/environment.py finds out about a Python, or does for it: environment PYTHON QUESTION. It needs no package.
environment() { (cd "$root" && exec "$1" -m analysis.environment "$2"); }

# Sets `python` to the active conda environment's, if its packages are the locked ones.
use_conda() {
  [ -n "${CONDA_PREFIX:-}" ] && [ -x "$CONDA_PREFIX/bin/python" ] || return 1
  local name=${CONDA_PREFIX##*/} differences
  if differences=$(environment "$CONDA_PREFIX/bin/python" differences 2>&1); then
    python=$CONDA_PREFIX/bin/python
    say "using the conda environment $name"
    environment "$python" link
  else
    say "not using the conda environment $name, which differs from requirements.txt in" \
      "$(printf '%s\n' "$differences" | wc -l | tr -d ' ') points (${differences%%$'\n'*});" \
      "environment.yml describes one that does not"
    return 1
  fi
}

# Prints ready, moved (all but where it stands), outdated (other packages are locked), or unusable.
state_of_venv() {
  [ -x "$python" ] && environment "$python" state 2>/dev/null || echo unusable
}

# Sets `base`, the Python that makes .venv: the one behind an active .venv, which may be the one to be replaced.
find_python() {
  local candidate
  for candidate in python3 python3.11 python3.12 python3.13; do
    if base=$("$candidate" -c '
import sys
print(getattr(sys, "_base_executable", sys.executable))
sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null); then
      return
    fi
  done
  fail "found no Python 3.11, 3.12 or 3.13; install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv)"
}

# One run at a time sets up. The lock goes with file descriptor 9, and so with this process. (macOS has no flock.)
lock_set_up() {
  exec 9>>"$root/.venv.lock"
  if ! "$base" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null; then
    say "another run_all.sh is setting up: waiting for it"
    "$base" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' 2>/dev/null # Ctrl-C here is no news
  fi
}

# Debian's Python has `venv` in a package of its own. Not needed where uv makes the environment.
ensure_venv_module() {
  local package as_root='' said
  if command -v uv >/dev/null || "$base" -c 'import ensurepip, venv' 2>/dev/null; then return; fi
  package=$("$base" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
  if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
    fail "$base lacks the module venv, which .venv is made with: sudo apt-get install $package"
  fi
  say "installing $package with apt-get"
  $as_root apt-get update -qq >&2 || true # the lists may be good enough
  said=$($as_root apt-get install -y -qq -o DPkg::Lock::Timeout=300 "$package" 2>&1) || true
  "$base" -c 'import ensurepip, venv' 2>/dev/null || fail "apt-get could not install $package for $base: ${said##*$'\n'}"
}

# A .venv that somebody made for something else is not this script's to delete: its own has a stamp, or its prompt.
refuse_foreign_venv() {
  [ -e "$venv" ] && [ ! -f "$venv/made-from" ] || return 0
  case $(cat "$venv/pyvenv.cfg" 2>/dev/null) in *"prompt = "*run_all.sh*) return ;; esac
  fail ".venv was not made by this script, which would delete it: move it away or delete it, then run it again"
}

make_venv() {
  if [ -e "$venv" ]; then
    say "making .venv anew: it was not finished, or Python has changed"
    rm -rf "$venv.old" # of a deletion that was broken off: what is left of .venv could be anybody's
    mv "$venv" "$venv.old"
    rm -rf "$venv.old"
  fi
  if command -v uv >/dev/null; then
    uv venv --quiet --python "$base" --prompt run_all.sh "$venv" >&2 || fail "uv could not make .venv with $base"
  else
    "$base" -m venv --prompt run_all.sh "$venv" >&2 || fail "$base could not make .venv"
  fi
}

# Prints the path of a uv: the system's, or the locked one, once installed; nothing where there is no wheel of it.
find_uv() {
  if command -v uv; then return; fi
  awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' "$root/requirements.txt" >"$venv/uv.txt"
  [ ! -x "$venv/bin/pip" ] || "$python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary :all: --require-hashes -r "$venv/uv.txt" >&2 || return 0
  [ ! -x "$venv/bin/uv" ] || echo "$venv/bin/uv"
}

install_packages() {
  local uv quiet=() lock=$root/requirements.txt
  [ -t 2 ] || quiet=(--quiet)
  rm -f "$venv/made-from" # without it .venv is a set-up that was broken off
  say "$1"
  uv=$(find_uv)
  # Compiled now, as pip does it: where Python may not write beside its modules, each run would compile 2,000 of them.
  if [ -n "$uv" ] && "$uv" pip sync ${quiet[@]+"${quiet[@]}"} --compile-bytecode --python "$python" --require-hashes "$lock" >&2; then
    :
  elif [ -x "$venv/bin/pip" ] && # pip has settings that uv does not read: a mirror, a certificate
    say "installing with pip instead, which takes longer" &&
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock" >&2; then
    :
  else
    fail "could not install the packages of requirements.txt, see above; mend that and run it again"
  fi
  environment "$python" settle
}

# Sets `python`, and makes or mends its environment. Nothing is installed for the sake of a help text.
set_up() {
  if use_conda; then return; fi
  python=$venv/bin/python
  [ "$(state_of_venv)" != ready ] || return 0
  case $1 in -h | --help) teach ;; esac
  find_python
  lock_set_up
  case $(state_of_venv) in # another run may have set up while this one waited
    ready) ;;
    moved) environment "$python" settle ;;
    outdated) install_packages "bringing .venv up to requirements.txt" ;;
    *)
      refuse_foreign_venv
      ensure_venv_module
      make_venv
      install_packages "installing the packages of requirements.txt into .venv (300 MB to download)"
      ;;
  esac
  exec 9>&-
}

# Prints the head of this file.
teach() {
  local line
  while IFS= read -r line && [ -n "$line" ]; do
    case $line in '#!'*) ;; *) line=${line#\#} && printf '%s\n' "${line# }" ;; esac
  done <"${BASH_SOURCE[0]}"
  exit 0
}

root=$(directory_of "${BASH_SOURCE[0]}")
venv=$root/.venv python='' base=''
case ${1-} in
  -h | --help) ;;
  "" | -*) set -- run "$@" ;;
esac

# What Python reads when it starts, whatever its user has set; analysis/variables.py sees to all else.
for name in ${!PYTHON*}; do unset "$name"; done
export PYTHONPATH=$root PYTHONNOUSERSITE=1 PYTHONHASHSEED=0 TZ=UTC

set_up "$1"
# In the caller's directory, for file names; -P keeps Python from importing what lies there. The shell itself does not
# take this locale: where a machine lacks it (macOS may), bash would warn at each call, and Python takes UTF-8 all the same.
set -- -m analysis "$@"
# A Python that is starting prints a traceback at Ctrl-C. So it starts deaf, and analysis/__main__.py is told to hear again;
# unless the caller wants it deaf, as a shell does that starts it in the background.
if [ -z "$(trap -p INT)" ]; then
  set -- -X hears "$@"
  if env --block-signal=INT env >/dev/null 2>&1; then # GNU's: what is pressed meanwhile is heard then
    exec env --block-signal=INT LC_ALL=C.UTF-8 "$python" -P "$@"
  fi
  trap '' INT # macOS: it has to be pressed again
fi
exec env LC_ALL=C.UTF-8 "$python" -P "$@"

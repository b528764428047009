#!/usr/bin/env bash
# From a fresh clone to the paper, or to the tests' verdict; `./run_all.sh --help` says how.
# What this script has to say goes to stderr, so that the last line of stdout is the results directory.
set -euo pipefail

# All but `test` are commands of `python -m analysis` and go to it as they are; a new one is only added here.
words="run test collect import pseudonymise validate snapshots demo twin people ledger compare check explain archive update-references"

usage() {
  cat <<'END'
./run_all.sh [OPTIONS]            run the notebooks on a snapshot of the Hub and build the paper from them
./run_all.sh test [PYTEST ARGS]   lint, all tests, and the notebooks against their stored results
./run_all.sh COMMAND ...          collect, import, validate, snapshots, demo, twin, pseudonymise: about snapshots; people:
                                  which names are one person's; ledger NAME: the study's values beside those of a run;
                                  compare A B: the results of two snapshots or more side by side;
                                  check: run anew and say whether all is as published; explain RESULT_ID: what a
                                  number is and where it comes from; archive: the paper's sources in one zip;
                                  update-references: store the results of demo as the tests' references.
                                  COMMAND --help says more.

The first call on a machine installs what is missing (below); later calls start at once.

Options of a run
  --snapshot NAME    a directory of data/snapshots/; default: 2023-10-15-twin, a SYNTHETIC stand-in for the
                     Hub of October 2023 that is made when it is absent (half a minute, 100 MB)
  --as-of DATE       as it was at the end of DATE (YYYY-MM-DD): what was created or done later is left out
  -p NAME=VALUE      set a parameter of the notebooks, as bots=include; may be given several times
  --no-paper         no PDF, but the figures, tables, numbers and the page: no TeX needed
  --dry-run          check everything, say what would run, and stop
  -h, --help         this text

Options of the tests
  --no-paper         install neither TeX nor a browser for them; tests of the PDF and of the page are then skipped
  PYTEST ARGS        run only `pytest PYTEST ARGS` in this directory, as in: test tests/test_licenses.py -k groups

Comparisons: no paper, but a notebook that sets results side by side
  --snapshot A,B,C         several snapshots; runs that are absent or out of date are made first
  --as-of START..END/STEP  one snapshot over time; STEP is month, quarter or year

Examples
  ./run_all.sh
  ./run_all.sh --snapshot 2024-12-04 --as-of 2023-12-31 --no-paper
  ./run_all.sh --snapshot 2024-12-04 --as-of 2021-01-01..2023-10-01/quarter
  ./run_all.sh -p conventions=authors -p bots=include

Where results land
  paper/generated/NAME/   figures, tables, results.json, numbers.tex, the executed notebooks, paper.pdf, and
                          site/index.html, which shows all of it and needs no network; a run with --as-of or -p
                          and a comparison have directories of their own. The last line of the output is the path.

What is installed, and where
  Python packages   the versions of requirements.txt (1.3 GB), into .venv beside this file. Python 3.11, 3.12 or
                    3.13 has to be there. With a conda environment active that was made from environment.yml, that
                    one is used and no .venv made. To start over: rm -r .venv
  TeX               system-wide (250 MB), only with apt-get, and as root or with password-less sudo. Elsewhere one
                    line says what to install, and all but the PDF is made.
  Chromium          for the tests alone, in the same way (300 MB); they look at the page with it.

Exit codes
  0 all done   1 failed   2 wrong usage   3 all done but the PDF
END
}

say() { printf 'run_all.sh: %s\n' "$*" >&2; }

fail() {
  say "$1"
  exit "${2:-1}"
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

# ---- what is there -----------------------------------------------------------------------------------------

# Sets `python` to the active conda environment's, if its packages are the locked ones.
use_conda() {
  [ -n "${CONDA_PREFIX:-}" ] && [ -x "$CONDA_PREFIX/bin/python" ] || return 1
  local name=${CONDA_PREFIX##*/} differences extra=()
  case $word in test | check) extra=(--extra test) ;; esac
  if differences=$("$CONDA_PREFIX/bin/python" -m analysis.environment ${extra[@]+"${extra[@]}"} 2>&1); then
    python=$CONDA_PREFIX/bin/python
    say "using the conda environment $name"
  else
    say "not using the conda environment $name, which differs from requirements.txt in" \
      "$(printf '%s\n' "$differences" | wc -l | tr -d ' ') points (${differences%%$'\n'*});" \
      "environment.yml describes one that does not"
    return 1
  fi
}

# What .venv has to have been made from: the Python's version and the lock's hash.
signature() {
  "$venv/bin/python" -c '
import hashlib, sys
with open("requirements.txt", "rb") as lock:
    print("%d.%d" % sys.version_info[:2], hashlib.sha256(lock.read()).hexdigest())
' 2>/dev/null
}

# The stamp is written last: without it, .venv is a set-up that was broken off.
venv_is_ready() { [ -x "$venv/bin/python" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(signature)" ]; }

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

has_browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && return
  done
  return 1
}

# Prints what the paper (and the tests of it) would miss: programs, and one file for each package.
missing_for_paper() {
  local name
  for name in latexmk pdflatex bibtex $tools; do
    command -v "$name" >/dev/null || printf ' %s' "$name"
  done
  [ -z "$tools" ] || has_browser || printf ' chromium'
  for name in booktabs.sty lmodern.sty phvr8t.tfm; do
    kpsewhich "$name" >/dev/null 2>&1 || printf ' %s' "$name"
  done
}

# ---- what gets installed -----------------------------------------------------------------------------------

# One run at a time sets up. The lock goes with file descriptor 9, and so with this process. (macOS has no flock.)
lock_set_up() {
  exec 9>>.venv.lock
  if ! "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null; then
    say "another run_all.sh is setting up: waiting for it"
    "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
  fi
}

may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# A failing update is no reason to stop: the lists may be good enough, and one broken source fails it.
apt_install() {
  as_root apt-get update -qq || true
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@"
}

# Debian's Python has `venv` in a package of its own. Not needed where uv makes the environment.
ensure_venv_module() {
  local package
  if command -v uv >/dev/null || "$base" -c 'import ensurepip, venv' 2>/dev/null; then return; fi
  package=$("$base" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  may_install || fail "$base lacks the module venv, which .venv is made with: sudo apt-get install $package"
  say "installing $package with apt-get"
  apt_install "$package" >"$log" 2>&1 || true
  "$base" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "apt-get could not install $package for $base: $(tail -n 1 "$log")"
}

# A .venv that somebody made for something else is not this script's to delete: its own has a stamp, or its prompt.
refuse_foreign_venv() {
  [ -e "$venv" ] && [ ! -f "$stamp" ] || return 0
  case $(cat "$venv/pyvenv.cfg" 2>/dev/null) in *"prompt = "*run_all.sh*) return ;; esac
  fail ".venv was not made by this script, which would delete it: move it away or delete it, then run it again"
}

make_venv() {
  local uv quiet=()
  local not_installed="could not install the packages of requirements.txt, see above; mend that and run it again"
  [ -t 2 ] || quiet=(--quiet)
  [ ! -e "$venv" ] || say "making .venv anew: it was not finished, or requirements.txt or Python has changed"
  rm -rf "$venv"
  say "installing the packages of requirements.txt into .venv (300 MB to download)"
  if command -v uv >/dev/null; then
    uv=uv
    uv venv --quiet --python "$base" --prompt run_all.sh "$venv" >&2 || fail "uv could not make .venv with $base"
  else
    "$base" -m venv --prompt run_all.sh "$venv" >&2 || fail "$base could not make .venv"
    uv=$(uv_from_lock)
  fi
  # Compiled now, as pip does it: where Python may not write beside its modules, each run would compile 2,000 of them.
  if [ -n "$uv" ] && "$uv" pip install ${quiet[@]+"${quiet[@]}"} --compile-bytecode --python "$venv/bin/python" \
    --require-hashes -r requirements.txt >&2; then
    :
  elif [ -x "$venv/bin/pip" ]; then # pip has settings that uv does not read: a mirror, a certificate
    say "installing with pip instead, which takes longer"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt >&2 ||
      fail "$not_installed"
  else
    fail "$not_installed"
  fi
  signature >"$stamp"
}

# Prints the path of the locked uv, once installed; prints nothing where there is no wheel of it.
uv_from_lock() {
  awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements.txt >"$venv/uv.txt"
  if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes -r "$venv/uv.txt" >&2 && [ -x "$venv/bin/uv" ]; then
    printf '%s' "$venv/bin/uv"
  fi
}

# Ubuntu has no package chromium, which must not keep it from installing TeX.
install_for_paper() {
  # shellcheck disable=SC2086 # a list of words
  apt_install $1 || true
  [ -z "$tools" ] || has_browser || apt_install chromium || true
}

# Starts what apt-get has to do for the paper; it goes on while the Python packages are installed.
start_tex() {
  local missing also='' size="250 MB" packages="texlive-latex-base texlive-latex-recommended texlive-fonts-recommended lmodern latexmk"
  missing=$(missing_for_paper)
  [ -n "$missing" ] || return 0
  [ -z "$tools" ] || packages="$packages poppler-utils" also=" and Chromium" size="550 MB"
  if may_install; then
    say "installing TeX$also with apt-get, $size (not there:$missing); --no-paper does without"
    install_for_paper "$packages" >"$log" 2>&1 &
    tex=$!
  elif command -v apt-get >/dev/null; then
    say "$loss: not there:$missing. To have it: sudo apt-get install $packages${also:+ chromium}"
  else
    say "$loss: not there:$missing. To have it: install TeX Live (macOS: MacTeX)$also"
  fi
}

finish_tex() {
  [ -n "$tex" ] || return 0
  local missing
  wait "$tex" || true
  tex=
  missing=$(missing_for_paper)
  [ -z "$missing" ] || say "$loss: apt-get did not bring$missing: $(tail -n 1 "$log")"
}

# Sets `python`, and installs what is missing.
set_up() {
  local todo=
  if use_conda; then
    base=$python
  else
    python=$venv/bin/python base=$venv/bin/python
    venv_is_ready || todo=venv
  fi
  [ "$paper" = no ] || [ -z "$(missing_for_paper)" ] || todo="$todo tex"
  [ -n "$todo" ] || return 0
  case $todo in venv*) find_python ;; esac
  lock_set_up "$base"
  case $todo in venv*) refuse_foreign_venv ;; esac
  log=$(mktemp "${TMPDIR:-/tmp}/run_all.XXXXXX")
  case $todo in venv*) venv_is_ready || ensure_venv_module ;; esac
  case $todo in *tex) start_tex ;; esac
  case $todo in venv*) venv_is_ready || make_venv ;; esac # another run may have made it while this one waited
  finish_tex
  rm -f "$log"
  exec 9>&-
}

is_known() {
  local known
  for known in $words; do
    [ "$known" != "$word" ] || return 0
  done
  return 1
}

# ---- what runs ---------------------------------------------------------------------------------------------

run_tests() {
  local status=0
  if [ $# -gt 0 ]; then
    "$python" -m pytest "$@" || exit 1
    exit 0
  fi
  "$python" -m ruff check . || status=1
  "$python" -m pytest -n 2 tests || status=1
  set -- notebooks/*.ipynb
  [ -e "$1" ] || fail "no notebooks/*.ipynb to compare with; make them with ./run_all.sh update-references"
  # One worker per notebook: its cells share a kernel.
  "$python" -m pytest --nbval -n 2 --dist loadfile "$@" || status=1
  exit "$status"
}

word=run
case ${1-} in
  "" | -*) ;;
  *)
    word=$1
    shift
    ;;
esac
is_known || fail "unknown word '$word'; expected one of: $words (./run_all.sh --help explains them)" 2

paper=yes tools='' previous='' loss="no PDF, but all else"
arguments=()
for argument in "$@"; do
  case $word$argument in
    run-h | run--help | test-h | test--help)
      usage
      exit 0
      ;;
    run--no-paper | run--dry-run | test--no-paper) paper=no ;;
    run--snapshot=*,* | run--as-of=*..*) paper=no ;; # a comparison
  esac
  case $word$previous=$argument in
    run--snapshot=*,* | run--as-of=*..*) paper=no ;;
  esac
  previous=$argument
  [ "$word$argument" = test--no-paper ] || arguments+=("$argument")
done
case $word in
  run) ;;
  test) tools=pdftotext loss="some tests will be skipped" ;; # from poppler-utils
  *) paper=no ;;
esac

root=$(directory_of "${BASH_SOURCE[0]}") caller=$PWD
cd "$root"
venv=$root/.venv stamp=$root/.venv/made-from
python='' base='' tex='' log=''
trap '[ -z "$tex" ] || wait "$tex" || true; [ -z "$log" ] || rm -f "$log"' EXIT

# The notebooks' kernels inherit these. One thread: a sum's order, and so its last digit, depends on their number.
unset PYTHONHOME PYTHONSTARTUP
export PYTHONPATH=$root PYTHONNOUSERSITE=1 PYTHONHASHSEED=0 JUPYTER_PREFER_ENV_PATH=1 TZ=UTC LC_ALL=C.UTF-8
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

set_up
case $word in
  test) run_tests ${arguments[@]+"${arguments[@]}"} ;;
  *) # in the caller's directory, for file names; -P keeps Python from importing what lies there
    cd "$caller"
    exec "$python" -P -m analysis "$word" ${arguments[@]+"${arguments[@]}"}
    ;;
esac

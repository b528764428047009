"""`python -m analysis`: the command line."""

import sys

from analysis import run

if sys.argv[1:2] == ["run"] and not {"-h", "--help", "--dry-run"} & {*sys.argv}:
    run.prepare()  # before the command line's own imports, which take as long

from analysis.cli import main  # noqa: E402

main()

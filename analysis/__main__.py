"""`python -m analysis`: the command line."""

import sys

from analysis import variables

# Imported in here, which takes 1.8 s of processor time, so that Ctrl-C meanwhile ends without a traceback.
try:
    variables.settle()

    from analysis import kernels, opening

    arguments = sys.argv[1:]
    opening.begin(arguments)
    if sys.argv[1:2] == ["run"] and not {"-h", "--help", "--dry-run"} & {*sys.argv}:
        kernels.prepare()  # before the command line's own imports, which take as long

    from analysis.cli import main

    main()
except KeyboardInterrupt:  # at any time, also while all this is imported
    sys.exit(130)

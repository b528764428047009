"""`python -m analysis`: the command line."""

import _signal  # what `signal` is made of, and there already
import sys

# Imported in here, which takes 1.8 s of processor time, so that Ctrl-C meanwhile ends without a traceback. run_all.sh
# starts Python deaf to it, and says so, unless its own caller wants that: a Python that is starting prints one too.
try:
    if "hears" in sys._xoptions:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGINT})

    from analysis import variables

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

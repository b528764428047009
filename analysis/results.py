"""The results of a run that is done, `results.json` in its directory, and the error of a run that is not."""

import json
from contextlib import suppress
from pathlib import Path

from analysis import paths


class RunError(RuntimeError):
    """A run, its paper or what is made of its results failed; the message names the place and the file to look at."""


def find(run: str) -> Path:
    """The directory of a run that is done, by its name or, for one with an out_dir, its path; raises RunError."""
    directory = paths.generated()
    there = sorted(found.parent.name for found in directory.glob("*/results.json"))
    if run in there:
        return directory / run
    with suppress(OSError, ValueError):  # a text that can be no path
        if (Path(run) / "results.json").is_file():
            return Path(run).absolute()
    raise RunError(
        f"no results of a run {run[:60]!r}; there are: {', '.join(there) or 'none yet'}; "
        "make them with ./run_all.sh --snapshot NAME, or give the out_dir of a run"
    )


def read_results(run: str) -> dict:
    """`results.json` of a run, by its name or the path of its directory; raises RunError."""
    directory = find(run)
    try:
        document = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict) or not {"snapshot", "parameters", "results"} <= document.keys():
        raise RunError(f"{directory.name}/results.json: not the results of a run; make them anew with ./run_all.sh")
    return document

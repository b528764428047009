"""The results of a run that is done, `results.json` in its directory, and the error of a run that is not."""

import json

from analysis import paths


class RunError(RuntimeError):
    """A run, its paper or what is made of its results failed; the message names the place and the file to look at."""


def read_results(run_name: str) -> dict:
    """`results.json` of a run, by the name of its directory; raises RunError."""
    directory = paths.generated()
    there = sorted(found.parent.name for found in directory.glob("*/results.json"))
    if run_name not in there:
        raise RunError(
            f"no results of a run {run_name[:60]!r}; there are: {', '.join(there) or 'none yet'}; "
            "make them with ./run_all.sh --snapshot NAME"
        )
    try:
        document = json.loads((directory / run_name / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict) or not {"snapshot", "parameters", "results"} <= document.keys():
        raise RunError(f"{run_name}/results.json: not the results of a run; make them anew with ./run_all.sh")
    return document

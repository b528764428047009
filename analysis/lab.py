"""JupyterLab on a copy of the notebooks: the stored ones are the tests' references, and stay as they are."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from analysis import paths


def copy(directory: Path = paths.NOTEBOOKS / "lab", *, anew: bool = False, said: Callable[[str], None]) -> Path:
    """Copy the executed notebooks into the directory and return it; a copy that is there is kept, unless `anew`.

    `said` is given a line where a copy that is kept is no longer the notebook.
    """
    directory.mkdir(exist_ok=True)
    for notebook in sorted(paths.NOTEBOOKS.glob("*.ipynb")):
        own = directory / notebook.name
        if anew or not own.exists():
            shutil.copyfile(notebook, own)
        elif own.read_bytes() != notebook.read_bytes():
            said(f"{own.name}: your copy is kept, which is not as the stored notebook; --anew copies it again")
    return directory


def serve(directory: Path, *, port: int, browser: bool) -> None:
    """Become a JupyterLab that shows the directory, on 127.0.0.1 whatever a user's settings say."""
    os.environ["HUB_PAPER_GENERATED"] = str(directory / "results")
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.root_dir": directory,
        "ServerApp.allow_root": os.geteuid() == 0,  # it asks for a token as for anybody
        "ServerApp.open_browser": browser,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    words = [f"--{name}={value}" for name, value in settings.items()]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "jupyterlab", *words])

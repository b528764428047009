"""Notebooks by hand: each usual way runs one to its last figure, from another directory and without a variable's help."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client import BlockingKernelClient

from analysis import lab, paths

SCRIPTS = Path(sys.executable).parent
NOTEBOOK = paths.NOTEBOOKS / "rq3_adoption.ipynb"  # the quickest
LAST_FIGURE = "rq3_distributions"


@pytest.fixture
def by_hand(tmp_path) -> dict:
    """How a command is started: elsewhere, with none of run_all.sh's variables; only the results go to a place of their own."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    own = {"HOME": tmp_path, "JUPYTER_RUNTIME_DIR": tmp_path / "runtime", "HUB_PAPER_GENERATED": tmp_path / "results"}
    return {"cwd": tmp_path, "env": kept | {name: str(path) for name, path in own.items()}}


@pytest.mark.parametrize(
    "words",
    [
        ["pytest", "-p", "no:cacheprovider", "--nbval", NOTEBOOK],
        ["jupyter", "execute", NOTEBOOK],
        ["papermill", NOTEBOOK, "out.ipynb", "-p", "snapshot_date", "demo"],
    ],
    ids=lambda words: words[0],
)
def test_a_notebook_runs_to_its_last_figure(by_hand, tmp_path, words):
    command = [SCRIPTS / words[0], *words[1:]]
    done = subprocess.run(command, **by_hand, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / f"results/demo/figures/{LAST_FIGURE}.pdf").is_file()


def test_a_copy_of_the_notebooks_is_kept_as_it_was_changed(tmp_path):
    said = []
    directory = lab.copy(tmp_path / "lab", said=said.append)
    assert sorted(file.name for file in directory.iterdir()) == sorted(f.name for f in paths.NOTEBOOKS.glob("*.ipynb"))
    own = directory / NOTEBOOK.name
    own.write_text("changed")
    lab.copy(directory, said=said.append)
    assert own.read_text() == "changed" and len(said) == 1 and said[0].startswith(f"{NOTEBOOK.name}: your copy is kept")
    lab.copy(directory, anew=True, said=said.append)
    assert own.read_bytes() == NOTEBOOK.read_bytes() and len(said) == 1


@pytest.fixture
def server(by_hand, tmp_path):
    """A JupyterLab on a copy of the notebooks, with a user's own settings against it: its process, address and token."""
    directory = lab.copy(tmp_path / "lab", said=print)
    settings = tmp_path / ".jupyter/jupyter_server_config.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"ServerApp": {"ip": "0.0.0.0", "open_browser": True, "root_dir": "/"}}))
    program = f"from pathlib import Path; from analysis import lab; lab.serve(Path({str(directory)!r}), port=0, browser=False)"
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-c", program], **by_hand, stderr=file)
    try:
        found: list[Path] = []
        while not found:
            assert process.poll() is None, log.read_text()
            found = list((tmp_path / "runtime").glob("jpserver-*.json"))
            time.sleep(0.1)
        yield process, json.loads(found[0].read_text())
    finally:
        for child in [*psutil.Process(process.pid).children(recursive=True), process]:
            child.terminate()
        process.wait(timeout=60)


def asked(about: dict, path: str, /, **body) -> dict:
    """The answer of the server's API; a body is posted."""
    request = urllib.request.Request(f"{about['url']}api/{path}", json.dumps(body).encode() if body else None)
    request.add_header("Authorization", f"token {about['token']}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_run_all_in_jupyterlab_ends_with_the_last_figure_on_a_server_for_this_machine_alone(server, tmp_path):
    """Every cell in turn, in the kernel that the server gives to the notebook that it shows, as Run All does it."""
    process, about = server
    listening = {c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"} and about["token"]
    shown = {entry["name"] for entry in asked(about, "contents")["content"]}
    assert {file.name for file in paths.NOTEBOOKS.glob("*.ipynb")} <= shown
    opened = nbformat.from_dict(asked(about, f"contents/{NOTEBOOK.name}")["content"])
    kernel = opened.metadata.kernelspec.name
    session = asked(about, "sessions", path=NOTEBOOK.name, type="notebook", name="", kernel={"name": kernel})
    client = BlockingKernelClient(connection_file=str(tmp_path / f"runtime/kernel-{session['kernel']['id']}.json"))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        for cell in opened.cells:
            if cell.cell_type == "code":
                reply = client.execute_interactive(cell.source, output_hook=lambda _: None, timeout=120)["content"]
                assert reply["status"] == "ok", reply
    finally:
        client.stop_channels()
    assert (tmp_path / f"lab/results/demo/figures/{LAST_FIGURE}.pdf").is_file()
    assert (tmp_path / "lab" / NOTEBOOK.name).read_bytes() == NOTEBOOK.read_bytes()

"""The whole road: notebooks on `demo` and on partial snapshots, references, determinism, privacy, the paper."""

import datetime as dt
import errno
import hashlib
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from PIL import Image

from analysis import kernels, paths, programs, references, run, snapshot, stored
from analysis.engine import FIELDS, VARIABLES
from analysis.parameters import Parameters
from analysis.results import RunError
from analysis.study import ledger
from tests.conftest import TEX, run_of_demo

PDFTOTEXT = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not installed")


def finished(parameters: Parameters) -> Path:
    run.run_notebooks(parameters, names=run.ALL)
    run.collect(parameters)
    return parameters.directory


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="session")
def demo(demo_run):
    return demo_run


@pytest.fixture(scope="session")
def results(document):
    return document["results"]


def test_the_results_of_demo_equal_the_reference_value_by_value(results):
    moved = references.differences(references.read(references.RESULTS), results, relative=1e-9)
    assert not moved, "\n".join(moved)


def test_every_promised_result_is_there(results):
    promised = {f"rq1.{kind}.count" for kind in snapshot.PLURAL.values()}
    statistics = "n mean std min q25 q50 q75 max zero_share share_for_80 share_for_99".split()
    for kind in snapshot.PLURAL.values():
        promised |= {f"rq1.{kind}.{variable}.{s}" for variable in VARIABLES for s in statistics}
        promised |= {f"rq1.{kind}.unlicensed_share", f"rq1.{kind}.pearson.n_commits.n_likes"}
        promised |= {f"rq1.{kind}.spearman.n_community.n_likes"}
    for pair in ("permissive_vs_restrictive", "permissive_vs_none", "restrictive_vs_none"):
        promised |= {
            f"rq1.models.mannwhitney.{v}.{pair}.{m}" for v in VARIABLES for m in ("u", "p", "p_holm", "superiority")
        }
    promised |= {f"rq1.models.{group}.pearson.n_commits.n_likes" for group in ("permissive", "restrictive", "none")}
    measures = "k nodes edges mod com mod_weighted com_weighted dens recip arcc ass ad acc".split()
    for field in FIELDS:
        promised |= {f"rq2.{field}.{name}" for name in ("developers", "isolates", "isolate_share")}
        promised |= {f"rq2.{field}.{level}.{m}" for level in ("k1", "k5", "k10", "kmax") for m in measures}
        promised |= {f"rq3.{field}.usage.{name}" for name in ("models", "spaces", "links")}
        promised |= {f"rq3.{field}.usage.degree.{s}" for s in ("mean", "median", "std", "max")}
        promised |= {f"rq3.{field}.usage.top.1.{name}" for name in ("model", "spaces")}
        promised |= {f"rq3.{field}.cousage.{name}" for name in ("models", "edges")}
    promised |= {f"rq2.all.{m}.{s}" for m in ("degree", "pagerank") for s in ("mean", "median", "std", "max")}
    promised |= {f"rq3.correlation.{w}.{v}" for w in ("all", "used") for v in ("n_likes", "n_downloads")}
    columns = "nodes edges mod com dens recip arcc ass ad acc".split()
    for variant in ("no-merging", "as-run", "study-80", "study-100", "ours-90"):
        for bots in ("excluded", "included"):
            promised |= {f"people.sensitivity.{variant}-bots-{bots}.k1.{column}" for column in columns}
            promised |= {
                f"people.sensitivity.{variant}-bots-{bots}.{kind}.n_community" for kind in snapshot.PLURAL.values()
            }
    for rule in ("study-80", "study-100", "ratio-90", "jaro-winkler-90", "ours-90", "held-out.ours"):
        promised |= {
            f"people.score.{rule}.login-{k}.{m}" for k in ("login", "name") for m in ("precision", "recall", "f1")
        }
    assert not promised - results.keys()


def test_the_merges_of_the_run_are_those_of_the_other_notebooks(results):
    def value(name):
        return pytest.approx(results[name]["value"], rel=1e-12)

    for name in (
        "developers",
        "isolates",
        *(f"k1.{m}" for m in "nodes edges mod com dens recip arcc ass ad acc".split()),
    ):
        assert results[f"people.sensitivity.as-run-bots-excluded.{name}"]["value"] == value(f"rq2.all.{name}")
    for kind in snapshot.PLURAL.values():
        for variable in ("n_committers", "n_disc_starters", "n_community"):
            found = results[f"people.sensitivity.as-run-bots-excluded.{kind}.{variable}"]["value"]
            assert found == value(f"rq1.{kind}.{variable}.mean")


def test_each_result_names_its_notebook_and_a_cell_that_was_executed(demo, results):
    last = {}
    for name in run.ALL:
        cells = json.loads((demo / "notebooks" / f"{name}.ipynb").read_text())["cells"]
        last[name] = max(cell["execution_count"] for cell in cells if cell["cell_type"] == "code")
    emitted = [entry for entry in results.values() if entry["notebook"] != ledger.LEDGER_STEP]
    assert all(1 <= entry["cell"] <= last[entry["notebook"]] for entry in emitted)
    outputs = json.loads((demo / "results.json").read_text(encoding="utf-8"))["outputs"]
    for name, entry in [*outputs["figures"].items(), *outputs["tables"].items()]:
        if entry["cell"]:  # the cell that names it is the one that emitted it
            cells = json.loads((demo / "notebooks" / f"{entry['notebook']}.ipynb").read_text())["cells"]
            (source,) = ["".join(cell["source"]) for cell in cells if cell.get("execution_count") == entry["cell"]]
            assert f'"{name}"' in source
    # The ledger is made after the notebooks, in no cell of theirs.
    of_the_ledger = {name: entry["cell"] for name, entry in results.items() if entry["notebook"] == ledger.LEDGER_STEP}
    assert {"ledger.calibrated.matches", "audit.checks.total", "rq2.all.recip.min"} <= of_the_ledger.keys()
    assert set(of_the_ledger.values()) == {None}


def test_no_output_shows_a_username(demo):
    data = paths.DATA / "snapshots" / "demo"
    commits = pq.read_table(data / "commits.parquet")["authors"].to_pylist()
    names = {name for authors in commits for name in authors}
    names |= set(pq.read_table(data / "discussions.parquet")["author"].drop_null().to_pylist())
    owners = set(pq.read_table(data / "repos.parquet")["owner"].drop_null().to_pylist())
    people = {name for name in names - owners if len(name) > 3}
    assert len(people) > 50
    for path in sorted(demo.rglob("*")):
        if path.is_file() and path.suffix in {".json", ".tex", ".csv", ".svg", ".ipynb", ".log", ".html"}:
            text = path.read_text(encoding="utf-8", errors="replace")
            shown = [name for name in people if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]
            assert not shown, path.name


def test_outputs_hold_no_path_of_the_machine(demo):
    for path in sorted(demo.rglob("*")):
        if path.is_file() and "build" not in path.parts:
            data = path.read_bytes()
            assert str(paths.ROOT).encode() not in data and str(demo.parent).encode() not in data, path.name


def test_two_runs_give_the_same_bytes_also_in_a_directory_that_is_named_from_where_one_is(demo, tmp_path, monkeypatch):
    def digests(root):
        files = [p for p in sorted(root.rglob("*")) if p.is_file() and "build" not in p.relative_to(root).parts]
        return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    monkeypatch.chdir(tmp_path)
    assert run_of_demo(tmp_path / "not used", out_dir="a directory of another name") == Path(
        "a directory of another name"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a directory of another name"]
    first, second = digests(demo), digests(tmp_path / "a directory of another name")
    assert first == second and {"results.json", "numbers.tex", "site/index.html"} <= first.keys()
    assert programs.missing_tex() or "paper.pdf" in first


def test_figures_are_the_bytes_of_the_reference(demo):
    """Bytes are compared where matplotlib is the locked one; the data behind each figure always are."""
    from analysis import environment

    expected = references.read(references.FIGURES)
    found = references.figure_digests(demo)
    assert expected.keys() == found.keys()
    data = [name for name in expected if name.endswith(".csv")]
    assert {n: found[n] for n in data} == {n: expected[n] for n in data}
    if environment.locked()["matplotlib"] != environment.installed(["matplotlib"])["matplotlib"]:
        pytest.skip("matplotlib is not the locked version, so only the data of the figures were compared")
    assert found == expected


@pytest.mark.parametrize("name", run.ALL)
def test_the_reference_notebook_is_its_source_executed(name):
    import jupytext

    source = jupytext.read(paths.NOTEBOOKS / f"{name}.py").cells
    reference = json.loads((paths.NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    joined = ["".join(c["source"]) if isinstance(c["source"], list) else c["source"] for c in reference]
    assert [c.source for c in source] == joined
    assert all(c["execution_count"] for c in reference if c["cell_type"] == "code")


@pytest.mark.parametrize("name", run.ALL)
def test_a_notebook_has_no_loop_no_path_and_no_regular_expression(name):
    import ast

    source = (paths.NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    loops = (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)
    assert not [n.lineno for n in nodes if isinstance(n, loops)]
    imported = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    assert not imported & {"re", "os", "pathlib"}


@pytest.mark.parametrize("name", run.ALL)
def test_a_notebook_can_be_read_alone(name):
    """As much prose as a section of a paper, and no output that a reader can make nothing of."""
    cells = json.loads((paths.NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    words = sum(len("".join(cell["source"]).split()) for cell in cells if cell["cell_type"] == "markdown")
    assert 250 <= words <= 600
    outputs = [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]
    texts = ["".join(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in outputs]
    assert not [
        text for text in texts if "sha256" in text or "(None, None)" in text or text.startswith(("{", "Covered("))
    ]


def test_a_failing_cell_stops_the_run_with_its_cell_its_error_and_the_copy(tmp_path, monkeypatch):
    source = '# %% tags=["parameters"]\nout_dir = ""\n\n# %%\n1 + 1\n\n# %%\nraise ValueError("no such core")\n'
    (tmp_path / "rq2_network.py").write_text("# ---\n# jupyter:\n#   jupytext: {}\n# ---\n\n" + source)
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    with pytest.raises(RunError) as error, kernels.kernel() as kernel:
        run.execute("rq2_network", directory=tmp_path, values={}, kernel=kernel)
    assert "rq2_network, cell 3: ValueError: no such core" in str(error.value)
    assert "rq2_network.ipynb" in str(error.value)
    assert "no such core" in (tmp_path / "rq2_network.ipynb").read_text()


def test_differences_say_what_moved_and_where():
    was = {"a": {"value": 1.0}, "b": {"value": 2}, "c": {"value": None}, "d": {"value": "x"}}
    now = {
        "a": {"value": 1.0 + 1e-12, "notebook": "n", "cell": 1},
        "b": {"value": 3, "notebook": "n", "cell": 2},
        "c": {"value": 0, "notebook": "n", "cell": 3},
        "e": {"value": 5, "notebook": "n", "cell": 4},
    }
    assert references.differences(was, now, relative=1e-9) == [
        "d: gone (was 'x')",
        "e: new (5)",
        "b: 2 became 3 (n, cell 2)",
        "c: None became 0 (n, cell 3)",
    ]
    assert len(references.differences(was, now)) == 5


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process(tmp_path, how):
    env = os.environ | {"HUB_PAPER_GENERATED": str(tmp_path), "PYTHONPATH": str(paths.ROOT)}
    command = [sys.executable, "-m", "analysis", "run", "--snapshot", "demo", "--no-paper"]
    log = (tmp_path / "log").open("w")
    with subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True) as started:
        below, until = [], time.monotonic() + 60
        while not list(tmp_path.glob("demo/tables/*")) and time.monotonic() < until:  # a notebook is at work
            time.sleep(0.1)
            below = psutil.Process(started.pid).children(recursive=True)
        started.send_signal(how)
    assert started.returncode != 0
    assert len(below) > 2
    _, alive = psutil.wait_procs([process for process in below if process.is_running()], timeout=20)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="session")
def partial(tmp_path_factory):
    """Two hand-made real (not synthetic) snapshots: models without commits, and links alone."""
    directory = tmp_path_factory.mktemp("snapshots")
    covered = {"model": {"status": "sample", "rule": "the first five"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(directory))
        common = {"date": dt.date(2022, 2, 21), "synthetic": False, "source": {"title": r"A dump \input{x} <b>&_%"}}
        with snapshot.Writer("2022-02-21", coverage={"repos": covered}, **common) as writer:
            writer.add(
                "repos",
                [
                    {"kind": "model", "repo_id": f"owner/m{i}", "owner": "owner", "likes": i, "downloads": i * i,
                     "license": ["mit", None, r"\write18{x}"][i % 3], "tags": ["translation"]}
                    for i in range(5)
                ],
            )  # fmt: skip
        links = {"usage": {"all": {"status": "sample", "rule": "some models"}}}
        with snapshot.Writer("2022-02-21-links", coverage=links, **common) as writer:
            writer.add("usage", [{"space_id": f"s/{i}", "model_id": f"o/m{i % 3}"} for i in range(7)])
        return {name: finished(Parameters(name, out_dir=str(directory / f"out-{name}"))) for name in stored.names()}


def values(out_dir):
    found = json.loads((out_dir / "results.json").read_text(encoding="utf-8"))["results"]
    return {name: entry["value"] for name, entry in found.items()}


def test_nothing_absent_is_shown_as_zero(partial):
    models, links = values(partial["2022-02-21"]), values(partial["2022-02-21-links"])
    assert models["rq1.models.count"] == 5 and links["rq3.all.usage.models"] == 3
    assert models["rq1.models.n_likes.mean"] == 2.0 and models["rq1.models.n_likes.zero_share"] == 0.2
    assert links["rq3.all.usage.degree.mean"] == 7 / 3
    for name, value in models.items():
        if re.match(r"rq1\.(datasets|spaces)\.|rq2\.|rq3\.", name):
            assert value is None, name
    for name, value in links.items():
        if re.match(r"rq1\.|rq2\.|rq3\.(cv|nlp|mm)\.", name):
            assert value is None, name


@TEX
@PDFTOTEXT
def test_the_paper_of_a_partial_snapshot_says_what_is_not_covered(partial, monkeypatch):
    for name, out_dir in partial.items():
        monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(out_dir.parent))
        text = text_of(run.build_paper(Parameters(name, out_dir=str(out_dir))))
        assert "??" not in text and "not cover" in text.lower()
        assert "synthetic data" not in text.lower()
        assert "The study looked at the Hub in 2023-10, and this copy looks at 2022-02" in " ".join(text.split())


@TEX
@PDFTOTEXT
def test_the_paper_of_demo_has_its_banner_and_no_hole(demo):
    text = text_of(demo / "paper.pdf")
    assert "??" not in text and "synthetic" in text.lower()
    assert "undefined" not in (demo / "build" / "main.log").read_text(errors="replace").lower().replace(
        "undefined;", ""
    )


@TEX
@PDFTOTEXT
def test_no_page_of_the_paper_is_less_than_half_full_but_the_last(demo, tmp_path):
    """How far down the text block ink goes; the running head above it is left out."""
    pages = tmp_path / "page"
    subprocess.run(["pdftoppm", "-r", "20", "-gray", "-png", demo / "paper.pdf", pages], check=True)
    reached = []
    for page in sorted(tmp_path.glob("page*.png")):
        ink = np.asarray(Image.open(page).convert("L"))[:, 10:-10].min(axis=1) < 200
        top, bottom = int(0.1 * len(ink)), int(0.91 * len(ink))
        reached.append(max(np.flatnonzero(ink[top:bottom]), default=0) / (bottom - top))
    assert len(reached) > 10
    assert min(reached[:-1]) > 0.5


@TEX
def test_a_line_of_the_text_has_at_most_ninety_characters(demo):
    """About as many as in a journal of one column; more are hard to follow back."""
    done = subprocess.run(
        ["pdftotext", "-bbox-layout", demo / "paper.pdf", "-"], capture_output=True, text=True, check=True
    )
    lines = re.findall(r'<line xMin="([\d.]+)"[^>]*xMax="([\d.]+)"[^>]*>(.*?)</line>', done.stdout, re.DOTALL)
    words = [
        re.findall(r'yMin="([\d.]+)"[^>]*yMax="([\d.]+)">([^<]*)<', line)
        for x0, x1, line in lines
        if float(x1) - float(x0) > 420
    ]
    text = [
        len(" ".join(html.unescape(word) for *_, word in line))
        for line in words
        if float(line[0][1]) - float(line[0][0]) > 10.5
    ]
    assert len(text) > 100 and np.median(text) <= 90


def no_room(name: str, *, kernel, progress) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_ends_a_run_in_one_line():
    with pytest.raises(RunError, match=r"^a: can't be written \(No space left on device\)"):
        kernels.side_by_side(no_room, ["a"], env=dict(os.environ))


@pytest.mark.parametrize("length", [50, 300])
def test_the_sockets_of_a_kernel_fit_into_what_a_system_allows_wherever_temporary_files_lie(
    tmp_path, monkeypatch, length
):
    """macOS has 104 bytes for a socket's path, and 49 of them are the usual directory's."""
    there = Path("/tmp", "x" * (length - len("/tmp/")))
    monkeypatch.setattr("tempfile.tempdir", str(there))
    beside = Path(kernels._sockets_in())
    assert beside == (there if length == 50 else Path("/tmp"))
    monkeypatch.setattr(kernels, "_sockets_in", lambda: str(tmp_path))
    with kernels.kernel(sockets_in=str(tmp_path)) as own:
        socket = Path(own.connection_file).with_name("k-ipc-1").relative_to(tmp_path)
        own.start_kernel()
        assert own.is_alive() and own.connection_file.endswith("/k.json")
        assert own.ip.endswith("/k-ipc")
    assert len(os.fsencode(beside / "run-12345678" / socket)) <= kernels.LONGEST_SOCKET


def hears_ctrl_c(name: str, *, kernel, progress) -> None:
    if signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []):
        raise RunError("deaf")


@pytest.mark.skipif(not kernels.FORKS, reason="elsewhere there is no process that imports for the others")
def test_ctrl_c_while_packages_are_imported_prints_no_traceback_and_is_heard_later():
    code = """
import os, signal
from multiprocessing import forkserver
from analysis import kernels
from tests import test_run
kernels.PACKAGES = ("json",)
kernels.prepare()
os.kill(forkserver._forkserver._forkserver_pid, signal.SIGINT)  # while it starts
kernels.side_by_side(test_run.hears_ctrl_c, ["a"], env=dict(os.environ))
assert not test_run.signal.pthread_sigmask(signal.SIG_BLOCK, [])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=paths.ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

"""How long does each stage of a run take, with how much memory, and how does the plain way compare? README.md has the use.

Each measurement has a process of its own: what the side starts from is in its memory before the clock starts.
"""

import multiprocessing
import os
import pickle
import resource
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from ctypes import CDLL
from pathlib import Path

import psutil
import pytest

from analysis import paths
from analysis.sources.twin import generator
from tests import plain

DATE = "2023-10-15"
MIB = 2**20 if sys.platform == "darwin" else 2**10  # in the unit of ru_maxrss
REAPS_ORPHANS = 36  # Linux' PR_SET_CHILD_SUBREAPER: a run's kernels are no children of the one that waits for them


def whole_run(inputs: plain.Inputs) -> None:
    """All of `./run_all.sh --no-paper` after its set-up, with every import."""
    command = [sys.executable, "-P", "-m", "analysis", "run", "--no-paper", "--snapshot", inputs.snapshot]
    subprocess.run([*command, "-p", f"out_dir={inputs.work / 'whole'}"], check=True, stdout=sys.stderr)
    with suppress(ChildProcessError):
        while True:
            os.wait()


STAGES = plain.STAGES | {"whole": plain.Stage(whole_run, None)}


class Process:
    """A fresh process that has read what one side of a stage starts from, and waits for the word."""

    def __init__(self, work, *arguments):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, *arguments))
        self._process.start()
        theirs.close()
        self._pipe.recv()

    def go(self) -> None:
        """Say the word; returns when the work is done. This is what is timed."""
        self._pipe.send("go")
        self._pipe.recv()

    def end(self) -> tuple[float, float]:
        """Processor seconds of the work and the most memory in MiB, over the process and all that it started."""
        found = self._pipe.recv()
        self._process.join()
        return found


@contextmanager
def all_processes():
    """Sample, twice a second, what this process and those that it starts hold together in MiB; shared pages count once."""
    found, done = {"peak": 0.0}, threading.Event()

    def sample() -> None:
        while not done.wait(0.5):
            held = 0
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    held += process.memory_full_info().pss
            if held:
                found["peak"] = max(found["peak"], (held + psutil.Process().memory_full_info().pss) / 2**20)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield found
    finally:
        done.set()
        sampler.join()


def side_of_a_stage(pipe, stage: str, side: str, snapshot: str, work: Path) -> None:
    """What the process of a measurement does; it keeps the result for the comparison."""
    if sys.platform == "linux":
        CDLL(None).prctl(REAPS_ORPHANS, 1, 0, 0, 0)
    both, inputs = STAGES[stage], plain.Inputs(snapshot, work)
    getattr(inputs, getattr(both, f"{side}_has") or "snapshot")
    pipe.send("ready")
    pipe.recv()
    before = sum(os.times()[:4])
    with all_processes() as sampled:
        result = getattr(both, side)(inputs)
    worked = sum(os.times()[:4]) - before
    pipe.send("done")
    peak = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB, sampled["peak"])
    (work / f"{stage}.{side}").write_bytes(pickle.dumps(both.in_one_form(result)))
    pipe.send((worked, peak))


def preparation(pipe, snapshot: str, scale: float, work: Path) -> None:
    """Make the twin where it is absent, and what later stages start from."""
    pipe.send("ready")
    if not (paths.snapshots() / snapshot / "manifest.json").is_file():
        generator.make(date=DATE, scale=scale)
    pipe.send((len(plain.Inputs(snapshot, work).prepared), 0))


@pytest.fixture(scope="session")
def inputs_of(tmp_path_factory):
    """The snapshot of a scale and the directory that its stages share, made once."""
    made = {}

    def of(scale: float) -> tuple[str, Path]:
        if scale not in made:
            made[scale] = f"{DATE}-twin" + ("" if scale == 1 else f"-x{scale:g}"), tmp_path_factory.mktemp("work")
            Process(preparation, made[scale][0], scale, made[scale][1]).end()
        return made[scale]

    return of


def pytest_generate_tests(metafunc):
    chosen = metafunc.config.getoption("stage") or STAGES
    sides = ["ours"] if metafunc.config.getoption("skip_plain") else ["ours", "plain"]
    both = [(stage, side) for stage in STAGES if stage in chosen for side in sides if getattr(STAGES[stage], side)]
    metafunc.parametrize(("stage", "side"), both)
    metafunc.parametrize("scale", metafunc.config.getoption("scale") or [1.0], scope="session")


def test_stage(benchmark, request, inputs_of, scale, stage, side):
    snapshot, work = inputs_of(scale)
    measured = []
    benchmark.group = f"{stage}, scale {scale:g}"
    benchmark.pedantic(
        Process.go,
        setup=lambda: ((Process(side_of_a_stage, stage, side, snapshot, work),), {}),
        teardown=lambda process: measured.append(process.end()),
        rounds=request.config.getoption("rounds"),
    )
    seconds, peak = min(seconds for seconds, _ in measured), max(peak for _, peak in measured)
    benchmark.extra_info |= {"processor_seconds": seconds, "peak_mib": peak}
    benchmark.stats.name = f"{side}: {peak:,.0f} MiB, {seconds:.2f} s of processor time"
    if side == "plain":
        plain.assert_same(*(pickle.loads((work / f"{stage}.{name}").read_bytes()) for name in ("ours", "plain")))

"""The processes of a run's notebooks: for each one that executes it, and its kernel, which talk through Unix sockets.

On Linux both are forked from a process that has the packages imported (four seconds of processor time saved for each
notebook); elsewhere, where that is not safe, Jupyter starts the kernels. jupyter_client is imported in the processes that
need it, which is 0.2 s of processor time that a command does not wait for.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import paths, variables
from analysis.results import RunError

if TYPE_CHECKING:
    from jupyter_client.manager import KernelManager

PACKAGES = (  # what the notebooks and the processes that execute them import
    "papermill", "jupytext", "analysis.run", "ipykernel.kernelapp", "ibis.backends.duckdb", "analysis.activity",
    "analysis.adoption", "analysis.figures", "analysis.merging.score", "analysis.report", "analysis.merging.sensitivity",
    "analysis.study.in_print",
)  # fmt: skip
FORKS = sys.platform == "linux"
LONGEST_SOCKET = 103  # bytes of a socket's path on macOS; on Linux four more

Progress = Callable[[str, int, int], None]  # notebook, cells done, cells in all; 0, 0: it is started


def prepare() -> None:
    """Have the packages imported while this process does something else; without it they are imported when needed."""
    if FORKS:
        _processes()
        with variables.cleaned(), _sockets_fit():
            resource_tracker.ensure_running()  # which would open the ears again
            with _deaf():
                forkserver.ensure_running()
        atexit.register(_end_imports)


def _end_imports() -> None:
    """End the process that has the packages, or is importing them: it would write into a home that is about to go."""
    pid = forkserver._forkserver._forkserver_pid
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started in here does not hear Ctrl-C, at which it would print a traceback; this process does, afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _sockets_in() -> str:
    """The directory for temporary files, or /tmp where a socket in there would have too long a path."""
    usual, longest = tempfile.gettempdir(), "/run-12345678/k-12345678/k-ipc-1"
    return usual if len(os.fsencode(usual + longest)) <= LONGEST_SOCKET else "/tmp"


@contextmanager
def _sockets_fit() -> Iterator[None]:
    """The socket of the process that starts the others lies beside temporary files, wherever these lie."""
    before, tempfile.tempdir = tempfile.gettempdir(), _sockets_in()
    try:
        yield
    finally:
        tempfile.tempdir = before


def _processes():
    """How processes are started: on Linux by one that has the packages already."""
    context = multiprocessing.get_context("forkserver" if FORKS else "spawn")
    if FORKS:
        context.set_forkserver_preload(list(PACKAGES))
    return context


def side_by_side(
    execute: Callable, names: Sequence[str], *, env: Mapping[str, str], progress: Progress = lambda *_: None
) -> None:
    """Call `execute(name, kernel=..., progress=...)` for each notebook, each in a process of its own, as many at a time
    as there are processors.

    `execute` is a function of a module, or a partial of one. The first failure ends the others and
    raises RunError. Tables that they share, their home directories and sockets go with the run.
    """
    prepare()
    context = _processes()
    messages, waiting, running = context.SimpleQueue(), list(names), []
    with (
        tempfile.TemporaryDirectory(prefix="run-") as home,
        tempfile.TemporaryDirectory(prefix="run-", dir=_sockets_in()) as sockets,
    ):
        try:
            while waiting or running:
                while waiting and len(running) < max(2, os.cpu_count() or 1):
                    name = waiting.pop(0)
                    shared = {paths.SHARED_OF_THE_RUN: str(Path(home) / "shared")}
                    arguments = (execute, name, messages, env | shared | {"HOME": str(Path(home) / name)}, sockets)
                    running.append(context.Process(target=_work, args=arguments, name=name))
                    running[-1].start()
                    progress(name, 0, 0)
                wait([process.sentinel for process in running], timeout=0.1)
                ended = [process for process in running if not process.is_alive()]
                _read(messages, progress)
                for process in ended:
                    if process.exitcode:
                        raise RunError(
                            f"{process.name}: its process ended with exit code {process.exitcode}; is the memory full?"
                        )
                    running.remove(process)
        finally:
            for process in running:
                _end(process)


def _end(process: multiprocessing.Process) -> None:
    """End the process of a notebook, if it was started, and its kernel: it would write into a directory that is about to go."""
    if process.pid is None:
        return
    group = process.pid  # once it has become a session's leader
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    process.kill()
    process.join()
    with suppress(ProcessLookupError):
        for _ in range(100):
            os.killpg(group, 0)  # the kernel, which is not this process's to wait for
            time.sleep(0.01)


def _read(messages, progress: Progress) -> None:
    """Pass on what the processes said; raises RunError for a failure."""
    while not messages.empty():
        message = messages.get()
        if isinstance(message, str):
            raise RunError(message)
        progress(*message)


def _work(execute: Callable, name: str, messages, env: Mapping[str, str], sockets_in: str) -> None:
    """What the process of one notebook does."""
    os.setsid()  # Ctrl-C is for the run's own process, which ends this one
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    Path(env["HOME"]).mkdir()
    variables.become(env)  # not those of the process that this one is forked from
    waiting = Forked() if FORKS else None
    if waiting:
        waiting.start()  # before this process has a thread, which a fork would not copy
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()

    def progress(*done) -> None:
        messages.put(done)

    try:
        with kernel(waiting, sockets_in=sockets_in) as own:
            execute(name, kernel=own, progress=progress)
    except RunError as error:
        messages.put(str(error))
    except OSError as error:  # a full disk, or one that was taken away, while the notebook is written
        messages.put(f"{name}: can't be written ({error.strerror or error}); make room, or choose another directory")


def _end_with(parent) -> None:
    """End this process when the run's own process is gone, however it ended."""
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def kernel(waiting: Forked | None = None, *, sockets_in: str | None = None) -> Iterator[KernelManager]:
    """A kernel of this Python, not yet started, that ends with the block; its sockets lie in a directory inside `sockets_in`.

    Where a process `waiting` is given, it becomes the kernel.
    """
    from jupyter_client.manager import KernelManager

    with tempfile.TemporaryDirectory(prefix="k-", dir=sockets_in or _sockets_in()) as sockets:
        connection = str(Path(sockets) / "k.json")
        manager = KernelManager(kernel_name="python3", transport="ipc", connection_file=connection)
        if waiting:
            manager.provisioner = _becoming(waiting, manager)
        try:
            yield manager
        finally:
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)
            if waiting and waiting.is_alive():
                waiting.kill()


def _becoming(waiting: Forked, manager: KernelManager):
    """What makes the process that waits the manager's kernel, where Jupyter would start a command."""
    from jupyter_client.provisioning import LocalProvisioner

    class ForkedKernel(LocalProvisioner):
        async def launch_kernel(self, cmd, *, env, cwd=None, **_):
            waiting.tell(self.parent.connection_file, env, str(cwd or Path.cwd()))
            self.process, self.pid, self.cwd = waiting, waiting.pid, cwd
            return self.connection_info

    return ForkedKernel(parent=manager, kernel_spec=manager.kernel_spec)


class Forked(multiprocessing.get_context("fork" if FORKS else "spawn").Process):
    """A copy of this process that waits to be told which kernel it is; with what jupyter_client asks of a Popen."""

    stdin = stdout = stderr = None

    def __init__(self):
        self._told, hears = multiprocessing.Pipe()
        super().__init__(target=_serve, args=(hears, self._told))

    def tell(self, connection_file: str, env: dict[str, str], directory: str) -> None:
        self._told.send((connection_file, env, directory, os.getpid()))

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self) -> int | None:
        self.join()
        return self.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def _serve(hears: Connection, told: Connection) -> None:
    """What a process does that waits to be a kernel."""
    import pandas as pd
    from ipykernel.kernelapp import IPKernelApp

    class Kernel(IPKernelApp):
        def load_config_file(self, suppress_errors=None) -> None:
            """No settings of the machine either, of which IPython reads some outside of a home directory."""

    told.close()  # the other end is the parent's alone: where that is gone, nothing will be heard
    try:
        connection_file, env, directory, parent = hears.recv()
    except EOFError:
        return
    variables.become(env)
    os.chdir(directory)
    pd.set_option("display.max_columns", 20)  # as in any notebook; pandas looks where it is when it is imported
    # A kernel whose parent is gone ends, without a word.
    options = [f"--IPKernelApp.parent_handle={parent}", "--IPKernelApp.log_level=CRITICAL"]
    Kernel.launch_instance(argv=["-f", connection_file, *options])

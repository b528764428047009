"""The kernels of a run's notebooks: each a process of its own, behind Unix sockets.

On Linux a kernel is forked from the process that executes its notebook, which has the packages imported; elsewhere it is
started as Jupyter does.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import LocalProvisioner

from analysis import variables


class Forked(multiprocessing.get_context("fork").Process):
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


class _ForkedKernel(LocalProvisioner):
    """Makes the process that waits a kernel, where Jupyter would start a command."""

    waiting: Forked

    async def launch_kernel(self, cmd, *, env, cwd=None, **_):
        self.waiting.tell(self.parent.connection_file, env, str(cwd or Path.cwd()))
        self.process, self.pid, self.cwd = self.waiting, self.waiting.pid, cwd
        return self.connection_info


@contextmanager
def kernel(waiting: Forked | None = None, *, sockets_in: str | None = None) -> Iterator[KernelManager]:
    """A kernel of this Python behind Unix sockets of its own: no port of the machine is opened. It ends with the block."""
    with tempfile.TemporaryDirectory(prefix="kernel-", dir=sockets_in) as sockets:
        connection = str(Path(sockets) / "kernel.json")
        manager = KernelManager(kernel_name="python3", transport="ipc", connection_file=connection)
        if waiting:
            manager.provisioner = _ForkedKernel(parent=manager, kernel_spec=manager.kernel_spec)
            manager.provisioner.waiting = waiting
        try:
            yield manager
        finally:
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)
            if waiting and waiting.is_alive():
                waiting.kill()

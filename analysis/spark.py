"""Spark, for a cluster: one application a run, which every notebook asks through Spark Connect, and tables as Parquet.

The engine's expressions are the same as for DuckDB. Here lies what Spark needs besides: an application where none is
given (`sc://` names one that is there), a directory that its workers read, and a backend that reads and keeps files, so
that no frame goes through the driver. pyspark is an extra and imported where it is needed, 0.9 s of processor time.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from analysis import paths, variables
from analysis.results import RunError

URL = re.compile(r"local(\[(\d+|\*)(, ?\d+)?\])?|(sc|spark)://[A-Za-z0-9._-]+(:\d{1,5})?([/;,][!-~]*)?")
LOG = "spark.log"  # in the run's directory: all that Spark itself says
TABLES = ".spark-"  # how the directory of a run's tables begins, beside the snapshots, where names of developers may lie
OF_THE_RUN = "HUB_PAPER_SPARK"  # what a run's kernels are told: engine, address and directory of the tables
INSTALL = "pip install '.[spark]', or with the versions that were tried: pip install -r requirements-spark.txt"
PORTS = {"sc": 15002, "spark": 7077}
JAVA = "Java 17 or 21 (on Debian: apt-get install openjdk-17-jre-headless)"

# Of a session, and so of an application that others started too. Every join is by shuffling: no table is sent to all.
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold": "64m",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
# Of a session that asks of few rows: to make a program of a query and to compile it takes longer there than to carry the
# query out as it stands, on demo by a quarter of the whole run; and the 200 parts of Spark's default would be empty ones.
INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
}
FEW = 500_000  # rows of all tables of a snapshot
# Of our own application. What a user's spark-defaults.conf says of other matters holds.
APPLICATION = {
    "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.binding.port": "0",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


# Of one on this machine: half an hour's work for a compiler that a run of a minute does not wait for, and one collector.
LOCAL = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xms1g",
    "spark.driver.memory": "4g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def check(engine: str) -> str | None:
    """Why Spark can't be used from here, in one line with the remedy; None where it can."""
    lacking = [package for package in ("pyspark", "grpc", "grpc_status") if importlib.util.find_spec(package) is None]
    if lacking:
        return f"{lacking[0]} is not installed; {INSTALL}"
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else "java"
    if not engine.startswith("sc://") and shutil.which(java) is None:
        return f"no Java was found{f' in JAVA_HOME={home}' if home else ''}; Spark needs {JAVA}"
    return None


def connect(engine: str, directory: Path, *, rows: int = 0):
    """Ibis backend of a Spark URL that is to ask of so many rows; an application that has to be started logs into `directory`.

    Raises RunError.
    """
    address, tables = serve(engine, directory)
    asked = address, rows < FEW
    if asked in _sessions:
        return _sessions[asked]
    from pyspark.sql import SparkSession

    backend = _sessions[asked] = _backend(tables)
    session = SparkSession.builder.remote(address).create()
    for name, value in (SESSION | (INTERPRETED if rows < FEW else {})).items():
        session.conf.set(name, value)
    if cores := _local(engine):
        session.conf.set("spark.sql.shuffle.partitions", str(cores))
    backend.register_options()  # what ibis does for a backend that it makes itself
    backend.do_connect(session)
    return backend


def any_number():
    """An expression of Spark's for a whole number of each row's own, which each worker gives without asking the others."""
    import ibis

    @ibis.udf.scalar.builtin
    def monotonically_increasing_id() -> int: ...

    return monotonically_increasing_id()


def _local(engine: str) -> int:
    """Cores of a Spark on this machine alone; 0 for others."""
    if not engine.startswith("local"):
        return 0
    asked = re.match(r"local(?:\[(\d+|\*))?", engine)[1] or "1"
    return os.cpu_count() or 1 if asked == "*" else int(asked)


# --- the application ---------------------------------------------------------------------------------------------------

_mine = ExitStack()  # what this process has started
_sessions = {}  # of this process, by address and whether it asks of few rows
atexit.register(_mine.close)


def serve(engine: str, directory: Path) -> tuple[str, Path]:
    """Address of the run's Spark, and the directory of its tables: those of this process, which has them from now on.

    What this process starts has them too. Without `sc://` an application is started, which ends with this process and
    says what it has to say in `directory`. Raises RunError where none answers.
    """
    told = os.environ.get(OF_THE_RUN, "").split("\n")
    if told[0] == engine:
        return told[1], Path(told[2])
    end()
    _reach(engine)
    tables = _tables()
    address = engine if engine.startswith("sc://") else _started(engine, directory / LOG)
    os.environ[OF_THE_RUN] = "\n".join((engine, address, str(tables)))
    _mine.callback(os.environ.pop, OF_THE_RUN, None)
    return address, tables


def end() -> None:
    """End the application that this process has started, and delete its tables."""
    _sessions.clear()
    _mine.close()


def _reach(engine: str) -> None:
    """Refuse an address where nothing answers, to which Spark would go back for minutes. Raises RunError."""
    found = re.fullmatch(r"(sc|spark)://([^:/;,]+)(?::(\d+))?([/;].*)?", engine)
    if not found:
        return
    try:
        socket.create_connection((found[2], int(found[3] or PORTS[found[1]])), timeout=20).close()
    except OSError as error:
        where = f"engine={found[1]}://{found[2]}:{found[3] or PORTS[found[1]]}"
        raise RunError(f"{where}: nothing answers there ({error.strerror or error}); is Spark running?") from None


def _started(engine: str, log: Path) -> str:
    """Start an application in a process of its own, which ends when this one does; returns its address."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as chatter:
        process = subprocess.Popen(
            [sys.executable, "-m", "analysis.spark", engine],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=chatter, text=True, start_new_session=True,
            env=variables.clean(),
        )  # fmt: skip
    _mine.callback(_end, process)
    port = process.stdout.readline().strip()
    if not port:
        raise RunError(f"engine={engine}: Spark did not start: {_last_error(log)}\n  its log: {os.path.relpath(log)}")
    return f"sc://127.0.0.1:{port}"


def _end(process: subprocess.Popen) -> None:
    process.stdin.close()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()  # its Java process finds itself alone, and ends


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    errors = [line for line in lines if re.search(r"Error\b|Exception\b|unresponsive", line) and not line.startswith("at ")]
    return (errors or lines or ["it said nothing"])[-1][:300]


def _application(engine: str) -> None:
    """What the process of the application does: say the port, then wait until nobody holds the other end of its input."""
    from pyspark.sql import SparkSession

    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # of the Java process too, which is started now
    builder = SparkSession.builder.appName("hub-activity-paper").master(engine)
    for name, value in (APPLICATION | (LOCAL if _local(engine) else {})).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    services = session.sparkContext._jvm.org.apache.spark.sql.connect.service
    service = getattr(getattr(services, "SparkConnectService$"), "MODULE$")  # an object of Scala
    print(service.localPort(), file=said, flush=True)
    sys.stdin.read()
    session.stop()


# --- its tables --------------------------------------------------------------------------------------------------------


def _tables() -> Path:
    """A directory of this process beside the snapshots, which the workers see as they see those; deleted at its end."""
    for held in paths.snapshots().glob(f"{TABLES}*/held"):
        with held.open("a") as file, suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(held.parent, ignore_errors=True)  # of a process that was killed: nobody holds its file
    try:
        tables = Path(tempfile.mkdtemp(prefix=TABLES, dir=paths.snapshots().absolute()))
    except OSError as error:
        raise RunError(
            f"{paths.snapshots()}: {error.strerror}; Spark keeps tables beside the snapshots while a run lasts"
        ) from None
    tables.chmod(0o775)  # workers may be another user of the group
    _mine.callback(shutil.rmtree, tables, ignore_errors=True)
    held = _mine.enter_context((tables / "held").open("a"))
    fcntl.flock(held, fcntl.LOCK_EX)
    return tables


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    with file.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:24]


def _backend(tables: Path):
    """Ibis's backend of Spark, which reads a frame of ours, and what is kept, from Parquet files in a directory."""
    import pyarrow.parquet as pq
    from ibis.backends.pyspark import Backend

    class Tables(Backend):
        def __init__(self):
            super().__init__()
            self._files, self._given = {}, {}

        def read_parquet(self, path, /, *, table_name=None, **kwargs):
            address = Path(path).absolute().as_uri()
            name = table_name or f"file_{_digest(address.encode())}"
            if name not in self._files:
                self._session.read.parquet(address, **kwargs).createOrReplaceTempView(name)
                self._files[name] = self.table(name)
            return self._files[name]

        def create_table(self, name, /, obj=None, *, temp=None, **kwargs):
            """A kept table is a file that is made once a run: what asks the same is named the same."""
            if not temp:
                return super().create_table(name, obj, temp=temp, **kwargs)
            self._run_pre_execute_hooks(obj)
            sql = self.compile(obj)
            asked = sql
            for given, content in self._given.items():
                asked = asked.replace(given, content)
            file = tables / f"kept-{_digest(asked.encode())}"
            with _alone(file.with_suffix(".lock")):
                if not (file / "_SUCCESS").exists():
                    self._session.sql(sql).write.mode("overwrite").parquet(file.as_uri())
            return self.read_parquet(file)

        def _register_in_memory_table(self, op):
            rows = op.data.to_pyarrow(op.schema)
            content = _digest(rows.schema.serialize(), *(batch.serialize() for batch in rows.to_batches()))
            file = tables / f"given-{content}.parquet"
            if not file.exists():  # another notebook may read it, or write the same, at this moment
                pq.write_table(rows, part := file.with_suffix(f".{os.getpid()}"))
                os.replace(part, file)
            self._given[op.name] = content
            self.read_parquet(file, table_name=op.name)

    return Tables()


if __name__ == "__main__":
    _application(sys.argv[1])

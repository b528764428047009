"""Tables that the notebooks of a run share: made once, never stale, made anew where damaged, the same as made alone."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd
import pytest

from analysis import paths, people, shared
from analysis.engine import load
from analysis.parameters import Parameters

RUNS = (
    Parameters("demo"),
    Parameters("demo", bots="include"),
    Parameters("demo", identities="raw"),
    Parameters("demo", merge_threshold=100),
    Parameters("demo", as_of="2022-12-31"),
)
ROWS = {"contributions": ["kind", "repo_id", "developer", "leads"], "starters": ["kind", "repo_id", "developer"]}


@pytest.fixture
def of_a_run(tmp_path, monkeypatch):
    """The directory of a run's shared tables, as its kernels see it."""
    monkeypatch.setenv(paths.SHARED_OF_THE_RUN, str(tmp_path / "shared"))
    return tmp_path / "shared"


def counting(written):
    def write(file):
        written.append(file.name)
        file.write_bytes(b"rows")

    return write


def seen(hub):
    """Who is who and who did what, by a run's own tables."""
    rows = {name: hub.frame(getattr(hub, name)).sort_values(keys, ignore_index=True)[keys] for name, keys in ROWS.items()}
    signed = hub.frame(hub.signed.order_by("kind", "repo_id", "first", "last", "n_commits"))
    return rows | {"identities": hub.identities, "signed": signed.drop(columns="authors")}


def test_what_is_made_from_the_same_is_written_once_and_all_else_anew(of_a_run):
    written = []
    first, again = (shared.once("who", ("snapshot", 90), counting(written)) for _ in range(2))
    assert first == again
    assert first.read_bytes() == b"rows"
    assert shared.once("who", ("snapshot", 95), counting(written)) != first
    assert shared.once("did", ("snapshot", 90), counting(written)) != first
    assert len(written) == 3


def test_notebooks_that_come_at_a_time_write_it_once(of_a_run):
    written = []
    with ThreadPoolExecutor(8) as pool:
        files = set(pool.map(lambda _: shared.once("who", ("snapshot",), counting(written)), range(16)))
    assert len(files) == len(written) == 1


@pytest.mark.parametrize("damage", [lambda f: f.write_bytes(b"row"), lambda f: f.unlink(), lambda f: f.write_bytes(b"rowz")])
def test_a_damaged_table_is_made_anew_with_a_word(of_a_run, damage):
    written = []
    damage(shared.once("who", ("snapshot",), counting(written)))
    with pytest.warns(UserWarning, match="who: .* is damaged; it is made anew"):
        assert shared.once("who", ("snapshot",), counting(written)).read_bytes() == b"rows"
    assert len(written) == 2


def test_a_table_of_other_code_is_not_read(of_a_run, monkeypatch):
    before = shared.once("who", ("snapshot",), counting([]))
    monkeypatch.setattr(shared, "_code", lambda: "changed")
    assert shared.once("who", ("snapshot",), counting([])) != before


def test_a_failure_leaves_no_table(of_a_run):
    def fail(file):
        file.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        shared.once("who", ("snapshot",), fail)
    assert shared.once("who", ("snapshot",), counting([])).read_bytes() == b"rows"


def test_every_parameter_that_decides_who_did_what_has_tables_of_its_own(of_a_run):
    """Runs one after the other in one directory see what each sees alone; a table read in error would show."""
    alone = []
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(paths.SHARED_OF_THE_RUN)
        assert shared.directory() is None
        alone = [seen(load(run)) for run in RUNS]
    for _ in range(2):  # written, then read
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            for run, expected in zip(RUNS, alone, strict=True):
                for name, rows in seen(load(run)).items():
                    pd.testing.assert_frame_equal(rows, expected[name])
    assert len(list(of_a_run.glob("contributions-*.parquet"))) == len(RUNS)
    assert of_a_run.stat().st_mode & 0o777 == 0o700  # developers' names lie there


def test_decisions_made_meanwhile_are_followed(of_a_run, monkeypatch):
    one = load(RUNS[0])
    before = one._who
    monkeypatch.setattr(people, "digest_of", lambda _: "decided")
    assert one._who != before
    assert replace(one, parameters=RUNS[2])._who == replace(one, parameters=replace(RUNS[2], merge_threshold=80))._who


def test_databases_spill_into_directories_of_their_own_that_go_with_the_run(of_a_run):
    shared._spill.cache_clear()
    of_a_run.parent.mkdir(exist_ok=True)
    places = [load(RUNS[0]).con.raw_sql("SELECT current_setting('temp_directory')").fetchone()[0] for _ in range(2)]
    shared._spill.cache_clear()
    assert len(set(places)) == 2
    assert all(place.startswith(f"{of_a_run.parent}/") for place in places)

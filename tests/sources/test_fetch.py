"""Fetching what others published, from a stand-in for the Hub and for Zenodo; nothing here has a network."""

import datetime as dt
import hashlib
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from analysis import cli, paths, snapshot
from analysis.parameters import ParameterError
from analysis.snapshot import SnapshotError
from analysis.sources import fetch, listed
from tests.sources.published_server import serving

WEEK = "datasets/hfmlsoc/hub_weekly_snapshots"
LEADERBOARD = "datasets/Weyaxi/huggingface-leaderboard"


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The stand-in, empty, and a directory for what is fetched."""
    with serving(tmp_path / "published") as served:
        monkeypatch.setenv("HUB_PAPER_RAW", str(tmp_path / "raw"))
        monkeypatch.setenv("HUB_PAPER_ZENODO", served.address)
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", served.address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(fetch.tenacity.nap.time, "sleep", lambda seconds: None)
        yield served


def put(published, path: str, data: bytes = b"abc") -> bytes:
    file = published.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return data


def dump(published, data: bytes = b"PK" + bytes(range(256)) * 4000) -> bytes:
    return put(published, "records/10020642/dump_20231009.zip", data)


def got(planned: fetch.Plan) -> list[bytes]:
    return [path.read_bytes() for path in fetch.fetch(planned)]


# ---- which there are ----------------------------------------------------------------------------------------


def test_every_source_has_a_plan_a_licence_and_a_citation():
    table = fetch.sources()
    assert set(table.index) == set(fetch._PLANS)
    assert (table[["title", "service", "covers", "lacks", "licence", "citation"]] != "").all().all()


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-01-01", ["hub-weekly", "hub-stats", "weyaxi"]),
        ("2023-10-09", ["hfcommunity"]),
        ("2023-10-19", ["hfcommunity", "weyaxi"]),
        ("2020-01-01", []),
    ],
)
def test_the_sources_of_a_day(day, expected):
    assert [row["name"] for row in listed.with_date(dt.date.fromisoformat(day))] == expected


@pytest.mark.parametrize(
    ("name", "date", "said"),
    [
        ("nosuch", "2023-10", "expected one of hfcommunity"),
        ("hfcommunity", "2021-01", "expected one of 2024-10-01"),
        ("hfcommunity", "", "expected one of"),
        ("hub-weekly", "yesterday", "expected a date"),
        ("huggingkg", "2020-01-01", "there is one date"),
    ],
)
def test_a_wrong_name_or_date_is_one_line_with_the_right_ones(published, name, date, said):
    put(published, "datasets/cqsss/HuggingKG/triples.txt")
    with pytest.raises(SnapshotError, match=said) as error:
        fetch.plan(name, date)
    assert "\n" not in str(error.value)


# ---- what a date consists of --------------------------------------------------------------------------------


def test_the_study_s_october_is_one_record_of_zenodo(published):
    data = dump(published)
    planned = fetch.plan("hfcommunity", "2023-10")
    assert (planned.name, planned.size, planned.licence) == ("2023-10-09-hfcommunity", len(data), "cc-by-sa-4.0")
    assert got(planned) == [data]
    assert [path.name for path in planned.directory.iterdir()] == ["dump_20231009.zip"]


def test_a_week_is_the_one_that_holds_the_day(published):
    for label in ("2024-12-25", "2025-01-01", "2025-01-08"):
        for kinds in ("models", "datasets", "spaces"):
            put(
                published, f"{WEEK}/{kinds}/{label}/{kinds}.parquet", f"{kinds} {label}".encode()
            )  # not Parquet: comes whole
    planned = fetch.plan("hub-weekly", "2025-01-07")
    assert planned.date == dt.date(2025, 1, 1)
    assert [file.kind for file in planned.files] == [
        f"hub-listing-parquet:{k}" for k in ("models", "datasets", "spaces")
    ]
    assert got(planned) == [f"{kinds} 2025-01-01".encode() for kinds in ("models", "datasets", "spaces")]
    with pytest.raises(SnapshotError, match="no week holds that day; there are 2024-12-25 to 2025-01-08"):
        fetch.plan("hub-weekly", "2025-01-15")


def test_a_week_is_dated_by_its_newest_record_so_that_what_changed_in_it_is_kept(published, called):
    """The files of a label are of the end of its week: none of the week's own changes is a record of the future."""
    listing(published, "2025-01-01", newest="2025-01-07T22:00:00.000Z")
    code, out, said = called("fetch", "hub-weekly", "2025-01-01")
    assert (code, out.strip()) == (0, "2025-01-07-hub-weekly"), said
    made = snapshot.load("2025-01-07-hub-weekly")
    assert made.manifest["rejected"] == {} and made.manifest["tables"]["repos"]["kinds"]["model"] == 2


def test_a_run_of_a_day_takes_the_week_that_covers_it_and_makes_it_once(published, called, monkeypatch):
    listing(published, "2025-01-01", newest="2025-01-07T22:00:00.000Z")
    ran = []
    monkeypatch.setattr(cli, "_run_notebooks", lambda parameters, names: ran.append(parameters.snapshot_date) or sys.exit(0))
    for _ in range(2):
        code, _, said = called("run", "--snapshot", "2025-01-01", "--fetch")
        assert code == 0 and "was taken on 2025-01-07" in said
    assert ran == ["2025-01-07-hub-weekly"] * 2


@pytest.mark.parametrize(
    ("newest", "day"),
    [
        ("2025-01-01T01:00:00.000Z", dt.date(2025, 1, 1)),
        ("2025-01-08T03:00:00.000Z", dt.date(2025, 1, 8)),
        ("2024-12-20T00:00:00.000Z", dt.date(2025, 1, 1)),  # an older copy: not before the week
        ("2925-01-01T00:00:00.000Z", dt.date(2025, 1, 1)),  # a slip says nothing
        ("yesterday", dt.date(2025, 1, 1)),
    ],
)
def test_the_day_of_a_week_is_within_it(published, newest, day):
    listing(published, "2025-01-01", newest=newest)
    planned = fetch.plan("hub-weekly", "2025-01-03")
    assert fetch.taken(planned, list(fetch.fetch(planned))) == day


def test_a_day_is_the_last_revision_until_its_end(published):
    for kinds in ("models", "datasets", "spaces"):
        put(published, f"datasets/cfahlgren1/hub-stats/{kinds}.parquet")
    published.commits = {"a" * 40: "2025-01-02", "b" * 40: "2025-01-03", "c" * 40: "2025-01-04"}
    planned = fetch.plan("hub-stats", "2025-01-03")
    assert planned.date == dt.date(2025, 1, 3) and planned.files[0].place[2] == "b" * 40
    with pytest.raises(SnapshotError, match="its first revision is of 2025-01-02"):
        fetch.plan("hub-stats", "2024-08-01")


def test_of_a_file_with_long_texts_only_the_columns_that_are_read_come_by_ranges(published, monkeypatch):
    """The text of cards is most of it; what is fetched says which file it was made from, and is not fetched again."""
    monkeypatch.setattr(fetch, "CHUNK", 1 << 16)
    made = random.Random(0)
    table = pa.table({
        "id": [f"a/{i}" for i in range(2000)], "likes": list(range(2000)), "tags": [["x", "license:mit"]] * 2000,
        "card_text": [made.randbytes(2000).hex() for _ in range(2000)],
    })  # fmt: skip
    file = published.folder / WEEK / "models" / "2025-01-01" / "models.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(table, file, row_group_size=500)
    planned = fetch.plan("hub-weekly", "2025-01-01")
    (path,) = fetch.fetch(planned)
    assert pq.read_table(path).equals(table.select(["id", "likes", "tags"]))
    assert published.sent < file.stat().st_size / 2
    published.status = 500
    assert list(fetch.fetch(planned)) == [path]


def test_a_file_of_which_most_is_read_comes_whole_and_is_checked(published):
    table = pa.table({"id": [f"a/{i}" for i in range(2000)], "likes": list(range(2000))})
    file = published.folder / WEEK / "models" / "2025-01-01" / "models.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(table, file)
    assert got(fetch.plan("hub-weekly", "2025-01-01")) == [file.read_bytes()]


def test_a_folder_is_the_nearest_and_says_so(published):
    for folder in ("19-10-2023 13-04", "19-10-2023 12-46", "20-10-2023 02-51"):
        for kinds in ("models", "datasets", "spaces"):
            put(published, f"{LEADERBOARD}/{folder}/{kinds}_df.csv", folder.encode())
    planned = fetch.plan("weyaxi", "2023-10-15")
    assert planned.date == dt.date(2023, 10, 19) and "nearest to 2023-10-15" in planned.note
    assert got(planned) == [b"19-10-2023 12-46"] * 3


def test_a_repository_that_is_gone_is_one_line(published):
    with pytest.raises(SnapshotError, match="there are none"):
        fetch.plan("hub-weekly", "2025-01-01")
    with pytest.raises(SnapshotError, match="no record 10020642 any more"):
        fetch.plan("hfcommunity", "2023-10")


def test_a_record_without_its_file_names_what_it_holds(published):
    put(published, "records/10020642/other.zip")
    with pytest.raises(SnapshotError, match=r"holds other\.zip, and no dump_20231009\.zip"):
        fetch.plan("hfcommunity", "2023-10")


# ---- downloads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_download_that_breaks_off_anywhere_goes_on_and_ends_whole(published, seed):
    data = dump(published)
    made = random.Random(seed)
    published.cut = [made.randrange(len(data) // 4) for _ in range(4)]
    assert got(fetch.plan("hfcommunity", "2023-10")) == [data]
    assert not published.cut


def test_a_download_that_goes_on_breaking_stops_and_the_next_call_needs_only_the_rest(published):
    data = dump(published)
    published.cut = [1000] * 20
    planned = fetch.plan("hfcommunity", "2023-10")
    with pytest.raises(SnapshotError, match="broken off .* the same command goes on"):
        got(planned)
    part = planned.directory / "dump_20231009.zip.part"
    assert data.startswith(part.read_bytes()) and part.stat().st_size > 0
    published.cut = []
    assert got(planned) == [data] and not part.exists()


def test_a_wrong_digest_is_not_kept(published):
    dump(published)
    published.digest = "0" * 32
    planned = fetch.plan("hfcommunity", "2023-10")
    with pytest.raises(SnapshotError, match="published with"):
        got(planned)
    assert not list(planned.directory.iterdir())


def test_a_file_that_grew_is_not_kept(published):
    dump(published)
    planned = fetch.plan("hfcommunity", "2023-10")
    published.grown = 10
    with pytest.raises(SnapshotError, match="it was replaced"):
        got(planned)
    assert not list(planned.directory.iterdir())


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refused_download_is_one_line(published, status):
    dump(published)
    planned = fetch.plan("hfcommunity", "2023-10")
    published.status = status
    with pytest.raises(SnapshotError, match=f"status {status}"):
        got(planned)


@pytest.mark.parametrize("name", ["../x.csv", "/etc/x.csv", "a/b.csv", ".x.csv", "a\nb.csv", ".."])
def test_a_name_that_leads_elsewhere_is_refused(published, name):
    planned = fetch.Plan(
        fetch.sources().loc["castano"], dt.date(2023, 1, 1), (fetch.Remote(name, "", 1, "", "http://127.0.0.1:9/x"),), ""
    )
    with pytest.raises(SnapshotError, match="which is no plain name"):
        got(planned)
    assert not planned.directory.exists()


def test_no_space_is_said_before_anything_is_written(published, monkeypatch):
    dump(published)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: fetch.shutil._ntuple_diskusage(10, 10, 0))
    planned = fetch.plan("hfcommunity", "2023-10")
    with pytest.raises(SnapshotError, match="make room"):
        got(planned)
    assert not list(planned.directory.iterdir())


def test_what_is_there_is_not_downloaded_again(published):
    data = dump(published)
    planned = fetch.plan("hfcommunity", "2023-10")
    got(planned)
    published.status = 500
    assert got(planned) == [data]


def test_a_file_of_the_hub_with_another_digest_is_not_kept(published):
    put(published, "datasets/cqsss/HuggingKG/triples.txt", b"a\tspace_use_model\tb\n")
    planned = fetch.plan("huggingkg", "")
    assert planned.files[0].digest == "sha256:" + hashlib.sha256(b"a\tspace_use_model\tb\n").hexdigest()
    published.digest = "0" * 64
    with pytest.raises(SnapshotError, match="published with"):
        got(fetch.plan("huggingkg", "2024-12"))


def test_without_a_network_a_plan_is_one_line(monkeypatch):
    monkeypatch.setenv("HUB_PAPER_ZENODO", "http://127.0.0.1:9")
    with pytest.raises(SnapshotError, match="out of reach"):
        fetch.plan("hfcommunity", "2023-10")


def test_raw_files_are_kept_in_a_directory_of_the_source_and_the_date(published):
    dump(published)
    planned = fetch.plan("hfcommunity", "2023-10")
    assert planned.directory == paths.raw() / "2023-10-09-hfcommunity"


# ---- from the command line to a snapshot --------------------------------------------------------------------


def listing(published, label: str, *, newest: str = "") -> None:
    """A week of three listings as the Hub's columns are called: two models, a dataset, a space that uses one model.

    `newest` is when the last model was modified, as text.
    """
    when = [dt.datetime(2024, 5, 1, tzinfo=dt.UTC)]
    tables = {
        "models": {"id": ["a/x", "b/y"], "likes": [3, 0], "downloads": [10, 5], "tags": [["license:mit"], []],
                   "createdAt": when * 2,
                   "lastModified": [f"{when[0]:%Y-%m-%dT%H:%M:%S.000Z}", newest] if newest else when * 2},
        "datasets": {"id": ["a/d"], "likes": [1], "downloads": [2], "tags": [[]], "createdAt": when, "lastModified": when},
        "spaces": {"id": ["c/s"], "likes": [0], "sdk": ["gradio"], "models": [["a/x"]], "createdAt": when,
                   "lastModified": when},
    }  # fmt: skip
    for kinds, columns in tables.items():
        file = published.folder / WEEK / kinds / label / f"{kinds}.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), file)


@pytest.fixture
def called(published, monkeypatch, tmp_path):
    """Call the command line with snapshots of its own; returns exit code, stdout and stderr."""
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path / "snapshots"))

    def call(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(cli.app, words)
        said = f"{done.exception}" if isinstance(done.exception, (SnapshotError, ParameterError)) else ""
        return done.exit_code, done.stdout, done.stderr + said

    return call


def test_one_command_fetches_a_week_and_makes_a_snapshot_that_names_its_source(published, called):
    listing(published, "2025-01-01")
    code, out, said = called("fetch", "hub-weekly", "2025-01-01")
    assert (code, out.strip()) == (0, "2025-01-01-hub-weekly")
    assert "licence: ODbL-1.0" in said and "cite: Hugging Face" in said
    made = snapshot.load("2025-01-01-hub-weekly")
    assert {kind: made.status("repos", kind) for kind in snapshot.KINDS} == dict.fromkeys(snapshot.KINDS, "complete")
    assert made.manifest["tables"]["usage"]["rows"] == 1
    assert made.manifest["source"]["licence"] == "ODbL-1.0"
    code, _, said = called("fetch", "hub-weekly", "2025-01-01")
    assert code == 1 and "exists; choose another" in said


def test_a_dry_run_says_size_and_licence_and_downloads_nothing(published, called):
    listing(published, "2025-01-01")
    code, out, said = called("fetch", "hub-weekly", "2025-01-01", "--dry-run")
    assert (code, out) == (0, "") and "3 files" in said and "ODbL-1.0" in said
    assert not any(" datasets/" in line for line in published.asked)


def test_a_run_of_a_day_that_is_not_there_names_who_lists_it_and_downloads_nothing(published, called):
    code, _, said = called("run", "--snapshot", "2025-01-01", "--dry-run")
    assert code != 0 and "fetch hub-weekly 2025-01-01" in said and not published.asked


def test_a_run_fetches_a_day_where_it_was_asked_to(published, called, monkeypatch):
    listing(published, "2025-01-01")
    ran = []
    monkeypatch.setattr(cli, "_run_notebooks", lambda parameters, names: ran.append(parameters.snapshot_date) or sys.exit(0))
    code, *_ = called("run", "--snapshot", "2025-01-01", "--fetch")
    assert code == 0 and ran == ["2025-01-01"]


def test_the_list_of_sources_fits_a_terminal_of_80_columns(called, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = called("sources")
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    assert all(f"{name}: " in out for name in fetch.sources().index)

"""A snapshot that can be shared holds no developer's name, and gives the same results."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis import engine, people, snapshot
from analysis.parameters import Parameters
from analysis.snapshot import SnapshotError
from analysis.sources import pseudonyms
from tests.sources.hub.collecting import digests, rows


@pytest.fixture(scope="module")
def originals(demo, tmp_path_factory) -> Path:
    """A directory with `demo`, `demo-shared` made of it, and the key."""
    place = tmp_path_factory.mktemp("shared")
    shutil.copytree(demo.path, place / "demo")
    (place / "key").write_bytes(b"0123456789abcdef" * 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(place))
        pseudonyms.pseudonymise("demo", place / "key", "demo-shared")
    return place


@pytest.fixture
def shared(originals, monkeypatch) -> snapshot.Snapshot:
    """`demo` under pseudonyms."""
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(originals))
    return snapshot.load("demo-shared")


def names_in(made: snapshot.Snapshot) -> set[str]:
    authors = {name for row in rows(made, "commits") for name in row["authors"]}
    return authors | {row["author"] for row in rows(made, "discussions")} - {None}


def test_a_shared_snapshot_holds_no_developers_name(demo, shared):
    merged = {row[c] for row in rows(demo, "people") for c in ("alias", "person")}
    names = pd.Series(sorted(names_in(demo) | merged))
    secret = set(names[~people.is_bot(names)])
    left = names_in(shared) | {row[c] for row in rows(shared, "people") for c in ("alias", "person")}
    assert len(secret) > 100 and not left & secret
    owners = {row["owner"] for row in rows(demo, "repos")} | {row["repo_id"] for row in rows(demo, "repos")}
    text = json.dumps([rows(shared, t) for t in ("commits", "discussions", "people", "rejected")], default=str)
    told = [name for name in secret if name not in owners and f'"{name}"' in text]
    assert told == []
    snapshot.validate(shared)


@pytest.mark.parametrize("bots", ["exclude", "include"])
def test_every_count_and_edge_of_a_shared_snapshot_is_the_original_one(demo, shared, bots):
    """Edges in the same order with the same numbers' order: every measure of the network follows from them."""
    original, copy = (engine.Hub(made, Parameters(bots=bots)) for made in (demo, shared))
    for kind in snapshot.KINDS:
        pd.testing.assert_frame_equal(engine.activity(original, kind).value, engine.activity(copy, kind).value)
    pd.testing.assert_frame_equal(engine.edges(original).value, engine.edges(copy).value)
    assert original.identities["developer"].nunique() == copy.identities["developer"].nunique()


def test_what_was_decided_beside_the_original_holds_in_the_shared_one(demo, shared, originals):
    """A decision of a person on two names: in the original a file beside it, in the shared one a merge."""
    own = sorted(names_in(demo) - set(pq.read_table(demo.file("people"))["alias"].to_pylist()))
    own = [name for name, bot in zip(own, people.is_bot(pd.Series(own)), strict=True) if not bot]
    decided = people.no_decisions()
    decided.loc[0] = [own[3], own[-3], "same", "by hand", None, "a reader", ""]
    shutil.copytree(demo.path, originals / "again")
    manifest = json.loads((originals / "again" / "manifest.json").read_text())
    (originals / "again" / "manifest.json").write_text(json.dumps(manifest | {"name": "again"}))
    people.write_rows(people.directory("again") / "decisions.csv", decided)
    original = engine.Hub(snapshot.load("again"), Parameters())
    copy = engine.Hub(pseudonyms.pseudonymise("again", originals / "key", "decided"), Parameters())
    undecided = engine.Hub(shared, Parameters()).identities["developer"].nunique()
    assert original.identities["developer"].nunique() == copy.identities["developer"].nunique() == undecided - 1
    pd.testing.assert_frame_equal(engine.edges(original).value, engine.edges(copy).value)
    for kind in snapshot.KINDS:
        pd.testing.assert_frame_equal(engine.activity(original, kind).value, engine.activity(copy, kind).value)


def test_another_key_gives_other_pseudonyms_and_the_same_key_the_same_bytes(shared, originals, tmp_path):
    same = pseudonyms.pseudonymise("demo", originals / "key", "same")
    assert {**digests(same), "manifest.json": ""} == {**digests(shared), "manifest.json": ""}
    (tmp_path / "key").write_bytes(b"x" * 32)
    other = pseudonyms.pseudonymise("demo", tmp_path / "key", "other")
    common = pd.Series(sorted(names_in(other) & names_in(shared)))
    assert people.is_bot(common).all()
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(SnapshotError, match="key: 5 bytes, expected 32 or more"):
        pseudonyms.pseudonymise("demo", tmp_path / "key", "short")

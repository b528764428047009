"""Collecting from a Hub: what comes out equals what is served, whatever happens on the way."""

import datetime as dt
import io
import logging
import os
import re
import socket
import sys
import traceback
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis import engine, snapshot
from analysis.parameters import Parameters
from analysis.snapshot import SnapshotError
from analysis.sources.hub import choice as hub_choice
from analysis.sources.hub import collector, progress, work
from analysis.sources.hub import requests as hub_requests
from tests.sources.hub.collecting import (
    DAY,
    FAST,
    QUICK,
    SECRET,
    TABLES,
    as_served,
    digests,
    of,
    reasons,
    rows,
    served,
    small,
)
from tests.sources.hub.hub_server import FAULTS, LONGEST_SPACES, LOSING, Faults, Hub, HubServer

SERVED = ("repos", *hub_choice.EVENTS)  # by kind of repository

# --- what comes out ---------------------------------------------------------------------------------------


def test_a_collected_snapshot_equals_the_served_one_table_by_table(demo, collected):
    with HubServer(demo) as server:
        made = collected(server).snapshot
    snapshot.validate(made)
    for table in TABLES:
        assert as_served(made, demo, table) == served(demo, table), table
    failed = {(r["table"], r["repo_id"]) for r in rows(demo, "rejected") if r["scope"] == "repository"}
    assert {(table, repo_id) for table, _, repo_id, scope, _ in reasons(made) if scope == "repository"} == failed
    assert made.synthetic  # what a local Hub serves must not pass for real
    incomplete = {(t, k) for t in SERVED for k in snapshot.KINDS if made.status(t, k) != "complete"}
    assert incomplete == {("commits", "model")}  # gated ones are nobody's to have, one request fails for ever
    assert made.rule("commits", "model") == "those of 1 repository failed (HTTP 500)"
    raw = Parameters(identities="raw")  # what was decided about names is not on the Hub
    for kind in snapshot.KINDS:  # zeros are zeros, and what is missing is missing
        wanted, found = (engine.activity(engine.Hub(each, raw), kind).value for each in (demo, made))
        pd.testing.assert_frame_equal(found, wanted)


def test_small_pages_give_the_same_tables(demo, collected):
    with HubServer(demo, page_size=7, discussions_per_page=2) as server:
        made = collected(server).snapshot
    for table in TABLES:
        assert as_served(made, demo, table) == served(demo, table), table


def test_a_replay_without_the_hub_gives_the_same_bytes(demo, collected, monkeypatch):
    with HubServer(small(demo)) as server:
        made = digests(collected(server).snapshot)
    assert digests(collected(server, options={"replay": True, "replace": True}).snapshot) == made


def test_links_are_read_from_the_listing_of_spaces_and_no_model_is_asked_for_them(demo, collected):
    with HubServer(demo) as server:
        collected(server, what=["usage"])
        assert set(server.asked) == {"listing"}


def test_repositories_of_one_account_or_a_list_or_a_sample_say_so(demo, collected, place):
    (place / "ids.txt").write_text("models/demo-base  # a comment\n\nspaces/hand-count/no-such\nmodels/demo-tiny\n")
    owner = next(row["owner"] for row in rows(demo, "repos") if row["kind"] == "space")
    with HubServer(demo) as server:
        named = collected(server, "named", ids=place / "ids.txt").snapshot
        owned = collected(server, "owned", owner=owner).snapshot
        drawn = collected(server, "drawn", sample=9).snapshot
        again = collected(server, "again", sample=9).snapshot
    assert [row["repo_id"] for row in rows(named, "repos")] == ["demo-base", "demo-tiny"]
    assert ("repos", "space", "hand-count/no-such", "repository", "gone") in reasons(named)
    whole = {"demo-base", "demo-tiny"}
    assert rows(named, "commits") == [row for row in rows(demo, "commits") if row["repo_id"] in whole]
    links = [row for row in rows(demo, "usage") if row["model_id"] in whole]
    assert len(links) < LONGEST_SPACES and rows(named, "usage") == links
    assert {row["owner"] for row in rows(owned, "repos")} == {owner}
    assert drawn.manifest["tables"]["repos"]["kinds"] == dict.fromkeys(snapshot.KINDS, 9)
    assert rows(drawn, "repos") == rows(again, "repos")
    for made in (named, owned, drawn):
        kinds = [kind for kind in snapshot.KINDS if kind in made.manifest["tables"]["repos"]["coverage"]]
        assert {made.status("repos", kind) for kind in kinds} == {"sample"} and made.rule("repos", kinds[0])


# --- faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        ("408", "429", "500", "503"),
        ("reset", "truncated", "slow"),
        ("bad_json", "html", "redirect"),
        ("empty_page", "repeat_page"),
    ],
)
def test_one_request_in_twenty_going_wrong_each_way_loses_nothing(demo, collected, faults):
    rates = Faults(rates=dict.fromkeys(faults, 0.05), slow=0.02, seed=1)
    hub_ = small(demo, 50)
    with HubServer(hub_, quota=QUICK, page_size=10, discussions_per_page=3, faults=rates) as server:
        made = collected(server).snapshot
        assert min(server.faulted[fault] for fault in faults) > 5
    for table in SERVED:
        assert as_served(made, demo, table) == of(hub_, demo, table), table
    links = {(space, model) for space, record in hub_.records["spaces"].items() for model in record["models"]}
    assert {(row["space_id"], row["model_id"]) for row in rows(made, "usage")} == links
    assert {made.status(t, k) for t in SERVED for k in snapshot.KINDS} == {"complete"}
    assert made.manifest["source"]["missing"] == []


def test_what_faults_do_cost_in_the_end_is_named(demo, collected):
    """Too few attempts for so many faults: some answers are lost, and the manifest and `rejected` say which."""
    hub_ = small(demo, 40)
    rates = dict.fromkeys((fault for fault in FAULTS if fault not in LOSING), 0.06)
    faults = Faults(rates=rates, only="/(commits|discussions)", slow=0.01)
    with HubServer(hub_, quota=QUICK, page_size=60, faults=faults) as server:
        made = collected(server, options={"attempts": 3}).snapshot
    lost = {(r["table"], r["kind"], r["repo_id"]) for r in rows(made, "rejected") if r["scope"] == "repository"}
    assert lost and made.manifest["source"]["missing"]
    for table in ("commits", "discussions"):
        expected = [row for row in of(hub_, demo, table) if (table, row["kind"], row["repo_id"]) not in lost]
        assert rows(made, table) == expected
        for kind in snapshot.KINDS:
            assert (made.status(table, kind) == "sample") == any((table, kind) == named[:2] for named in lost)
    assert sum(made.manifest["rejected"]["commits"].values()) == sum(table == "commits" for table, _, _ in lost)


def test_repositories_that_vanish_meanwhile_are_named_and_the_others_are_complete(demo, collected):
    hub_ = small(demo, 60)
    faults = Faults(rates={"gone": 0.05})
    before = {kind: set(hub_.records[plural]) for kind, plural in snapshot.PLURAL.items()}
    with HubServer(hub_, faults=faults) as server:
        made = collected(server).snapshot
        assert server.faulted["gone"] > 5
    vanished = {(r["kind"], r["repo_id"]) for r in rows(made, "rejected") if r["reason"] == "gone"}
    kept = {(row["kind"], row["repo_id"]) for row in rows(made, "repos")}
    assert vanished == {
        (kind, name) for (_, name), state in hub_.states.items() for kind in before if name in before[kind]
    }
    assert kept == {(kind, name) for kind, names in before.items() for name in names} - vanished
    assert made.manifest["repositories_left_out"] == {"gone": len(vanished)}
    for table in ("commits", "discussions"):
        assert rows(made, table) == of(hub_, demo, table)
        assert made.status(table, "model") == "complete"


def test_names_that_are_missing_are_left_out_and_counted(demo, collected):
    hub_ = small(demo)
    with HubServer(hub_, faults=Faults(rates={"no_user": 1})) as server:
        made = collected(server).snapshot
    assert {row["author"] for row in rows(made, "discussions")} == {None}
    kept = {row["commit_id"]: row["authors"] for row in rows(demo, "commits")}
    assert all(row["authors"] == kept[row["commit_id"]] for row in rows(made, "commits"))
    assert made.manifest["notes"]["discussions without an author"] == len(rows(made, "discussions"))


def test_a_repository_that_keeps_failing_is_named_and_the_others_are_complete(demo, collected):
    hub_ = small(demo)
    broken, muddled = list(hub_.records["models"])[:2]
    plan = [(f"models/{broken}/commits", "500", 999), (f"models/{muddled}/discussions", "html", 999)]
    with HubServer(hub_, faults=Faults(plan=plan)) as server:
        made = collected(server, options={"attempts": 3}).snapshot
        failed = {("commits", "model", broken, "repository", "HTTP 500")}
        failed |= {("discussions", "model", muddled, "repository", "HTML instead of JSON")}
        assert reasons(made) == failed
        assert made.manifest["repositories_left_out"] == {"failed": 2}
        assert made.manifest["source"]["missing"] == [
            "commits of models: those of 1 repository failed (HTTP 500)",
            "discussions of models: those of 1 repository failed (HTML instead of JSON)",
        ]
        assert {made.status("commits", kind) for kind in ("dataset", "space")} == {"complete"}
        server.faults.plan = []
        mended = collected(server, options={"replace": True}).snapshot  # the same command asks what failed, only
    assert not rows(mended, "rejected") and mended.manifest["source"]["missing"] == []


def test_a_hub_that_is_out_of_order_stops_the_run_and_not_the_repositories(demo, collected):
    with HubServer(demo, faults=Faults(plan=[("/(commits|discussions)", "503", 10**6)])) as server:
        with pytest.raises(
            SnapshotError, match=r"repositories in a row failed \(HTTP 503\).* give the same command later"
        ):
            collected(server, options={"attempts": 2})
        server.faults.plan = []
        assert rows(collected(server).snapshot, "commits") == rows(demo, "commits")


def test_a_hub_that_never_answers_is_told_after_a_few_attempts(place, monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    for address, message in (
        (f"http://127.0.0.1:{port}", "127.0.0.1: the Hub can't be reached; check the network and HF_ENDPOINT"),
        ("huggingface.co", "HF_ENDPOINT: expected an address such as https://huggingface.co"),
        ("http://[::1", "HF_ENDPOINT: expected an address"),
    ):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(SnapshotError, match=re.escape(message)):
            collector.collect(hub_choice.choose("taken", date=DAY, kinds=["models"]), pause=0.002, attempts=2)


def test_the_hub_is_asked_through_the_proxy_that_the_environment_names(demo, place, monkeypatch):
    """The local Hub stands for the proxy: it is asked for an address that nobody has."""
    with HubServer(small(demo)) as server:
        monkeypatch.setenv("http_proxy", server.url)
        monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
        choice = hub_choice.choose("taken", date=DAY, kinds=["models"], what=["repos"])
        assert collector.collect(choice, **FAST).rows["repos"]["model"] == 15


def test_what_is_no_hub_is_told_and_nothing_is_written(demo, collected):
    message = r"no listing could be read \(HTML instead of JSON\); check HF_ENDPOINT"
    faults = Faults(plan=[("/api/", "html", 10**6)])
    with HubServer(demo, faults=faults) as server, pytest.raises(SnapshotError, match=message):
        collected(server)


def test_a_token_that_the_hub_refuses_stops_the_run_at_once(demo, collected, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", SECRET)
    message = "the Hub does not accept the token of the variable MY_TOKEN"
    with HubServer(small(demo), bad_token=SECRET) as server, pytest.raises(SnapshotError, match=message):
        collected(server, options={"token_from": "MY_TOKEN"})
    assert server.total_asked < 20


@pytest.mark.parametrize("text", ["two words", "hf_caf\u00e9", "hf_a\x01b", ""])
def test_what_could_not_stand_in_a_header_is_no_token_and_is_not_shown(place, monkeypatch, text):
    (place / "token").write_text(text)
    with pytest.raises(SnapshotError) as given:
        hub_requests.read_token(str(place / "token"))
    assert str(given.value) == "--token-from: holds no token; expected one line that begins with hf_"
    monkeypatch.setattr(hub_requests, "get_token", lambda: text or None)
    if not text:
        assert not hub_requests.read_token()
        return
    with pytest.raises(SnapshotError, match="HF_TOKEN.: holds no token") as stored:
        hub_requests.read_token()
    assert text not in str(stored.value)


# --- coverage ---------------------------------------------------------------------------------------------


def test_every_reason_for_a_missing_repository_is_counted_and_named(demo, collected):
    hub_ = small(demo)
    gated, disabled, private, gone, renamed, twice, quiet = list(hub_.records["models"])[:7]
    hub_.failing["discussions", "models", quiet] = "discussions disabled"
    states = {gated: "gated", disabled: "disabled", private: "private", gone: "gone"}
    hub_.states = {("models", repo_id): state for repo_id, state in states.items()}
    hub_.insert("models", "new-owner/new-name")  # listed under both names, while it is renamed
    hub_.states["models", twice] = ">new-owner/new-name"
    hidden = hub_.records["models"][renamed] | {"id": "moved/elsewhere"}
    history = hub_.commits["models", renamed]
    hub_.commits["models", "moved/elsewhere"] = history
    with HubServer(hub_) as server:
        answer = server.answer

        def answering(path, query, fault):  # not listed under its new name, but found there
            hub_.states["models", renamed] = "" if path == "/api/models" else ">moved/elsewhere"
            if "moved/elsewhere" in path:
                hub_.records["models"]["moved/elsewhere"] = hidden
            try:
                return answer(path, query, fault)
            finally:
                hub_.records["models"].pop("moved/elsewhere", None)

        server.answer = answering
        made = collected(server, options={"workers": 1}).snapshot
    found = reasons(made)
    assert ("commits", "model", gated, "repository", "gated") in found  # discussions are public all the same
    assert not any(table == "discussions" and repo_id == gated for table, _, repo_id, *_ in found)
    assert {("repos", "model", name, "repository", why) for name, why in states.items() if why != "gated"} <= found
    assert ("repos", "model", twice, "repository", "renamed and listed under its new name too") in found
    assert ("repos", "model", renamed, "row", "renamed meanwhile; kept under the name that was listed") in found
    assert ("discussions", "model", quiet, "repository", "discussions disabled") in found
    counted = {"gated": 1, "disabled": 1, "discussions disabled": 1, "private": 1, "gone": 1, "renamed": 1}
    assert made.manifest["repositories_left_out"] == counted
    names = {row["repo_id"] for row in rows(made, "repos") if row["kind"] == "model"}
    assert {gated, renamed, "new-owner/new-name"} <= names
    assert not names & {disabled, private, gone, twice, "moved/elsewhere"}
    kept = [row["commit_id"] for row in rows(made, "commits") if row["repo_id"] == renamed]
    assert sorted(kept) == sorted(item["id"] for item in history)


@pytest.mark.parametrize("paging", ["cursor", "offset"])
def test_a_listing_that_shifts_has_neither_repeats_nor_gaps(demo, collected, paging):
    """While it is paged one repository is created, which pushes the others down, and two are deleted, which pulls them."""
    hub_ = Hub(demo)
    hub_.failing = {}
    before = set(hub_.records["models"])
    order = [record["id"] for _, record in hub_.listed("models")]
    deleted = set(order[:2])

    def changing(plural, nth):
        if plural == "models" and nth == 2:
            hub_.insert("models", "brand/new", created_at=dt.datetime(2023, 10, 15, tzinfo=dt.UTC))
        if plural == "models" and nth == 4:
            for repo_id in deleted:
                hub_.remove("models", repo_id)

    with HubServer(hub_, page_size=20, paging=paging) as server:
        server.before_page = changing
        made = collected(server).snapshot
    names = [row["repo_id"] for row in rows(made, "repos") if row["kind"] == "model"]
    assert len(names) == len(set(names)) and set(names) == before - deleted | {"brand/new"}
    assert {("repos", "model", repo_id, "repository", "gone") for repo_id in deleted} <= reasons(made)
    assert made.status("repos", "model") == "complete"


def test_a_listing_that_never_settles_is_not_called_complete(demo, collected):
    hub_ = small(demo, 60)
    hidden = iter(list(hub_.records["models"].items())[:50])
    for repo_id, _ in list(hub_.records["models"].items())[:50]:
        del hub_.records["models"][repo_id]

    def appearing(plural, nth):
        for repo_id, record in [item for item in [next(hidden, None)] if item and plural == "models"]:
            hub_.records["models"][repo_id] = record
            hub_._sorted.pop("models", None)

    with HubServer(hub_, page_size=20) as server:
        server.before_page = appearing
        made = collected(server, what=["repos"], kinds=["models"]).snapshot
    assert made.status("repos", "model") == "sample"
    assert "the listing shifted while it was read" in made.rule("repos", "model")
    assert len(rows(made, "repos")) == len({row["repo_id"] for row in rows(made, "repos")})


def test_a_listing_that_breaks_off_is_told_and_the_next_run_ends_it(demo, collected):
    faults = Faults(plan=[(r"/api/datasets\?.*cursor", "500", 999)])
    with HubServer(demo, page_size=30, faults=faults) as server:
        made = collected(server, what=["repos"], options={"attempts": 2}).snapshot
        assert made.status("repos", "dataset") == "sample"
        assert "the listing was not finished (HTTP 500)" in made.rule("repos", "dataset")
        assert made.status("repos", "model") == "complete"
        server.faults.plan = []
        mended = collected(server, what=["repos"], options={"replace": True}).snapshot
    assert mended.status("repos", "dataset") == "complete" and as_served(mended, demo, "repos") == served(demo, "repos")


def test_a_replay_of_an_unfinished_collection_does_not_call_itself_complete(demo, collected, monkeypatch):
    def interrupted(run, outcomes):
        raise KeyboardInterrupt

    with HubServer(small(demo)) as server:
        with monkeypatch.context() as patch:
            patch.setattr(work.Work, "_keep", interrupted)
            with pytest.raises(collector.Interrupted):
                collected(server)
        made = collected(server, options={"replay": True}).snapshot
    assert made.status("commits", "model") == "sample"
    assert made.rule("commits", "model") == "15 repositories not asked yet"
    assert made.manifest["rejected"]["commits"] == {"not asked yet": 45}


def test_a_list_of_models_that_is_left_out_where_empty_is_one_without_models(demo, collected):
    """The Hub may leave out what is empty; where no space at all has the list, nothing is known."""
    hub_ = small(demo)
    empty = sum(not record["models"] for record in hub_.records["spaces"].values())
    with HubServer(hub_, omit_empty=True) as server:
        made = collected(server, what=["usage"]).snapshot
        assert 0 < empty < 15 and made.status("usage") == "complete"
        assert [n for what, n in made.manifest["notes"].items() if "taken as naming none" in what] == [empty]
        for record in hub_.records["spaces"].values():
            record["models"] = []
        unknown = collected(server, "unknown", what=["usage"]).snapshot
    assert unknown.rule("usage") == "15 spaces without a list of models"


def test_the_library_of_a_space_is_what_it_is_built_with(demo, collected):
    hub_ = small(demo)
    space = min(hub_.records["spaces"])
    hub_.records["spaces"][space]["sdk"] = "gradio"
    with HubServer(hub_) as server:
        made = collected(server, kinds=["spaces"], what=["repos"]).snapshot
    assert [row["library"] for row in rows(made, "repos")] == ["gradio"] + [None] * 14


@pytest.mark.parametrize(("spaces", "is_cut"), [(99, False), (130, True)])
def test_a_list_of_exactly_a_hundred_spaces_is_taken_as_cut(demo, collected, place, spaces, is_cut):
    hub_ = small(demo)
    model = list(hub_.records["models"])[0]
    hub_.records["models"][model]["spaces"] = [f"someone/space-{n:03d}" for n in range(spaces)]
    (place / "ids.txt").write_text(f"models/{model}\n")
    with HubServer(hub_) as server:
        made = collected(server, ids=place / "ids.txt").snapshot
    cut = ("usage", "model", model, "repository", "list of spaces cut at 100")
    assert (cut in reasons(made)) == is_cut
    assert len(rows(made, "usage")) == (0 if is_cut else spaces)
    assert ("1 models whose list of spaces was cut" in made.rule("usage")) == is_cut


# --- few requests -----------------------------------------------------------------------------------------


def dated(served_: snapshot.Snapshot) -> Hub:
    """A Hub every repository of which says when it was last modified, as the real one does."""
    hub_ = Hub(served_)
    hub_.failing = {}
    for records in hub_.records.values():
        for record in records.values():
            record.setdefault("lastModified", "2023-01-01T00:00:00.000Z")
    return hub_


def test_after_two_percent_changes_under_five_percent_are_asked(demo, collected):
    hub_ = dated(demo)
    with HubServer(hub_) as server:
        collected(server, "before")
        full = server.total_asked
        changed = [(plural, repo_id) for plural, records in hub_.records.items() for repo_id in records][::50]
        for n, (plural, repo_id) in enumerate(changed):
            hub_.records[plural][repo_id]["lastModified"] = "2023-10-15T01:00:00.000Z"
            news = {"authors": [{"user": "a-newcomer"}], "date": "2023-10-15T01:00:00.000Z", "title": "", "message": ""}
            hub_.commits[plural, repo_id].insert(0, news | {"id": f"{n:040x}"})
            talk = {"num": 9_000 + n, "createdAt": "2023-10-15T02:00:00.000Z", "status": "open", "isPullRequest": False}
            hub_.discussions[plural, repo_id].insert(0, talk)
        server.asked.clear()
        made = collected(server, "after", since="before").snapshot
        share = server.total_asked / full
        whole = collected(server, "whole").snapshot
    assert share < 0.05
    for table in TABLES:
        assert rows(made, table) == rows(whole, table), table
    assert made.status("commits", "model") == "complete"
    assert made.status("discussions", "model") == "sample"
    assert "whose files did not change are of 2023-10-15 at the latest" in made.rule("discussions", "model")


def test_the_dry_run_tells_what_the_run_then_asks(demo, collected):
    with HubServer(small(demo), quota=(1000, 300), discussions_per_page=1000) as server:
        plan = collected(server, options={"dry_run": True})
        assert set(server.asked) == {"listing"} and not list(Path(os.environ["HUB_PAPER_SNAPSHOTS"]).iterdir())
        listing = server.total_asked
        server.quota = None
        collected(server)
        assert server.total_asked - listing == plan.total == 90
    assert plan.lines()[-1] == "quota: 1,000 requests in 300 s; time: about 28 s"  # 90 at 0.98 * 1000 / 300 a second


# --- what is seen -----------------------------------------------------------------------------------------


def test_plain_lines_and_a_log_tell_how_far_it_is(demo, collected, capfd):
    with HubServer(demo) as server:
        collected(server, options={"progress": True})
    said = capfd.readouterr().err
    state = r"commits and discussions: 920 of 920, [\d.,]+ requests/s, quota left [\d,]+ of 1,000,000, "
    assert re.search(state + "not had: gated 3, HTTP 500 1", said)
    assert "\x1b" not in said and "\r" not in said
    log = (collector.raw("taken") / "collect.log").read_text()
    assert re.search(state, log) and "building the snapshot" in log


def test_the_last_lines_say_what_is_missing_and_what_gets_it_and_nothing_where_all_is_there(demo, collected):
    name = "demo-base"
    with HubServer(small(demo), faults=Faults(plan=[(f"models/{name}/commits", "500", 10**6)])) as server:
        made = collected(server, options={"attempts": 2}).snapshot
        assert collector.last_lines(made) == [
            "missing: commits of models: those of 1 repository failed (HTTP 500)",
            "to go on: the same command with --force asks for that again (requests: 1), and for nothing else",
        ]
        server.faults, asked = Faults(), server.total_asked
        assert collector.last_lines(collected(server, options={"replace": True}).snapshot) == []
        assert server.total_asked == asked + 1  # the advice is true
        past = collected(server, "past", date="2023-06-01", what=["repos"]).snapshot
    said = "a sample: the Hub of 2023-10-15 without what was created or changed after 2023-06-01"
    assert collector.last_lines(past) == [said]


def test_collections_that_did_not_end_are_named_with_their_dates(demo, collected):
    assert collector.unfinished(besides="") == ""
    with HubServer(small(demo)) as server:
        for name in ("a", "b", "c", "d"):
            server.faults = Faults(storms=[(10, 10**9, "", "403")])
            with pytest.raises(SnapshotError, match="in a row failed"):
                collected(server, name, options={"attempts": 1})
    day = f"(of {DAY})"
    assert collector.unfinished(besides="") == f"a {day}, b {day}, c {day}, 1 more"
    assert collector.unfinished(besides="b") == f"a {day}, c {day}, d {day}"


def test_bars_leave_room_at_the_edge_and_an_end_is_not_awaited(monkeypatch):
    """A terminal echoes ^C where the cursor is: at the edge it would begin a line, and the next drawing miss by one."""
    requests = SimpleNamespace(quota=SimpleNamespace(sent=0, left=999_994, limit=1_000_000), faults={"HTTP 500": 10})
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shown = progress.Shown(True, logging.getLogger("nobody"), requests)
    with shown:
        shown.begin("commits and discussions", 920)
        shown.advance(300, "gated")
        shown.tick()
        assert "to go" in shown._state()
    assert "to go" not in shown._state()
    lines = shown._console.render_lines(shown._bar, pad=False)
    assert len(lines) > 1 and max(sum(part.cell_length for part in line) for line in lines) <= 77


def test_the_token_is_sent_and_never_shown(demo, collected, place, capfd):
    """Faults, retries, a failing repository and an error: nothing that is written holds the token."""
    (place / "token").write_text(SECRET + "\n")
    plan = [("models/demo-base/commits", "500", 999), ("/api/models", "bad_json", 1)]
    faults = Faults(rates={"503": 0.05, "html": 0.05, "reset": 0.05}, plan=plan)
    with HubServer(small(demo), faults=faults, quota=(10_000, 5)) as server:
        options = {"token_from": str(place / "token"), "progress": True}
        collected(server, options=options)
        assert {token for token, _ in server._windows} == {f"Bearer {SECRET}"}
        server.faults = Faults(plan=[("", "503", 10**6)])
        with pytest.raises(SnapshotError) as failed:
            collected(server, "again", kinds=["models"], options=options | {"attempts": 2})
    (place / "token").unlink()
    text = "".join(traceback.format_exception(failed.value)) + "".join(capfd.readouterr())
    assert SECRET not in text
    for file in place.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file.name
    assert (
        SECRET
        not in repr(hub_requests.Token(SECRET)) + str(hub_requests.Token(SECRET)) + f"{hub_requests.Token(SECRET)}"
    )
    assert hub_requests.Token(SECRET).hidden_in(f"said {SECRET}!") == "said <token>!"


def test_a_next_page_on_another_host_is_asked_from_the_endpoint():
    headers = {"link": '<https://elsewhere.example/api/models?cursor=abc>; rel="next"'}
    answer = hub_requests.Answer("/api/models", "/api/models", headers, [], b"")
    assert answer.next == "/api/models?cursor=abc"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ["model"]}, "kinds 'model': expected some of models, datasets, spaces"),
        ({"what": ["likes"]}, "what 'likes': expected some of repos, commits, discussions, usage"),
        ({"kinds": ["models"], "what": ["usage"]}, "usage is read from the listing of spaces; add spaces to --kinds"),
        ({"sample": 0}, "sample 0: expected 1 or more"),
        ({"owner": "a b"}, "owner 'a b': expected the name of an account"),
        ({"date": "soon"}, "date 'soon': expected an ISO date"),
        ({"ids": Path("no-such.txt")}, "no-such.txt: can't be read as text"),
    ],
)
def test_a_wrong_choice_is_one_line(options, message):
    with pytest.raises(SnapshotError, match=re.escape(message)) as error:
        hub_choice.choose(**{"date": DAY} | options)
    assert "\n" not in str(error.value)

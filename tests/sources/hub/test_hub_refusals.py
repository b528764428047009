"""A refusal is no absence: what the Hub did not say itself is a failure, and what is missing is named."""

import datetime as dt
import json
import socket
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from analysis import engine
from analysis.parameters import Parameters
from analysis.snapshot import SnapshotError
from analysis.sources.hub import choice as hub_choice
from analysis.sources.hub import collector, doubts, listings, units
from analysis.sources.hub import requests as hub_requests
from tests.sources.hub import hub_server
from tests.sources.hub.collecting import DAY, FAST, SECRET, of, reasons, rows, small
from tests.sources.hub.hub_server import Faults, Hub, HubServer

EVENTS = "/(commits|discussions)"
NEVER = 10**9


@pytest.fixture
def token(monkeypatch):
    """The name of a variable that holds a token."""
    monkeypatch.setenv("MY_TOKEN", SECRET)
    return "MY_TOKEN"


def complete(made) -> bool:
    return {made.status(t, k) for t in ("repos", "commits", "discussions") for k in ("model", "dataset", "space")} == {
        "complete"
    }


# --- the token --------------------------------------------------------------------------------------------


def test_a_token_that_expires_stops_the_run_and_no_row_is_lost(demo, collected, token, monkeypatch):
    with HubServer(small(demo)) as server:
        server.expires = {SECRET: 50}
        with pytest.raises(SnapshotError) as stopped:
            collected(server, options={"token_from": token})
        asked = server.total_asked
        with pytest.raises(SnapshotError):
            collected(server, options={"token_from": token})
        assert server.total_asked < asked + 20
        monkeypatch.setenv(token, SECRET + "2")
        made = collected(server, options={"token_from": token}).snapshot
    assert "the token of the variable MY_TOKEN" in str(stopped.value) and "is kept" in str(stopped.value)
    assert "same command" in str(stopped.value) and SECRET not in str(stopped.value)
    assert complete(made) and not rows(made, "rejected")
    assert rows(made, "commits") == of(server.hub, demo, "commits")


def test_the_place_of_the_token_is_named(place, monkeypatch):
    monkeypatch.setattr(hub_requests, "get_token", lambda: SECRET)
    assert hub_requests.read_token().place == "of `hf auth login`"
    monkeypatch.setenv("HF_TOKEN", SECRET)
    assert hub_requests.read_token().place == "of the variable HF_TOKEN"
    (place / "mine").write_text(SECRET)
    assert hub_requests.read_token(str(place / "mine")).place == "of the file mine"


def test_a_401_of_something_in_between_says_nothing_of_a_good_token(demo, collected, token):
    """whoami-v2 answers, so the token is good, and the repository is asked again."""
    with HubServer(small(demo), faults=Faults(plan=[(EVENTS, "401", 5)])) as server:
        made = collected(server, options={"token_from": token}).snapshot
    assert complete(made) and not rows(made, "rejected")


def test_with_a_good_token_gone_is_what_the_hub_calls_so(demo, collected, token):
    hub_ = small(demo)
    gone = list(hub_.records["models"])[3]
    hub_.states["models", gone] = "gone"
    with HubServer(hub_) as server:
        made = collected(server, options={"token_from": token}).snapshot
    assert reasons(made) == {("repos", "model", gone, "repository", "gone")} and complete(made)


# --- refusals of everything -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["403", "404", "451", "401"])
def test_a_page_of_something_in_between_is_never_an_absence(demo, collected, status):
    """From some request on, for every repository: the run stops, and goes on once the way is free."""
    hub_ = small(demo, 60)
    with HubServer(hub_, faults=Faults(storms=[(80, NEVER, EVENTS, status)])) as server:
        with pytest.raises(SnapshotError, match=rf"repositories in a row failed \(HTTP {status}\)"):
            collected(server, options={"attempts": 2})
        replayed = collected(server, "taken", options={"replay": True}).snapshot
        assert replayed.status("commits", "model") == "sample" and not replayed.manifest["repositories_left_out"].get(
            "gone"
        )
        server.faults.storms = []
        made = collected(server, options={"replace": True}).snapshot
    assert complete(made) and rows(made, "discussions") == of(hub_, demo, "discussions")


def test_a_few_of_them_at_the_end_make_a_sample_that_names_them(demo, collected):
    hub_ = small(demo)
    with HubServer(hub_, faults=Faults(storms=[(70, NEVER, EVENTS, "403")])) as server:
        made = collected(server, options={"attempts": 2}).snapshot
        assert {made.status("discussions", kind) for kind in ("model", "dataset", "space")} == {"sample"}
        lost = {(table, kind, name) for table, kind, name, scope, why in reasons(made) if why == "HTTP 403"}
        assert lost and made.manifest["source"]["left"] == len(lost)
        kept = [r for r in of(hub_, demo, "discussions") if ("discussions", r["kind"], r["repo_id"]) not in lost]
        assert rows(made, "discussions") == kept
        server.faults.storms = []
        mended = collected(server, options={"replace": True}).snapshot
    assert complete(mended) and mended.manifest["source"]["left"] == 0


@pytest.mark.parametrize("fault", ["says_gone", "says_gated"])
@pytest.mark.parametrize("each", [15, 60])
def test_refusals_of_everything_in_the_hubs_own_words_are_not_believed(demo, collected, fault, each):
    """A few at the end become failures; many stop the run."""
    hub_ = small(demo, each)
    begins = 85 if each == 15 else 80
    with HubServer(hub_, faults=Faults(storms=[(begins, NEVER, r"/api/\w+/", fault)])) as server:
        try:
            made = collected(server).snapshot
            assert each == 15
        except SnapshotError as stopped:
            assert each == 60 and "refus" in str(stopped) and "kept" in str(stopped)
            made = collected(server, options={"replay": True}).snapshot
        assert {r["repo_id"] for r in rows(made, "repos")} == {n for names in hub_.records.values() for n in names}
        assert not complete(made)
        server.faults.storms = []
        mended = collected(server, options={"replace": True}).snapshot
    assert complete(mended) and not rows(mended, "rejected")
    assert rows(mended, "commits") == of(hub_, demo, "commits")


def test_many_refusals_among_good_answers_stop_the_run(demo, collected):
    """Every other answer from some request on, by what is asked and by its record."""
    hub_ = small(demo, 80)
    odd = {(p, name) for p, names in hub_.records.items() for n, name in enumerate(sorted(names)) if n % 2}
    with HubServer(hub_) as server:
        answer = server.answer

        def answering(path, query, fault):
            lies = server.asked["commits"] > 90 and any(path.startswith(f"/api/{p}/{name}") for p, name in odd)
            return answer(path, query, "says_gone" if lies else fault)

        server.answer = answering
        with pytest.raises(SnapshotError, match="of the last 50 answers about commits were refusals"):
            collected(server)
        server.answer = answer
        made = collected(server).snapshot
    assert complete(made) and not rows(made, "rejected")


def test_what_has_really_changed_is_believed_when_it_is_heard_twice(demo, collected):
    """An owner's repositories are deleted while they are collected: after some runs the collection ends."""
    hub_ = small(demo, 80)
    deleted = {name for n, name in enumerate(sorted(hub_.records["models"])) if n % 2}
    with HubServer(hub_) as server:
        stopped = 0
        while stopped < 5:
            if server.asked["commits"] > 40:
                for name in deleted:
                    hub_.states["models", name] = "gone"
            try:
                made = collected(server, kinds=["models"], what=["commits"]).snapshot
                break
            except SnapshotError:
                stopped += 1
            for name in deleted:
                hub_.states["models", name] = "gone"
    named = {name for _, _, name, _, why in reasons(made) if why == "gone"}
    assert named <= deleted and complete_commits(made)
    assert {row["repo_id"] for row in rows(made, "repos")} == set(hub_.records["models"]) - named


@pytest.mark.parametrize("length", [1, 2, 3, 4, 6])
def test_no_spell_of_refusals_can_make_one_repository_vanish(demo, collected, length):
    """One refusal, and when it is asked about again all is refused for so many requests: a good answer lies in between."""

    class Spell(Faults):
        asked = left = 0

        def choose(self, path):
            self.asked += (is_target := f"{name}/discussions" in path)
            self.left = length if is_target and self.asked == 2 else self.left
            self.left -= (is_refused := self.left > 0)
            return "says_gone" if is_refused or (is_target and self.asked == 1) else None

    hub_ = small(demo, 6)
    name = sorted(hub_.records["models"])[-1]
    with HubServer(hub_, faults=Spell()) as server:
        made = collected(server, options={"workers": 1, "attempts": 2}).snapshot
        assert server.faulted["says_gone"] == length + 1
        assert ("model", name) in {(row["kind"], row["repo_id"]) for row in rows(made, "repos")}
        server.faults = Faults()
        assert complete(collected(server, options={"replace": True}).snapshot)


def complete_commits(made) -> bool:
    return made.status("commits", "model") == "complete"


def test_a_list_of_names_that_are_all_gone_is_believed_because_the_hub_answers_for_others(demo, collected, place):
    (place / "ids.txt").write_text("models/demo-base\n" + "".join(f"models/nobody/number-{n}\n" for n in range(60)))
    with HubServer(small(demo)) as server:
        made = collected(server, ids=place / "ids.txt", what=["commits"]).snapshot
    assert made.manifest["repositories_left_out"] == {"gone": 60} and len(rows(made, "repos")) == 1
    assert made.manifest["source"]["left"] == 0


def test_a_refusal_that_the_record_contradicts_is_a_failure(demo, collected):
    hub_ = small(demo)
    name = list(hub_.records["models"])[2]
    hub_.failing["commits", "models", name] = "gone"
    with HubServer(hub_) as server:
        made = collected(server).snapshot
    assert reasons(made) == {("commits", "model", name, "repository", "said to be gone, but its record is there")}
    assert made.status("commits", "model") == "sample" and name in {row["repo_id"] for row in rows(made, "repos")}


@pytest.mark.parametrize(("reason", "asked"), [("discussions disabled", True), ("gone", False)])
def test_what_no_record_tells_is_asked_a_third_time(monkeypatch, reason, asked):
    """Another repository's refusal names none: where it came in the place of this one's answer twice, no record would tell."""
    unit = units.Unit("discussions", "model", "an-owner/a-model")
    monkeypatch.setattr(doubts, "contradiction", lambda *_: "")
    monkeypatch.setattr(doubts, "ask", lambda _, again: units.Outcome(again, "done"))
    heard_twice = units.Outcome(unit, "refused", reason)
    settled = doubts.Doubts(None, None, 1)._borne_out(heard_twice)
    assert settled == (units.Outcome(unit, "done") if asked else heard_twice)


def test_answers_that_contradict_what_is_known_are_failures(demo, collected):
    """An answer for another repository, a history without the revision of the record, a list cut short."""
    hub_ = small(demo)
    busy = [name for name in hub_.records["models"] if len(hub_.commits["models", name]) > 3][:2]
    talk = next(name for name in hub_.records["models"] if hub_.discussions["models", name])
    plan = [(f"models/{busy[0]}/commits", "other", NEVER), (f"models/{talk}/discussions", "other", NEVER)]
    plan += [(f"models/{busy[1]}/commits", "empty_page", NEVER)]
    with HubServer(hub_, faults=Faults(plan=plan)) as server:
        made = collected(server).snapshot
    assert reasons(made) == {
        ("commits", "model", busy[0], "repository", "without the revision of the record"),
        ("commits", "model", busy[1], "repository", "without the revision of the record"),
        ("discussions", "model", talk, "repository", "an answer for another repository"),
    }


@pytest.mark.parametrize("fault", ["cut_char", "gzip", "error_object", "case", "away", "other"])
def test_answers_that_are_none_lose_nothing(demo, collected, fault):
    hub_ = small(demo, 40)
    with HubServer(hub_, page_size=15, faults=Faults(rates={fault: 0.1}, seed=3)) as server:
        made = collected(server).snapshot
        assert server.faulted[fault] > 5
    assert complete(made) and not rows(made, "rejected")
    named = [sorted(r["repo_id"].lower() for r in found) for found in (rows(made, "repos"), of(hub_, demo, "repos"))]
    assert named[0] == named[1]
    assert len(rows(made, "commits")) == len(of(hub_, demo, "commits"))


# --- listings ---------------------------------------------------------------------------------------------


def test_an_empty_page_with_a_next_one_breaks_the_listing(demo, collected):
    faults = Faults(plan=[(r"/api/models\?.*cursor", "empty_page", NEVER)])
    with HubServer(small(demo, 40), page_size=15, faults=faults) as server:
        made = collected(server, what=["repos", "usage"]).snapshot
        assert made.rule("repos", "model") == "the listing was not finished (an empty page where more are to come)"
        server.faults.plan = []
        mended = collected(server, what=["repos", "usage"], options={"replace": True}).snapshot
    assert mended.status("repos", "model") == "complete" and len(rows(mended, "repos")) == 120


@pytest.mark.parametrize("plural", ["datasets", "spaces"])
def test_a_listing_of_the_whole_hub_that_shows_nothing_is_not_believed(demo, collected, plural):
    """Nothing is known of that kind then: none of its tables is there, so that no notebook finds zero repositories."""
    hub_, kind = small(demo), plural.removesuffix("s")
    hub_.records[plural] = {}
    with HubServer(hub_) as server:
        made = collected(server).snapshot
    absent = {table for table in ("repos", "commits", "discussions") if made.status(table, kind) == "absent"}
    assert absent == {"repos", "commits", "discussions"} and (made.status("usage") == "absent") == (plural == "spaces")
    hub = engine.load(Parameters(snapshot_date=made.name))
    assert hub.why_missing("repos", kind=kind) == f"the snapshot has no list of {plural}"
    (said,) = made.manifest["source"]["missing"]
    assert said.endswith("the listing was not finished (it shows nothing at all)") and f"repos of {plural}" in said


@pytest.mark.parametrize("year", [1970, 2026])
def test_a_listing_that_lacks_models_which_spaces_name_is_not_complete(demo, collected, monkeypatch, year):
    """Some are on the Hub: the listing is at fault. Some are not: the spaces are older than their deletion.

    Whatever this machine's clock says: one that stands in 1970 would take every model for a new one.
    """
    now = SimpleNamespace(now=lambda zone: dt.datetime(year, 1, 1, tzinfo=zone))
    monkeypatch.setattr(listings, "dt", SimpleNamespace(datetime=now, UTC=dt.UTC))
    hub_ = small(demo)
    hidden, gone = list(hub_.records["models"])[:2]
    space = next(iter(hub_.records["spaces"].values()))
    space["models"] = [hidden, gone]
    del hub_.records["models"][gone]
    with HubServer(hub_) as server:
        honest = collected(server, "honest", what=["repos"]).snapshot
        hub_._sorted["models"] = [pair for pair in hub_.listed("models") if pair[1]["id"] != hidden]
        made = collected(server, what=["repos"]).snapshot
    assert honest.status("repos", "model") == "complete"
    assert made.rule("repos", "model") == "of 2 models that spaces name and the listing lacks, the Hub has 1"


def test_a_hub_that_ignores_the_account_fills_no_snapshot(demo, collected):
    owner = next(row["owner"] for row in rows(demo, "repos") if row["kind"] == "space")
    with HubServer(demo) as server:
        answer = server.answer
        server.answer = lambda path, query, fault: answer(
            path, {n: v for n, v in query.items() if n != "author"}, fault
        )
        with pytest.raises(SnapshotError, match="repositories of other accounts"):
            collected(server, owner=owner, kinds=["spaces"])


def test_an_account_without_repositories_is_told_and_asked_again_the_next_time(demo, collected):
    with HubServer(small(demo)) as server:
        for _ in range(2):
            asked = server.total_asked
            with pytest.raises(SnapshotError, match="'nobody': the Hub lists nothing for that account; check the name"):
                collected(server, owner="nobody")
            assert server.total_asked > asked and not collector.unfinished(besides="")
        owner = next(filter(None, (record.get("author") for record in server.hub.records["models"].values())))
        assert rows(collected(server, owner=owner).snapshot, "repos")  # the name was mended, as was the advice


def test_a_journal_without_an_answer_binds_nobody(demo, collected, monkeypatch):
    """Neither to an address that was mistyped, nor to a choice."""
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HF_ENDPOINT", nobody)
    with pytest.raises(SnapshotError, match="can't be reached; check the network and HF_ENDPOINT"):
        collector.collect(hub_choice.choose("taken", date=DAY), **FAST | {"attempts": 1})
    assert not collector.unfinished(besides="")
    with HubServer(small(demo)) as server:
        made = collected(server, what=["repos"], kinds=["models"]).snapshot
    assert made.manifest["source"]["origin"] == server.url and rows(made, "repos")


# --- where and when ---------------------------------------------------------------------------------------


def test_the_endpoint_is_the_origin_and_a_journal_keeps_to_it(demo, collected):
    with HubServer(small(demo)) as server:
        made = collected(server, what=["repos"]).snapshot
        assert made.manifest["source"]["origin"] == server.url
    with HubServer(small(demo)) as other, pytest.raises(SnapshotError, match=f"begun with HF_ENDPOINT={server.url}"):
        collected(other, what=["repos"], options={"replace": True})
    assert not other.total_asked
    assert hub_requests.without_account("https://me:pass@hub.example/x") == "https://hub.example/x"


def test_a_day_to_come_is_refused_and_a_past_one_is_called_what_it_is(demo, collected):
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    with pytest.raises(SnapshotError, match=f"date {tomorrow}: still to come"):
        hub_choice.choose(date=tomorrow.isoformat())
    with HubServer(small(demo)) as server:
        assert complete(collected(server, "next-day", date="2023-10-14").snapshot)
        made = collected(server, "past", date="2023-06-01").snapshot
    said = "the Hub of 2023-10-15 without what was created or changed after 2023-06-01"
    for table in ("repos", "commits", "discussions", "usage"):
        kind = "model" if table != "usage" else None
        assert made.status(table, kind) == "sample" and said in made.rule(table, kind)


@pytest.mark.parametrize("days", [-19_000, 41_000])
def test_the_date_of_one_answer_says_nothing_of_the_day(demo, collected, monkeypatch, days):
    """A clock that jumped while the first answer was given makes no past day complete, and none of today a past one."""
    monkeypatch.setattr(hub_server, "JUMPS", (days,))
    with HubServer(small(demo)) as server:
        server.faults = Faults(plan=[("api/models", "date", 1)])
        assert complete(collected(server).snapshot) and server.faulted["date"] == 1
        server.faults = Faults(plan=[("api/models", "date", 1)])
        made = collected(server, "past", date="2023-06-01", what=["repos"]).snapshot
    assert "the Hub of 2023-10-15 without" in made.rule("repos", "model")


def test_a_day_that_the_hub_has_not_come_to_is_refused_and_leaves_nothing(demo, collected):
    with HubServer(small(demo)) as server:
        with pytest.raises(SnapshotError, match="date 2024-06-01: still to come, for the Hub has 2023-10-15; give that"):
            collected(server, date="2024-06-01")
        assert not collector.unfinished(besides="") and complete(collected(server).snapshot)


def test_a_redirect_elsewhere_is_neither_waited_for_nor_believed(demo, collected):
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    hub_ = small(demo)
    name = list(hub_.records["models"])[0]
    with HubServer(hub_) as other, HubServer(hub_) as server:
        for address in (nobody, other.url):
            server.faults = Faults(plan=[(f"models/{name}/commits", "away", NEVER)], away=address)
            began = time.monotonic()
            made = collected(server, options={"attempts": 2, "replace": True}).snapshot
            assert time.monotonic() - began < 60  # not for hours
            assert reasons(made) == {("commits", "model", name, "repository", "a redirect to another host")}
        assert not other.total_asked


@pytest.mark.parametrize("value", ["Thu, 01 Jan 2099 00:00:00 GMT", "999999999", "Thu, 01 Jan 99999999 00:00:00 GMT"])
def test_no_answer_makes_a_run_wait_for_longer_than_ten_minutes(value):
    assert hub_requests.retry_after({"retry-after": value}) in (0, 600)


def test_a_hub_that_is_asked_for_others_is_asked_for_those_that_anybody_may_see():
    assert doubts._is_open({"id": "a/b", "gated": False, "private": False, "disabled": False})
    assert not any(doubts._is_open({"id": "a/b", name: True}) for name in ("gated", "private", "disabled"))


def test_a_journal_of_an_older_schema_is_refused(demo, collected):
    with HubServer(small(demo)) as server:
        collected(server, what=["repos"])
        with collector.Journal(collector.raw("taken")) as journal, journal.step():
            journal.set("schema", "1")
        with pytest.raises(SnapshotError, match="schema 1, this tool reads 2; move it away and collect anew"):
            collected(server, what=["repos"], options={"replace": True})


def test_states_and_repositories_that_are_not_known_are_refused_by_the_local_hub(demo):
    hub_ = Hub(demo)
    with pytest.raises(ValueError, match="expected gated, disabled, private, gone or >owner/name"):
        hub_.set_state("models", "demo-base", "secret")
    with pytest.raises(ValueError, match="not in the snapshot"):
        hub_.set_state("models", "nobody/nothing", "gated")
    assert json.dumps(hub_.records["models"]["demo-base"])

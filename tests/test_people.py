"""Who counts as one person: bots, merged names, decisions and their audit trail, numbers that depend on names alone."""

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from analysis import people
from analysis.engine import Hub
from analysis.merging import candidates, sensitivity
from analysis.merging.commands import app, shown
from analysis.parameters import Parameters

HOSTILE = [
    "",
    " ",
    "x" * 10_000,
    "👩‍💻🧪",
    "\u202egnp.exe",  # right to left
    "אבגד",
    "é",
    "e\u0301",
    ".*",
    "[bot",
    "a|b",
    "(?:",
    "\\",
    "';--",
    "line\nbreak",
    "tab\t",
    "\0",
    "ǅ",
    "İ",
]


def numbers(frame):
    return dict(zip(frame["alias"], frame["developer"], strict=True))


def merges(*rows):
    return pd.DataFrame(rows, columns=["alias", "person", "score"]).astype({"score": "float64"})


@given(st.sets(st.text("abcé", max_size=3)), st.dictionaries(st.text("abcé", max_size=3), st.text("abcé", max_size=3)))
def test_persons_are_numbered_in_the_order_of_their_names(names, person_of):
    """Of names or persons that are not there too: by numbering all persons that any name leads to."""
    names = sorted(names)
    persons = [person_of.get(name, name) for name in names]
    assert people.numbered(names, person_of).tolist() == [sorted(set(persons)).index(person) for person in persons]


# --- bots ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["SFconvertbot", "sfconvertbot", "SFCONVERTBOT", "librarian-bot", "ci[bot]", "CI[Bot]", "system"]
)
def test_service_accounts_are_bots_whatever_their_case(name):
    assert people.is_bot(pd.Series([name])).tolist() == [True]


@pytest.mark.parametrize(
    "name",
    [
        "talbot",
        "abbot",
        "robot",
        "elbot",
        "bot",
        "my-bot",
        "SFconvertbot2",
        "xSFconvertbot",
        "ci[bot]x",
        "cibot",
        "syst",
    ],
)
def test_names_that_only_look_like_a_bot_are_people(name):
    assert people.is_bot(pd.Series([name])).tolist() == [False]


def test_every_exact_name_of_the_list_is_a_bot_and_with_a_letter_more_is_none():
    rules = people.bot_rules()
    names = rules.loc[rules["rule"] == "exact", "name"]
    assert len(names)
    assert people.is_bot(names).all()
    assert people.is_bot(names.str.upper()).all()
    assert not people.is_bot(names + "x").any()
    assert not people.is_bot("x" + names).any()


def test_no_names_are_no_bots():
    assert people.is_bot(pd.Series([], dtype="str")).tolist() == []
    assert people.identities([]).empty
    assert people.identities([], merges(("a", "b", None))).empty


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_developers_are_numbered_in_the_order_of_their_names():
    frame = people.identities(["cat", "ann", "bob", "ann"])
    assert list(frame.columns) == ["alias", "developer", "is_bot"]
    assert numbers(frame) == {"ann": 0, "bob": 1, "cat": 2}
    assert frame["developer"].dtype == "int64"


def test_names_differ_by_case_unless_somebody_merged_them():
    assert numbers(people.identities(["Ann", "ann"])) == {"Ann": 0, "ann": 1}


@pytest.mark.parametrize("order", [*itertools.permutations(["cat", "Ann B.", "ann"])])
def test_numbers_do_not_depend_on_the_order_of_names(order):
    frame = people.identities(order, merges(("Ann B.", "ann", None)))
    assert numbers(frame) == {"Ann B.": 0, "ann": 0, "cat": 1}


# --- merged names ----------------------------------------------------------------------------------------------------


def test_merged_names_share_a_number():
    frame = people.identities(["zoe", "Zoe Z.", "zz"], merges(("Zoe Z.", "zoe", 95.0), ("zz", "zoe", None)))
    assert set(numbers(frame).values()) == {0}


def test_names_that_stand_for_somebody_who_is_not_among_them_share_a_number_too():
    frame = people.identities(["a1", "a2", "m"], merges(("a1", "nobody else", 99.0), ("a2", "nobody else", 99.0)))
    assert numbers(frame) == {"a1": 1, "a2": 1, "m": 0}


@pytest.mark.parametrize(("threshold", "merged"), [(84, True), (84.21, True), (84.22, False), (90, False), (0, True)])
def test_a_merge_below_the_threshold_is_not_applied(threshold, merged):
    frame = people.identities(["ann", "anne"], merges(("anne", "ann", 84.21)), merge_threshold=threshold)
    assert (frame["developer"].nunique() == 1) is merged


def test_a_merge_without_a_score_was_decided_by_hand():
    frame = people.identities(["ann", "x"], merges(("x", "ann", None)), merge_threshold=100)
    assert frame["developer"].nunique() == 1


def test_a_table_without_scores_is_applied_as_a_whole():
    table = pd.DataFrame({"alias": ["x"], "person": ["ann"]})
    assert people.identities(["ann", "x"], table, merge_threshold=100)["developer"].nunique() == 1


def test_an_empty_table_of_people_changes_nothing():
    pd.testing.assert_frame_equal(people.identities(["b", "a"], merges()), people.identities(["b", "a"]))


def test_a_name_merged_with_a_bot_is_a_bot():
    frame = people.identities(["converter", "ann"], merges(("converter", "SFconvertbot", None)))
    assert dict(zip(frame["alias"], frame["is_bot"], strict=True)) == {"ann": False, "converter": True}


# --- any text --------------------------------------------------------------------------------------------------------


def test_hostile_names_are_names_like_others():
    frame = people.identities(HOSTILE, merges(*[(name, "ann", 95.0) for name in HOSTILE[:3]]))
    found = numbers(frame)
    assert len(found) == len(HOSTILE)
    assert len({found[name] for name in HOSTILE[:3]}) == 1
    assert frame["developer"].nunique() == len(HOSTILE) - 2
    assert not frame["is_bot"].any()


@given(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=12))
def test_every_name_has_one_number_and_no_two_names_share_it(names):
    frame = people.identities(names)
    assert frame["alias"].tolist() == sorted(set(names))
    assert frame["developer"].tolist() == list(range(len(set(names))))
    pd.testing.assert_frame_equal(frame, people.identities(reversed(names)))


@given(
    names=st.lists(st.sampled_from("abcdefgh"), max_size=10),
    table=st.dictionaries(
        st.sampled_from("abcd"), st.tuples(st.sampled_from("efghxy"), st.none() | st.floats(0, 100)), max_size=4
    ),
    threshold=st.floats(0, 100),
)
def test_two_names_share_a_number_if_and_only_if_they_stand_for_one_person(names, table, threshold):
    def person(name):
        other, score = table.get(name, (name, None))
        return other if score is None or score >= threshold else name

    rows = merges(*[(alias, *rest) for alias, rest in table.items()])
    found = numbers(people.identities(names, rows, merge_threshold=threshold))
    ranks = {p: rank for rank, p in enumerate(sorted({person(name) for name in names}))}
    assert found == {name: ranks[person(name)] for name in names}


# --- decisions -------------------------------------------------------------------------------------------------------


def decided(*rows):
    """Decisions from (a, b, decision, by, score)."""
    full = [(a, b, decision, "rule", score, by, "") for a, b, decision, by, score in rows]
    return pd.DataFrame(full, columns=list(people.COLUMNS)).astype({"score": "float64"})


def same(a, b, by="me", score=None):
    return (a, b, "same", by, score)


def groups(merged):
    """The groups of names that a merge makes, as sets."""
    found = {}
    for row in merged.people.itertuples():
        found.setdefault(row.person, {row.person}).add(row.alias)
    return sorted(map(sorted, found.values()))


def test_a_decision_by_hand_merges_whatever_its_score():
    assert groups(people.merge(None, decided(same("a", "b", score=10)), merge_threshold=100)) == [["a", "b"]]


@pytest.mark.parametrize(("score", "merged"), [(89.99, []), (90, [["a", "b"]])])
def test_an_automatic_decision_needs_the_threshold(score, merged):
    assert groups(people.merge(None, decided(same("a", "b", people.AUTOMATIC, score)), merge_threshold=90)) == merged


def test_merges_chain_into_one_person():
    merged = people.merge(None, decided(same("a", "b"), same("c", "b"), same("d", "e")))
    assert groups(merged) == [["a", "b", "c"], ["d", "e"]]
    assert merged.log["person"].tolist() == ["a", "a", "d"]


@pytest.mark.parametrize("decision", ["different", "unsure"])
@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_what_a_person_decided_prevails_over_a_rule(decision, order):
    rows = decided((*order, decision, "me", None), same("a", "b", people.AUTOMATIC, 100))
    assert groups(people.merge(None, rows)) == []
    assert groups(people.merge(None, rows[::-1])) == []
    assert groups(people.merge(merges(("a", "b", 100.0)), rows)) == []


def test_a_group_that_joins_two_people_decided_different_is_refused_and_shown():
    rows = decided(
        same("a", "c", people.AUTOMATIC, 95), same("c", "b", people.AUTOMATIC, 95), ("a", "b", "different", "me", None)
    )
    merged = people.merge(None, rows)
    assert groups(merged) == []
    assert merged.refused["reason"].tolist() == ["joins two names decided different"] * 2


def test_a_refused_group_keeps_what_people_decided():
    rows = decided(
        same("a", "c"), same("c", "b", people.AUTOMATIC, 95), ("a", "b", "different", "me", None), same("x", "y")
    )
    merged = people.merge(None, rows)
    assert groups(merged) == [["a", "c"], ["x", "y"]]
    assert merged.refused[["a", "b"]].to_numpy().tolist() == [["b", "c"]]


def test_people_who_contradict_themselves_merge_nobody():
    rows = decided(same("a", "c"), same("c", "b"), ("a", "b", "different", "me", None))
    merged = people.merge(None, rows)
    assert groups(merged) == []
    assert len(merged.refused) == 2


@pytest.mark.parametrize(("names", "n_refused"), [(people.LARGEST, 0), (people.LARGEST + 1, people.LARGEST)])
def test_a_long_chain_is_refused(names, n_refused):
    chain = [same(f"n{i:02}", f"n{i + 1:02}", people.AUTOMATIC, 95) for i in range(names - 1)]
    merged = people.merge(None, decided(*chain))
    assert len(merged.refused) == n_refused
    assert len(merged.people) == names - 1 - n_refused


def test_a_group_goes_by_the_name_of_its_bot_then_the_snapshots_then_one_without_a_space():
    rows = decided(same("Ann Lee", "zz"), same("aa", "SFconvertbot"), same("bb", "cc"))
    merged = people.merge(merges(("cc", "dd", None)), rows)
    assert set(merged.people["person"]) == {"zz", "SFconvertbot", "dd"}


def test_the_table_of_a_snapshot_alone_gives_the_numbers_that_it_gave_before():
    table = merges(
        ("Zoe Z.", "zoe", 95.0), ("zz", "zoe", None), ("b", "a", 80.0), ("x1", "gone", 91.0), ("x2", "gone", 91.0)
    )
    names = ["Zoe Z.", "zoe", "zz", "a", "b", "x1", "x2"]
    for threshold in (75, 90, 92):
        given = people.merges(table, None, merge_threshold=threshold)
        wanted = people.identities(names, table, merge_threshold=threshold)
        assert numbers(people.identities(names, given)) == numbers(wanted)


def test_without_a_table_and_decisions_there_are_no_merges():
    assert people.merges(None, None) is None


@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from("abcdefgh"),
            st.sampled_from(people.DECISIONS),
            st.sampled_from(["me", people.AUTOMATIC]),
            st.sampled_from([80.0, 95.0]),
        ).filter(lambda row: row[0] != row[1]),
        max_size=14,
    ),
    largest=st.integers(2, 8),
)
def test_no_group_is_too_large_or_holds_two_people_decided_different(pairs, largest):
    merged = people.merge(None, decided(*pairs), largest=largest)
    person = dict(zip(merged.people["alias"], merged.people["person"], strict=True))
    for a, b, decision, *_ in pairs:
        if decision == "different":
            assert person.get(a, a) != person.get(b, b)
    assert all(len(group) <= largest for group in groups(merged))
    assert not set(person) & set(person.values())


# --- the file of decisions -------------------------------------------------------------------------------------------


@given(
    names=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8"), max_size=9), st.text(st.characters(codec="utf-8"), max_size=9)
        ).filter(lambda pair: pair[0] != pair[1]),
        max_size=6,
    )
)
def test_any_name_survives_the_file(tmp_path_factory, names):
    file = tmp_path_factory.mktemp("people") / "decisions.csv"
    frame = decided(*[same(a, b, score=87.5) for a, b in names])
    people.write_rows(file, frame)
    pd.testing.assert_frame_equal(people.read_decisions(file), frame, check_dtype=False)


def test_names_that_look_like_missing_values_survive_the_file(tmp_path):
    people.write_rows(tmp_path / "decisions.csv", decided(same("NA", "null"), same("", "nan")))
    assert people.read_decisions(tmp_path / "decisions.csv")[["a", "b"]].to_numpy().tolist() == [
        ["NA", "null"],
        ["", "nan"],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\nsecret,x\n", "without the columns decision"),
        ("a,b,decision\nsecret,x,yes\n", "row 2: expected a decision of same, different, unsure"),
        ("a,b,decision,score\nsecret,x,same,101\n", "row 2: expected a score"),
        ("a,b,decision,score\nsecret,x,same,high\n", "row 2: expected a score"),
        ("a,b,decision\nsecret,secret,same\n", "row 2: a name is paired with itself"),
        ("a,b,decision\nsecret,x,same,1,2\n", "row 2: as many fields"),
        ("a,b,decision\nsecret,x\n", "row 2: as many fields"),
    ],
)
def test_a_wrong_row_is_told_in_one_line_without_the_name(tmp_path, text, told):
    file = tmp_path / "decisions.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(people.PeopleError, match=told) as error:
        people.read_decisions(file)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_refused_merge_waits_for_a_person():
    rows = decided(
        same("a", "c", people.AUTOMATIC, 95), same("c", "b", people.AUTOMATIC, 95), ("a", "b", "different", "me", None)
    )
    pairs = pd.DataFrame({"a": ["a", "a", "b"], "b": ["b", "c", "c"], "score": [99.0, 95.0, 95.0]})
    near = people.near_misses(pairs, rows, people.merge(None, rows))
    assert near[["a", "b"]].to_numpy().tolist() == [["a", "c"], ["b", "c"]]


def test_bytes_that_are_no_text_are_told(tmp_path):
    (tmp_path / "decisions.csv").write_bytes(b"a,b,decision\n\xff,x,same\n")
    with pytest.raises(people.PeopleError, match="UTF-8"):
        people.read_decisions(tmp_path / "decisions.csv")


# --- candidates on a snapshot ----------------------------------------------------------------------------------------


def commit(repo, *authors, date="2023-01-01"):
    return {"kind": "model", "repo_id": repo, "date": date, "authors": list(authors)}


def repository(repo_id):
    return {"kind": "model", "repo_id": repo_id, "owner": repo_id.split("/")[0], "created_at": "2022-01-01"}


@pytest.fixture
def small(write_snapshot, tmp_path, monkeypatch):
    """Jessica Smith works under two names in one repository, and under a third far away; a stranger has a like name."""
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path))
    repos = ["lab/one", "lab/two", "jsmith/three", "x/four", *(f"o{i}/r" for i in range(30))]
    commits = [
        commit("lab/one", "jessica-smith"),
        commit("lab/one", "Jessica Smith", date="2023-01-02"),
        commit("jsmith/three", "Jessica Smith"),
        commit("jsmith/three", "jsmith"),
        commit("lab/two", "maria-gonzales", "ben"),
        commit("x/four", "Maria Gonzales"),
        commit("lab/two", "root"),
        commit("x/four", "Root"),
        *(commit(f"o{i}/r", "everywhere") for i in range(30)),
        *(commit(f"o{i}/r", "root") for i in range(30)),
    ]
    snapshot = write_snapshot({"repos": [repository(r) for r in repos], "commits": commits}, directory=tmp_path)
    return Hub(snapshot, Parameters(snapshot_date=snapshot.name))


def of(frame, a, b):
    return frame[(frame["a"] == a) & (frame["b"] == b)].iloc[0]


def test_names_that_meet_gain_and_names_that_never_meet_lose(small):
    frame = candidates.candidates(small)
    together = of(frame, "Jessica Smith", "jessica-smith")
    assert together["parts"] == "letters 100; share a repository +6"
    assert (together["score"], together["shared_repositories"], together["days_apart"]) == (100, 1, 1)
    assert together["passes"] == "repository, real name, spelling"
    owned = of(frame, "Jessica Smith", "jsmith")
    assert owned["parts"] == "letters 100; initials and surname -8; works in the other's repository +10"
    apart = of(frame, "Maria Gonzales", "maria-gonzales")
    assert (apart["score"], apart["parts"]) == (88, "letters 100; never meet -12")


def test_a_shared_machine_name_is_never_merged(small):
    found = of(candidates.candidates(small), "Root", "root")
    assert found["score"] <= 60


def test_bots_are_no_candidates(write_snapshot):
    rows = [commit("a/b", "SFconvertbot"), commit("a/b", "SF convertbot")]
    snapshot = write_snapshot({"repos": [repository("a/b")], "commits": rows})
    assert candidates.candidates(Hub(snapshot, Parameters())).empty


def test_the_authors_keep_one_name_of_those_that_are_equal(write_snapshot):
    rows = [commit("a/b", "annlee"), commit("a/b", "Ann-Lee"), commit("a/b", "annlees")]
    snapshot = write_snapshot({"repos": [repository("a/b")], "commits": rows})
    corrected = candidates.candidates(Hub(snapshot, Parameters()))
    authors = candidates.candidates(Hub(snapshot, Parameters()), conventions="authors")
    assert corrected["passes"].str.contains("repository").sum() == 3
    assert authors["passes"].str.contains("repository").sum() == 1


def test_suspects_are_listed_and_stay_people(small):
    frame = candidates.suspects(candidates.evidence(small))
    assert frame["name"].tolist() == ["root", "everywhere"]  # 31 repositories and 30
    assert frame["listed"].tolist() == [False, False]
    assert not small.identities["is_bot"].any()


def test_candidates_of_a_snapshot_without_commits_are_none(write_snapshot):
    snapshot = write_snapshot({"usage": [{"space_id": "a/s", "model_id": "a/m"}]})
    hub = Hub(snapshot, Parameters())
    assert candidates.candidates(hub).empty
    assert candidates.suspects(candidates.evidence(hub)).empty


def test_hostile_names_on_a_snapshot_merge_no_strangers(write_snapshot):
    names = [name[:512] for name in HOSTILE if name.strip()]
    rows = [commit(f"a/{n}", name) for n, name in enumerate(names)] + [commit("a/all", *names)]
    repos = [repository(row["repo_id"]) for row in rows]
    frame = candidates.candidates(Hub(write_snapshot({"repos": repos, "commits": rows}), Parameters()), threshold=80)
    assert (frame["score"] < 90).all()


# --- the commands ----------------------------------------------------------------------------------------------------


def command(*arguments, answers=""):
    done = CliRunner().invoke(app, list(arguments), input=answers, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_candidates_decisions_review_and_log(small):
    name = small.snapshot.name
    folder = people.directory(name)
    command("candidates", name)
    summary = command("decide", name)
    assert "names merged: 2" in summary
    assert "essica" not in summary  # counts, no names
    log = people.read_rows(folder / "log.csv", ["person", "a", "b", "by", "note"])
    assert {(row["a"], row["b"], row["by"]) for row in log} == {
        ("Jessica Smith", "jessica-smith", "automatic"),
        ("Jessica Smith", "jsmith", "automatic"),
    }
    near = people.read_rows(folder / "near_misses.csv", ["a", "b"])
    assert [(row["a"], row["b"]) for row in near] == [("Maria Gonzales", "maria-gonzales")]

    before = (folder / "decisions.csv").read_bytes()
    assert "1 pairs wait" in command("review", name, answers="q\n")
    assert "1 pairs wait" in command("review", name, answers="")  # the end of the input leaves too
    assert (folder / "decisions.csv").read_bytes() == before
    side_by_side = command("review", name, "--by", "me", answers="?\ns\n")
    assert "lab/two" in side_by_side
    assert "x/four" in side_by_side
    assert "no pair left" in command("review", name)
    assert "names merged: 3" in command("decide", name)  # what a person decided stays
    assert people.read_decisions(folder / "decisions.csv")["by"].tolist().count("me") == 1


def test_the_same_input_gives_the_same_bytes(small):
    def run():
        command("candidates", small.snapshot.name)
        command("decide", small.snapshot.name)
        folder = people.directory(small.snapshot.name)
        return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}

    assert run() == run()


def test_the_automatic_decisions_of_an_earlier_run_are_replaced(small):
    name = small.snapshot.name
    command("candidates", name)
    assert "names merged: 3" in command("decide", name, "--threshold", "80")
    assert "names merged: 2" in command("decide", name, "--threshold", "99")


def test_decisions_lie_beside_the_snapshot_which_stays_as_it_was(small):
    before = {file.name: file.read_bytes() for file in small.snapshot.path.iterdir()}
    command("candidates", small.snapshot.name)
    command("decide", small.snapshot.name)
    assert {file.name: file.read_bytes() for file in small.snapshot.path.iterdir()} == before
    assert len(people.digest_of(small.snapshot)) == 64
    assert people.decisions_of(small.snapshot)["decision"].tolist() == ["same", "same"]


def test_a_terminal_sees_no_control_characters():
    assert shown("a\x1b[31m\u202eb\n") == "a⟨U+001B⟩[31m⟨U+202E⟩b⟨U+000A⟩"
    assert len(shown("x" * 10_000)) < 400


# --- sensitivity -----------------------------------------------------------------------------------------------------


def test_findings_move_as_names_are_merged(small):
    command("candidates", small.snapshot.name)
    command("decide", small.snapshot.name)
    found = sensitivity.sensitivity(small, thresholds=(80, 100)).value
    frame = found.query("bots == 'exclude'").set_index(["rule", "threshold"])
    merged = frame["merged"]
    assert merged[("no merging", float("nan"))] == 0
    assert merged[("as run", 90)] == 2
    assert merged[("study", 100)] >= 1
    assert (frame["names"] == 9).all()
    assert (frame["developers"] == 9 - frame["merged"]).all()
    # lab/one has two authors before and one after: 34 repositories, and one author less in two of them
    assert frame["models.n_committers"].iloc[0] - frame.loc[("as run", 90), "models.n_committers"] == pytest.approx(
        2 / 34
    )


def test_results_hold_no_username(small):
    frame = sensitivity.sensitivity(small, thresholds=(90,))
    names = set(small.identities["alias"]) - {"root"}
    assert not [key for key in sensitivity.results(frame).value if any(name in key for name in names)]


def test_every_variant_is_what_the_ordinary_road_gives(demo):
    """The oracle: engine and network under the same merges, name by name."""

    from analysis import network
    from analysis.engine import activity, edges

    frame = sensitivity.sensitivity(Hub(demo, Parameters()), thresholds=()).value
    for bots in ("exclude", "include"):
        for identities, _rule in (("merged", "as run"), ("raw", "no merging")):
            hub = Hub(demo, Parameters(bots=bots, identities=identities))
            row = frame.query("bots == @bots and rule == @_rule").iloc[0]
            everyone = network.graph(edges(hub).value)
            wanted = network.developers(everyone) | network.core_results(network.core_table(everyone))
            known = {n: v for n, v in wanted.items() if v is not None and not n.endswith("_weighted")}
            assert len(known) > 30
            assert {name: row[name] for name in known} == pytest.approx(known, rel=1e-12)
            assert all(pd.isna(row[name]) for name, value in wanted.items() if value is None)
            for kind in ("model", "dataset", "space"):
                counts = activity(hub, kind).value
                for variable in sensitivity.PEOPLE_COUNTS:
                    assert row[f"{kind}s.{variable}"] == pytest.approx(counts[variable].mean(), rel=1e-12)


def test_a_name_merged_with_a_bot_leaves_every_variant(write_snapshot):
    rows = [commit("a/b", "converter", "ann"), commit("a/b", "ben")]
    table = [{"alias": "converter", "person": "SFconvertbot"}]
    snapshot = write_snapshot({"repos": [repository("a/b")], "commits": rows, "people": table})
    frame = sensitivity.sensitivity(Hub(snapshot, Parameters()), thresholds=()).value.set_index(["rule", "bots"])
    assert frame["developers"].to_dict() == {
        ("no merging", "exclude"): 3,
        ("no merging", "include"): 3,
        ("as run", "exclude"): 2,
        ("as run", "include"): 3,
    }


def test_counts_are_whole_where_a_level_was_measured_under_some_merges_alone():
    """The inner cores are those of the first two variants: beside rows without them their counts are whole numbers still."""
    frame = pd.DataFrame(
        {
            "rule": ["no merging", "ours"],
            "threshold": [float("nan"), 90.0],
            "bots": "exclude",
            "names": [3, 3],
            "k5.nodes": [7, None],
        }
    )
    found = sensitivity.results(frame)
    ids = ("no-merging-bots-excluded.names", "no-merging-bots-excluded.k5.nodes", "ours-90-bots-excluded.names")
    assert found == dict(zip(ids, (3, 7, 3), strict=True))
    assert type(found["no-merging-bots-excluded.k5.nodes"]) is int


def test_sensitivity_of_a_snapshot_without_people_is_not_covered(write_snapshot):
    snapshot = write_snapshot({"usage": [{"space_id": "a/s", "model_id": "a/m"}]})
    hub = Hub(snapshot, Parameters())
    known = sensitivity.sensitivity(hub)
    frame = known.value
    assert known.absent == {"": "the snapshot has no list of models"}
    assert (frame["names"] == 0).all()
    assert (frame["developers"] == 0).all()
    assert set(sensitivity.reasons(hub)) == {"models", "datasets", "spaces", *sensitivity.PEOPLE_COUNTS}
    assert len(sensitivity.printed(frame)) == len(frame)
    assert sensitivity.figure(known).value[1].empty


def test_author_names_are_read_in_the_engine_and_the_candidates_only():
    """Everything that counts people goes through `identities`: no other module touches a column of names."""
    import re

    from analysis import paths

    readers = {
        file.name
        for file in sorted((paths.ROOT / "analysis").rglob("*.py"))
        if "sources" not in file.parts and re.search(
            r"\b(commits|discussions)\b.*\.(authors?)\b|_\.authors?\b|name=\"authors?\"", file.read_text("utf-8")
        )
    }
    assert readers == {"engine.py", "candidates.py"}
    engine = (paths.ROOT / "analysis" / "engine.py").read_text("utf-8")
    reading = r"_(author|starter)_names\(|\.authors?\b|=\"authors?\"\)"
    parts = [part for part in re.split(r"\n(?=def |@dataclass)", engine) if re.search(reading, part)]
    assert [part.split("\n")[1] for part in parts] == ["class Hub:"]


def test_no_number_is_cut_where_the_terminal_is_narrow(demo):
    """The network with and without merging has twelve columns, and stands whole in 80."""
    done = CliRunner().invoke(app, ["effect", demo.name], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    assert "\u2026" not in done.stdout and max(map(len, done.stdout.splitlines())) <= 80
    for state in ("no merging", "as run"):
        assert state in done.stdout

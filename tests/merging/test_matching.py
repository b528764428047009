"""How names are compared: normalisation, the study's rule, blocks of like length, and spellings with their parts."""

import itertools
import string
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler, LCSseq

from analysis import people
from analysis.merging import matching, neighbours
from analysis.merging import score as people_score

words = st.text(st.sampled_from("abcAB 12-_éж李"), max_size=9)


def score_of(a, b, *others):
    """Our score of a pair, with other names around; None where the rule proposes nothing."""
    frame = matching.proposals([a, b, *others])
    found = frame[(frame["i"] == 0) & (frame["j"] == 1)]
    return None if found.empty else found["score"].iloc[0]


# --- normalisation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Jessica Smith", "jessicasmith"),
        ("jessica-smith_", "jessicasmith"),
        ("ＪＥＳＳＩＣＡ", "jessica"),  # full width: NFKC
        ("Straße", "strasse"),
        ("李 伟", "李伟"),
        ("Анна К.", "аннак"),
        ("محمد علي", "محمدعلي"),
        ("हिन्दी", "हिन्दी"),  # marks of the script are part of the letter
        ("e\u0301", "é"),
        ("...", ""),
        ("👩‍💻🧪", ""),
        ("", ""),
    ],
)
def test_letters_of_every_script_stay_and_punctuation_goes(name, key):
    assert matching.normalised(name) == key


def test_only_latin_letters_lose_their_marks():
    assert matching.folded("félixøł") == "felixol"
    assert matching.folded("й") == "й"
    assert matching.folded("हिन्दी") == "हिन्दी"


@given(st.text(max_size=20))
def test_normalising_twice_changes_nothing(name):
    once = matching.normalised(name)
    assert matching.normalised(once) == once


def test_the_studys_scripts_drop_punctuation_spaces_and_latin_accents():
    assert matching.as_study("Félix-M. von_X") == "flixmvonx"
    assert matching.as_study("Анна К.") == "аннак"
    assert matching.as_study("a👩b") == "a b"


# --- pairs above a threshold -----------------------------------------------------------------------------------------


def plain(names, rule):
    """The same by the definition: every pair, one call each."""
    normal = matching.as_study if rule == "study" else matching.normalised
    keys = [normal(name) for name in names]

    def similarity(a, b):
        if not a or not b:
            return 0.0
        if rule == "study":
            return float(round(fuzz.token_set_ratio(a, b)))
        return fuzz.ratio(a, b) if rule == "ratio" else 100 * JaroWinkler.normalized_similarity(a, b)

    pairs = itertools.combinations(range(len(keys)), 2)
    return {(i, j): similarity(keys[i], keys[j]) for i, j in pairs}


@given(
    names=st.lists(words, max_size=12), rule=st.sampled_from(["study", "ratio", "jaro-winkler"]), t=st.integers(50, 100)
)
def test_blocks_of_like_length_miss_no_pair(names, rule, t):
    found = matching.similarity_pairs(names, rule, threshold=t, workers=1)
    expected = {pair: value for pair, value in plain(names, rule).items() if value >= t - 1e-6}
    assert dict(zip(zip(found["i"], found["j"], strict=True), found["similarity"], strict=True)) == pytest.approx(
        expected
    )


@given(left=st.lists(words, max_size=8), right=st.lists(words, max_size=8), rule=st.sampled_from(["study", "ratio"]))
def test_two_lists_are_compared_each_with_each(left, right, rule):
    normal = matching.as_study if rule == "study" else matching.normalised
    found = matching.pairs_alike(
        list(map(normal, left)), list(map(normal, right)), threshold=80, scorer=rule, workers=1
    )
    both = plain([*left, *right], rule)
    expected = {(i, j): both[i, len(left) + j] for i in range(len(left)) for j in range(len(right))}
    expected = {pair: value for pair, value in expected.items() if value >= 80 - 1e-6}
    assert dict(zip(zip(found["i"], found["j"], strict=True), found["similarity"], strict=True)) == pytest.approx(
        expected
    )


longer = st.text(st.sampled_from("abcé"), max_size=14)


@given(
    left=st.lists(longer, min_size=1, max_size=8), right=st.lists(longer, max_size=8), rule=st.sampled_from(["study", "ratio"]),
    t=st.sampled_from([50, 65, 80, 90, 100]), same=st.booleans(),
)  # fmt: skip
def test_shortened_names_meet_wherever_names_are_alike(left, right, rule, t, same):
    """All pairs of many names are told by what is left of the names without a few letters; the oracle compares each pair."""
    normal = matching.as_study if rule == "study" else matching.normalised
    keys, others = list(map(normal, left)), left if same else list(map(normal, right))
    both = plain([*left, *(() if same else right)], rule)
    pairs = both if same else {(i, len(left) + j) for i in range(len(left)) for j in range(len(right))}
    shift = 0 if same else len(left)
    expected = {(i, j - shift): both[i, j] for i, j in pairs if both[i, j] >= t - 1e-6}
    with patch.object(matching, "MANY_PAIRS", 0), patch.object(matching.neighbours, "_PER_PAIR", 10**12):
        found = matching.pairs_alike(keys, None if same else others, threshold=t, scorer=rule, workers=1)
    assert dict(zip(zip(found["i"], found["j"], strict=True), found["similarity"], strict=True)) == pytest.approx(expected)


@given(one=longer, other=longer, share=st.sampled_from([0.5, 0.795, 0.8, 0.9, 1.0]))
def test_names_that_are_alike_have_so_many_letters_in_common(one, other, share):
    common = LCSseq.similarity(one, other)
    if one and other and 2 * common / len(one + other) >= share:
        assert common >= neighbours.in_common(len(one), len(other), share)


def test_a_letter_more_and_one_fewer_are_found_by_hand():
    assert neighbours.in_common(9, 9, 0.8) == 8  # of 18 letters 3.6 may go: 2, one of each name
    assert neighbours.in_common(9, 10, 0.8) == 8  # of 19 letters 3.8: 3
    names = ["abcdefghi", "abcdefghx", "xbcdefghi", "ihgfedcba"]
    assert [ends.tolist() for ends in neighbours.near(names[:1], names, 0.8)] == [[0, 0, 0], [0, 1, 2]]


def test_what_takes_longer_than_comparing_is_not_shortened():
    assert neighbours.is_quicker(2_000, 9, 100_000, 9, 0.8)
    assert not neighbours.is_quicker(10, 9, 10, 9, 0.8)
    assert not neighbours.is_quicker(100, 40, 100, 40, 0.5)  # C(40, 20) ways


def test_the_study_rounds_to_whole_numbers():
    a, b = "a" * 17 + "xy", "a" * 17 + "zw"  # 2 * 17 / 38 = 89.47
    c, d = "a" * 17 + "xyz", "a" * 17 + "x"  # 2 * 18 / 38 = 94.7
    assert matching.similarity_pairs([a, b], "study", threshold=89)["similarity"].tolist() == [89.0]
    assert matching.similarity_pairs([a, b], "study", threshold=90).empty
    assert matching.similarity_pairs([c, d], "study", threshold=95)["similarity"].tolist() == [95.0]
    assert matching.similarity_pairs([c, d], "ratio", threshold=95).empty


def test_too_many_pairs_are_refused_and_say_what_to_do(monkeypatch):
    monkeypatch.setattr(matching, "MOST_PAIRS", 2)
    with pytest.raises(ValueError, match="raise the threshold"):
        matching.similarity_pairs(["aaaa", "aaab", "aaac"], "ratio", threshold=60)


# --- our rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "name", "score"),
    [
        ("jessica-smith", "Jessica Smith", 100),
        ("jessicasmith", "Jéssica Smith", 99),  # accents 1
        ("smithjessica", "Jessica Smith", 97),  # other order 3
        ("jessicasmith", "Jessica Ann Smith", 95),  # first and last word 5
        ("jessicasmith2", "Jessica Smith", 94),  # digits 6
        ("jsmith", "Jessica Smith", 92),  # initials and surname 8
        ("jessicas", "Jessica Smith", 91),  # first name and initials 9
        ("jsmith42", "Jessica Smith", 86),  # digits 6, initials and surname 8
        ("jessica", "Jessica Smith", 78),  # one word 16, short 6
        ("o-lemaitre", "olivierlemaitre", 90),  # initial 10
    ],
)
def test_a_username_is_read_as_a_spelling_of_a_name(login, name, score):
    assert score_of(login, name) == score


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("jsmith", "jsmyth"),
        ("allen1", "allen2"),  # other digits, another person
        ("John Smith", "Jane Smith"),  # both leave something out
        ("john-smith", "john-davis"),
        ("bryan", "Ryan Kim"),
        ("", ""),
        ("...", "---"),
        ("👩‍💻", "🧪"),
    ],
)
def test_strangers_are_not_merged(a, b):
    assert (score_of(a, b) or 0) < matching.AUTOMATIC


@pytest.mark.parametrize(
    ("address", "name", "score"),
    [
        ("john.smith@example.org", "John Smith", 95),
        ("john.smith@example.org", "johnsmith", 95),
        ("1234567+johnsmith@users.noreply.github.com", "John Smith", 95),
        ("John Smith <john@example.org>", "John Smith", 95),
        ("John Smith <john@example.org>", "johnsmith", 95),
        ("jsmith@example.org", "John Smith", 87),  # and initials and surname, 8
        ("john.smith@example.org", "John.Smith@other.org", 90),  # twice 5
        ("john.smith@example.org", "John.Smith@Example.org", 100),
        ("mary.jones@example.org", "John Smith", None),
    ],
)
def test_a_mail_address_is_read_as_the_name_in_it(address, name, score):
    assert score_of(address, name) == score


def test_mail_addresses_of_machines_are_never_merged():
    assert score_of("root@ip-10-0-0-7.ec2.internal", "root") <= 60
    assert score_of("info@example.org", "info") <= 60


def test_a_spelling_that_others_share_counts_for_less():
    assert score_of("jsmith", "Jessica Smith") == 92
    assert score_of("jsmith", "Jessica Smith", "John Smith") == 92 - 12


def test_the_parts_of_a_score_add_up_to_it():
    frame = matching.proposals(
        ["jsmith42", "Jessica Smith", "root", "Root", "o-lemaitre", "olivierlemaitre", "Ann Lee", "annlee7"]
    )
    assert len(frame) == 4
    for row in frame.itertuples():
        assert sum(float(part.rsplit(" ", 1)[1]) for part in row.parts.split("; ")) == pytest.approx(row.score)


@pytest.mark.parametrize("generic", ["root", "Admin", "user", "ubuntu", "Unknown", "your-name", "root1"])
def test_names_of_many_machines_are_never_merged(generic):
    assert (score_of(generic, generic.upper() + ".") or 0) <= 60


@pytest.mark.parametrize(
    "disguised",
    ["p\u0430trickvonplaten", "patrick\u200bvonplaten", "\u202epatrickvonplaten", "patrickvonplaten\0"],
)
def test_disguised_names_are_never_merged(disguised):
    assert (score_of("patrickvonplaten", disguised) or 0) <= 80


HOSTILE = ["", " ", "x" * 10_000, "x " * 5_000, "👩‍💻🧪", "\u202egnp.exe", "אבגד", "e\u0301", ".*", "(?:", "\\", "line\nbreak",
           "\0", "ǅ", "İ", "…" * 50, "a" * 129, "李伟", "- - - -", "O'O'O'O"]  # fmt: skip


def test_hostile_names_neither_crash_nor_merge_strangers():
    frame = matching.proposals(HOSTILE)
    assert frame[frame["score"] >= matching.AUTOMATIC].empty
    for rule in ("study", "ratio", "jaro-winkler"):
        matching.similarity_pairs(HOSTILE, rule, threshold=80)


def test_a_thousand_spellings_of_one_name_stay_few_pairs():
    names = ["a" + "." * n + "bcdefghij" for n in range(1000)]
    frame = matching.proposals(names)
    assert len(frame) < 2 * len(names)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=8, unique=True))
def test_proposals_depend_on_the_names_alone(names):
    def told(given):
        frame = matching.proposals(given)
        return {(frozenset((given[r.i], given[r.j])), r.rule, r.score, r.parts) for r in frame.itertuples()}

    assert told(names) == told(names[::-1])
    frame = matching.proposals(names)
    assert (frame["i"] < frame["j"]).all()
    assert frame["score"].between(0, 100).all()


# --- scoring ---------------------------------------------------------------------------------------------------------


def gold(*rows):
    return pd.DataFrame(rows, columns=["person", "kind", "alias"])


def test_precision_recall_and_f1_of_counted_pairs():
    found = people_score.measures({(0, 1), (2, 3), (4, 5), (6, 7)}, {(0, 1), (2, 3), (8, 9)})
    assert (found["precision"], found["recall"]) == (pytest.approx(2 / 3), 0.5)
    assert found["f1"] == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    for measure in ("precision", "recall", "f1"):
        assert found[f"{measure}_low"] < found[measure] < found[f"{measure}_high"]


def test_precision_of_no_prediction_is_undefined():
    assert people_score.measures({(0, 1)}, set())["precision"] is None


def test_pairs_are_counted_by_kind():
    people_ = gold(("p", "login", "jsmith"), ("p", "login", "jessica-smith"), ("p", "name", "Jessica Smith"),
                   ("q", "login", "jessicasmith"))  # fmt: skip
    frame = people_score.score(people_, rules=["ratio"], thresholds=[100]).query("basis == 'pairs'").set_index("kinds")
    assert frame.loc["login-login", ["positives", "predicted", "true"]].tolist() == [
        1,
        1,
        0,
    ]  # jessica-smith, jessicasmith
    assert frame.loc["login-name", ["positives", "predicted", "true"]].tolist() == [2, 2, 1]


def test_groups_count_the_pairs_that_merging_makes():
    people_ = gold(("p", "login", "jsmith"), ("p", "name", "Jessica Smith"), ("p", "login", "smithjessica"))
    frame = people_score.score(people_, rules=["ours"], thresholds=[90]).set_index(["basis", "kinds"])
    assert frame.loc[("pairs", "login-login"), "true"] == 0
    assert frame.loc[("groups", "login-login"), "true"] == 1  # both are the name's


@pytest.mark.parametrize("text", ["", "person,alias\na,b\n", "person,kind,alias\na,login,x\nb,login,y\n"])
def test_a_file_that_is_no_gold_file_is_refused_in_one_line(tmp_path, text):
    file = tmp_path / "gold.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(people.PeopleError, match="gold.csv: .*") as error:
        people_score.read_gold(file)
    assert "\n" not in str(error.value)


def test_names_that_look_like_missing_values_are_names(tmp_path):
    file = tmp_path / "gold.csv"
    file.write_text("person,kind,alias\na,login,NA\na,login,null\na,local,x\n", encoding="utf-8")
    assert people_score.read_gold(file)["alias"].tolist() == ["NA", "null"]


def test_kept_counts_give_the_same_measures(tmp_path):
    rows = [(str(p), "login", f"{c * 6}{d}") for p, c in enumerate(string.ascii_lowercase[:6]) for d in ("", "1")]
    scored = people_score.score(gold(*rows), rules=["ratio"], thresholds=[80, 95])
    kept = people_score.saved(people_score.save(scored, tmp_path / "kept.csv")).value
    pd.testing.assert_frame_equal(kept[list(scored.columns)], scored, check_dtype=False)


@pytest.mark.dumps
@pytest.mark.parametrize("kinds", ["login-login", "login-name"])
def test_our_rule_beats_the_studys_on_hand_checked_aliases(dumps, kinds):
    file = dumps / "identities-gold.csv.gz"
    if not file.is_file():
        pytest.skip("HUB_DUMPS has no identities-gold.csv.gz")
    frame = people_score.score(people_score.read_gold(file), rules=["study", "ours"], thresholds=[90])
    frame = frame[(frame["kinds"] == kinds) & (frame["basis"] == "pairs")].set_index("rule")
    assert frame.loc["ours", "precision"] > frame.loc["study", "precision"]
    assert frame.loc["ours", "recall"] > frame.loc["study", "recall"]
    assert np.isfinite(frame.loc["ours", "f1_low"])


def test_the_halves_share_no_person_and_do_not_depend_on_the_order():
    rows = gold(*[(str(p), kind, f"{kind}{p}") for p in range(40) for kind in ("login", "name")])
    first, second = people_score.halves(rows)
    assert not set(first["person"]) & set(second["person"])
    assert len(first) + len(second) == len(rows)
    assert min(len(first), len(second)) > 10
    again = people_score.halves(rows[::-1].reset_index(drop=True))[0]
    assert set(again["person"]) == set(first["person"])


def test_a_threshold_is_chosen_on_one_half_and_scored_on_the_other():
    pairs = [
        (str(p), "login", f"{chr(97 + p % 26) * 9}{chr(97 + p // 26) * 3}{end}")
        for p in range(60)
        for end in ("", "zz")
    ]
    found = people_score.held_out(gold(*pairs), rules=["ratio"]).set_index(["part", "kinds"])
    assert found["threshold"].nunique() == 1
    first, second = people_score.halves(gold(*pairs))
    assert found.loc[("chosen on", "login-login"), "positives"] == len(first) / 2
    assert found.loc[("held out", "login-login"), "positives"] == len(second) / 2


@given(st.text("abcgit019", min_size=1, max_size=12))
def test_a_plain_name_is_spelt_as_one_whose_letters_had_to_be_looked_for(text):
    """A space at its end is no letter, and sends it the longer way."""
    assert matching.spellings(matching.Name(text)) == matching.spellings(matching.Name(text + " "))


@given(st.lists(st.text("ab", max_size=3), max_size=12))
def test_only_names_that_share_a_spelling_are_spelt_twice(texts):
    known = [matching.Name(text) for text in texts]
    words = [set(matching.spellings(name)) for name in known]
    expected = [i for i, own in enumerate(words) if any(own & other for j, other in enumerate(words) if i != j)]
    assert matching._sharing(known, matching.spellings) == expected

"""Whether a finding stands, as the paper says it: the verdict follows the tests, whatever the values look like."""

import pytest

from analysis import report, templates

TEST = "rq1.models.mannwhitney.n_likes.permissive_vs_restrictive.p_holm"
COEFFICIENTS = ("pearson", "without_top", "on_logs", "spearman", "kendall")


def said(macro: str, *arguments: str, **results) -> str:
    """What a macro of the findings says of these results, as plain words."""
    about = {"notebook": "robustness", "cell": 1}
    about |= {"why": report.UNDEFINED}
    entries = {name: {"value": value, **about} for name, value in results.items()}
    made = templates.environment(templates.LatexWords(entries), results=entries)
    module = made.get_template("findings/robustness.j2").make_module({"results": entries})
    return " ".join(getattr(module, macro)(*arguments).replace(templates.EMPTY, "").split())


def groups(p_holm: float, over_all: float, within: float | None = None, p_within: float | None = None) -> dict:
    return {
        TEST: p_holm, "robustness.strata.all_models.n_likes": over_all,
        "robustness.strata.same_of_all_three.n_likes": within, "robustness.strata_p.same_of_all_three.n_likes": p_within,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (groups(0.3, 0.6, 0.6, 0.001), "No: the adjusted test does not tell the groups apart in likes."),
        (groups(0.05, 0.6, 0.6, 0.001), "No: the adjusted test does not tell the groups apart in likes."),
        (groups(0.3, 0.6), "No: the adjusted test does not tell the groups apart in likes."),
        (groups(0.01, 0.6, 0.55, 0.01), "Yes, among models of a kind too."),
        (groups(0.01, 0.4, 0.45, 0.01), "Yes, among models of a kind too."),
        (groups(0.01, 0.6, 0.55, 0.2), "In part: among models of a kind a test does not tell the groups apart."),
        (groups(0.01, 0.6, 0.45, 0.01), "Not among models of a kind."),
        (groups(0.01, 0.6, 0.45, 0.5), "Not among models of a kind."),
        (groups(0.01, 0.6), ""),
    ],
)
def test_groups_that_a_test_does_not_tell_apart_have_no_finding_that_could_stand(results, verdict):
    assert said("same_order", **results) == verdict


def ends(**given: tuple[float | None, float | None]) -> dict:
    known = dict.fromkeys(COEFFICIENTS, (0.1, 0.3)) | given
    named = "robustness.correlation.models.a.b"
    return {f"{named}.{kind}_{end}": pair[place] for kind, pair in known.items() for place, end in enumerate(("low", "high"))}


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (ends(), "Yes, in its sign."),
        (ends(**dict.fromkeys(COEFFICIENTS, (-0.3, -0.1))), "Yes, in its sign."),
        (ends(without_top=(-0.1, 0.3)), "In part: the interval without the top holds zero."),
        (ends(pearson=(0, 0.3), kendall=(-0.1, 0)), "In part: the interval of Pearson's and of Kendall's holds zero."),
        (ends(on_logs=(-0.3, -0.1)), "Not in its sign."),
        (ends(**dict.fromkeys(COEFFICIENTS, (-0.1, 0.1))), "No: the interval of every coefficient holds zero."),
        (ends(kendall=(None, None)), ""),
    ],
)
def test_a_coefficient_whose_interval_holds_zero_has_no_sign(results, verdict):
    assert said("one_sign", "a.b", **results) == verdict


def drawn(observed: float, defined: int = 99, **readings: str) -> dict:
    known = {"observed": observed, "defined": defined}
    return {
        f"robustness.null.{model}.all.recip.{what}": value
        for model, reading in readings.items()
        for what, value in (known | {"reading": reading}).items()
    }


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (drawn(0.3, degrees="above", seats="above"), "Yes, beyond both null models."),
        (drawn(-0.3, degrees="below", seats="below"), "Yes, beyond both null models."),
        (drawn(0.3, degrees="above", seats="among"), "In part: beyond one null model, not beyond the other."),
        (drawn(0.3, degrees="above", seats="below"), "In part: beyond one null model, not beyond the other."),
        (drawn(0.3, degrees="below", seats="among"), "Not beyond the null models."),
        (drawn(0.3, degrees="above"), ""),
        (drawn(0.3, defined=18, degrees="above", seats="above"), ""),
    ],
)
def test_a_measure_stands_beyond_the_draws_of_both_null_models_on_its_own_side(results, verdict):
    assert said("beyond", "recip", **results) == verdict


@pytest.mark.parametrize(
    ("observed", "highest", "verdict"),
    [
        (0.85, 0.84, "Yes, beyond both null models."),
        (0.85, 0.85, "In part: beyond both null models, not beyond leaders drawn anew in each model."),
        (0.85, None, "Yes, beyond both null models."),
    ],
)
def test_reciprocity_that_leaders_drawn_anew_give_too_stands_in_part(observed, highest, verdict):
    rule = {"rq2.all.edge_rule.observed": observed, "rq2.all.edge_rule.null_high": highest}
    assert said("reciprocal", "recip", **rule, **drawn(observed, degrees="above", seats="above")) == verdict
    among = drawn(observed, degrees="above", seats="among")
    assert said("reciprocal", "recip", **rule, **among) == "In part: beyond one null model, not beyond the other."

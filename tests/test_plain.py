"""Both ways of every stage give the same results; on the demo snapshot, which has every table."""

import numpy as np
import pandas as pd
import pytest

from tests import plain


@pytest.fixture(scope="module")
def inputs(demo, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(demo.path.parent))
        yield plain.Inputs(demo.name, tmp_path_factory.mktemp("work"))


@pytest.mark.parametrize("stage", plain.STAGES)
def test_both_ways_of_a_stage_agree(inputs, stage):
    both = plain.STAGES[stage]
    ours, theirs = (both.in_one_form(way(inputs)) for way in (both.ours, both.plain))
    assert len(ours) > 0
    plain.assert_same(ours, theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (1.0, 1.0 + 1e-8),
        (float("nan"), 0.0),
        (3, 4),
        ({"a": 1}, {"b": 1}),
        ([1, 2], [1]),
        (pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"x": [1.0, 2.00001]})),
        (pd.DataFrame({"x": [1.0, np.nan]}), pd.DataFrame({"x": [1.0, 0.0]})),
        (pd.DataFrame({"x": [1]}), pd.DataFrame({"y": [1]})),
    ],
)
def test_a_difference_is_found_wherever_it_is(ours, theirs):
    with pytest.raises(AssertionError, match="result, deep"):
        plain.assert_same({"deep": ours}, {"deep": theirs})


def test_the_last_digits_of_a_float_are_no_difference():
    plain.assert_same({"a": {"b": 0.1 + 0.2, "c": float("nan")}}, {"a": {"b": 0.3, "c": float("nan")}})

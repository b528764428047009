"""The benchmark's two ways of every stage give the same results; on the demo snapshot, which has every table."""

import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest

from analysis import paths

_SPEC = importlib.util.spec_from_file_location("bench", paths.ROOT / "tests" / "bench" / "bench.py")
bench = importlib.util.module_from_spec(_SPEC)
sys.modules["bench"] = bench  # dataclasses look their module up
_SPEC.loader.exec_module(bench)

IN_SECONDS = [name for name, stage in bench.STAGES.items() if stage.computes]


@pytest.fixture(scope="module")
def inputs(demo, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(demo.path.parent))
        yield bench.Inputs(demo.name, tmp_path_factory.mktemp("work"))


@pytest.mark.parametrize("stage", IN_SECONDS)
def test_both_ways_of_a_stage_agree(inputs, stage):
    both = bench.STAGES[stage]
    ours, plain = (both.same(side(inputs)()) for side in (both.ours, both.plain))
    assert len(ours) > 0
    assert bench.differences(ours, plain) == []


@pytest.mark.parametrize(
    ("ours", "plain"),
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
def test_a_difference_is_found_wherever_it_is(ours, plain):
    assert bench.differences({"deep": [ours]}, {"deep": [plain]})


def test_the_last_digits_of_a_float_are_no_difference():
    assert bench.differences({"a": [0.1 + 0.2, float("nan")]}, {"a": [0.3, float("nan")]}) == []

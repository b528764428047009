"""parameters.py: everything is checked before a notebook starts, and a run's directory says what it ran."""

import ast
from dataclasses import asdict

import pytest

from analysis import parameters, paths, run
from analysis.parameters import ParameterError, Parameters, check, parse


@pytest.mark.parametrize("name", run.ALL)
def test_each_notebook_declares_the_same_parameters_and_defaults(name):
    source = (paths.NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
    cell = source.split('# %% tags=["parameters"]')[1].split("# %%")[0]
    assigned = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(cell).body}
    assert assigned == {name: value for name, value in asdict(Parameters()).items() if name != "beside"}


def test_values_take_their_parameters_type():
    assert parse(["merge_threshold=85", "bots=include"]) == {"merge_threshold": 85.0, "bots": "include"}


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("bot=include", "did you mean bots?"),
        ("nonsense=1", "there are snapshot_date, as_of"),
        ("bots", "expected NAME=VALUE"),
        ("merge_threshold=ninety", "expected a number, such as 90"),
        ("draws=9.5", "expected a whole number, such as 99"),
    ],
)
def test_a_wrong_pair_is_refused_with_the_remedy(pair, said):
    with pytest.raises(ParameterError) as error:
        parse([pair])
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(ParameterError, match="given twice"):
        parse(["bots=include", "bots=exclude"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"bots": "some"}, "expected exclude or include"),
        ({"conventions": "mine"}, "expected corrected or authors"),
        ({"identities": "x"}, "expected merged or raw"),
        ({"merge_threshold": 101.0}, "from 0 to 100"),
        ({"merge_threshold": float("nan")}, "from 0 to 100"),
        ({"draws": 5}, "expected 19 to 9999 networks"),
        ({"engine": "postgres"}, "duckdb or a Spark URL"),
        ({"snapshot_date": "demmo"}, "did you mean demo?"),
        ({"snapshot_date": "../x"}, "no such snapshot"),
        ({"as_of": "yesterday"}, "expected an ISO date"),
        ({"as_of": "2023-10-15"}, "the day before the snapshot's date, 2023-10-15"),
        ({"as_of": "2150-01-01"}, "the day before the snapshot's date"),
        ({"as_of": "1970-01-01"}, "from 2005-04-07"),
        ({"as_of": "20230101"}, "YYYY-MM-DD"),
    ],
)
def test_a_wrong_value_is_refused_with_the_choices(values, said):
    with pytest.raises(ParameterError) as error:
        check(values)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_the_defaults_are_valid():
    assert check({}) == Parameters()


def test_a_run_that_differs_has_a_directory_of_its_own():
    assert Parameters().run_name == "demo"
    assert Parameters(as_of="2023-01-01").run_name == "demo@2023-01-01"
    changed = Parameters(conventions="authors", bots="include", identities="raw", merge_threshold=85.0)
    assert changed.run_name == "demo+authors+bots+raw-identities+threshold-85"
    assert Parameters(draws=199).run_name == "demo+draws-199"
    names = {Parameters(**{name: value}).run_name for name, value in (("bots", "include"), ("engine", "local[1]"))}
    assert len(names) == 2 and "demo" not in names


def test_only_what_differs_is_injected():
    assert Parameters().changed() == {}
    assert Parameters(bots="include").changed() == {"bots": "include"}


def test_the_directory_is_no_result():
    assert "out_dir" not in Parameters(out_dir="x").recorded()


def test_the_choices_are_the_types_of_the_parameters():
    assert set(parameters.CHOICES) <= set(asdict(Parameters()))

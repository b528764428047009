"""Fifty short hostile histories of a collection, and that they would have found what they are there to find."""

import pytest

from analysis.sources.hub import doubts, units
from analysis.sources.hub import requests as hub_requests
from tests.sources.hub import histories
from tests.sources.hub.hub_server import Hub


@pytest.fixture(scope="module")
def base(demo) -> Hub:
    return Hub(demo)


@pytest.mark.parametrize("first", range(0, 50, 10))
def test_ten_histories_end_with_the_truth_or_say_what_is_missing(base, first):
    played = [histories.play(base, seed) for seed in range(first, first + 10)]
    assert not any(each.wrong for each in played), "\n".join(histories.told(each) for each in played)
    assert sum(sum(each.done.values()) for each in played) > 50


def test_fifty_histories_hold_every_kind_of_fault():
    faults = [histories.drawn_faults(seed, run) for seed in range(50) for run in range(histories.RUNS)]
    scattered = {fault for each in faults for fault in each.rates}
    assert scattered == set(histories.SCATTERED)
    assert {fault for each in faults for *_, fault in each.storms} == set(histories.STORMS)
    listed = "cut_char gzip error_object other case clock date redirect away empty_page repeat_page 403 404 451".split()
    assert scattered >= {*listed} and any(len(each.rates) > 2 and each.storms for each in faults)


def believing(status, headers, *, has_token):
    """As if a status were the Hub's word."""
    return "gone" if status in (401, 403, 404, 451) else ""


def at_once(self, names, keep):
    """As if a refusal needed neither a second word nor an answer for others."""
    with self._journal.step():
        self._journal.write("UPDATE units SET state = 'refused' WHERE state = ?", [("doubted",)])


@pytest.mark.parametrize(
    ("owner", "name", "wrong", "first"),
    [
        (hub_requests, "_refusal", believing, 0),
        (doubts.Doubts, "settle", at_once, 43),  # the first seeds would do too, all of them after a while
        (units, "_holds_revision", lambda *given: True, 40),
    ],
)
def test_a_collector_that_believes_too_much_is_found_out(base, monkeypatch, owner, name, wrong, first):
    monkeypatch.setattr(owner, name, wrong)
    assert any(histories.play(base, seed).wrong for seed in range(first, first + 40))

"""How stages grow, as the benchmarks tell: exponents by hand, from what pytest-benchmark writes."""

import json

import pytest

from tests.bench import growth


def rows(*measured):
    return {
        "benchmarks": [
            {"group": f"{stage}, scale {scale:g}", "name": f"{side}: some MiB",
             "extra_info": {"processor_seconds": seconds, "peak_mib": peak}}
            for stage, scale, side, seconds, peak in measured
        ]
    }  # fmt: skip


def test_exponents_of_powers_are_those_powers():
    assert growth.exponent({1: 2.0, 10: 20.0}) == pytest.approx(1)
    assert growth.exponent({0.1: 3.0, 1: 300.0, 10: 30_000.0}) == pytest.approx(2)
    assert growth.exponent({1: 5.0, 4: 5.0}) == pytest.approx(0)
    assert growth.exponent({1: 5.0}) is None


def test_our_side_is_read_the_least_time_kept_and_a_steep_stage_marked(tmp_path):
    first, second, drawing = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "growth.png"
    earlier = rows(("load", 1, "ours", 4.0, 100), ("load", 1, "plain", 9.0, 900), ("cores", 1, "ours", 1, 10))
    later = rows(("load", 1, "ours", 2.0, 100), ("load", 10, "ours", 20.0, 1000), ("cores", 10, "ours", 20, 10))
    first.write_text(json.dumps(earlier))
    second.write_text(json.dumps(later))
    measured = growth.read([first, second])
    assert measured == {"load": {1: (2.0, 100), 10: (20.0, 1000)}, "cores": {1: (1, 10), 10: (20, 10)}}
    _, _, load, cores = growth.table(measured).splitlines()
    assert load == "| load | 2.0 s, 100 MiB | 20.0 s, 1,000 MiB | n^1.00 | n^1.00 |"
    assert cores == "| cores | 1.0 s, 10 MiB | 20.0 s, 10 MiB | n^1.30 * | n^0.00 |"
    growth.draw(measured, drawing)
    assert drawing.stat().st_size > 10_000

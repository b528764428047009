"""Options of the benchmarks."""


def pytest_addoption(parser):
    group = parser.getgroup("stages of a run")
    group.addoption("--scale", type=float, action="append", help="size of the twin, 1 (default) the Hub of October 2023")
    group.addoption("--stage", action="append", help="only this stage; repeatable, as --scale")
    group.addoption("--rounds", type=int, default=1, help="how often each side runs; the median is shown")
    group.addoption("--skip-plain", action="store_true", help="our side alone: nothing is compared")

"""How the Hub is asked: the quota, waiting, the token."""

import datetime as dt
import threading

import pytest

from analysis.sources.hub import requests as hub_requests
from analysis.sources.hub.requests import Quota, Stopped
from tests.sources.hub.collecting import small
from tests.sources.hub.hub_server import HubServer


def test_the_quota_is_never_exceeded(demo, collected):
    """A window of 3 seconds instead of 300; the rate is measured where it is steady, by the server.

    How much of it is used depends on how busy the machine is: that is tested with a clock of the test's own, and the
    soak's part `quota` prints it.
    """
    allowed, seconds = 90, 3
    with HubServer(small(demo, 60), quota=(allowed, seconds)) as server:
        collected(server, kinds=["models"], what=["commits", "discussions"])
        assert server.refused == 0
        steady = server.times[4:]
    rate = (len(steady) - 1) / (steady[-1] - steady[0])
    assert rate <= allowed / seconds


class Clock:
    """A clock that waiting moves on."""

    def __init__(self):
        self.now = 0.0
        self.stop = threading.Event()
        self.stop.wait = self.wait

    def wait(self, seconds):
        self.now += seconds
        return False


def told(status: int, left: int, until: int, **headers) -> tuple:
    policy = {"ratelimit": f'"api";r={left};t={until}', "ratelimit-policy": '"fixed window";"api";q=1000;w=300'}
    return status, policy | headers


def test_requests_are_spaced_evenly_within_any_window():
    clock, times = Clock(), []
    quota = Quota(has_token=True, stop=clock.stop, clock=lambda: clock.now)
    for n in range(3000):
        quota.wait()
        times.append(clock.now)
        window = clock.now // 300
        taken = sum(t // 300 == window for t in times)
        quota.told(*told(200, 1000 - taken, int(300 - clock.now % 300) + 1))
        assert taken <= 1000, n
    assert 3000 / clock.now > 0.95 * 1000 / 300


def test_what_others_use_of_the_quota_is_respected():
    clock = Clock()
    quota = Quota(has_token=True, stop=clock.stop, clock=lambda: clock.now)
    quota.wait()
    quota.told(*told(200, 2, 100))  # somebody has used the rest
    for _ in range(2):
        quota.wait()
    assert clock.now < 2
    quota.wait()
    assert 100 < clock.now < 104


@pytest.mark.parametrize(
    ("answer", "until"),
    [
        (told(429, 0, 55), 55),
        (told(429, 500, 55, **{"retry-after": "20"}), 20),
        ((429, {"retry-after": "7"}), 7),
    ],
)
def test_a_429_holds_everybody_back_for_as_long_as_it_says(answer, until):
    clock = Clock()
    quota = Quota(has_token=False, stop=clock.stop, clock=lambda: clock.now)
    quota.wait()
    quota.told(*answer)
    quota.wait()
    assert until <= clock.now < until + 4


def test_without_headers_the_documented_quota_is_kept():
    assert Quota(has_token=False, stop=threading.Event()).rate == pytest.approx(0.98 * 500 / 300)
    assert Quota(has_token=True, stop=threading.Event()).rate == pytest.approx(0.98 * 1000 / 300)


def test_a_stopped_run_waits_for_no_turn():
    stop = threading.Event()
    quota = Quota(has_token=True, stop=stop)
    quota.wait()
    stop.set()
    with pytest.raises(Stopped):
        quota.wait()


def test_retry_after_may_be_a_date():
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    found = hub_requests.retry_after({"retry-after": later.strftime("%a, %d %b %Y %H:%M:%S GMT")})
    assert 95 < found <= 100
    assert hub_requests.retry_after({"retry-after": "soon"}) == 0

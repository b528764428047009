"""How far a collection is: a bar on a terminal, lines elsewhere, and the log."""

import logging
import time
from collections import Counter
from collections.abc import Mapping

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column

from analysis.sources.hub.requests import Requests


def span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    days, hours = minutes // 1440, minutes % 1440 // 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _counted(reasons: Mapping[str, int]) -> str:
    """The three that are most frequent."""
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    others = [f"{len(most) - 3} other reasons {sum(count for _, count in most[3:]):,}"] if len(most) > 4 else []
    return ", ".join([f"{why} {count:,}" for why, count in most[: 3 if others else 4]] + others)


class _Bars(Progress):
    """Leaves room for the ^C that a terminal echoes: at the edge it would begin a line that nobody has counted."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(super().get_renderable(), options.update_width(options.max_width - 3))

    def get_renderable(self) -> "_Bars":
        return self


class Shown:
    """Progress on stderr and in the log: a bar on a terminal, else a line every 10 seconds."""

    def __init__(self, shown: bool, log: logging.Logger, requests: Requests):
        self._log, self._requests = log, requests
        self._console = Console(stderr=True, quiet=not shown, markup=False, highlight=False)
        self._console.soft_wrap = not self._console.is_terminal  # a terminal's lines are broken between words
        whole, rest = Column(no_wrap=True), Column(ratio=1, overflow="fold")
        columns = (
            TextColumn("{task.description}", markup=False, table_column=whole),
            BarColumn(bar_width=10),
            MofNCompleteColumn(table_column=whole),
            TextColumn("{task.fields[more]}", markup=False, table_column=rest),
        )
        is_drawn = shown and self._console.is_terminal
        self._bar = _Bars(*columns, console=self._console, expand=True) if is_drawn else None
        self._title, self._total, self._done, self._reasons = "", None, 0, Counter()
        self._is_over = False
        self._task, self._sent, self._began, self._told = None, 0, 0.0, 0.0

    def __enter__(self):
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *error):
        self._is_over = True
        if self._title:
            self._tell()
        if self._bar:
            self._bar.stop()

    def begin(self, title: str, total: int | None) -> None:
        """A part begins; `total` is how many steps it has, None where that is not known."""
        if self._title:
            self._tell()
        self._title, self._total, self._done, self._reasons = title, total, 0, Counter()
        self._sent, self._began = self._requests.quota.sent, time.monotonic()
        self._told = self._began
        if self._bar:
            self._task = self._bar.add_task(title, total=total, more="")
        else:
            self.say(f"{title}: " + (f"{total:,} to ask" if total is not None else "begins"))

    def advance(self, steps: int, reason: str = "") -> None:
        self._done += steps
        if reason:
            self._reasons[reason] += 1

    def tick(self) -> None:
        if self._bar:
            self._bar.update(self._task, completed=self._done, more=self._state())
        if time.monotonic() - self._told > (60 if self._bar else 10):
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        if self._bar:
            self._bar.update(self._task, completed=self._done, more=self._state())
        of = f" of {self._total:,}" if self._total is not None else " repositories"
        text = f"{self._title}: {self._done:,}{of}, {self._state()}"
        self._log.info("%s", text) if self._bar else self.say(text)

    def _state(self) -> str:
        quota, passed = self._requests.quota, max(time.monotonic() - self._began, 1e-3)
        rate = (quota.sent - self._sent) / passed
        parts = [f"{rate:.1f} requests/s", f"quota left {quota.left:,} of {quota.limit:,}"]
        if self._total is not None and 0 < self._done < self._total and not self._is_over:
            parts.append(f"{span((self._total - self._done) * passed / self._done)} to go")
        if self._reasons:
            parts.append(f"not had: {_counted(self._reasons)}")
        if self._requests.faults:
            parts.append(f"retried: {_counted(dict(self._requests.faults))}")  # a copy: other threads count on
        return ", ".join(parts)

    def say(self, text: str) -> None:
        """A line of its own, on the terminal and in the log."""
        self._log.info("%s", text)
        self._console.print(text)

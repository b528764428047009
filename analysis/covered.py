"""What was computed, with the reasons why parts of it have no value: absent from the snapshot, or there and empty.

A part is named by words of a result's id, as `n_likes`, `cv` or `k1.ass`; "" names all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pprint import pformat

UNDEFINED = "its definition gives no value for these data"
SHOWN = 3  # reasons that are given where there are many


@dataclass(frozen=True, eq=False)
class Covered:
    """A value (a number, a mapping, a frame, a network, a figure with its data) and what is lacking in it.

    absent: part -> what the snapshot does not have. Such a part is emitted without a value, whatever was computed from
    nothing. empty: part -> what is there though it decides nothing, as one model alone; the reason of undefined values.
    """

    value: object
    absent: Mapping[str, str] = field(default_factory=dict)
    empty: Mapping[str, str] = field(default_factory=dict)

    __iter__ = None  # it is no sequence, though one of several values can be taken

    def __getitem__(self, name: str) -> Covered:
        """One of several values, as of `{"models": ..., "datasets": ...}`, with the reasons that are about it."""
        return Covered(self.value[name], self._about(self.absent, name), self._about(self.empty, name))

    def _about(self, reasons: Mapping[str, str], name: str) -> dict[str, str]:
        """The reasons about one of the values, without its name, and those that are about no value alone."""
        found = {}
        for part, why in reasons.items():
            first, _, rest = part.partition(".")
            if first == name or first not in self.value:
                found[rest if first == name else part] = why
        return found

    def __repr__(self) -> str:
        lacking = [f"{part or 'all'}: {why}" for part, why in self.absent.items()]
        return "\n".join(([] if "" in self.absent else [pformat(self.value, sort_dicts=False)]) + lacking)

    @property
    def why(self) -> str:
        """Why there is nothing to show at all."""
        for reasons in (self.absent, self.empty):
            if "" in reasons:
                return reasons[""]
        given = list(dict.fromkeys([*self.empty.values(), *self.absent.values()]))
        return "; ".join(given[:SHOWN]) + (" (and more)" if len(given) > SHOWN else "") or UNDEFINED


def covered(value: object) -> Covered:
    """The value as it is where it is Covered, else with no reason."""
    return value if isinstance(value, Covered) else Covered(value)


def reason(reasons: Mapping[str, str], name: str) -> str | None:
    """The reason about a result: the one about all of it, else of the parts that its id holds the longest, then first."""
    if "" in reasons:
        return reasons[""]
    known = [part for part in reasons if f".{part}." in f".{name}."]
    best = min(known, key=lambda part: (-part.count("."), f".{name}.".index(f".{part}.")), default=None)
    return reasons.get(best)


def carried(*, needs: str = "", empty: Callable[..., Mapping[str, str]] | None = None):
    """Let a function of plain values take Covered ones: it is given their values, and its result has their reasons.

    `needs` names the part without which the function has nothing to say. `empty` is given the result and the plain
    arguments, and says what is there where the function finds too little. Of plain values the result is plain.
    """

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def with_reasons(*args, **options):
            plain = [_plain(argument) for argument in args]
            result = function(*plain, **options)
            given = [one for argument in args for one in _covered_in(argument)]
            if not given:
                return result
            absent = _needed(_together(one.absent for one in given), needs)
            thin = _needed(_together(one.empty for one in given), needs)
            if empty and "" not in absent and "" not in thin:
                thin = thin | {part: why for part, why in empty(result, *plain).items() if part not in thin}
            return Covered(result, absent, thin)

        return with_reasons

    return decorate


def _covered_in(argument: object) -> list[Covered]:
    """The argument, or the values of a mapping, whose keys become the first word of their parts; what is Covered of it."""
    if isinstance(argument, Covered):
        return [argument]
    named = argument.items() if isinstance(argument, Mapping) else ()
    return [
        Covered(one.value, _below(name, one.absent), _below(name, one.empty))
        for name, one in named
        if isinstance(one, Covered)
    ]


def _plain(argument: object) -> object:
    if isinstance(argument, Mapping):
        return {name: covered(one).value for name, one in argument.items()}
    return covered(argument).value


def _below(name: str, reasons: Mapping[str, str]) -> dict[str, str]:
    return {f"{name}.{part}".rstrip("."): why for part, why in reasons.items()}


def _together(reasons: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """All the reasons; of two about the same part the first."""
    found: dict[str, str] = {}
    for one in reasons:
        found |= {part: why for part, why in one.items() if part not in found}
    return found


def _needed(reasons: dict[str, str], part: str) -> dict[str, str]:
    return {"": reasons[part], **reasons} if part in reasons else reasons

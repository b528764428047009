"""Which two names are one person's: how names are compared, and the parts that a score is made of (study, section 3.4).

Pure functions on names: the study's rule, plain ratio, Jaro-Winkler, and a rule of our own that reads a username as a
spelling of a name. Nothing here knows of repositories; `candidates` adds what the Hub gives.
"""

import itertools
import re
import string
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, JaroWinkler

from analysis.merging import neighbours

RULES = ("study", "ratio", "jaro-winkler", "ours")
AUTOMATIC = 90.0  # least score of our rule that merges without a person; chosen for precision (see `people score`)
MOST_PAIRS = 5_000_000
CHUNK = 16_000_000  # cells of a block of similarities: 16 MB
MANY_PAIRS = 1_000_000  # of names, from which on there may be a quicker way than to compare each with each
LONGEST = 128  # letters; a longer name is only ever compared as a whole
_ROUNDING = 1e-4  # 0.8 may come out as 0.79999999
CROWD = 40  # names that share a spelling: with more, it says nothing about a person

# Names that many people's machines sign with: never merged by a rule, whatever they look like.
GENERIC = frozenset(
    """admin administrator anonymous author bot build builder ci cloud colab computer contributor default demo deploy
    deployer desktop dev developer docker ec2user example git github githubactions gitlab guest hf home host hub
    huggingface info jenkins jupyter jupyteruser kaggle laptop linux localhost local mac macbook mail master me model
    models myname name newuser nobody none noreply notebook null office official owner pc person postgres python
    researcher root runner sagemaker server service someone staff student super superuser support sysadmin system team
    test tester testing travis ubuntu unknown unknownuser user username users vagrant webmaster windows work workspace
    www yourname yourusername""".split()
)
AFFIXES = ("git", "github", "dev", "hub", "official", "hf")
_NOT_COMPARED = dict.fromkeys([*map(ord, string.punctuation), ord(" "), *range(128, 256)])
_PARTICLES = frozenset("al bin da das de del den der di do dos du el la le ten van von y".split())
_LATIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)

# What a spelling takes from 100. From this cost on, a spelling leaves much of the name out.
_COSTS = {
    "same letters": 0,
    "accents": 1,
    "other order": 3,
    "without middle names": 4,
    "first and last word": 5,
    "mail address": 5,
    "digits": 6,
    "affix": 8,
    "initials and surname": 8,
    "first name and initials": 9,
    "first two words": 9,
    "last words": 9,
    "initial and rest": 9,
    "part of first name and surname": 10,
    "a letter before": 10,
    "initial for a first name": 10,
    "one letter apart": 12,
    "first name and part of surname": 14,
    "initial of surname and first name": 14,
    "one word of several": 16,
}
_LEAVES_OUT = 8
_RIVALS, _SHORT, _ORDER, _CAP_GENERIC, _CAP_DISGUISED, _CAP_ALIKE = 12, 6, 8, 60.0, 80.0, 84.0


# --- normalisation ----------------------------------------------------------------------------------------------------


def normalised(name: str) -> str:
    """Letters, marks and digits of any script after NFKC, in one case; punctuation, symbols and spaces are left out."""
    if name.isascii() and name.isalnum():  # most names: the same, sooner
        return name.lower()
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", "".join(c for c in text if unicodedata.category(c)[0] in "LMN"))


def as_study(name: str) -> str:
    """A name as the study's scripts compare it (METHODS, 5): lower case, no ASCII punctuation, no spaces; then, inside
    fuzzywuzzy, characters 128 to 255 are dropped and whatever is no letter, digit or underscore becomes a space."""
    text = name.lower().translate(_NOT_COMPARED)
    return (text if text.isalnum() else re.sub(r"\W", " ", text)).lower().strip()


def folded(text: str) -> str:
    """Latin letters without their diacritics; marks of other scripts are part of the letter and stay."""
    if text.isascii():
        return text
    kept, base = [], ""
    for character in unicodedata.normalize("NFD", text):
        if not unicodedata.combining(character):
            base = character
        elif _is_latin(base):
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept)).translate(_LATIN_LETTERS)


def _is_latin(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith("LATIN")


# What git takes for a name may be an address: `ann@example.org`, `1234+ann@users.noreply.example.org`, `Ann <a@b.org>`.
_ADDRESS = re.compile(
    r"\s*(?P<name>[^<>@]*[^<>@\s])\s*<[^<>]*>\s*|\s*<?(?:\d+\+)?(?P<local>[^@\s<>]+)@[^@\s<>]+\.\w+>?\s*"
)


@dataclass(frozen=True)
class Name:
    """A name taken apart: what the spellings are made from."""

    text: str

    @cached_property
    def called(self) -> str:
        """The name itself, of a mail address the name before it or the part before the @."""
        found = _ADDRESS.fullmatch(self.text) if "@" in self.text and len(self.text) <= LONGEST else None
        return found["name"] or found["local"] if found else self.text

    @cached_property
    def key(self) -> str:
        return normalised(self.text)

    @cached_property
    def letters(self) -> str:
        return folded(self.key)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words without digits, split at whatever is no letter and where a capital follows a small letter."""
        if len(self.text) > LONGEST:
            return ()
        if self.text.isascii() and self.text.isalpha() and self.text.islower():  # one word already
            return (self.text,)
        text = re.sub(r"['’`]", "", unicodedata.normalize("NFKC", self.text))
        text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
        return tuple(folded(word.casefold()) for word in re.findall(r"[^\W\d_]+", text))

    @property
    def is_real(self) -> bool:
        """A potential real name: it has a space (study, section 3.4)."""
        return " " in self.text.strip()

    @cached_property
    def size(self) -> int:
        """Letters, where one of a syllabic or ideographic script counts for two."""
        return sum(2 if unicodedata.category(c) == "Lo" else 1 for c in self.letters)

    @cached_property
    def is_generic(self) -> bool:
        if self.called != self.text:
            return Name(self.called).is_generic
        return self.letters in GENERIC or self.letters.rstrip("0123456789") in GENERIC

    @cached_property
    def is_disguised(self) -> bool:
        """Latin mixed with Cyrillic, Greek or Armenian look-alikes, or characters that can't be seen."""
        if self.text.isascii():
            return not self.text.isprintable()
        hidden = any(unicodedata.category(c) in ("Cf", "Cc", "Co", "Cn") and c != "\u200d" for c in self.text)
        scripts = {unicodedata.name(c, "?").split(" ")[0] for c in self.key if c.isalpha()}
        return hidden or len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}) > 1


# --- similarity of strings --------------------------------------------------------------------------------------------


def pairs_alike(
    left: Sequence[str],
    right: Sequence[str] | None = None,
    *,
    threshold: float,
    scorer: str = "ratio",
    workers: int = 2,
) -> pd.DataFrame:
    """Pairs of normalised names whose similarity reaches the threshold: columns i, j, similarity (0 to 100).

    `right` absent: all pairs i < j within `left`. Names are compared in blocks of like length, so memory is bounded and
    most pairs of unlike length are never looked at; of many names, only those that meet (`neighbours`). Empty names are
    like nothing, and a similarity below 0.5 is none.
    Scorers: ratio, study (token_set_ratio rounded to whole numbers, as fuzzywuzzy gives it), jaro-winkler. Raises
    ValueError for more than 5 million pairs.
    """
    parts, found = [], 0
    for i, j, similarity in _blocks(left, right, threshold, scorer, workers):
        found += len(i)
        if found > MOST_PAIRS:
            raise ValueError(f"more than {MOST_PAIRS:,} pairs reach {threshold:g}: raise the threshold")
        parts.append(pd.DataFrame({"i": i, "j": j, "similarity": similarity}))
    empty = pd.DataFrame({"i": [], "j": [], "similarity": []}).astype(
        {"i": "int64", "j": "int64", "similarity": "float64"}
    )
    pairs = pd.concat(parts) if parts else empty
    return pairs.sort_values(["i", "j"], ignore_index=True)


def _blocks(left, right, threshold, scorer, workers) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    same = right is None
    if scorer == "study":  # one word: token_set_ratio is the ratio, which is forty times as fast
        yield from _several_words(left, left if same else right, threshold, same)
        left = ["" if " " in name else name for name in left]
        right = left if same else ["" if " " in name else name for name in right]
    rows, row_sizes = _by_length(left)
    columns, sizes = (rows, row_sizes) if same else _by_length(right)
    texts, others = [left[r] for r in rows], [(left if same else right)[c] for c in columns]
    cutoff = max(0.5, threshold - (0.5 if scorer == "study" else 0) - _ROUNDING)
    for at, to in _near(texts, row_sizes, others, sizes, cutoff, scorer, workers, same=same):
        pair = [texts[a] for a in at], [others[t] for t in to]
        similarity = _similarities(process.cpdist, *pair, scorer, cutoff, workers, dtype=np.float32)
        similarity = np.round(similarity.astype("float64"), 4)
        i, j = rows[at], columns[to]
        if same:
            once = to > at
            i, j, similarity = i[once], j[once], similarity[once]
            i, j = np.minimum(i, j), np.maximum(i, j)
        if scorer == "study":
            similarity = np.rint(similarity)  # half to even, as Python rounds
        keep = similarity >= threshold
        yield i[keep], j[keep], similarity[keep]


def _near(rows, row_sizes, columns, sizes, cutoff: float, scorer: str, workers, *, same: bool):
    """Places of the pairs of rows and columns, both the shortest first, that may reach the cutoff; block by block."""
    start = 0
    while start < len(rows):
        size = int(row_sizes[start])
        stop = int(np.searchsorted(row_sizes, size, side="right"))
        low, high = _window(size, sizes, cutoff, scorer)
        low = max(low, start) if same else low
        many = scorer != "jaro-winkler" and (stop - start) * (high - low) >= MANY_PAIRS
        runs = _runs(sizes, low, high) if many else [(0, low, high)]
        for length, begin, end in runs:
            if many and neighbours.is_quicker(stop - start, size, end - begin, length, cutoff / 100):
                at, to = neighbours.near(rows[start:stop], columns[begin:end], cutoff / 100)
                yield start + at, begin + to
                continue
            step = min(2000, max(1, CHUNK // max(1, end - begin)))
            for top in range(start, stop, step):  # whole numbers: a quarter as large, and few are compared again
                block = rows[top : min(top + step, stop)], columns[begin:end]
                at, to = np.nonzero(
                    _similarities(process.cdist, *block, scorer, cutoff, workers, dtype=np.uint8).view(bool)
                )
                yield top + at, begin + to
        start = stop


def _by_length(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Places of the names that are not empty, the shortest first, and their lengths."""
    sizes = np.array([len(name) for name in names], dtype=np.int64)
    order = np.argsort(sizes, kind="stable")
    order = order[sizes[order] > 0]
    return order, sizes[order]


def _runs(sizes: np.ndarray, low: int, high: int) -> list[tuple[int, int, int]]:
    """The lengths of the columns from low to high, each with its first column and the one after its last."""
    lengths, first = np.unique(sizes[low:high], return_index=True)
    bounds = [*(low + first).tolist(), high]
    return list(zip(lengths.tolist(), bounds[:-1], bounds[1:], strict=True))


def _window(size: int, sizes: np.ndarray, cutoff: float, scorer: str) -> tuple[int, int]:
    """The columns whose length lets names of this length reach the cutoff."""
    if scorer == "jaro-winkler":  # no useful bound: a common beginning lifts the similarity
        return 0, len(sizes)
    share = max(cutoff, 1) / 100
    shortest = int(np.ceil(size * share / (2 - share) - 1e-9))  # ratio is at most 2 min / (a + b)
    longest = int(np.floor(size * (2 - share) / share + 1e-9))
    return int(np.searchsorted(sizes, shortest)), int(np.searchsorted(sizes, longest, side="right"))


def _similarities(compare, rows: list[str], columns: list[str], scorer: str, cutoff: float, workers, *, dtype):
    """rapidfuzz's `cdist` (every row with every column) or `cpdist` (row by row); 0 below the cutoff."""
    options = {"scorer": fuzz.ratio, "score_cutoff": cutoff}
    if scorer == "jaro-winkler":
        options = {"scorer": JaroWinkler.normalized_similarity, "score_cutoff": cutoff / 100, "score_multiplier": 100}
    return compare(rows, columns, workers=workers, dtype=dtype, **options)


def _several_words(left, right, threshold: float, same: bool) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs with a name that still has several words after the study's normalisation (few: emoji between letters)."""
    several = [place for place, name in enumerate(left) if " " in name]
    yield from _token_sets(several, left, list(range(len(right))), right, threshold, same)
    if not same:
        wide = [place for place, name in enumerate(right) if " " in name]
        narrow = [place for place, name in enumerate(left) if " " not in name]
        yield from _token_sets(narrow, left, wide, right, threshold, same)


def _token_sets(rows, left, columns, right, threshold, same):
    for place in range(0, len(rows) if columns else 0, 200):
        part = rows[place : place + 200]
        matrix = process.cdist(
            [left[r] for r in part], [right[c] for c in columns], scorer=fuzz.token_set_ratio, dtype=np.float32
        )
        matrix = np.rint(matrix)
        at, to = np.nonzero(matrix >= threshold)
        i, j = np.array(part, dtype=np.int64)[at], np.array(columns, dtype=np.int64)[to]
        keep = np.array([bool(left[a]) and bool(right[b]) for a, b in zip(i, j, strict=True)], dtype=bool)
        if same:
            several = np.isin(j, rows)
            keep &= (i < j) | ((i > j) & ~several)
        i, j, similarity = i[keep], j[keep], matrix[at, to].astype("float64")[keep]
        yield (np.minimum(i, j), np.maximum(i, j), similarity) if same else (i, j, similarity)


def similarity_pairs(names: Sequence[str], rule: str, *, threshold: float, workers: int = 2) -> pd.DataFrame:
    """Pairs i < j of names under one of the rules that compare strings: study, ratio, jaro-winkler."""
    normal = as_study if rule == "study" else normalised
    return pairs_alike([normal(name) for name in names], threshold=threshold, scorer=rule, workers=workers)


# --- our rule: one name as a spelling of another ----------------------------------------------------------------------


def spellings(name: Name) -> dict[str, str]:
    """Ways to write the name in one word, each with how it is made; of two ways to the same word, the closest one."""
    found: dict[str, str] = {}

    def put(word: str, how: str, least: int = 4) -> None:
        if len(word) >= least and _COSTS[how] < _COSTS.get(found.get(word, ""), 100):
            found[word] = how

    plain = name.text.isascii() and name.text.islower() and name.text.strip(string.digits).isalpha()
    letters = name.text if plain else name.letters  # of most names the same, sooner
    put(letters, "same letters" if plain or letters == name.key else "accents", least=1)
    if len(letters) > LONGEST:
        return found
    if not plain and name.called != name.text:  # the domain says nothing of the person
        inner = spellings(Name(name.called))
        return found | {word: max(how, "mail address", key=_COSTS.__getitem__) for word, how in inner.items()}
    base = letters.strip("0123456789")
    if base != letters:
        put(base, "digits")
    for affix in filter(base.endswith, AFFIXES):
        put(base[: -len(affix)], "affix", 5)
    words = (base,) if plain else name.words
    if len(words) == 1 and len(base) >= 7 and not name.is_real:
        put(base[1:], "a letter before", 6)
    if 2 <= len(words) <= 5:
        _spell_words(words, put, real=name.is_real)
    return found


def _spell_words(words: tuple[str, ...], put, *, real: bool) -> None:
    """Spellings of a name of several words. Either end may be the surname: many names are written surname first."""
    main = tuple(w for w in words if w not in _PARTICLES and len(w) > 1)
    if len(words) <= 3:
        for order in itertools.permutations(words):
            put("".join(order), "other order")
    else:
        put("".join((words[-1], *words[:-1])), "other order")
    if len(main) >= 2:
        for order in (main, main[::-1]):
            put("".join(order), "without middle names")
    ends = (words[0], words[-1])
    if min(map(len, ends)) > 1 and len(words) > 2:
        put("".join(ends), "first and last word")
        put("".join(ends[::-1]), "first and last word")
        put(words[0] + words[1], "first two words")
        put("".join(words[1:]), "last words", 7)
    for parts in {words, main if len(main) >= 2 else words}:
        _spell_initials(parts, put)
    if real:
        for first, last in (ends, ends[::-1]):
            for size in range(2, min(5, len(first))):
                put(first[:size] + last, "part of first name and surname", 6)
            for size in range(2, min(5, len(last))):
                put(first + last[:size], "first name and part of surname", 6)
    for word in {words[0], words[-1]}:
        put(word, "one word of several", 5)


def _spell_initials(words: tuple[str, ...], put) -> None:
    first, *middle, last = words
    between = "".join(word[0] for word in middle)
    if len(last) >= 3:
        put(first[0] + last, "initials and surname", 5)
        put(first[0] + between + last, "initials and surname", 5)
        put(last + first[0] + between, "initials and surname", 5)
    put(first + last[0], "first name and initials", 5)
    put(last[0] + first, "initial of surname and first name", 5)
    put(first + between + last[0], "first name and initials", 5)
    if middle:
        put(first[0] + "".join(words[1:]), "initial and rest", 6)


def proposals(names: Sequence[str]) -> pd.DataFrame:
    """Pairs that our rule has a reason for, by the names alone: columns i < j, rule, score (0 to 100), parts.

    Every name is spelt in all its ways and names meet at equal spellings, so the work grows with the names and not with
    their pairs. At most one of two names may leave much out; a spelling that other names share counts for less.
    """
    known = [Name(text) for text in names]
    best: dict[tuple[int, int], tuple] = {}
    for reasons in (_equal_spellings(known), _one_letter_apart(known), _initial_for_first_name(known)):
        for i, j, hows, rivals in reasons:
            offered = _scored(known[i], known[j], hows, rivals)
            if offered and ((i, j) not in best or offered < best[i, j]):
                best[i, j] = offered
    rows = [(i, j, rule, score, parts) for (i, j), (_, rule, parts, score) in sorted(best.items())]
    frame = pd.DataFrame(rows, columns=["i", "j", "rule", "score", "parts"])
    return frame.astype({"i": "int64", "j": "int64", "score": "float64", "rule": "object", "parts": "object"})


def _scored(a: Name, b: Name, hows: tuple[str, str], rivals: int) -> tuple[float, str, str, float] | None:
    hows = tuple(sorted(hows, key=lambda how: (_COSTS[how], how)))
    if a.text == b.text:
        return -100.0, "same letters", told([("letters", 100.0)]), 100.0
    if all(_COSTS[how] >= _LEAVES_OUT for how in hows) or hows == ("digits", "digits"):
        return None
    score, parts = 100.0, []
    for how in hows:
        if _COSTS[how]:
            parts.append((how, -_COSTS[how]))
    size = min(a.size, b.size) - (hows[1] == "digits") * _digits(a, b)
    alone = min(len(a.words), len(b.words)) < 2 and hows[1] in ("same letters", "accents", "digits")
    if size < 8 and (alone or hows[1] == "one word of several"):
        parts.append(("short name", -_SHORT if size >= 4 else -40))
    if "other order" in hows and not (a.is_real or b.is_real):
        parts.append(("neither is a real name", -_ORDER))
    if rivals and _COSTS[hows[1]] > 1:
        parts.append(("other names are spelt so", -_RIVALS))
    rule = hows[1] if _COSTS[hows[1]] else "same letters"
    score += sum(points for _, points in parts)
    for cap, words in caps(a, b):
        if score > cap:
            parts.append((words, cap - score))
            score = cap
    return -score, rule, told([(("letters", 100.0)), *parts]), score


def _digits(a: Name, b: Name) -> int:
    """Digits of the shorter of two names that may differ in their digits."""
    shorter = min(a, b, key=lambda name: name.size)
    return sum(c.isdigit() for c in shorter.letters)


def caps(a: Name, b: Name) -> Iterator[tuple[float, str]]:
    """Highest scores that names like these can have, with the reason; no evidence lifts them."""
    if a.is_generic or b.is_generic:
        yield _CAP_GENERIC, "a name of many machines"
    if a.is_disguised or b.is_disguised:
        yield _CAP_DISGUISED, "mixed scripts or hidden characters"


def told(parts: Iterable[tuple[str, float]]) -> str:
    """The parts of a score in words: `letters 100; digits -6`."""
    return "; ".join(
        f"{words} {points:+g}" if place else f"{words} {points:g}" for place, (words, points) in enumerate(parts)
    )


def _equal_spellings(known: Sequence[Name]) -> Iterator[tuple[int, int, tuple[str, str], int]]:
    spelt: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for place in _sharing(known, spellings):
        for word, how in spellings(known[place]).items():
            spelt[word].append((place, how))
    for sharing in spelt.values():
        if len(sharing) > 1:
            yield from _meetings(known, sharing)


def _sharing(known: Sequence[Name], words: Callable[[Name], Iterable[str]]) -> list[int]:
    """Places of the names that may share a word with another one; of a million names the words themselves take a gigabyte."""
    found, sizes = array("q"), array("q")
    for name in known:
        before = len(found)
        found.extend(map(hash, words(name)))
        sizes.append(len(found) - before)
    _, word, times = np.unique(np.frombuffer(found, dtype="int64"), return_inverse=True, return_counts=True)
    place = np.repeat(np.arange(len(known)), np.frombuffer(sizes, dtype="int64"))
    return np.unique(place[times[word] > 1]).tolist()


def _meetings(known, sharing) -> Iterator[tuple[int, int, tuple[str, str], int]]:
    """Pairs of names that share a spelling, with how many further names come as close to it."""
    by_key: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for place, how in sharing:
        by_key[known[place].letters].append((place, how))
    for group in by_key.values():
        if _COSTS[group[0][1]] <= 1:  # equal letters; where very many are, a chain that merging will refuse
            pairs = itertools.combinations(group, 2) if len(group) <= CROWD else ((group[0], g) for g in group[1:])
            yield from ((i, j, (one, other), 0) for (i, one), (j, other) in pairs)
    if len(by_key) > CROWD:
        return
    costs = sorted(min(_COSTS[how] for _, how in group) for group in by_key.values())
    for one, other in itertools.combinations(by_key.values(), 2):
        for (i, how), (j, how_other) in itertools.product(one[:CROWD], other[:CROWD]):
            worst = max(_COSTS[how], _COSTS[how_other])
            rivals = int(np.searchsorted(costs, worst, side="right")) - 2
            yield (i, j, (how, how_other), rivals) if i < j else (j, i, (how_other, how), rivals)


def _one_letter_apart(known: Sequence[Name]) -> Iterator[tuple[int, int, tuple[str, str], int]]:
    """Names of ten letters and more that differ by one letter, never by a digit; found by leaving each letter out."""
    without: dict[str, set[int]] = defaultdict(set)
    for place in _sharing(known, _without_a_letter):
        for cut in _without_a_letter(known[place]):
            without[cut].add(place)
    pairs = {
        pair
        for places in without.values()
        if 1 < len(places) <= CROWD
        for pair in itertools.combinations(sorted(places), 2)
    }
    close = sorted(pair for pair in pairs if _by_a_letter(known[pair[0]].letters, known[pair[1]].letters))
    near = defaultdict(set)
    for i, j in close:
        near[i].add(known[j].letters)
        near[j].add(known[i].letters)
    for i, j in close:
        yield i, j, ("same letters", "one letter apart"), max(len(near[i]), len(near[j])) - 1


def _without_a_letter(name: Name) -> set[str]:
    word = name.letters
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))} if 10 <= len(word) <= LONGEST else set()


def _by_a_letter(one: str, other: str) -> bool:
    digits = [re.sub(r"\D", "", word) for word in (one, other)]
    return digits[0] == digits[1] and OSA.distance(one, other, score_cutoff=1) == 1


def _initial_for_first_name(known: Sequence[Name]) -> Iterator[tuple[int, int, tuple[str, str], int]]:
    """`o-lastname` beside `oliverlastname`: a lone initial, and a word that begins with it and ends in the surname."""
    abbreviated: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for place, name in enumerate(known):
        words = name.words
        if len(words) == 2 and len(words[0]) == 1 and len(words[1]) >= 5:
            abbreviated[words[1]].append((place, words[0]))
    matches = defaultdict(list)
    for place, name in enumerate(known) if abbreviated else ():
        word = name.letters
        if len(name.words) == 1 and len(word) <= LONGEST:
            for at in range(3, len(word) - 4):
                for other, initial in abbreviated.get(word[at:], ()):
                    if word[0] == initial and other != place:
                        matches[other].append(place)
    for other, places in matches.items():
        for place in places[:CROWD]:
            yield min(place, other), max(place, other), ("same letters", "initial for a first name"), len(places) - 1


def alike_score(similarity: float) -> float:
    """Our score of two names that are alike but no spelling of one another: never enough by itself."""
    return min(_CAP_ALIKE, similarity - 12)

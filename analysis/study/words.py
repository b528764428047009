"""A result's id in words, for readers who look for a value and not for its name: "Models, likes, mean"."""

import re

from analysis.labels import FIELDS, LABELS, MEASURES

# Parts of ids as a reader says them; a part that is not here stands for itself.
PARTS = LABELS | MEASURES | {
    "count": "number", "q25": "lower quartile", "q50": "median", "q75": "upper quartile", "zero_share": "share without",
    "one_share": "share with one", "mode": "most frequent", "mannwhitney": "Mann-Whitney", "u": "U",
    "superiority": "superiority",
    "permissive_vs_restrictive": "permissive against restrictive", "permissive_vs_none": "permissive against none",
    "restrictive_vs_none": "restrictive against none", "unlicensed_share": "share without a licence",
    "license_share": "share of licence", "grouped": "in the licence groups", "min_repositories": "least number of models",
    "k1": "k = 1", "k5": "k = 5", "k10": "k = 10", "kmax": "innermost core", "mod": "modularity", "com": "communities",
    "dens": "density", "recip": "reciprocity", "arcc": "rich club", "ass": "assortativity", "ad": "average degree",
    "acc": "clustering", "isolate_share": "share of isolates", "fields": "sub-fields",
    "people": "people", "real_names": "real names", "same_repository": "same repository", "accepted_share": "share accepted",
    "central": "central developers", "edge_share": "share of edges", "developer_share": "share of developers",
    "min_degree": "least degree", "usage": "usage", "cousage": "co-usage", "top": "rank", "top100": "first 100",
    "organisation": "of", "leading_count": "organisations named", "leading_share": "their joint share",
    "correlation": "usage and", "count_from_1000": "number with 1,000 or more", "p": "p",
    "count_over_1000000": "number above 1,000,000", "snapshot": "snapshot", "modes": "clusters",
}  # fmt: skip
_TAILED = re.compile(r"(.*\.(?:license_share|organisation))\.(.+)")  # the rest is one name, whatever is in it


def in_words(result_id: str) -> str:
    """`rq1.models.n_likes.mean` as "Models, likes, mean"; the name of a licence or an organisation as it is."""
    if not result_id:
        return "A convention"
    tailed = _TAILED.fullmatch(result_id)
    head, tail = (tailed[1], [tailed[2]]) if tailed else (result_id, [])
    question, *parts = head.split(".")
    if question == "rq2" and parts[0] in FIELDS:
        parts = [f"network of {FIELDS[parts[0]]}", *parts[1:]]
    elif question == "rq3" and parts[0] in FIELDS:
        parts = [FIELDS[parts[0]], *parts[1:]]
    elif question not in ("rq1", "rq2", "rq3"):
        parts = [question, *parts]
    text = ", ".join([PARTS.get(part, part.replace("_", " ")) for part in parts] + tail)
    for joined in ("share of licence, ", "of, ", "usage and, ", "rank, "):
        text = text.replace(joined, joined.replace(", ", " "))
    return text[:1].upper() + text[1:]


# The study's sections and tables, by what they are about.
SECTIONS = {
    "Abstract": "headlines", "§3.1": "research data", "§3.3": "collection", "§3.4": "merged names", "§3.5": "licence groups",
    "§4.1.1": "skewed activity", "§4.1.2": "likes and people", "§4.1.3": "licences", "§4.2.1": "all models",
    "§4.2.2": "sub-fields", "§4.3.1": "skewed adoption", "§4.3.2": "who is used", "§4.3.3": "usage and likes",
    "§5.1.2": "new source", "§5.2.2": "for providers", "§5.2.3": "for policy", "§5.3.2": "validity",
    "Table 2": "models", "Table 3": "datasets", "Table 4": "spaces", "Table 5": "licence tests", "Table 6": "network, all",
    "Table 7": "network, CV", "Table 8": "network, NLP", "Table 9": "network, MM",
}  # fmt: skip

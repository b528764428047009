"""RQ3: which models spaces adopt, and who develops them (study, section 4.3, Figure 5)."""

from collections.abc import Mapping
from urllib.parse import quote

import numpy as np
import pandas as pd

from analysis import exact, paths
from analysis.activity import pearson, pearson_p
from analysis.covered import carried

TOP = 100
MANY_SPACES = 1_000  # section 4.3.1 names the models that so many spaces use
WIDE = "r" + ">{\\raggedright\\arraybackslash}p{2.45cm}r" * 4  # LaTeX columns of a table with long names


def degree_summary(degrees: pd.Series) -> dict[str, float]:
    """mean, median, std (sample) and max of a degree distribution; NaN where it is empty."""
    mean, std = exact.mean_and_std(degrees.to_numpy())
    return {"mean": mean, "median": degrees.median(), "std": std, "max": degrees.max()}


@carried()
def landmarks(used: pd.DataFrame) -> dict[str, float]:
    """`count_from_1000`: models that 1,000 spaces or more use; `one_share`: share that one space uses (section 4.3.1)."""
    degrees = used["spaces"]
    if degrees.empty:
        return {f"count_from_{MANY_SPACES}": None, "one_share": None}
    one_share = int((degrees == 1).sum()) / len(degrees)
    return {f"count_from_{MANY_SPACES}": int((degrees >= MANY_SPACES).sum()), "one_share": one_share}


def degree_distribution(degrees: pd.Series) -> pd.DataFrame:
    """Columns degree (above 0), models (how many have it), share (with at least that degree), by degree (Figure 5)."""
    models = degrees[degrees > 0].value_counts().sort_index()
    share = models[::-1].cumsum()[::-1] / max(int(models.sum()), 1)
    return pd.DataFrame({"degree": models.index, "models": models.to_numpy(), "share": share.to_numpy()})


def _why_no_spread(_, used: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    return {field: "one model alone is used by spaces" for field, frame in used.items() if len(frame) == 1}


@carried(empty=_why_no_spread)
def degree_table(used: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a field, columns mean, median, std, max of the models' degrees."""
    return pd.DataFrame.from_dict({f: degree_summary(frame["spaces"]) for f, frame in used.items()}, orient="index")


@carried()
def degree_distributions(frames: Mapping[str, pd.DataFrame], column: str) -> dict[str, pd.DataFrame]:
    """`degree_distribution` of each field that has models."""
    return {field: degree_distribution(frame[column]) for field, frame in frames.items() if len(frame)}


@carried()
def co_usage_degrees_by(pairs: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """`co_usage_degrees` of each field."""
    return {field: co_usage_degrees(frame) for field, frame in pairs.items()}


@carried()
def co_usage_sizes(pairs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a field: models that share a space with another one, edges between them."""
    sizes = {
        field: {"models": int((_partners(frame) > 0).sum()), "edges": len(frame)} for field, frame in pairs.items()
    }
    return pd.DataFrame.from_dict(sizes, orient="index")


@carried()
def sizes_and_degrees(size: pd.DataFrame, degrees: pd.DataFrame, co_size: pd.DataFrame) -> pd.DataFrame:
    """`engine.usage_sizes`, `degree_table` and `co_usage_sizes` side by side: a row a field."""
    return size.join(degrees).join(co_size.add_prefix("co-usage "))


def co_usage_degrees(pairs: pd.DataFrame) -> pd.DataFrame:
    """Columns model_id, degree (models it shares a space with), weight (sum over them of the spaces shared); highest first.

    `pairs` is the projection (`engine.co_usage`): model_a, model_b, spaces. Ties in degree go by weight, then by name.
    """
    names = pairs["model_a"].cat.categories
    weight = _partners(pairs, weights=pairs["spaces"]).astype("int64")
    degrees = pd.DataFrame({"model_id": names, "degree": _partners(pairs), "weight": weight}).query("degree > 0")
    return degrees.sort_values(["degree", "weight", "model_id"], ascending=[False, False, True], ignore_index=True)


def _partners(pairs: pd.DataFrame, *, weights: pd.Series | None = None) -> np.ndarray:
    """Number, or sum of weights, of the pairs that each model is in, by the models' order of name."""
    models = len(pairs["model_a"].cat.categories)
    return sum(np.bincount(pairs[end].cat.codes, weights, minlength=models) for end in ("model_a", "model_b"))


def organisations() -> pd.DataFrame:
    """`data/organisations.csv`: columns owner, model (of ownerless models), organisation, slug, kind, source."""
    return pd.read_csv(paths.DATA / "organisations.csv", keep_default_na=False)


def developers_of(model_ids: pd.Series) -> pd.DataFrame:
    """Who developed each model: columns model_id, organisation (name), slug (for result ids).

    `data/organisations.csv` is asked for the model first, then for its owner; who is not listed stands for themselves.
    An account that bears the name of another's model or slug is not taken for it: its slug starts with `@`.
    """
    known = organisations()
    rows = {key: known[known[key] != ""] for key in ("model", "owner")}
    owner = model_ids.str.split("/").str[0]
    account = owner.where(model_ids.str.contains("/", regex=False))
    own_slug = owner.map(_safe)
    own_slug = own_slug.mask(own_slug.isin(known["slug"]), "@" + own_slug)
    columns = {}
    for column, own in (("organisation", owner), ("slug", own_slug)):
        by_model, by_owner = (dict(zip(listed[key], listed[column], strict=True)) for key, listed in rows.items())
        columns[column] = model_ids.map(by_model).fillna(account.map(by_owner)).fillna(own)
    return pd.DataFrame({"model_id": model_ids, **columns})


def _safe(owner: str) -> str:
    """The owner as one part of a result's id: neither dots, which part it, nor what an output format might obey."""
    return quote(owner, safe="-_").replace(".", "%2E").replace("~", "%7E")


def top_organisations(ranked_models: pd.Series) -> pd.DataFrame:
    """Columns organisation, slug, models: how many of the first `TOP` models each developed, most first, ties by name."""
    developers = developers_of(ranked_models.head(TOP).reset_index(drop=True))
    counted = developers.groupby(["organisation", "slug"]).size().rename("models").reset_index()
    return counted.sort_values(["models", "slug"], ascending=[False, True], ignore_index=True)


def tied_at_the_end(scores: pd.Series) -> int:
    """How many models outside the first `TOP` have the same score as the last one inside: the list could hold them too."""
    if len(scores) <= TOP:
        return 0
    last = scores.iloc[TOP - 1]
    return int((scores.iloc[TOP:] == last).sum())


@carried()
def top_results(used: Mapping[str, pd.DataFrame]) -> dict[str, str | int]:
    """Model and spaces of the first `TOP` ranks of every field, as `<field>.usage.top.<rank>.model`; ties by name."""
    return {
        f"{field}.usage.top.{rank}.{name}": value
        for field, frame in used.items()
        for rank, row in enumerate(frame.head(TOP).to_dict("records"), start=1)
        for name, value in (("model", row["model_id"]), ("spaces", row["spaces"]))
    } | {f"{field}.usage.top100.tied": tied_at_the_end(frame["spaces"]) for field, frame in used.items()}


@carried()
def top_table(used: Mapping[str, pd.DataFrame], *, rows: int = 10) -> pd.DataFrame:
    """The most used models of every field side by side: a row a rank, columns field and `<field> spaces`."""
    parts = [
        frame.head(rows)[["model_id", "spaces"]].set_axis([field, f"{field} spaces"], axis=1).reset_index(drop=True)
        for field, frame in used.items()
        if len(frame)
    ]
    return pd.concat(parts, axis=1).set_axis(range(1, 1 + max(map(len, parts)))) if parts else pd.DataFrame()


@carried()
def organisation_results(network: str, ranked: Mapping[str, pd.DataFrame]) -> dict[str, str | int]:
    """Models of each organisation among the first `TOP`, as `<field>.<network>.top100.organisation.<slug>`.

    The five first organisations follow as `<field>.<network>.top100.rank.<rank>.{organisation,models}`.
    """
    results = {}
    for field, frame in ranked.items():
        counted = top_organisations(frame["model_id"])
        start = f"{field}.{network}.top100"
        results |= {f"{start}.organisation.{row.slug}": row.models for row in counted.itertuples()}
        for rank, row in enumerate(counted.head(5).itertuples(), start=1):
            results |= {
                f"{start}.rank.{rank}.organisation": row.organisation,
                f"{start}.rank.{rank}.models": row.models,
            }
    return results


@carried()
def organisation_table(ranked: Mapping[str, pd.DataFrame], *, rows: int = 8) -> pd.DataFrame:
    """The organisations with most models among the first `TOP` of every field: columns field and `<field> models`."""
    parts = [
        top_organisations(frame["model_id"]).head(rows)[["organisation", "models"]].set_axis([f, f"{f} models"], axis=1)
        for f, frame in ranked.items()
        if len(frame)
    ]
    return pd.concat(parts, axis=1).set_axis(range(1, 1 + max(map(len, parts)))) if parts else pd.DataFrame()


def _why_no_correlation(_, counts: pd.DataFrame) -> dict[str, str]:
    used = int((counts["n_usage_spaces"] > 0).sum())
    few = {"used": f"{used or 'no'} model is used by a space"} if used < 2 else {}
    alike = "too few models have both values, or one of the two is the same in all of them"
    return {**few, **dict.fromkeys(("n_likes", "n_downloads"), alike)}


@carried(needs="n_usage_spaces", empty=_why_no_correlation)
def correlations(counts: pd.DataFrame) -> pd.DataFrame:
    """Pearson correlation of n_usage_spaces with n_likes and n_downloads: rows all (models) and used (at least once)."""
    of = ["n_usage_spaces", "n_likes", "n_downloads"]
    rows = {"all": counts[of], "used": counts.loc[counts["n_usage_spaces"] > 0, of]}
    return pd.DataFrame({which: pearson(values).loc[of[0], of[1:]] for which, values in rows.items()}).T


@carried(needs="n_usage_spaces", empty=_why_no_correlation)
def p_values(counts: pd.DataFrame) -> dict[str, float]:
    """Two-sided p of the Pearson coefficients over all models, as `all.n_likes.p` (section 4.3.3)."""
    p = pearson_p(counts[["n_usage_spaces", "n_likes", "n_downloads"]])["n_usage_spaces"]
    return {f"all.{v}.p": float(p[v]) for v in ("n_likes", "n_downloads")}

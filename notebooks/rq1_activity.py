# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # RQ1: What are typical patterns of activity on the Hub?
#
# Section 4.1 of the study describes activity in the repositories of models, datasets and spaces: how it is
# distributed, which activities go together, and whether it differs with the licence. This notebook computes the same
# on the snapshot named here. Each section ends with what the study prints, what comes out here, and whether the two
# agree by the printed digits.

# %% tags=["parameters"]
snapshot_date = "demo"  # name of a snapshot in data/snapshots
as_of = ""  # ignore what happened after this day (YYYY-MM-DD)
conventions = "corrected"  # or "authors": follow the study's published scripts
bots = "exclude"  # or "include"
identities = "merged"  # or "raw": every name is a person
merge_threshold = 90  # least similarity of a merge that was scored
draws = 99  # networks of each null model
engine = "duckdb"  # or the URL of a Spark cluster
out_dir = ""  # empty: a directory of the run's own under paper/generated

# %%
from analysis import activity, figures
from analysis.engine import activity as count_activity
from analysis.engine import load, repository_count
from analysis.parameters import Parameters
from analysis.report import Report, lacking
from analysis.study import in_print, published

run = Parameters(snapshot_date, as_of, conventions, bots, identities, merge_threshold, draws, engine, out_dir)
hub = load(run)
report = Report.of("rq1_activity", hub)
in_print.expectation(hub)

# %% [markdown]
# ## Repositories
#
# One row per repository, with eight counts: likes, downloads of the last 30 days, discussions and who started them,
# commits and who made them, the community (the union of the two groups of people), and for models the spaces that use
# them. A count that was not collected is missing; it is never taken for zero. What is missing, and why:

# %%
models = count_activity(hub, "model")
datasets = count_activity(hub, "dataset")
spaces = count_activity(hub, "space")
lacking({"models": models, "datasets": datasets, "spaces": spaces})

# %%
report.number("rq1.models.count", repository_count(hub, "model"))
report.number("rq1.datasets.count", repository_count(hub, "dataset"))
report.number("rq1.spaces.count", repository_count(hub, "space"))
in_print.compared(report, hub, "3.3", ids=["rq1"])

# %% [markdown]
# ## How activity is distributed
#
# The study's Tables 2, 3 and 4: moments, quartiles and extremes of every count, with the share of repositories
# that have none. Where the mean lies far above the median, a few repositories hold most of what happens.

# %%
summary_of_models = activity.summary(models)
report.numbers("rq1.models", summary_of_models)
report.table("rq1_summary_models", summary_of_models, statistics="index")

# %%
summary_of_datasets = activity.summary(datasets)
report.numbers("rq1.datasets", summary_of_datasets)
report.table("rq1_summary_datasets", summary_of_datasets, statistics="index")

# %%
summary_of_spaces = activity.summary(spaces)
report.numbers("rq1.spaces", summary_of_spaces)
report.table("rq1_summary_spaces", summary_of_spaces, statistics="index")

# %% [markdown]
# What the text says of single values: the most common size of a community, the share of models with one committer,
# the models with more than a million downloads, and the three with most committers.

# %%
report.numbers("rq1.models.n_committers.top", activity.top_committers(models))
report.listed("rq1.models", activity.landmarks(models))

# %% [markdown]
# Concentration: the smallest share of repositories, taken from the most to the least active, that holds at least
# 80 % (99 %) of all activity.

# %%
held_by_models = activity.concentrations(models)
held_by_datasets = activity.concentrations(datasets)
held_by_spaces = activity.concentrations(spaces)
report.numbers("rq1.models", held_by_models)
report.numbers("rq1.datasets", held_by_datasets)
report.numbers("rq1.spaces", held_by_spaces)
report.table(
    "rq1_concentration",
    activity.concentration_table(
        {"models": summary_of_models, "datasets": summary_of_datasets, "spaces": summary_of_spaces},
        {"models": held_by_models, "datasets": held_by_datasets, "spaces": held_by_spaces},
    ),
)

# %% [markdown]
# The study's Figure 1: how many repositories have at least so much of an activity.

# %%
report.figure(
    "rq1_distributions",
    figures.distributions(
        {
            "models": activity.distribution(models),
            "datasets": activity.distribution(datasets),
            "spaces": activity.distribution(spaces),
        },
        zero_shares=published.zero_shares(),
    ),
    alt="A panel per activity; on log axes, a falling staircase per kind of repository shows the share of repositories "
    "with at least so many. Diamonds at 1 mark the shares that the study prints",
)

# %% [markdown]
# In print and here:

# %%
in_print.compared(report, hub, "4.1.1", "Table 2", "Table 3", "Table 4")

# %% [markdown]
# ## Which activities go together
#
# The study's Figure 2. Pearson over the raw counts, as the study has it; Spearman beside it, because a few
# repositories with very high counts can make a Pearson coefficient.

# %%
pearson = activity.correlations_by({"models": models, "datasets": datasets, "spaces": spaces}, method="pearson")
spearman = activity.correlations_by({"models": models, "datasets": datasets, "spaces": spaces}, method="spearman")
report.numbers("rq1.models", activity.pairs(pearson["models"], spearman["models"]))
report.numbers("rq1.datasets", activity.pairs(pearson["datasets"], spearman["datasets"]))
report.numbers("rq1.spaces", activity.pairs(pearson["spaces"], spearman["spaces"]))
report.numbers("rq1.models", activity.p_values(models))
report.numbers("rq1.datasets", activity.p_values(datasets))
report.numbers("rq1.spaces", activity.p_values(spaces))
report.figure(
    "rq1_correlations",
    figures.correlations(pearson, spearman),
    alt="A square of coloured coefficients each for models, datasets and spaces: Pearson below the diagonal, Spearman "
    "above, for every pair of activities",
)

# %% [markdown]
# In print and here:

# %%
in_print.compared(report, hub, "4.1.2")

# %% [markdown]
# ## Licences
#
# How many repositories carry no licence, and which licences the others carry.

# %%
report.number("rq1.models.unlicensed_share", activity.unlicensed_share(models))
report.number("rq1.datasets.unlicensed_share", activity.unlicensed_share(datasets))
report.number("rq1.spaces.unlicensed_share", activity.unlicensed_share(spaces))
report.numbers("rq1.models.license_share", activity.license_shares(models))
report.numbers("rq1.models.license.rank", activity.top_licenses(models))
report.numbers("rq1.datasets.license_share", activity.license_shares(datasets))
report.numbers("rq1.datasets.license.rank", activity.top_licenses(datasets))
report.numbers("rq1.spaces.license_share", activity.license_shares(spaces))
report.numbers("rq1.spaces.license.rank", activity.top_licenses(spaces))
report.table("rq1_licenses", activity.license_table({"models": models, "datasets": datasets, "spaces": spaces}))

# %% [markdown]
# Each licence identifier belongs to one group by `data/licenses.csv`: permissive or restrictive; an identifier that
# names no terms is in neither. The study's Figure 3 correlates activity within the groups.

# %%
grouped = activity.with_group(models, conventions=conventions)
report.number("rq1.models.grouped.min_repositories", activity.least_repositories(grouped, conventions=conventions))
report.listed("rq1.models.group", activity.group_sizes(grouped))

# %%
groups = activity.groups(grouped)
pearson_in = activity.correlations_by(groups, method="pearson")
spearman_in = activity.correlations_by(groups, method="spearman")
report.numbers("rq1.models.permissive", activity.pairs(pearson_in["permissive"], spearman_in["permissive"]))
report.numbers("rq1.models.restrictive", activity.pairs(pearson_in["restrictive"], spearman_in["restrictive"]))
report.numbers("rq1.models.none", activity.pairs(pearson_in["none"], spearman_in["none"]))
report.figure(
    "rq1_license_correlations",
    figures.correlations(pearson_in, spearman_in),
    alt="A square of coloured coefficients each for models with a permissive, a restrictive and no licence: Pearson below "
    "the diagonal, Spearman above, for every pair of activities",
)

# %% [markdown]
# The study's Table 5: a two-sided Mann-Whitney U test per activity and pair of groups. Beside it the probability of
# superiority, which does not grow with the number of repositories as U does, and p-values adjusted for the number of
# tests.

# %%
tests = activity.mann_whitney(grouped)
report.numbers("rq1.models.mannwhitney", activity.test_results(tests))
report.table("rq1_mannwhitney", activity.test_table(tests))

# %% [markdown]
# The study leaves out licences of fewer than 100 models. The same tests under its rule, to be read beside its Table 5:

# %%
common = activity.with_group(models, conventions="authors")
report.numbers("rq1.models.common_licenses.group", activity.group_sizes(common))
report.number("rq1.models.common_licenses.min_repositories", activity.least_repositories(common, conventions="authors"))
report.numbers("rq1.models.common_licenses.mannwhitney", activity.u_and_p(activity.mann_whitney(common)))

# %% [markdown]
# In print and here; the values of Table 5 are held against the tests under the study's rule:

# %%
in_print.compared(report, hub, "4.1.3", "Table 5")

# %%
report.close()

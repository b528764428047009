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
# # What changes when the date changes?
#
# The study looks at the Hub on one day. This notebook sets the results of several runs side by side: of snapshots of
# different days, or of one snapshot as of every quarter, month or year of a range.

# %% tags=["parameters"]
snapshot_date = "demo"  # names of snapshots, parted by commas (NAME@DATE: as of a day); or one, with a range
as_of = "2022-12-31..2023-09-30/quarter"  # a range of days for one snapshot; a day, or empty, for several
conventions = "corrected"  # or "authors": follow the study's published scripts
bots = "exclude"  # or "include"
identities = "merged"  # or "raw": every name is a person
merge_threshold = 90  # least similarity of a merge that was scored
draws = 99  # networks of each null model
engine = "duckdb"  # or the URL of a Spark cluster
out_dir = ""  # empty: a directory of the comparison's own under paper/generated

# %%
from analysis import compare, figures, ranking
from analysis.parameters import Parameters
from analysis.report import Report

asked = Parameters(snapshot_date, as_of, conventions, bots, identities, merge_threshold, draws, engine, out_dir)
compared = compare.plan(asked)
report = Report.of("compare_snapshots", compared)
runs = compare.documents(compared)
labels = compare.labels(runs)

# %%
report.table("compare_runs", compare.run_table(runs), prose=True)

# %% [markdown]
# ## Before any number
#
# Two samples that were chosen in different ways differ though the Hub did not change. Only a census can be compared
# with a census as a whole.

# %%
report.table("compare_warnings", compare.warning_table(runs), prose=True, align="rp{13cm}")

# %% [markdown]
# ## How much changed
#
# A result is compared where at least two runs have it. What a run lacks is listed at the end, with the reason. The
# change goes from the first run that has it to the last.

# %%
values = compare.side_by_side(runs)
verdicts = compare.verdicts(runs)
orders = ranking.orders(runs)
report.numbers("compare", compare.results(values, verdicts, orders))
report.table("compare_summary", compare.summary(values))

# %% [markdown]
# ## Over time
#
# A row a run, for the measures that at least two runs have.

# %%
report.table("compare_over_time", compare.over_time_table(runs, values))

# %% [markdown]
# Headline results of the last run, as multiples of the first run's:

# %%
shifts = compare.shifts(runs, values)
report.figure(
    "compare_shifts",
    figures.shifts(shifts, first=labels[0], last=labels[-1]),
    alt="How many times its value in the first run each headline result has in the last run",
)

# %% [markdown]
# Where there are more than two runs, the trend.

# %%
growth = compare.trend(runs, values, "network")
report.figure(
    "compare_trend_network",
    figures.trends(growth),
    alt="Developers, isolates, cores, modularity and reciprocity of the network over time",
)

# %%
repositories = compare.trend(runs, values, "repositories")
report.figure(
    "compare_trend_repositories",
    figures.trends(repositories),
    alt="Repositories, those without a licence, and mean activity per model over time",
)

# %%
concentration = compare.trend(runs, values, "concentration")
report.figure(
    "compare_trend_concentration",
    figures.trends(concentration),
    alt="Smallest share of repositories that holds 80 per cent of an activity, over time",
)

# %%
usage_trend = compare.trend(runs, values, "usage")
report.figure(
    "compare_trend_usage",
    figures.trends(usage_trend),
    alt="Models that spaces use, spaces and links over time",
)

# %% [markdown]
# ## Values: activity
#
# The tables hold the results that carry the study's findings; `tables/compare_all.csv` has every one. The change of a
# share is in percentage points.

# %%
models = compare.section(runs, values, "models")
report.table("compare_models", models, statistics="index")

# %%
datasets = compare.section(runs, values, "datasets")
report.table("compare_datasets", datasets, statistics="index")

# %%
spaces = compare.section(runs, values, "spaces")
report.table("compare_spaces", spaces, statistics="index")

# %%
correlations = compare.section(runs, values, "correlations")
report.table("compare_correlations", correlations, statistics="index")

# %%
licence_groups = compare.section(runs, values, "licence_groups")
report.table("compare_licence_groups", licence_groups, statistics="index")

# %% [markdown]
# ## Values: network

# %%
network = compare.section(runs, values, "network")
report.table("compare_network", network, statistics="index")

# %%
fields = compare.section(runs, values, "fields")
report.table("compare_fields", fields, statistics="index")

# %% [markdown]
# ## Values: adoption

# %%
usage = compare.section(runs, values, "usage")
report.table("compare_usage", usage, statistics="index")

# %% [markdown]
# ## Verdicts that changed
#
# The study's printed values whose verdict in the ledger is not the same in every run that has them.

# %%
changed_verdicts = compare.changed_verdicts(runs, verdicts)
report.table("compare_verdicts_changed", changed_verdicts, prose=True)

# %% [markdown]
# ## Orders of groups
#
# Of two licence groups the one whose repositories are more active by the probability of superiority (the study's
# Table 5), of three by how many of the others each is above; kinds of repositories, sub-fields, licences and
# organisations by rank. Those that changed:

# %%
changed_orders = compare.printed_orders(runs, orders, changed=True)
report.table("compare_orders_changed", changed_orders, prose=True)

# %% [markdown]
# Those that did not:

# %%
same_orders = compare.printed_orders(runs, orders, changed=False)
report.table("compare_orders_same", same_orders, prose=True)

# %% [markdown]
# ## Repositories that came and went
#
# From each run to the next. What went can be told only from two censuses. A repository that was renamed counts as gone
# and as new.

# %%
report.table("compare_repositories", compare.printed_repositories(compared))

# %% [markdown]
# ## What is not compared
#
# Results that a run does not have, by reason; `tables/compare_not_compared.csv` names each.

# %%
lacking = compare.reasons(compare.not_compared(runs, values))
report.table("compare_reasons", lacking, prose=True, align="lrp{10cm}")

# %%
compare.write(compared, runs, values, verdicts, orders)

# %%
report.close()

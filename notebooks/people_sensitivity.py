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
# # Who is who: how much do the findings depend on merged names?
#
# Section 3.4 of the study merges the names of one person. It publishes neither the decisions nor their effect. This
# notebook repeats the people counts of RQ1 and the study's Table 6 under two rules, over the threshold, with and
# without bots, and with nobody merged. Two errors are possible: two people with similar names become one, who then seems
# to work in many places, or one person with two names stays two, who then seem to work together. What holds under every
# rule depends on neither.

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
from analysis.engine import load
from analysis.merging import score, sensitivity
from analysis.parameters import Parameters
from analysis.report import Report
from analysis.study import in_print

run = Parameters(snapshot_date, as_of, conventions, bots, identities, merge_threshold, draws, engine, out_dir)
hub = load(run)
report = Report.of("people_sensitivity", hub)
in_print.expectation(hub)

# %% [markdown]
# ## The findings under every set of merges
#
# The study's rule is taken without the search by hand that followed it. Both rules see the same pairs of names.
# What people decided about a pair counts under either. First the people counts, per thousand repositories.

# %%
variants = sensitivity.sensitivity(hub)
report.numbers("people.sensitivity", sensitivity.results(variants))
report.table("people_sensitivity_counts", sensitivity.printed_counts(variants))

# %% [markdown]
# The network of all models without isolates, by the columns of the study's Table 6:

# %%
report.table("people_sensitivity", sensitivity.printed(variants))

# %%
report.figure(
    "people_sensitivity",
    sensitivity.figure(variants),
    alt="A row per measure of people and network, with marks for no merging, the study's rule, ours and the merges of the "
    "run at their change in per cent; their values stand beside them",
)

# %% [markdown]
# The study's Table 6 beside the network that its own rule gives, and beside the one of this run's merges:

# %%
in_print.compared(
    report, hub, "Table 6", ids=["rq2.all.k1."], under={"people.sensitivity.study-90-bots-excluded": "rq2.all"}
)

# %%
in_print.compared(
    report, hub, "Table 6", ids=["rq2.all.k"], under={"people.sensitivity.as-run-bots-excluded": "rq2.all"}
)

# %% [markdown]
# ## The network before and after
#
# Nobody merged, and merged as this run does it. Merging takes nodes away, and with them the edges that only seemed to
# lead to somebody else.

# %%
report.table("people_before_after", sensitivity.before_and_after(variants))

# %% [markdown]
# The study prints one network alone. Its Table 6 beside the one with nobody merged:

# %%
in_print.compared(
    report, hub, "Table 6", ids=["rq2.all.k"], under={"people.sensitivity.no-merging-bots-excluded": "rq2.all"}
)

# %% [markdown]
# ## How well the rules find the names of one person
#
# Counted on hand-checked aliases of another community, by `python -m analysis people score`. Our rule was written
# with these aliases in view, so its figures are the best it can be expected to reach. For the rows of two halves, each
# rule's threshold was chosen on one half of the persons and scored on the other. Precision is the share of the merged
# pairs that are one person, recall the share of such pairs that are merged. The study prints neither, so that there is
# nothing to set beside them.

# %%
scored = score.saved()
report.numbers("people.score", score.results(scored))
report.table("people_score", score.printed(scored, thresholds=score.DEFAULT), prose=True)

# %%
report.figure(
    "people_score",
    score.curve(scored),
    alt="Two panels, pairs of two usernames and of a username and a name: precision against recall of four rules as the "
    "threshold rises; large dots mark the threshold of 90",
    real=True,
)

# %% [markdown]
# A synthetic snapshot knows its own people:

# %%
known = score.of_truth(hub)
report.numbers("people.score.truth", score.results(known))
report.table("people_score_truth", score.printed(known, thresholds=score.DEFAULT), prose=True)

# %%
report.close()

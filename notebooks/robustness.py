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
# # How much does the method make by itself?
#
# What the study decided once is decided otherwise here, one decision at a time. A finding that comes out of any
# decision says something of the Hub; one that changes with the decision says something of the method.

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
from analysis import figures, file_edges, nulls, robustness, tails
from analysis.engine import about_models, activity, dated_commits, is_sample, load, memberships, usage
from analysis.parameters import Parameters
from analysis.report import Report, by_row
from analysis.study import in_print

run = Parameters(snapshot_date, as_of, conventions, bots, identities, merge_threshold, draws, engine, out_dir)
hub = load(run)
report = Report.of("robustness", hub)
in_print.expectation(hub)

# %% [markdown]
# ## The edge rule
#
# Tables 6 to 9 of the study rest on one rule: whoever leads a commit is linked to every other developer of that model.
# Here an edge needs two commits, or five; or both developers lead one; or their commits lie at most 30, or 90, days
# apart; or models of more than ten developers make none.

# %%
members = memberships(hub)
held = nulls.seats(members)
rules = robustness.edge_rule_table(robustness.edge_rules(held, dated_commits(hub)))
report.numbers("robustness.edge_rule", by_row(rules))
report.table("robustness_edge_rules", rules)

# %% [markdown]
# The study's Table 6 beside the network of its own rule, and beside the one whose edges need two commits:

# %%
in_print.compared(report, hub, "Table 6", ids=["rq2.all.k1."], under={"robustness.edge_rule.study": "rq2.all.k1"})

# %%
in_print.compared(report, hub, "Table 6", ids=["rq2.all.k1."], under={"robustness.edge_rule.weight_2": "rq2.all.k1"})

# %% [markdown]
# What the network owes to a single model, and its innermost core to a single account:

# %%
without_repository = robustness.without_one_repository(held, members)
report.numbers("robustness.without_repository", by_row(without_repository))
report.table("robustness_without_repository", without_repository)

# %%
report.listed("robustness.without_account", robustness.without_one_account(held))

# %% [markdown]
# ## Edges between people who changed the same file
#
# The study wished for a finer network (section 5.3.1). Here whoever leads a commit is linked to those who changed one of
# the same files, and beside it to those who changed any file of that model. Both are of the commits of which the snapshot
# says the files.

# %%
finer = robustness.edge_rule_table(robustness.networks(file_edges.edges_by_level(hub)))
report.numbers("robustness.file_edges", by_row(finer))
report.table("robustness_file_edges", finer)

# %% [markdown]
# ## Null models
#
# In the first null, everyone keeps their number of edges out and in, and all else is drawn. In the second, every model
# keeps its number of developers and what each seat leads, everyone keeps the number of models that they take part in,
# and who sits where is drawn: dealt at random, and exchanged where somebody would have two seats of one model, so that the
# draws are nearly, not exactly, equally likely. z is the distance from the null's mean in its standard deviations.

# %%
seated = {
    "all": held,
    "cv": nulls.seats(memberships(hub, "cv")),
    "nlp": nulls.seats(memberships(hub, "nlp")),
    "mm": nulls.seats(memberships(hub, "mm")),
}
same_degrees = nulls.null_tables(seated, "degrees", draws=draws)
report.numbers("robustness.null.degrees", by_row(same_degrees))
report.table("robustness_null_degrees", nulls.printed_nulls(same_degrees))

# %%
same_seats = nulls.null_tables(seated, "seats", draws=draws)
report.numbers("robustness.null.seats", by_row(same_seats))
report.table("robustness_null_seats", nulls.printed_nulls(same_seats))

# %% [markdown]
# ## Core and periphery
#
# The correlation of Borgatti and Everett (2000) between who is linked with whom and three ideal patterns, beside that
# of networks of the same degrees.

# %%
report.table("robustness_core_periphery", nulls.patterns_of(same_degrees))

# %% [markdown]
# ## Tails
#
# Whether a power law is plausible for the tail of each activity of models, and of the degree of developers, and whether
# a lognormal, a stretched exponential or a truncated power law is likelier (Clauset, Shalizi and Newman 2009). A ratio
# below 0 speaks against the power law.

# %%
models = activity(hub, "model")
heavy = tails.tail_table(models, nulls.degrees(held), draws=draws)
report.numbers("robustness.tails.models", by_row(heavy))
report.table("robustness_tails", heavy)

# %% [markdown]
# ## Concentration
#
# Gini coefficient, Herfindahl-Hirschman index, and what the top 1 % and the top ten models hold, beside the shares of
# the study's text. On a sample the Gini coefficient has a 95 % interval, for which owners are drawn with all their models,
# where there are at least ten; a census is all that there was, and has none.

# %%
unequal = robustness.inequality_table(models, draws=draws * is_sample(hub, "model"))
report.numbers("robustness.concentration.models", by_row(unequal))
report.table("robustness_concentration", unequal)

# %%
curves = robustness.lorenz(models)
report.figure("robustness_lorenz", figures.lorenz(curves), alt="Lorenz curves of each activity of models.")

# %% [markdown]
# ## Correlations
#
# Pearson's coefficient of the raw counts, as the study takes it; without the models above the 99.9 % quantile of either
# variable; of the logarithms; and two coefficients of ranks. The intervals are of 95 %. Of a sample they come from draws of
# owners with all their models, where there are at least ten; of a census they tell how far the coefficient would move if as
# many models more were made.

# %%
coefficients = robustness.correlation_table(models, draws=draws * is_sample(hub, "model"))
report.numbers("robustness.correlation.models", by_row(robustness.named_pairs(coefficients)))
report.table("robustness_correlations", robustness.coefficients_of(coefficients, "counts"))

# %%
report.table("robustness_rank_correlations", robustness.coefficients_of(coefficients, "ranks"))

# %% [markdown]
# ## Licences
#
# The probability that a permissive model has more than a restrictive one, under other groupings, and among models of
# the same kind of owner, quarter of creation and task (van Elteren 1960).

# %%
flips = robustness.licence_flips(models)
report.numbers("robustness.licences", by_row(robustness.named_rows(flips)))
report.table("robustness_licences", flips, statistics="superiority")

# %%
within = robustness.stratified(models, about_models(hub))
report.numbers("robustness.strata", by_row(robustness.named_rows(within["superiority"])))
report.numbers("robustness.strata_p", by_row(robustness.named_rows(within["p"])))
report.table("robustness_strata", within["superiority"], statistics="superiority")

# %% [markdown]
# ## Sub-fields, accounts and organisations
#
# The tag `feature-extraction` is one of the multimodal field, though most models that carry it read texts. The first
# table has the field with it, as the study takes it, and without it; the second the hundred most used models by
# account, and by the organisation behind it.

# %%
narrow = {"as_given": seated["mm"], "without_feature_extraction": nulls.seats(memberships(hub, "mm_narrow"))}
multimodal = robustness.edge_rule_table(nulls.networks(narrow))
report.numbers("robustness.mm", by_row(multimodal))
report.table("robustness_multimodal", multimodal)

# %%
used = usage(hub)
report.numbers("robustness.top100", robustness.accounts_against_organisations(used))
report.table("robustness_organisations", robustness.owners_and_organisations(used))

# %%
report.close()

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
# # RQ3: Which models do spaces adopt, and who develops them?
#
# Section 4.3 of the study: spaces name the models that they use. How unevenly models are used, which are used most,
# alone and together, and which organisations developed those. A space is an application that anybody can open, so the
# links say what models are built with, which likes and downloads do not. Each section ends with what the study prints,
# what comes out here, and whether the two agree by the printed digits.

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
from analysis import adoption, figures
from analysis.engine import activity, co_usage_by_field, load, usage_by_field, usage_sizes
from analysis.parameters import Parameters
from analysis.report import Report, by_row
from analysis.study import in_print

run = Parameters(snapshot_date, as_of, conventions, bots, identities, merge_threshold, draws, engine, out_dir)
hub = load(run)
report = Report.of("rq3_adoption", hub)
in_print.expectation(hub)

# %% [markdown]
# ## Usage
#
# The degree of a model is the number of spaces that use it, over the models that at least one space uses (study,
# section 4.3.1); for all models and, by the model's tags, for three sub-fields.

# %%
used = usage_by_field(hub)
size = usage_sizes(hub)
degrees = adoption.degree_table(used)
report.numbers("rq3", by_row(size, "usage"))
report.numbers("rq3", by_row(degrees, "usage.degree"))
report.numbers("rq3.all.usage.degree", adoption.landmarks(used["all"]))

# %% [markdown]
# ## Co-usage
#
# The projection on models: two models are linked where a space uses both. The degree of a model is the number of
# models that it shares a space with. One space that uses very many models links all of them with each other, so a high
# degree here may be the work of a single space.

# %%
pairs = co_usage_by_field(hub)
co_used = adoption.co_usage_degrees_by(pairs)
co_size = adoption.co_usage_sizes(pairs)
report.numbers("rq3", by_row(co_size, "cousage"))
report.table("rq3_degree", adoption.sizes_and_degrees(size, degrees, co_size))

# %% [markdown]
# The study's Figure 5. On log axes a straight fall is what a few popular models and a long tail of others give.

# %%
report.figure(
    "rq3_distributions",
    figures.adoption(adoption.degree_distributions(used, "spaces"), adoption.degree_distributions(co_used, "degree")),
    alt="Two panels on log axes, usage and co-usage: a falling staircase for all models and for each of three fields shows "
    "the share of models with at least a degree",
)

# %% [markdown]
# In print and here:

# %%
in_print.compared(report, hub, "4.3.1", ids=["rq3.all.usage.degree", "rq3.all.cousage"])

# %% [markdown]
# ## The most used models
#
# The study's section 4.3.2. A model may have moved to another owner since; the study's names are looked up under the old
# and the new one.

# %%
report.numbers("rq3", adoption.top_results(used))
report.table("rq3_top_models", adoption.top_table(used), align=adoption.WIDE)

# %% [markdown]
# Who developed the hundred most used and the hundred most co-used models. An organisation may own several accounts;
# `data/organisations.csv` says which.

# %%
report.numbers("rq3", adoption.organisation_results("usage", used))
report.table("rq3_organisations_usage", adoption.organisation_table(used))

# %%
report.numbers("rq3", adoption.organisation_results("cousage", co_used))
report.table("rq3_organisations_cousage", adoption.organisation_table(co_used))

# %% [markdown]
# In print and here: all models, those of the sub-fields, and who developed the most used of all.

# %%
in_print.compared(report, hub, "4.3.1", ids=["rq3.all.usage.top."])

# %%
in_print.compared(report, hub, "4.3.2", ids=["rq3.nlp.usage", "rq3.cv.usage", "rq3.mm.usage"])

# %%
in_print.compared(report, hub, "4.3.2", ids=["rq3.all.usage.top100", "rq3.all.cousage.top100"])

# %% [markdown]
# ## Usage, likes and downloads
#
# Pearson correlation of the number of spaces with likes and with downloads: over all models, and over those that a
# space uses (study, section 4.3.3). If popularity and use are much the same, the two go together closely.

# %%
models = activity(hub, "model", variables=("n_likes", "n_downloads", "n_usage_spaces"))
correlated = adoption.correlations(models)
report.numbers("rq3.correlation", by_row(correlated))
report.numbers("rq3.correlation", adoption.p_values(models))
report.table("rq3_correlation", correlated)

# %% [markdown]
# In print and here:

# %%
in_print.compared(report, hub, "4.3.3")

# %%
report.close()

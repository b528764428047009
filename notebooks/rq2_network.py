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
# # RQ2: What is the social network structure of the developer community?
#
# Section 4.2 of the study: developers are linked where they commit to the same model. Who stands alone, how the
# others are linked, and what is at the core; for all models and for three sub-fields. Each section ends with what the
# study prints, what comes out here, and whether the two agree by the printed digits.

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
from analysis import figures, network
from analysis.engine import edges, least_similarity, load, memberships, people_counts
from analysis.parameters import Parameters
from analysis.report import Report, by_row
from analysis.study import in_print

run = Parameters(snapshot_date, as_of, conventions, bots, identities, merge_threshold, draws, engine, out_dir)
hub = load(run)
report = Report.of("rq2_network", hub)
in_print.expectation(hub)

# %% [markdown]
# ## People
#
# The names in commits and discussions, the service accounts among them, and the names that were merged with another
# name of the same person (study, section 3.4). Somebody may sign with a username here and with a full name there; whoever
# is counted twice seems to work with nobody, so that the names matter to every measure below.

# %%
report.number("rq2.people.threshold", least_similarity(hub))
report.listed("rq2.people", people_counts(hub))

# %% [markdown]
# The developers of models before any name is merged:

# %%
report.number("rq2.people.developers", network.developer_count(memberships(hub.unmerged)))

# %% [markdown]
# In print and here. The study searched by hand too, and prints how many pairs of names it looked at and how many it took
# for one person; no data tell that.

# %%
in_print.compared(report, hub, "3.4", ids=["rq2.people.developers", "rq2.people.merged", "rq2.people.threshold"])

# %% [markdown]
# ## The network
#
# For every commit an edge goes from its first author to every other author of that model; its weight is the number
# of such commits. A developer without an edge is an isolate.

# %%
everyone = network.graph(edges(hub))
vision = network.graph(edges(hub, "cv"))
language = network.graph(edges(hub, "nlp"))
multimodal = network.graph(edges(hub, "mm"))
developers = network.developers_by({"all": everyone, "cv": vision, "nlp": language, "mm": multimodal})
report.numbers("rq2", by_row(developers))
report.table("rq2_developers", developers)

# %% [markdown]
# The developers of degree 10 or more, whose names the study looked up by hand:

# %%
report.listed("rq2.people.central", network.central(everyone))

# %% [markdown]
# In print and here:

# %%
in_print.compared(report, hub, "3", "4", ids=["rq2.people.central", "rq2.all.developers", "rq2.all.isolate"])

# %% [markdown]
# ## Degree and PageRank
#
# The study's Figure 4, without isolates: how many others a developer is linked with, and how often a random walk over
# the edges comes by. Where the largest lie far above the median, the network has hubs.

# %%
central = network.centralities(everyone)
centrality = network.distributions_of(central)
report.numbers("rq2.all", centrality)
report.number("rq2.all.degree.min", network.least_degree(central))
report.table("rq2_centrality", centrality, statistics="index")

# %%
report.figure(
    "rq2_distributions",
    figures.centralities(central),
    alt="Two falling staircases on log axes: the share of developers with at least a degree, and with at least a PageRank. "
    "The median developer and the first are marked",
)

# %% [markdown]
# In print and here:

# %%
in_print.compared(report, hub, "4.2.1", ids=["rq2.all.degree", "rq2.all.pagerank"])

# %% [markdown]
# ## Core and periphery
#
# The study's Tables 6 to 9: measures of the k-cores, out to the innermost core that is not empty. A k-core is what is
# left when everybody with fewer than k edges, in and out together, is removed until nobody is. A core that grows denser
# from level to level, in which nearly every edge is returned, is what the study calls a core-periphery structure.

# %%
cores = network.core_table(everyone)
report.numbers("rq2.all", network.core_results(cores))
report.table("rq2_structure_all", network.printed_cores(cores))

# %%
cores_of_vision = network.core_table(vision)
report.numbers("rq2.cv", network.core_results(cores_of_vision))
report.table("rq2_structure_cv", network.printed_cores(cores_of_vision))

# %%
cores_of_language = network.core_table(language)
report.numbers("rq2.nlp", network.core_results(cores_of_language))
report.table("rq2_structure_nlp", network.printed_cores(cores_of_language))

# %%
cores_of_multimodal = network.core_table(multimodal)
report.numbers("rq2.mm", network.core_results(cores_of_multimodal))
report.table("rq2_structure_mm", network.printed_cores(cores_of_multimodal))

# %% [markdown]
# The search for communities meets ties and takes the first by number. How far MOD and COM move when the nodes are
# numbered in another order (few draws, for most networks do not move at all):

# %%
report.numbers("rq2.all", network.numbering_ranges(everyone, draws=draws // 20))
report.numbers("rq2.cv", network.numbering_ranges(vision, draws=draws // 20))
report.numbers("rq2.nlp", network.numbering_ranges(language, draws=draws // 20))
report.numbers("rq2.mm", network.numbering_ranges(multimodal, draws=draws // 20))

# %% [markdown]
# In print and here, first all models, then the sub-fields. Where the printed value lies in a range that the numbering
# leaves open, there is no verdict.

# %%
in_print.compared(report, hub, "4.2.1", "Table 6", ids=["rq2.all.k", "rq2.all.recip", "rq2.all.ass", "rq2.all.arcc"])

# %%
in_print.compared(report, hub, "4.2.2", "Table 7", "Table 8", "Table 9")

# %% [markdown]
# ## What the edge rule makes by itself
#
# Two people who both lead a commit in a model always have both edges. So much of the reciprocity is made within a
# single repository; the null model keeps who takes part in which model and draws at random who leads.

# %%
members = memberships(hub)
report.listed("rq2.all.edge_rule", network.edge_rule_reciprocity(members, draws=draws))

# %% [markdown]
# The rule also turns every repository into a clique. The repositories that hold most of the innermost core, of which the
# study prints nothing:

# %%
carriers = network.core_repositories(members, network.innermost(everyone))
report.numbers("rq2.all.kmax.carrier", network.first_carrier(carriers))
report.table("rq2_core_repositories", network.printed_carriers(carriers))

# %%
report.close()

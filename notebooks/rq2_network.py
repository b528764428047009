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
# others are linked, and what is at the core; for all models and for three sub-fields.

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

run = Parameters(snapshot_date, as_of, conventions, bots, identities, merge_threshold, draws, engine, out_dir)
hub = load(run)
report = Report.of("rq2_network", hub)

# %% [markdown]
# ## People
#
# The names in commits and discussions, the service accounts among them, and the names that were merged with another
# name of the same person (study, section 3.4).

# %%
people = people_counts(hub)
report.numbers("rq2.people", people)
report.number("rq2.people.threshold", least_similarity(hub))
people

# %% [markdown]
# The developers of models before any name is merged:

# %%
report.number("rq2.people.developers", network.developer_count(memberships(hub.unmerged)))

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
central_developers = network.central(everyone)
report.numbers("rq2.people.central", central_developers)
central_developers

# %% [markdown]
# ## Degree and PageRank
#
# The study's Figure 4, without isolates.

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
# ## Core and periphery
#
# The study's Tables 6 to 9: measures of the k-cores, out to the innermost core that is not empty. The core number
# counts edges in and out.

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
# ## What the edge rule makes by itself
#
# Two people who both lead a commit in a model always have both edges. So much of the reciprocity is made within a
# single repository; the null model keeps who takes part in which model and draws at random who leads.

# %%
members = memberships(hub)
rule = network.edge_rule_reciprocity(members, draws=draws)
report.numbers("rq2.all.edge_rule", rule)
rule

# %% [markdown]
# The rule also turns every repository into a clique. The repositories that hold most of the innermost core:

# %%
carriers = network.core_repositories(members, network.innermost(everyone))
report.numbers("rq2.all.kmax.carrier", network.first_carrier(carriers))
report.table("rq2_core_repositories", network.printed_carriers(carriers))

# %%
report.close()

"""What readers are told in place of the names of variables, sub-fields and measures: in figures, tables and the ledger."""

LABELS = {
    "n_likes": "likes",
    "n_downloads": "downloads",
    "n_discussions": "discussions",
    "n_disc_starters": "discussion starters",
    "n_commits": "commits",
    "n_committers": "committers",
    "n_community": "community",
    "n_usage_spaces": "spaces using it",
}
COLUMNS = {  # of a snapshot's tables, where readers are told something else than the column's name
    "license": "licence", "repo_id": "repository", "created_at": "day of creation", "last_modified": "day of the last change",
    "pipeline_tag": "task",
}  # fmt: skip
FIELDS = {"all": "all models", "cv": "computer vision", "nlp": "natural language processing", "mm": "multimodal"}
MEASURES = {
    "std": "standard deviation", "min": "minimum", "max": "maximum", "share_for_80": "share that holds 80 %",
    "share_for_99": "share that holds 99 %", "pagerank": "PageRank", "pearson": "Pearson", "spearman": "Spearman",
    "used": "used models",
}  # fmt: skip

"""The hand-made tables in data/: complete against the Hub's list and real records, consistent, clean text."""

import csv
import gzip
import json
import os
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd
import pytest
from packaging.licenses import canonicalize_license_expression

from analysis.paths import DATA

HEADERS = {
    "licenses.csv": ["identifier", "spdx", "group", "reason", "source"],
    "organisations.csv": ["owner", "model", "organisation", "slug", "kind", "source", "evidence"],
    "bots.csv": ["name", "rule", "source"],
}

# What the Hub offers: its page "Licenses" from the first version to 2026, and its form for a new repository.
HUB_LICENSES = """
afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5
cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0
cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0
etalab-2.0 eupl-1.1 eupl-1.2 fair-noncommercial-research-license gemma gfdl gpl gpl-2.0 gpl-3.0
grok2-community h-research intel-research isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2
llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 open-mdw openmdw-1.0 openmdw-1.1 openrail
openrail++ osl-3.0 other pddl postgresql unknown unlicense wtfpl zlib
""".split()

SPDX = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "afl-3.0": "AFL-3.0",
    "bsd-3-clause": "BSD-3-Clause",
    "bsl-1.0": "BSL-1.0",
    "bsl-1.1": "BUSL-1.1",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
    "cc0-1.0": "CC0-1.0",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-lr": "LGPLLR",
    "mpl-2.0": "MPL-2.0",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
    "unlicense": "Unlicense",
    "creativeml-openrail-m": "",
    "llama2": "",
    "other": "",
}

PERMISSIVE = "apache-2.0 mit bsd bsd-3-clause cc-by-4.0 cc0-1.0 afl-3.0 isc unlicense wtfpl pddl zlib ncsa"
RESTRICTIVE = """openrail creativeml-openrail-m bigscience-bloom-rail-1.0 gpl gpl-2.0 gpl-3.0 agpl-3.0
lgpl-3.0 mpl-2.0 cc-by-sa-4.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-sa-4.0 odbl llama2 gemma
all-rights-reserved"""
UNCLASSIFIED = "other unknown ??? see-base-model cc m modified-mit"

# Of a licence whose text nobody read: the words in its name that restrict, and what else its name may be said to be.
RESTRICTING = """all rights reserved|apps only|commercial|community|eula|naming clause|non commercial|personal use only
proprietary|rail|research|responsible|source available""".replace("\n", "|").split("|")
UNREAD = "|".join(
    [
        "garbage string|placeholder",
        "publisher's own licence, text not seen",
        "names [a-z ]+(, no terms|: an abbreviation|, points to the card)",
        "points to [A-Za-z', ]+( \\(Turkish\\))?",
        "mixture, (parts not named|one part not named|points to the card)",
        "says that [a-z' ]+ is not (known|given|settled)",
        "stands for any licence outside the Hub's list",
    ]
)

# Owners and ownerless models that the study's §4 and §5 name, with the organisation it counts them for.
STUDY = {
    "facebook": "meta",
    "meta-llama": "meta",
    "google": "google",
    "stabilityai": "stability-ai",
    "openai": "openai",
    "microsoft": "microsoft",
    "fnlp": "fudan-university",
    "EleutherAI": "eleutherai",
    "h2oai": "h2o-ai",
    "bigscience": "bigscience",
    "bigcode": "bigcode",
    "lmsys": "lmsys",
    "laion": "laion",
    "mistralai": "mistral-ai",
    "deepset": "deepset",
    "runwayml": "runway",
    "CompVis": "lmu-munich",
    "skytnt": "skytnt",
    "saltacc": "saltacc",
    "lllyasviel": "lllyasviel",
    "DucHaiten": "duchaiten",
    "nitrosocke": "nitrosocke",
    "gpt2": "openai",
    "gpt2-medium": "openai",
    "bert-base-uncased": "google",
}

# Where the ownerless models went in 2024.
MOVED = {
    "gpt2": "openai-community",
    "openai-gpt": "openai-community",
    "bert-base-uncased": "google-bert",
    "t5-base": "google-t5",
    "albert-base-v2": "albert",
    "roberta-base": "FacebookAI",
    "xlm-roberta-large": "FacebookAI",
    "distilbert-base-uncased": "distilbert",
    "distilgpt2": "distilbert",
    "camembert-base": "almanach",
    "ctrl": "Salesforce",
    "xlnet-base-cased": "xlnet",
    "transfo-xl-wt103": "transfo-xl",
}

KINDS = {"company", "consortium", "grassroots", "nonprofit", "person", "public", "university", "unknown"}

# Invented names that end or begin as bots do, and family names of that kind.
HUMANS = ["abbot", "Abbott", "talbot", "Talbot", "cabot", "robot-lover", "botond", "Boton Smith", "elisabot"]
HUMANS += [
    "systems",
    "ecosystem",
    "my-system",
    "webflow",
    "librarian",
    "parquet",
    "bot",
    "[bot",
    "bot]",
    "(bot",
    "Ann (bot fan)",
    "Ann Talbot",
]


def rows(name: str) -> list[dict[str, str]]:
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def records(folder: Path, name: str):
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def letters(name: str) -> str:
    """A name without punctuation, spaces and case."""
    return re.sub(r"[\W_]", "", name).casefold()


def is_bot(name: str) -> bool:
    listed = rows("bots.csv")
    exact = {row["name"].casefold() for row in listed if row["rule"] == "exact"}
    patterns = [row["name"] for row in listed if row["rule"] == "pattern"]
    return name.casefold() in exact or any(re.fullmatch(one, name, re.IGNORECASE) for one in patterns)


@pytest.fixture
def dumps() -> Path:
    folder = os.environ.get("HUB_DUMPS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HUB_DUMPS names no directory of published records")
    return Path(folder)


# All three files


@pytest.mark.parametrize("name", HEADERS)
def test_files_are_clean_text_with_the_agreed_columns(name):
    raw = (DATA / name).read_bytes()
    text = raw.decode("utf-8")
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert "\r" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text == unicodedata.normalize("NFC", text)
    assert text.splitlines()[0].split(",") == HEADERS[name]


@pytest.mark.parametrize("name", HEADERS)
def test_every_line_has_every_column_and_no_space_around_a_cell(name):
    for row in rows(name):
        assert None not in row
        assert all(cell is not None and cell == cell.strip() for cell in row.values()), row


@pytest.mark.parametrize("name", ["licenses.csv", "bots.csv"])
def test_licences_and_bots_are_ascii(name):
    assert (DATA / name).read_bytes().isascii()


@pytest.mark.parametrize(
    ("name", "key"),
    [("licenses.csv", ["identifier"]), ("organisations.csv", ["owner", "model"]), ("bots.csv", ["name"])],
)
def test_rows_are_sorted_and_none_is_repeated(name, key):
    keys = [tuple(row[column] for column in key) for row in rows(name)]
    assert keys == sorted(set(keys))


# Licences


def test_every_licence_that_the_hub_offers_is_listed():
    assert set(HUB_LICENSES) - {row["identifier"] for row in rows("licenses.csv")} == set()


def test_identifiers_are_lower_case_and_groups_are_the_three():
    for row in rows("licenses.csv"):
        assert row["identifier"] == row["identifier"].casefold()
        assert row["group"] in {"permissive", "restrictive", "unclassified"}


def test_every_licence_has_a_reason_of_its_own_words():
    for row in rows("licenses.csv"):
        assert len(row["reason"]) >= 8, row
        assert row["reason"].casefold() not in {row["group"], row["identifier"]}


def test_a_licence_says_where_its_terms_stand_or_that_its_name_alone_was_read():
    for row in rows("licenses.csv"):
        if row["spdx"]:
            assert row["source"] == f"https://spdx.org/licenses/{row['spdx']}.html"
        else:
            assert row["source"] == "the identifier alone" or row["source"].startswith("https://"), row


def test_a_page_of_the_hub_is_a_licence_source_only_where_the_licence_is_published_there():
    published = {"bigcode/bigcode-model-license-agreement", "bigscience/license", "CompVis/stable-diffusion-license"}
    spaces = {f"https://huggingface.co/spaces/{name}" for name in published}
    publishers = "apple|facebook|MiniMaxAI|nvidia|OpenVINO|THUDM|xai-org"
    for row in rows("licenses.csv"):
        if re.match(r"https://([a-z-]+\.)?(huggingface\.co|hf\.co)/", row["source"]):
            text = rf"https://huggingface\.co/({publishers})/[\w.-]+/blob/main/LICENSE(\.md)?"
            assert row["source"] in spaces or re.fullmatch(text, row["source"]), row


def test_of_a_licence_that_nobody_read_the_reason_says_no_more_than_its_name():
    for row in rows("licenses.csv"):
        if row["source"] != "the identifier alone" or row["reason"].startswith("family whose listed members "):
            continue
        word = row["reason"].removeprefix("by its name: ")
        if row["group"] == "unclassified":
            assert re.fullmatch(UNREAD, row["reason"]), row
        else:
            assert row["group"] == "restrictive" and word in RESTRICTING, row
            assert f" {word} " in " " + re.sub("[-_]", " ", row["identifier"]) + " ", row


def test_the_words_that_restrict_by_the_name_alone_do_so_in_every_licence_that_was_read():
    read = [row for row in rows("licenses.csv") if row["source"] != "the identifier alone"]
    for word in RESTRICTING:
        named = [row for row in read if f" {word} " in f" {row['identifier'].replace('-', ' ')} "]
        assert {row["group"] for row in named} <= {"restrictive"}, word


def test_a_family_is_in_the_group_of_its_listed_members_and_unclassified_where_they_differ():
    families = [row for row in rows("licenses.csv") if row["reason"].startswith("family ")]
    assert {row["identifier"] for row in families} == {"bsd", "cc", "gpl", "lgpl"}
    for row in families:
        groups = {one["group"] for one in rows("licenses.csv") if one["identifier"].startswith(row["identifier"] + "-")}
        agree = len(groups) == 1
        assert row["group"] == (groups.pop() if agree else "unclassified"), row
        assert row["reason"] == f"family whose listed members {'agree' if agree else 'differ'}", row


def test_what_proves_an_organisation_follows_from_its_source():
    for row in rows("organisations.csv"):
        on_the_hub = re.match(r"https://(www\.)?(huggingface\.co|hf\.co)/", row["source"])
        itself = letters(row["owner"]) == letters(row["organisation"])
        if row["source"].startswith("Osborne"):
            possible = {"study"}
        elif on_the_hub:
            possible = {"model card"} if not row["owner"] else {"itself"} if itself else {"account"}
        else:
            possible = {"release", "statement"} if row["owner"] else {"release"}
        assert row["evidence"] in possible, row


def test_an_account_on_github_speaks_for_the_hubs_only_where_both_have_one_name():
    for row in rows("organisations.csv"):
        if account := re.fullmatch(r"https://github\.com/([\w-]+)/?", row["source"]):
            assert account[1].casefold() == row["owner"].casefold(), row


def test_an_account_that_speaks_for_itself_is_its_own_source():
    for row in rows("organisations.csv"):
        if row["evidence"] in {"itself", "account"}:
            assert row["source"] == f"https://huggingface.co/{row['owner']}", row


@pytest.mark.parametrize(
    ("group", "listed"),
    [("permissive", PERMISSIVE), ("restrictive", RESTRICTIVE), ("unclassified", UNCLASSIFIED)],
)
def test_well_known_licences_are_in_their_group(group, listed):
    groups = {row["identifier"]: row["group"] for row in rows("licenses.csv")}
    assert {one for one in listed.split() if groups.get(one) != group} == set()


def test_a_name_that_states_a_restriction_is_restrictive():
    stated = re.compile(r"(^|-)(nc|nd|sa)-|non-?commercial|(^|-)l?gpl|research-only|rail|community|proprietary")
    for row in rows("licenses.csv"):
        if stated.search(row["identifier"]):
            assert row["group"] == "restrictive", row


def test_spdx_identifiers_of_well_known_licences():
    spdx = {row["identifier"]: row["spdx"] for row in rows("licenses.csv")}
    assert {one: spdx[one] for one in SPDX} == SPDX


def test_every_spdx_identifier_is_in_the_spdx_list_and_in_its_spelling():
    for row in rows("licenses.csv"):
        if row["spdx"]:
            assert canonicalize_license_expression(row["spdx"]) == row["spdx"]


def test_one_spdx_identifier_has_one_group_and_names_terms():
    groups = defaultdict(set)
    for row in rows("licenses.csv"):
        groups[row["spdx"]].add(row["group"])
    assert all(len(found) == 1 and found != {"unclassified"} for spdx, found in groups.items() if spdx)


@pytest.mark.dumps
@pytest.mark.parametrize("file", ["models-2022-02-21", "curated-models-2026-08-22"])
def test_every_licence_of_the_real_records_is_listed(dumps, file):
    listed = {row["identifier"] for row in rows("licenses.csv")}
    found = set()
    for record in records(dumps, file):
        tags = [tag.removeprefix("license:") for tag in record["tags"] or [] if tag.startswith("license:")]
        found.update([record.get("license") or (tags[0] if tags else "")])
    found.discard("")
    assert len(found) > 30
    assert {one for one in found if one.casefold() not in listed} == set()


@pytest.mark.dumps
def test_the_hubs_own_form_offers_no_licence_that_is_not_listed(dumps):
    with gzip.open(dumps / "hub-openapi.json.gz", "rt", encoding="utf-8") as file:
        form = json.load(file)["paths"]["/api/repos/create"]["post"]["requestBody"]["content"]
    offered = form["application/json"]["schema"]["allOf"][0]["properties"]["license"]["enum"]
    assert set(offered) - {row["identifier"] for row in rows("licenses.csv")} == set()
    assert set(offered) - set(HUB_LICENSES) == set()


# Organisations


def test_a_row_names_an_owner_or_a_model_and_never_both():
    for row in rows("organisations.csv"):
        assert bool(row["owner"]) != bool(row["model"]), row
        assert "/" not in row["owner"]


def test_owners_and_models_are_unique():
    for column in ("owner", "model"):
        named = Counter(row[column].casefold() for row in rows("organisations.csv") if row[column])
        assert [one for one, times in named.items() if times > 1] == []


def test_one_organisation_has_one_slug_and_one_kind():
    slugs, kinds, names = defaultdict(set), defaultdict(set), defaultdict(set)
    for row in rows("organisations.csv"):
        slugs[row["organisation"]].add(row["slug"])
        kinds[row["organisation"]].add(row["kind"])
        names[row["slug"]].add(row["organisation"])
    assert [one for one in slugs if len(slugs[one]) > 1 or len(kinds[one]) > 1] == []
    assert [one for one in names if len(names[one]) > 1] == []


def test_slugs_are_the_names_in_ascii_words_joined_by_hyphens():
    for row in rows("organisations.csv"):
        plain = unicodedata.normalize("NFKD", row["organisation"]).encode("ascii", "ignore").decode().lower()
        assert row["slug"] == "-".join(re.findall("[a-z0-9]+", plain)), row
        assert row["slug"]


def test_every_organisation_has_a_known_kind_and_a_source_to_check():
    for row in rows("organisations.csv"):
        assert row["kind"] in KINDS, row
        assert re.fullmatch(r"https://[a-z.]+/\S+|Osborne et al\. 2024, §\d(\.\d)+", row["source"]), row


def test_a_person_stands_under_the_name_of_the_account_and_no_other():
    for row in rows("organisations.csv"):
        if row["kind"] in {"person", "unknown"}:
            assert row["organisation"] == row["owner"], row


def test_owners_that_the_study_names_belong_to_its_organisations():
    slugs = {row["owner"] or row["model"]: row["slug"] for row in rows("organisations.csv")}
    assert {one: slugs.get(one) for one in STUDY} == STUDY


def test_models_that_got_an_owner_keep_their_organisation():
    slugs = {row["owner"] or row["model"]: row["slug"] for row in rows("organisations.csv")}
    assert {old: slugs[old] for old in MOVED} == {old: slugs[new] for old, new in MOVED.items()}


def test_models_by_others_under_a_shared_owner_keep_their_organisation():
    slugs = {row["model"]: row["slug"] for row in rows("organisations.csv") if row["model"]}
    moved = {model: slug for model, slug in slugs.items() if "/" in model}
    assert moved
    assert moved == {model: slugs[model.split("/")[1]] for model in moved}


@pytest.mark.dumps
@pytest.mark.parametrize(
    ("file", "model", "downloads"),
    [
        ("models-2022-02-21", "modelId", "downloads"),
        ("top-models-2024-12-04", "modelId", "downloads"),
        ("curated-models-2026-08-22", "id", "downloads_30d"),
    ],
)
def test_the_owners_of_nine_in_ten_downloads_are_listed(dumps, file, model, downloads):
    listed = {row["owner"] or row["model"] for row in rows("organisations.csv")}
    total = Counter()
    for record in records(dumps, file):
        total[record[model].split("/")[0]] += int(record.get(downloads) or 0)
    ranked = pd.Series(total).sort_index().sort_values(ascending=False, kind="stable")
    before = ranked.cumsum() - ranked
    needed = ranked.index[before < 0.9 * ranked.sum()][:150]
    assert len(needed) > 20
    assert set(needed) - listed == set()


@pytest.mark.dumps
def test_every_ownerless_model_of_2022_is_listed(dumps):
    listed = {row["model"] for row in rows("organisations.csv")}
    ownerless = {one["modelId"] for one in records(dumps, "models-2022-02-21") if "/" not in one["modelId"]}
    assert len(ownerless) > 60
    assert ownerless - listed == set()


@pytest.mark.dumps
def test_every_model_of_the_space_links_has_an_organisation(dumps):
    listed = {row["owner"] or row["model"] for row in rows("organisations.csv")}
    used = pd.read_csv(dumps / "space-links-2024-01-19.csv.gz")["model"].str.split("/").str[0]
    assert set(used) - listed == set()


# Bots


def test_bots_are_exact_names_or_patterns_that_compile():
    for row in rows("bots.csv"):
        assert row["rule"] in {"exact", "pattern"}
        assert re.compile(row["name"])
        assert row["rule"] == "pattern" or re.fullmatch(r"[A-Za-z0-9_.-]+( [A-Za-z0-9_.-]+)*", row["name"]), row


def test_every_bot_has_a_source_to_check():
    for row in rows("bots.csv"):
        assert re.search(r"https://\S+$", row["source"]), row


def test_bot_names_differ_by_more_than_case():
    names = [row["name"].casefold() for row in rows("bots.csv")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", HUMANS)
def test_a_human_name_is_no_bot(name):
    assert not is_bot(name)


@pytest.mark.parametrize(
    "name",
    [
        "github-actions[bot]",
        "Some-App[Bot]",
        "SFconvertbot",
        "system",
        "librarian-bot",
        "web-flow",
        "Librarian Bot (Bot)",
    ],
)
def test_service_accounts_are_bots(name):
    assert is_bot(name)


@pytest.mark.dumps
def test_bots_of_real_commits_are_the_hubs_service_accounts_and_nobody_else(dumps):
    service = {"system", "SFconvertbot", "librarian-bot", "autoevaluator", "leaderboard-pr-bot"}
    authors = set()
    for record in records(dumps, "top-models-2024-12-04"):
        if isinstance(record["commits"], list):
            authors.update(author for commit in record["commits"] for author in commit["authors"])
    found = {author for author in authors if is_bot(author)}
    missed, others = len(service - found), len(found - service)  # counts: a failure shows no username
    assert (missed, others) == (0, 0)

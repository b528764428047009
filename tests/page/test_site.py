"""The page of a run: every number leads to its cell, there and in the PDF; no network is asked; everybody can read it."""

import inspect
import json
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import cli, paths, report, run
from analysis.page import provenance, site
from analysis.study import published
from tests.conftest import TEX

LOOKS = {"light": (1200, "light"), "dark": (1200, "dark"), "narrow": (360, "light")}
HOSTILE = "<script>alert(1)</script>\u202egpj.exe"


class Parsed(HTMLParser):
    """Ids, links, loaded files, inline scripts and the title of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.ids, self.links, self.loaded, self.title = path, Counter(), [], [], ""
        self.inline_scripts, self._in = 0, ""
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        given, self._in = dict(attrs), tag
        if "id" in given:
            self.ids[given["id"]] += 1
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "link":
            self.loaded.append(given["href"])
        elif "src" in given:
            self.loaded.append(given["src"])
        elif tag == "script":
            self.inline_scripts += 1

    def handle_data(self, data):
        if self._in == "title" and not self.title:  # drawings have titles too
            self.title, self._in = data, ""


def parsed(out_dir: Path) -> dict[str, Parsed]:
    pages = [out_dir / "site" / "index.html", *sorted((out_dir / "site" / "notebooks").glob("*.html"))]
    return {path.stem: Parsed(path) for path in pages}


@pytest.fixture(scope="module")
def pages(demo_run):
    return parsed(demo_run)


def test_everything_emitted_has_one_anchor_in_its_notebooks_page(pages, document):
    everything = {"result": document["results"], **{k[:-1]: made for k, made in document["outputs"].items()}}
    for kind, entries in everything.items():
        assert entries
        for name, entry in entries.items():
            assert pages[entry["notebook"]].ids[report.anchor(kind, name)] == 1, name


def test_every_link_leads_to_a_file_and_an_anchor(pages):
    by_path = {page.path: page for page in pages.values()}
    for page in pages.values():
        assert all(count == 1 for count in page.ids.values())
        for address in [*page.links, *(loaded for loaded in page.loaded if not loaded.startswith("data:"))]:
            parts = urlsplit(address)
            if parts.scheme == "https":  # a line of the source on the project's host
                assert page.path.stem != "index" and re.search(r"/\w+\.py#", address)
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            assert not parts.scheme and target.is_file(), address
            if parts.fragment:
                assert by_path[target].ids[parts.fragment], address


def test_every_notebook_of_the_run_is_a_page_and_in_the_index(pages):
    assert set(run.NOTEBOOKS) <= pages.keys()
    for name in run.NOTEBOOKS:
        assert f"notebooks/{name}.html" in pages["index"].links and pages["index"].ids[name] == 1


def test_the_page_without_the_notebooks_is_small(demo_run):
    files = [demo_run / "site" / "index.html", *(demo_run / "site" / "assets").iterdir()]
    assert sum(file.stat().st_size for file in files) < 5_000_000


def test_synthetic_is_in_every_title_and_banner_and_cannot_be_switched_off(pages):
    for page in pages.values():
        assert page.title.startswith(report.SYNTHETIC)
        assert f'<aside class="banner" aria-label="Synthetic data"><strong>{report.SYNTHETIC}' in page.text
    assert list(inspect.signature(site.build).parameters) == ["out_dir", "paper_follows"]


@pytest.fixture(scope="module")
def doctored(demo_run, tmp_path_factory):
    """The page of a run whose strangers are hostile, which is not synthetic, has no PDF, no figure and few results."""
    out_dir = tmp_path_factory.mktemp("doctored") / "demo"
    shutil.copytree(demo_run, out_dir, ignore=shutil.ignore_patterns("build", "site", "paper.pdf", "*.svg"))
    document = json.loads((out_dir / "results.json").read_text(encoding="utf-8"))
    document["snapshot"] |= {"synthetic": False, "name": HOSTILE, "source": {"title": HOSTILE, "name": "dumps"}}
    results = document["results"]
    results["rq3.all.usage.top.1.model"]["value"] = HOSTILE
    results[f"rq1.models.license_share.{HOSTILE}"] = {"value": 0.5, "notebook": "rq1_activity", "cell": 12}
    for name, entry in results.items():
        if name.startswith("rq2."):
            entry |= {"value": None, "why": f"no {HOSTILE}"}
    for entry in document["outputs"]["figures"].values():
        entry["why"] = f"no {HOSTILE}"
    (out_dir / "results.json").write_text(json.dumps(document), encoding="utf-8")
    executed = out_dir / "notebooks" / "rq1_activity.ipynb"
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    outputs = [output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", ())]
    tables = [data["text/html"] for data in outputs if "text/html" in data]
    assert len(tables) > 3
    for html in tables:  # as pandas writes a licence of strangers
        html.append("<p>a licence\0\x1b[31m\u202e\x7f</p>")
    executed.write_text(json.dumps(notebook), encoding="utf-8")
    site.build(out_dir)
    return parsed(out_dir)


def test_hostile_names_stay_text_and_do_not_turn_it(doctored):
    for page in doctored.values():
        assert "<script>alert" not in page.text and not page.inline_scripts
        assert all(re.fullmatch(r"(\.\./)?assets/[a-z.]+", name) for name in page.loaded if name[:5] != "data:")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;⟨U+202E⟩gpj.exe" in doctored["index"].text
    assert "\u202e" not in doctored["index"].text + doctored["rq1_activity"].text


def test_no_control_character_reaches_a_page_not_even_through_the_output_of_a_cell(doctored):
    assert "a licence⟨U+0000⟩⟨U+001B⟩[31m⟨U+202E⟩⟨U+007F⟩" in doctored["rq1_activity"].text
    for page in doctored.values():
        assert not re.search(
            "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]", page.text
        )


def test_observed_data_have_no_mark_and_a_run_without_pdf_no_link(doctored):
    assert not any(page.title.startswith(report.SYNTHETIC) for page in doctored.values())
    assert 'class="banner"' not in doctored["index"].text
    assert not [link for link in doctored["index"].links if link.endswith(".pdf")]


def test_what_is_not_covered_is_said_and_not_shown_as_a_number(doctored):
    text = doctored["index"].text
    assert "The network of collaboration is not covered by this snapshot: no " in text
    assert "??" not in text and "not covered by this snapshot, no" in text


@pytest.mark.parametrize("path", sorted(site.ASSETS.rglob("*.j2")), ids=lambda path: path.stem)
def test_no_result_is_typed_into_a_template(path):
    statements = (
        r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|" * (path.parent.name == "cells") + r"\[#.*?#\]|\[\[.*?\]\]|\[%.*?%\]"
    )
    text = re.sub(rf"{statements}|<[^>]*>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert re.findall(r"\d+", text) == []


# ---- from the cell to the source ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://host.example/a/b.git", "https://host.example/a/b"),
        ("https://me:secret@host.example/a/b", "https://host.example/a/b"),
        ("https://secret@host.example:8443/a/b.git/", "https://host.example:8443/a/b"),
        ("https://host.example/a/b.git?private_token=secret", "https://host.example/a/b"),
        ("git@host.example:a/b.git", "https://host.example/a/b"),
        ("ssh://git:secret@host.example:2222/a/b.git", "https://host.example/a/b"),
        ("/srv/git/a.git", ""),
        ("../a", ""),
        ("C:/papers/a", ""),
        ("file:///srv/git/a.git", ""),
        ('https://host.example/a/b"><script>', ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_the_address_of_the_project_holds_no_secret_and_no_directory(remote, address):
    assert provenance.web_address(remote) == address


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("github.com", "https://github.com/a/b/blob/0123456789ab/n/x.py#L3-L9"),
        ("gitlab.example.org", "https://gitlab.example.org/a/b/-/blob/0123456789ab/n/x.py#L3-9"),
        ("codeberg.org", "https://codeberg.org/a/b/src/commit/0123456789ab/n/x.py#L3-L9"),
        ("bitbucket.org", "https://bitbucket.org/a/b/src/0123456789ab/n/x.py#lines-3:9"),
    ],
)
def test_a_source_links_to_its_lines_at_the_commit(host, url):
    found = provenance.source("n/x.py", (3, 9), project=f"https://{host}/a/b", commit="0123456789ab")
    assert found == ("n/x.py, lines 3 to 9", url)


@pytest.mark.parametrize("commit", ["0123456789ab-dirty", "not under version control", ""])
def test_a_changed_tree_and_no_remote_give_text_alone(commit):
    project = "https://host.example/a/b"
    assert provenance.source("x.py", (3, 9), project=project, commit=commit) == (f"x.py, lines 3 to 9 ({commit})", "")
    assert provenance.source("x.py", (3, 9), project="", commit="0123456789ab").url == ""


@pytest.mark.parametrize("name", run.NOTEBOOKS)
def test_the_lines_of_a_cell_hold_its_source(name):
    import jupytext

    path = paths.NOTEBOOKS / f"{name}.py"
    lines, cells = path.read_text(encoding="utf-8").splitlines(), jupytext.read(path).cells
    found = provenance.cell_lines(path)
    assert len(found) == len(cells)
    for (first, last), cell in zip(found, cells, strict=True):
        text = [line.removeprefix("# ").rstrip("#") if cell.cell_type == "markdown" else line for line in lines]
        assert "\n".join(text[first - 1 : last]).split() == cell.source.split()


def test_a_page_names_the_lines_of_its_cells(pages):
    first, last = provenance.cell_lines(paths.NOTEBOOKS / "rq2_network.py")[-1]
    assert f"notebooks/rq2_network.py, lines {first} to {last}" in pages["rq2_network"].text


# ---- from the PDF -------------------------------------------------------------------------------------------


@TEX
def test_every_link_of_the_pdf_leads_to_its_cell(demo_run, pages, document):
    pypdf = pytest.importorskip("pypdf")
    links = [
        note.get_object()
        for page in pypdf.PdfReader(demo_run / "paper.pdf").pages
        for note in page.get("/Annots", [])
        if note.get_object()["/A"].get("/S") == "/URI"
    ]
    assert all([int(n) for n in link["/Border"]] == [0, 0, 0] for link in links)
    addresses = {str(link["/A"]["/URI"]) for link in links}
    own = {address for address in addresses if not address.startswith("https://")}  # the others: the bibliography's
    anchors = {}
    for address in own:
        target, anchor = address.split("#")
        assert (demo_run / target).is_file(), address
        assert pages[Path(target).stem].ids[anchor] == 1, address
        anchors[anchor] = target
    # Every table and figure, and every result that stands in the study's tables. (Of demo no list says what differs.)
    assert {"figure-rq1_correlations", "table-facsimile_6", "table-colophon", "table-audit"} <= anchors.keys()
    rows = pd.read_csv(demo_run / "ledger.csv")
    compared = rows.loc[rows["section"].str.startswith("Table"), "id"].dropna()
    in_the_ledger = {report.anchor("result", name) for name in compared if name in document["results"]}
    assert len(in_the_ledger) > 300 and in_the_ledger <= anchors.keys()
    sources = "".join(path.read_text(encoding="utf-8") for path in demo_run.glob("sections/*.tex"))
    shown = {
        name for name in re.findall(r"\\val\{([^}]*)\}", sources) if name.startswith(("audit.", "rq3.all.usage.l"))
    }
    assert {report.anchor("result", name) for name in shown} <= anchors.keys()


# ---- what the command line says -----------------------------------------------------------------------------


def test_a_run_ends_with_the_verdicts_the_page_and_on_stdout_the_directory(demo_run, document, tmp_path, monkeypatch):
    copy = shutil.copytree(demo_run, tmp_path / "demo", ignore=shutil.ignore_patterns("build", "site"))
    monkeypatch.setenv("HUB_PAPER_GENERATED", str(tmp_path))
    monkeypatch.setattr(cli, "_run_notebooks", lambda parameters, names: None)
    monkeypatch.setattr(run, "collect", lambda parameters: document)
    said = []
    monkeypatch.setattr(cli.said, "print", lambda *parts, **_: said.extend(parts))
    done = CliRunner().invoke(cli.app, ["run", "--snapshot", "demo", "--no-paper"])
    assert done.exit_code == 0, done.exception
    assert done.stdout.splitlines()[-1] == str(copy)
    assert said[-1] == f"page: {copy / 'site' / 'index.html'}" and (copy / "site" / "index.html").exists()
    table, expectation = said[-3:-1]
    assert str(expectation).startswith("demo is invented")
    assert str(table.title).startswith(report.SYNTHETIC)
    matches = [document["results"][f"ledger.{kind}.matches"]["value"] for kind in published.VALUE_KINDS]
    assert list(table.columns[1].cells) == [str(count) for count in matches]


# ---- in a browser -------------------------------------------------------------------------------------------


@pytest.fixture
def opened(chromium, demo_run):
    """A function that opens a page of the run in a look; afterwards there was no error and no request but for files."""
    contexts, complaints = [], []

    def open_(look: str = "light", name: str = "index.html", **options):
        width, scheme = LOOKS[look]
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("requestfailed", lambda request: complaints.append(request.url))
        tab.on("request", lambda request: request.url[:5] not in ("file:", "data:") and complaints.append(request.url))
        tab.goto((demo_run / "site" / name).as_uri())
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize(
    ("look", "name"),
    [
        *((look, "index.html") for look in LOOKS),
        ("narrow", "notebooks/rq2_network.html"),
        ("dark", "notebooks/ledger.html"),
    ],
)
def test_axe_finds_nothing_serious_and_nothing_hangs_over(opened, look, name):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    tab = opened(look, name)
    found = axe.run(tab, options={"preload": False, "resultTypes": ["violations"]}).response[
        "violations"
    ]  # preload would fetch the style sheet
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= LOOKS[look][0]


def test_dark_and_light_follow_the_reader(opened):
    def brightness(look):
        colours = opened(look).evaluate("['color', 'backgroundColor'].map((p) => getComputedStyle(document.body)[p])")
        return [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours]

    (text, ground), (dark_text, dark_ground) = brightness("light"), brightness("dark")
    assert text < ground and dark_text > dark_ground


@pytest.fixture(scope="module")
def rows(demo_run):
    return pd.read_csv(demo_run / "ledger.csv")


def test_the_ledger_sorts_by_mouse_and_by_keyboard(opened, rows):
    tab = opened()
    header = tab.locator("#ledger-table th", has_text="In roundings")
    for order in ("asc", "desc"):
        header.click()
        tab.locator(f"#ledger-table th.dt-ordering-{order}", has_text="In roundings").wait_for()
    away = (rows["difference"].abs() / rows["tolerance"] / 2)[rows["tolerance"] > 0]
    largest = float(away.max())
    tab.locator(f'#ledger-table tbody tr:first-child td:nth-child(5)[data-order="{largest}"]').wait_for()
    cells = tab.locator("#ledger-table tbody td:nth-child(5)")
    shown = [float(value) for value in cells.evaluate_all("all => all.map((cell) => cell.dataset.order)")]
    assert shown == pytest.approx(sorted(away.dropna(), reverse=True)[:25])
    tab.locator("#ledger-table th", has_text="Verdict").get_by_role("button").focus()
    tab.keyboard.press("Enter")
    tab.locator("#ledger-table tbody tr:first-child td.verdict", has_text="cannot be computed").wait_for()


def test_the_ledger_filters_by_verdict_section_and_kind(opened, rows):
    tab = opened("narrow")

    def rows_shown(text):
        tab.locator("#ledger-table_info", has_text=text).wait_for()  # fails where it does not come to say so

    tab.get_by_role("combobox", name="Verdict").select_option("differs")
    chosen = rows[rows["verdict"] == "differs"]
    rows_shown(f"1 to 25 of {len(chosen)} (of {len(rows)})")
    tab.get_by_role("combobox", name="Section").select_option("Table 6")
    tab.get_by_role("combobox", name="Kind").select_option("emergent")
    places = chosen["place"].str.split(";").explode().str.strip()
    in_table = places[places.str.startswith("Table 6,")].index.unique()
    chosen = chosen[chosen.index.isin(in_table) & (chosen["kind"] == "emergent")]
    assert len(chosen)
    rows_shown(f" of {len(chosen)} (of {len(rows)})")
    tab.locator("#ledger-table_wrapper").get_by_label("Search").fill("reciprocity of nothing")
    tab.locator("#ledger-table tbody", has_text="No row is left").wait_for()


def test_a_number_leads_to_the_cell_that_emitted_it(opened, document):
    tab = opened()
    tab.locator('a.val[href$="#result-rq2.all.developers"]').first.click()
    tab.wait_for_url("**/notebooks/rq2_network.html#result-rq2.all.developers")
    target = tab.locator(":target")
    value = int(document["results"]["rq2.all.developers"]["value"])
    assert target.inner_text().strip() == f"rq2.all.developers = {value:,}"
    assert tab.evaluate("document.querySelector(':target').getBoundingClientRect().top") < 800
    cell = tab.locator(".code_cell", has=target)
    assert 'report.numbers("rq2", by_row(developers))' in cell.locator(".code").inner_text()


def test_a_row_of_the_ledger_leads_to_its_cell(opened):
    tab = opened()
    tab.get_by_label("ids").check()
    first = tab.locator("#ledger-table tbody td.value", has=tab.locator("a")).first
    name = first.locator(".id").inner_text()
    first.locator("a").click()
    assert tab.locator(":target").inner_text().startswith(name)


def test_a_number_says_beside_it_what_it_is_to_mouse_and_keyboard_until_escape(opened, document):
    tab = opened()
    number, preview = (
        tab.locator('a.val[href$="#result-rq1.models.n_likes.zero_share"]').first,
        tab.get_by_role("tooltip"),
    )
    assert preview.count() == 0
    number.hover()
    said = preview.inner_text().splitlines()
    value = document["results"]["rq1.models.n_likes.zero_share"]["value"]
    assert said[:2] == ["Models, likes, share without", f"Ours: {value}"] and said[2].startswith("Study: 91 %: ")
    assert said[3].startswith("activity.")  # the function, and the first line of its docstring
    tab.keyboard.press("Escape")
    tab.get_by_role("tooltip").wait_for(state="hidden")
    number.focus()
    assert preview.is_visible() and number.get_attribute("aria-describedby") == preview.get_attribute("id")


def test_the_ledgers_filters_stand_in_the_address_and_come_from_it(opened, rows):
    tab = opened()
    tab.get_by_role("combobox", name="Verdict").select_option("differs")
    assert tab.url.endswith("index.html?verdict=differs")
    tab.goto(tab.url.replace("verdict=differs", "kind=emergent&verdict=matches&section=nowhere") + "#ledger")
    count = int(((rows["kind"] == "emergent") & (rows["verdict"] == "matches")).sum())
    tab.locator("#ledger-table_info", has_text=f" of {count} (of {len(rows)})").wait_for()
    of_kind = tab.locator(".verdicts", has=tab.get_by_role("heading", name="Implied values"))
    of_kind.get_by_role("link", name="differs").click()
    count = int(((rows["kind"] == "implied") & (rows["verdict"] == "differs")).sum())
    tab.locator("#ledger-table_info", has_text=f" of {count} (of {len(rows)})").wait_for()


def test_on_a_telephone_a_row_of_the_ledger_is_a_card_that_begins_with_its_verdict(opened):
    card = opened("narrow").locator("#ledger-table tbody tr").first
    cells = card.locator("td").evaluate_all(
        "all => all.map((cell) => [cell.className, cell.getBoundingClientRect().top])"
    )
    assert min(cells, key=lambda cell: cell[1] or 1e9)[0].startswith("verdict ")


def test_the_first_rows_of_the_ledger_are_those_that_could_have_come_out_otherwise_and_did(opened):
    first = opened().locator("#ledger-table tbody tr").first
    assert (first.get_attribute("data-kind"), first.get_attribute("data-verdict")) == ("emergent", "differs")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(opened):
    tab = opened()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "content"


def test_without_scripts_the_tables_are_whole(opened, rows):
    tab = opened(java_script_enabled=False)
    assert tab.locator("#ledger-table tbody tr").count() == len(rows)
    assert not tab.locator("form.filters").first.is_visible()


def test_a_point_of_a_figure_says_what_it_is_to_pointer_and_arrow_keys(opened):
    tab = opened()
    card = tab.locator("#figure-rq3_distributions .card")
    card.focus()
    tab.keyboard.press("ArrowRight")
    first = tab.locator("#preview").inner_text()
    assert "of all models have" in first
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#preview").inner_text() != first and card.locator(".tips .on").count() == 1
    tab.keyboard.press("Escape")
    assert tab.locator("#preview").is_hidden()
    card.locator(".tips circle").first.hover(force=True)
    assert tab.locator("#preview").inner_text().splitlines()[0] == first


def test_without_scripts_the_points_have_titles(opened):
    tab = opened(java_script_enabled=False)
    assert "of all models have" in tab.locator("#figure-rq3_distributions .tips title").first.text_content()


def test_figures_follow_light_and_dark_on_the_index_and_in_the_notebooks(opened):
    for name in ("index.html", "notebooks/rq1_activity.html"):
        look = {scheme: opened(scheme, name).locator("svg.drawing").first for scheme in ("light", "dark")}
        fills = {scheme: drawing.evaluate("one => getComputedStyle(one).fill") for scheme, drawing in look.items()}
        assert fills["light"] == "rgb(0, 0, 0)" != fills["dark"]
        ground = "one => getComputedStyle(one.parentElement).backgroundColor"
        grounds = {scheme: drawing.evaluate(ground) for scheme, drawing in look.items()}
        assert len(set(grounds.values())) == 2

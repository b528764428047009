"""The page of a comparison: one file without code, that says what is not shown, whoever wrote the names in it."""

import json
import re
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest

from analysis import canvas
from analysis.page import comparison, site
from analysis.report import Report, Whole

HOSTILE = "<script>alert(1)</script>\u202egpj.exe"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A comparison by hand: a table, a figure with a point, a figure that is not covered, a cell that shows nothing."""
    out_dir = tmp_path_factory.mktemp("compared")
    (out_dir / "notebooks").mkdir()
    writer = Report("compare_snapshots", out_dir=out_dir, synthetic=True)
    figure, (axis,) = canvas.canvas(1, height=1, title="One rose")
    axis.plot([1], [2], "o")
    canvas.tips(axis, [1], [2], lambda *_: "models, likes: 1 to 2")
    writer.figure("compare_shifts", (figure, pd.DataFrame({"x": [1]})), alt="A dot")
    writer.close()
    part = json.loads((out_dir / "parts" / "compare_snapshots.json").read_text())
    part["outputs"]["figures"]["compare_shifts"]["cell"] = 2
    part["outputs"]["figures"]["compare_usage"] = {
        "cell": 3,
        "notebook": "compare_snapshots",
        "why": "no links",
        "alt": "Links",
    }
    part["outputs"]["tables"] = {"compare_models": {"cell": 1, "notebook": "compare_snapshots"}}
    (out_dir / "parts" / "compare_snapshots.json").write_text(json.dumps(part))
    counts = dict.fromkeys(
        (f"{what}.{how}" for what in ("results", "verdicts", "orders") for how in ("compared", "changed")), 3
    )
    about = {"runs": [{"label": "a (sample)"}, {"label": HOSTILE}], "counts": counts}
    (out_dir / "comparison.json").write_text(json.dumps(about))
    wide = {f"a column {n}": ["1,234,567", "2"] for n in range(14)}
    table = Whole({HOSTILE: ["1.00", HOSTILE]} | wide, index=["models n_likes share_for_80", "RQ1, activity"])
    cells = [
        nbformat.v4.new_markdown_cell("# What changes?\n\nA first\nparagraph."),
        nbformat.v4.new_markdown_cell("## Values & more"),
    ]
    for number, shown in enumerate((table._repr_html_(), "<img>", "<p>not covered</p>", ""), start=1):
        output = nbformat.v4.new_output("execute_result", {"text/html": shown}, execution_count=number)
        cells.append(
            nbformat.v4.new_code_cell("secret_code()", execution_count=number, outputs=[output] if shown else [])
        )
    nbformat.write(nbformat.v4.new_notebook(cells=cells), out_dir / "notebooks" / "compare_snapshots.ipynb")
    return comparison.build(SimpleNamespace(directory=out_dir, synthetic=True))


def test_the_page_is_one_file_without_code_that_asks_for_nothing(page):
    text = page.read_text(encoding="utf-8")
    assert "secret_code" not in text and "SYNTHETIC DATA" in re.search("<title>(.*?)</title>", text)[1]
    assert not re.search(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="', text)
    links = set(re.findall(r'<a href="([^"#]+)"', text))
    assert links and all((page.parent / link).is_file() for link in links)


def test_results_are_called_in_words_words_are_set_as_text_and_headings_are_in_the_contents(page):
    text = page.read_text(encoding="utf-8")
    assert "<th>models, likes, share that holds 80 %</th>" in text and "<th>RQ1, activity</th>" in text
    assert '<td class="text">' in text and "<td>1.00</td>" in text
    assert '<a href="#part-1">Values &amp; more</a>' in text and '<h2 id="part-1">Values &amp; more</h2>' in text


def test_the_heads_of_tables_ids_and_places_are_words():
    plain = Whole(
        {"likes share_for_80": ["1", "2"], "place": ["Table 2, min, n_likes", "§3.4"]},
        index=pd.Index(["rq1.models.n_likes.min", "people.names.count"], name="id"),
    )
    text = comparison._tables_in_words(plain._repr_html_())
    heads, *rows = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in text.split("<tr")[1:]]
    assert heads == ["value", "likes, share that holds 80 %", "place"]
    assert rows[0] == ["Models, likes, minimum", "1", "Table 2, min, likes"]
    assert not re.search(r"n_likes|rq1|share_for|<th></th>", text)


SORTED = """[...document.querySelectorAll('table.dataframe tbody tr')].map(row => row.cells[1].textContent.trim())"""


def test_a_table_is_sorted_by_the_head_of_a_column_and_back(chromium, tmp_path):
    values = ["9 %", "-1,200", "none", "+30.5"]
    rows = "".join(f"<tr><th>x</th><td>{value}</td></tr>" for value in values)
    heads = "<thead><tr><th></th><th>change</th></tr></thead>"
    table = f"<table class='dataframe'>{heads}<tbody>{rows}</tbody></table>"
    script = (site.ASSETS / "site.js").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(
        f"<main class='comparison'>{table}</main><script>{script}</script>", encoding="utf-8"
    )
    tab = chromium.new_page()
    tab.goto((tmp_path / "page.html").as_uri())
    press = tab.get_by_role("button", name="change")
    seen = []
    for _ in range(3):
        press.focus()
        tab.keyboard.press("Enter")
        seen.append((tab.evaluate(SORTED), tab.locator("th", has_text="change").get_attribute("aria-sort")))
    up = ["-1,200", "9 %", "+30.5", "none"]
    assert seen == [(up, "ascending"), (["+30.5", "9 %", "-1,200", "none"], "descending"), (values, None)]
    tab.close()


def test_what_is_not_shown_is_said_in_its_place_and_the_drawing_takes_that_of_its_image(page):
    text = page.read_text(encoding="utf-8")
    assert "Links: not shown, no links." in text and "<p>not covered</p>" not in text
    assert text.count('class="drawing"') == 1 and "<img>" not in text


def test_names_of_strangers_stay_text(page):
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text and "\u202e" not in text and "&lt;script&gt;" in text


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (800, "dark"), (1440, "light")])
def test_axe_finds_nothing_serious_nothing_hangs_over_and_a_point_speaks(page, chromium, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    context, complaints = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme), []
    tab = context.new_page()
    tab.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: complaints.append(request.url) if not request.url.startswith("file:") else None)
    tab.goto(page.as_uri())
    tab.locator(".result:has(.tips)").focus()
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#preview").inner_text() == "models, likes: 1 to 2"
    assert complaints == []
    found = axe.run(tab, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()

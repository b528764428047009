"""The archive of a paper: what it holds, what would be refused, and that it compiles in an empty folder."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml
from pypdf import PdfReader

from analysis import __version__, paths, programs
from analysis.page import archive
from analysis.results import RunError
from tests.conftest import TEX

GOOD = {"main.tex": rb"\input{numbers}\input{sections/a}", "numbers.tex": b"", "sections/a.tex": b"words"}


def test_nothing_is_said_against_plain_sources():
    assert archive.problems(GOOD) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"main.tex": None}, "main.tex is not at the top"),
        ({"sections/a b.tex": b""}, "expected letters"),
        ({"sections/-rf.tex": b""}, "expected letters"),
        ({"sections/ü.tex": b""}, "expected letters"),
        ({"../a.tex": b""}, "expected letters"),
        ({"sections/a.tex": rb"\input{/etc/passwd}"}, "leads out of the folder"),
        ({"sections/a.tex": rb"\includegraphics{../figures/a}"}, "leads out of the folder"),
        ({"sections/a.tex": b"/home/somebody/paper"}, "leads out of the folder"),
        ({"sections/a.tex": rb"\input{tables/b}"}, "reads tables/b, which is not there"),
        ({"numbers.tex": None}, "reads numbers, which is not there"),
    ],
)
def test_what_an_archive_would_refuse_is_said(changed, said):
    files = {name: data for name, data in (GOOD | changed).items() if data is not None}
    assert any(said in line for line in archive.problems(files))


def test_a_comment_reads_nothing():
    assert archive.problems(GOOD | {"sections/a.tex": rb"50 \% % \input{tables/b}"}) == []


def test_too_large_an_archive_is_refused(monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 10)
    assert any("at most 10 are taken" in line for line in archive.problems(GOOD))


def test_a_paper_that_was_not_built_has_no_archive(tmp_path):
    with pytest.raises(RunError, match="the paper was not built"):
        archive.write(tmp_path)


@pytest.fixture(scope="module")
def packed(demo_run, tmp_path_factory):
    if programs.missing_tex():
        pytest.skip("no TeX: the paper was not built")
    copy = shutil.copytree(demo_run, tmp_path_factory.mktemp("copy") / "demo")
    return archive.write(copy)


def test_the_archive_of_demo_holds_sources_results_licence_and_lock(packed):
    with zipfile.ZipFile(packed) as opened:
        names = set(opened.namelist())
    assert {"main.tex", "main.bbl", "hubpaper.sty", "numbers.tex", "sections/abstract.tex"} <= names
    assert {f"anc/{name}" for name in ("results.json", "manifest.json", "requirements.txt", "LICENSE", "CITATION.cff")} <= names
    assert any(name.startswith("anc/notebooks/") for name in names)
    assert not any("authors" in name or name.endswith(".parquet") for name in names)


def test_the_same_results_give_the_same_bytes(packed):
    before = packed.read_bytes()
    assert archive.write(packed.parent).read_bytes() == before


@TEX
def test_the_archive_compiles_in_an_empty_folder_with_plain_pdflatex(packed, monkeypatch, tmp_path):
    monkeypatch.setenv("TEXINPUTS", str(tmp_path))  # is not asked
    assert archive.compile_alone(packed) >= 8


def addresses(pdf: Path) -> list[str]:
    links = [link.get_object().get("/A", {}) for page in PdfReader(pdf).pages for link in page.get("/Annots", [])]
    return [action["/URI"] for action in links if "/URI" in action]


@TEX
def test_the_archive_has_no_link_to_a_page_that_is_not_in_it(demo_run, packed, tmp_path):
    with zipfile.ZipFile(packed) as opened:
        opened.extractall(tmp_path)
    subprocess.run(["pdflatex", "-interaction=batchmode", "main.tex"], cwd=tmp_path, check=True, capture_output=True)
    assert any(address.startswith("site/") for address in addresses(demo_run / "paper.pdf"))
    assert not [address for address in addresses(tmp_path / "main.pdf") if not address.startswith("https://")]


@TEX
def test_an_archive_that_lacks_a_table_does_not_compile(packed, tmp_path):
    crippled = tmp_path / "crippled.zip"
    with zipfile.ZipFile(packed) as opened, zipfile.ZipFile(crippled, "w") as less:
        for name in opened.namelist():
            if name != "tables/coverage.tex":
                less.writestr(name, opened.read(name))
    with pytest.raises(RunError, match=r"crippled\.zip does not compile alone: ! "):
        archive.compile_alone(crippled)


def test_the_citation_and_the_changelog_name_the_version_of_the_package():
    citation = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__ and citation["license"] == "Apache-2.0"
    assert f"## {__version__}" in (paths.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

"""One zip of a paper for an editor or an archive: sources that plain pdflatex compiles in an empty folder.

arXiv's rules are followed: the bibliography is compiled, file names are plain, nothing lies outside of the folder, and
what is not needed for the PDF (results, data behind tables and figures, notebooks, manifest, lock) is in `anc/`.
"""

import io
import json
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from analysis import paths, variables
from analysis.results import RunError

OLDEST = (1980, 1, 1, 0, 0, 0)  # the only moment that every zip has room for; a clock would change the bytes
LARGEST = 50_000_000  # bytes that arXiv takes
WITHOUT_PAGES = b"\\renewcommand*\\sitepath{}\n"  # the pages of the notebooks are not beside the PDF: no links to them
RUNS = 3  # of pdflatex, until references and the table of contents stand still
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*")
READ = re.compile(r"\\(?:input|include|includegraphics(?:\[[^\]]*\])?|usepackage(?:\[[^\]]*\])?)\s*\{([^{}]+)\}")
OUTSIDE = re.compile(r"(?<![\w.:/}])/(?:home|root|tmp|usr|var|etc|Users|work|mnt|opt)/|\.\./|\\write18|[A-Za-z]:\\\\?Users")


def write(out_dir: Path) -> Path:
    """Write `archive.zip` beside the results; returns its path. Raises RunError where a rule is broken or a part lacks."""
    files = dict(sorted(members(out_dir).items()))
    broken = problems(files)
    if broken:
        raise RunError(f"the archive would be refused: {'; '.join(broken[:5])}")
    target = out_dir / "archive.zip"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, date_time=OLDEST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    target.write_bytes(content.getvalue())
    return target


def bibliography_of(out_dir: Path) -> Path:
    """The compiled bibliography of a run's paper; raises RunError where the paper was not built."""
    bibliography = out_dir / "build" / "main.bbl"
    if not bibliography.exists():
        raise RunError(f"{out_dir.name}: the paper was not built; run ./run_all.sh with its snapshot first (it needs TeX)")
    return bibliography


def members(out_dir: Path) -> dict[str, bytes]:
    """What goes into the zip, by its name there. Raises RunError where the paper was not built."""
    bibliography = bibliography_of(out_dir)
    sources = {"main.bbl": bibliography, "numbers.tex": out_dir / "numbers.tex"}
    sources |= _below(paths.PAPER, "*.tex", "*.sty", "*.bib", "sections/*.tex")
    sources |= _below(out_dir, "sections/*.tex", "tables/*.tex", "figures/*.tex", "figures/*.pdf")
    beside = _below(out_dir, "results.json", "ledger.csv", "tables/*.csv", "figures/*.csv", "notebooks/*.ipynb")
    project = {name: paths.ROOT / name for name in ("requirements.txt", "CITATION.cff", "LICENSE")}
    ancillary = {f"anc/{name}": file for name, file in (beside | project).items()}
    files = {name: file.read_bytes() for name, file in (sources | ancillary).items()}
    manifest = (_snapshot(out_dir) / "manifest.json").read_bytes()
    return files | {"numbers.tex": WITHOUT_PAGES + files["numbers.tex"], "anc/manifest.json": manifest}


def _below(directory: Path, *patterns: str) -> dict[str, Path]:
    found = [file for pattern in patterns for file in sorted(directory.glob(pattern))]
    return {file.relative_to(directory).as_posix(): file for file in found}


def _snapshot(out_dir: Path) -> Path:
    document = json.loads((out_dir / "results.json").read_text(encoding="utf-8"))
    return paths.snapshots() / document["snapshot"]["name"]


def problems(files: Mapping[str, bytes]) -> list[str]:
    """What an archive would refuse, one line each: names, size, paths that lead out, files that are read and not there."""
    return [*_names(files), *_size(files), *_paths(files), *_absent(files)]


def _names(files: Mapping[str, bytes]) -> Iterator[str]:
    if "main.tex" not in files:
        yield "main.tex is not at the top"
    for name in files:
        odd = [part for part in PurePosixPath(name).parts if not PLAIN.fullmatch(part)]
        if odd:
            yield f"{name!r}: expected letters, digits and ._+=- in a file's name"


def _size(files: Mapping[str, bytes]) -> Iterator[str]:
    size = sum(map(len, files.values()))
    if size > LARGEST:
        yield f"{size:,} bytes; at most {LARGEST:,} are taken"


def _paths(files: Mapping[str, bytes]) -> Iterator[str]:
    for name, text in _texts(files):
        found = OUTSIDE.search(text)
        if found:
            yield f"{name}: {found[0]!r} leads out of the folder"


def _absent(files: Mapping[str, bytes]) -> Iterator[str]:
    """Files of ours that a source reads and the zip lacks; what is not ours has no folder and no file of that name here."""
    for name, text in _texts(files):
        for read in (part.strip() for group in READ.findall(text) for part in group.split(",")):
            there = any(f"{read}{ending}" in files for ending in ("", ".tex", ".sty", ".pdf"))
            if not there and ("/" in read or read in ("numbers", "hubpaper")):
                yield f"{name} reads {read}, which is not there"


def _texts(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """TeX sources without their comments."""
    for name, data in files.items():
        if name.endswith((".tex", ".sty", ".bbl")):
            yield name, re.sub(r"(?<!\\)%.*", "", data.decode("utf-8"))


def compile_alone(archive: Path) -> int:
    """Compile the zip in an empty folder with nothing but pdflatex; returns the number of pages. Raises RunError."""
    if shutil.which("pdflatex") is None:
        raise RunError("pdflatex not found: the archive was written and not compiled")
    with tempfile.TemporaryDirectory(prefix="archive-") as folder:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "main.tex"]
        for _ in range(RUNS):
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, errors="replace", check=False, env=variables.clean()
            )
            if done.returncode:
                raise RunError(f"{archive.name} does not compile alone: {_first_error(done.stdout)}")
        pages = re.search(r"Output written on main\.pdf \((\d+) pages?", done.stdout.replace("\n", ""))
        unresolved = re.search(r"There were undefined (?:references|citations)", done.stdout)
        if not pages or unresolved:
            raise RunError(f"{archive.name} compiles with undefined references" if unresolved else "no PDF was written")
        return int(pages[1])


def _first_error(output: str) -> str:
    found = re.search(r"^! .*$", output, re.MULTILINE)
    return found[0] if found else "see what pdflatex says of it"

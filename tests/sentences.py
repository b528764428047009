"""The paper of a run as plain text, without LaTeX: what a reader reads, sentence by sentence."""

import re
from collections.abc import Mapping
from pathlib import Path

from analysis import report, templates
from analysis.study import ledger

_WITH_ARGUMENT = (
    "emph|textbf|texttt|section|subsection|paragraph|caption|studytable|study|method|item|citet|citep|url|meta"
)


def paper_text(document: Mapping, meta: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Section -> its text, from results.json and the texts about the run."""
    templates.write_sections(folder, document, meta, **ledger.about(document))
    files = sorted((folder / "sections").glob("*.tex"))
    return {file.stem: plain(file.read_text(encoding="utf-8"), document["results"], meta) for file in files}


def plain(tex: str, results: Mapping[str, Mapping], meta: Mapping[str, str]) -> str:
    """LaTeX of a section as text: values as they are printed, paragraphs parted by an empty line."""
    text = re.sub(r"\\val\{([^}]*)\}", lambda found: _value(found[1], results), tex)
    text = re.sub(r"\\meta\{([^}]*)\}", lambda found: meta.get(found[1], "??"), text)
    text = re.sub(r"\\(?:label|input|includegraphics(?:\[[^]]*\])?|setlength\{[^}]*\})\{[^}]*\}", "", text)
    text = re.sub(r"\\cite[tp]?\{[^}]*\}", "Somebody", text)
    text = re.sub(r"\\ref\{[^}]*\}", "N", text)
    text = re.sub(r"\\(?:begin|end)\{[^}]*\}(?:\[[^]]*\])?", "\n\n", text)
    for _ in range(3):
        text = re.sub(rf"\\(?:{_WITH_ARGUMENT})\*?\{{([^{{}}]*)\}}", r"\1", text)
    text = re.sub(r"\\(?:fittable\{\s*\}|[a-z]*(?:small|size|centering|raggedright|medskip|noindent|clearpage))\b", " ", text)
    text = re.sub(r"\{\s*\}|(?<=\n)\s*[{}]+\s*(?=\n)", "", text)
    text = text.replace(r"\,", " ").replace("~", " ").replace("$", "").replace(r"\%", "%").replace(r"\_", "_")
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return "\n\n".join(part for part in paragraphs if part)


def _value(name: str, results: Mapping[str, Mapping]) -> str:
    entry = results.get(name)
    return "??" if entry is None else report.formatted(name, entry["value"])

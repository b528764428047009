"""The tools of macOS, as far as a Linux machine can tell: a directory of programs that refuse what only GNU's know.

By hand: `python -m tests.bsd DIRECTORY`, then `env PATH=DIRECTORY ./run_all.sh --snapshot demo`. What macOS lacks (flock,
timeout, realpath, sha256sum, nproc, tac, apt-get) is not in there; a shell of version 3.2 can't be had, see `after_bash_3`.
"""

import re
import shutil
import sys
from pathlib import Path

# The options (patterns of the shell) that a tool of macOS refuses. A long option of any of them is refused too.
REFUSED = {
    "awk": "", "basename": "-z", "cat": "-*[AET]*", "chmod": "-c", "cp": "-*[bdtuT]*", "cut": "-z", "date": "-d*|-I*",
    "dirname": "-z", "env": "", "grep": "-*P*|-z", "head": "-z|-n-*|-c-*", "id": "-z", "ln": "-*[Trt]*", "ls": "-*[vX]*",
    "mkdir": "", "mktemp": "-p", "mv": "-*[btuT]*", "readlink": "-*[fem]*", "rm": "", "sed": "-i|-[nE]*i|-[rsz]|-[nE]*[rsz]*",
    "sleep": "", "sort": "-V", "stat": "-c*", "tail": "-z", "touch": "", "tr": "-t", "uname": "-o",
    "wc": "", "xargs": "-r|-d*|-a",
}  # fmt: skip
NAMED = ["bash", "git", "python3", "sh"]  # these are what they are everywhere
TEX = ["latexmk", "perl", "pdflatex", "bibtex", "kpsewhich", "pdftex"]  # MacTeX brings the same

# What came after bash 3.2, and what it takes amiss: an empty array under `set -u` is an error before 4.4.
AFTER_BASH_3 = {
    "associative array": r"\b(?:declare|local|typeset)\s+-\w*A",
    "name reference": r"\b(?:declare|local|typeset)\s+-\w*n\b",
    "case of letters": r"\$\{\w+(?:\^|,)",
    "transformation": r"\$\{\w+@[A-Za-z]\}",
    "mapfile": r"\b(?:mapfile|readarray|coproc)\b",
    "&>>": r"&>>",
    "|&": r"\|&",
    "wait -n": r"\bwait\s+-n",
    "negative length": r"\$\{\w+:[^}]*:\s*-\d",
    "[[ -v": r"\[\[?\s+-v\s",
    ";&": r";;?&",
    "{fd}>": r"\{\w+\}[<>]",
    "time in printf": r"%\([^)]*\)T",
    "globstar": r"\bglobstar\b",
    "variables": r"\$\{?(?:BASHPID|EPOCH)",
    "empty array": r'(?<![+"])"\$\{\w+\[@\]\}"(?!\})',
    "names in quotes": r'"\$\{!\w+[@*]\}"',
    "negative index": r"\[-\d+\]",
    "read -N": r"\bread\s+-\w*[Ni]\b",
    "case in $( )": r"\$\(\s*case\b",
    "u of strings": r"\$'[^']*\\u",
}


def after_bash_3(text: str) -> list[str]:
    """What of a shell script bash 3.2 does not know, by line; comments are no part of it."""
    lines = [line if not line.lstrip().startswith("#") else "" for line in text.splitlines()]
    return [
        f"{number}: {what}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        for what, pattern in AFTER_BASH_3.items()
        if re.search(pattern, line)
    ]


def refusing(name: str, program: str) -> str:
    """A script that is the program, but for the options that macOS's does not have. Counts of `wc` are padded, as there."""
    ends = "--|[!-]*" if name == "env" else "--"  # what follows is another program's
    options = "|".join(filter(None, ("--?*", REFUSED[name])))
    run = (
        f'{program} "$@" | while IFS= read -r line; do printf "%8s\\n" "$line"; done'
        if name == "wc"
        else f'exec {program} "$@"'
    )
    return (
        f'#!{shutil.which("bash")}\nfor word in "$@"; do\n  case $word in {ends}) break ;;\n'
        f'  {options}) echo "{name}: illegal option $word" >&2; exit 64 ;;\n  esac\ndone\n{run}\n'
    )


def fill(directory: Path, names: list[str] | None = None, *, also: list[str] = ()) -> Path:
    """Write the tools into a directory (those named, or all), and links to `also`."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in REFUSED if names is None else names:
        path = directory / name
        path.unlink(missing_ok=True)
        path.write_text(refusing(name, shutil.which(name)))
        path.chmod(0o755)
    for name in also:
        if found := shutil.which(name):
            (directory / name).symlink_to(found)
    return directory


if __name__ == "__main__":
    fill(Path(sys.argv[1]), also=[*NAMED, *TEX])

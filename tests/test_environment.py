"""environment.yml, pyproject.toml and requirements.txt describe one and the same environment.

Each rule is a function from the three texts to the faults it finds: none in the repository's own files, and
at least one in a copy that breaks the rule.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from typing import NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rattler import BuildString, MatchSpec, PackageRecord

from analysis import environment, programs
from analysis.environment import canonical, differences, direct, installed, locked
from analysis.paths import ROOT

# Where conda-forge's name is not that of the Python distribution. The -base and -core packages leave out what
# is not used here: a Qt window, pandoc, statsmodels.
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "fastjsonschema": "python-fastjsonschema",
    "huggingface-hub": "huggingface_hub",
    "ibis-framework": "ibis-duckdb",
    "matplotlib": "matplotlib-base",
    "nbconvert": "nbconvert-core",
    "seaborn": "seaborn-base",
}


SPARK_LOCK = ROOT / "requirements-spark.txt"


class Texts(NamedTuple):
    conda: str
    project: str
    lock: str


@pytest.fixture(scope="module")
def texts() -> Texts:
    names = ("environment.yml", "pyproject.toml", "requirements.txt")
    return Texts(*((ROOT / name).read_text(encoding="utf-8") for name in names))


def requirements(texts: Texts, *extras: str) -> list[Requirement]:
    project = tomllib.loads(texts.project)["project"]
    listed = [*project["dependencies"], *(r for e in extras for r in project["optional-dependencies"][e])]
    return [Requirement(text) for text in listed]


def entries(texts: Texts) -> dict[str, str]:
    """Text of each of the lock's entries by `name==version`."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", texts.lock, flags=re.M)[1:]
    return {block.split()[0]: block for block in blocks}


def versions(texts: Texts) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entry in entries(texts):
        name, version = entry.split("==")
        found.setdefault(canonical(name), set()).add(version)
    return found


def name_of(spec: MatchSpec) -> str:
    return spec.name.normalized


def specs(texts: Texts) -> dict[str, MatchSpec]:
    listed = [MatchSpec(text) for text in yaml.safe_load(texts.conda)["dependencies"]]
    return {name_of(spec): spec for spec in listed}


def conda_record(name: str, version: str) -> PackageRecord:
    return PackageRecord(name, version, BuildString("0"), 0, "noarch")


# ---- the rules ---------------------------------------------------------------------------------------------


def conda_spec_refuses_the_lock(texts: Texts) -> list[str]:
    listed, lock = specs(texts), versions(texts)
    faults = []
    for name in sorted({canonical(r.name) for r in requirements(texts, "test", "lab")}):
        conda_name = CONDA_NAMES.get(name, name)
        spec = listed.pop(conda_name, None)
        if spec is None:
            faults.append(f"{conda_name} missing")
        elif not all(spec.matches(conda_record(conda_name, version)) for version in lock[name]):
            faults.append(f"{spec} refuses {lock[name]}")
    return faults + [f"{name}: not a direct dependency" for name in listed if name != "python"]


def conda_spec_is_loose(texts: Texts) -> list[str]:
    """A spec that would take another version as well: the next one, or any at all."""
    return [
        name
        for name, spec in specs(texts).items()
        if name != "python" and any(spec.matches(conda_record(name, v)) for v in ("0.0.1", "999.0"))
    ]


def requirement_unmet_by_the_lock(texts: Texts) -> list[str]:
    lock = versions(texts)
    return [
        str(requirement)
        for requirement in requirements(texts, "test", "lab", "lock")
        if not lock.get(canonical(requirement.name))
        or not all(requirement.specifier.contains(v) for v in lock[canonical(requirement.name)])
    ]


def lock_made_from_other_requirements(texts: Texts) -> list[str]:
    """uv notes below each entry what asked for it: this project, for each of its direct dependencies."""
    asked = {canonical(r.name) for r in requirements(texts, "test", "lab", "lock")}
    noted = {
        canonical(entry.split("==")[0])
        for entry, block in entries(texts).items()
        if re.search(r"^ +# +(via +)?hub-activity-paper \(pyproject\.toml\)$", block, re.M)
    }
    return sorted(asked ^ noted)


def entry_without_hash(texts: Texts) -> list[str]:
    hashed = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
    return [entry for entry, block in entries(texts).items() if not hashed.search(block)]


def address_or_path(texts: Texts) -> list[str]:
    pattern = re.compile(r"://|file:|index|find-links|trusted-host|(?<![\w.])/[a-z]+/| @ ", re.I)
    return [line for line in texts.lock.splitlines() + texts.conda.splitlines() if pattern.search(line)]


def two_versions_of_a_package(texts: Texts) -> list[str]:
    return [name for name, found in versions(texts).items() if len(found) > 1]


def conda_python_differs(texts: Texts) -> list[str]:
    asked = SpecifierSet(tomllib.loads(texts.project)["project"]["requires-python"])
    taken = [
        text.partition(" ")[2]
        for text in yaml.safe_load(texts.conda)["dependencies"]
        if name_of(MatchSpec(text)) == "python"
    ]
    return [] if [SpecifierSet(text) for text in taken] == [asked] else taken or ["no python"]


def channel_beside_conda_forge(texts: Texts) -> list[str]:
    return sorted({"conda-forge", "nodefaults"} ^ set(yaml.safe_load(texts.conda)["channels"]))


def spark_in_the_lock(texts: Texts) -> list[str]:
    return [name for name in versions(texts) if name in ("pyspark", "py4j")]


def slow_grammar_in_the_lock(texts: Texts) -> list[str]:
    """Where rfc3987-syntax is there, each import of nbformat compiles a grammar, which takes longer than all else it does."""
    return [name for name in versions(texts) if name == "rfc3987-syntax"]


# A rule, and a change to one of the files that breaks it: (file, pattern, replacement).
RULES = [
    (conda_spec_refuses_the_lock, ("conda", r"- numpy=.*", "- numpy=1.26.4")),
    (conda_spec_refuses_the_lock, ("conda", r"  - rapidfuzz=.*\n", "")),
    (conda_spec_refuses_the_lock, ("conda", r"- rich=", "- requests=2.32.0\n  - rich=")),
    (conda_spec_refuses_the_lock, ("lock", r"^pandas==\S+", "pandas==2.2.3")),
    (conda_spec_refuses_the_lock, ("project", r'"pyarrow",', '"pyarrow", "requests",')),
    (conda_spec_is_loose, ("conda", r"- numpy=.*", "- numpy")),
    (conda_spec_is_loose, ("conda", r"- numpy=", "- numpy >=")),
    (requirement_unmet_by_the_lock, ("lock", r"^duckdb==\S+", "duckdb==2.0.0")),
    (requirement_unmet_by_the_lock, ("lock", r"^typer==", "typist==")),
    (requirement_unmet_by_the_lock, ("project", r'"scipy",', '"scipy>=2",')),
    (lock_made_from_other_requirements, ("project", r'"scipy",', '"scipy", "tqdm",')),
    (lock_made_from_other_requirements, ("project", r'  "networkx",\n', "")),
    (entry_without_hash, ("lock", r"^(numpy==\S+ \\\n)(    --hash.*\n)+", r"\1")),
    (entry_without_hash, ("lock", r"--hash=sha256:([0-9a-f]{10})[0-9a-f]*", r"--hash=sha256:\1")),
    (address_or_path, ("lock", r"^numpy==", "--index-url https://mirror.example/simple\nnumpy==")),
    (address_or_path, ("lock", r"^numpy==", "--find-links /home/me/wheels\nnumpy==")),
    (address_or_path, ("lock", r"^numpy==\S+", "numpy @ file:numpy.whl")),
    (address_or_path, ("conda", r"- conda-forge", "- https://mirror.example/conda-forge")),
    (two_versions_of_a_package, ("lock", r"^scipy==", "scipy==1.18.1 ; python_version > '3.11'\nscipy==")),
    (conda_python_differs, ("conda", r"- python .*", "- python >=3.12,<3.14")),
    (conda_python_differs, ("conda", r"  - python .*\n", "")),
    (conda_python_differs, ("project", r'requires-python = ".*"', 'requires-python = ">=3.11"')),
    (channel_beside_conda_forge, ("conda", r"- nodefaults", "- defaults")),
    (slow_grammar_in_the_lock, ("lock", r"^numpy==", "rfc3987-syntax==1.1.0 \\\nnumpy==")),
    (spark_in_the_lock, ("lock", r"^numpy==", "pyspark==4.0.5 \\\nnumpy==")),
]


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _ in RULES), ids=lambda rule: rule.__name__)
def test_the_three_files_agree(rule, texts):
    assert rule(texts) == []


@pytest.mark.parametrize(("rule", "change"), RULES)
def test_a_broken_copy_is_found(rule, change, texts):
    field, pattern, replacement = change
    broken, times = re.subn(pattern, replacement, getattr(texts, field), flags=re.M)
    assert times, f"{pattern} is not in the file any more: change this test's pattern"
    assert rule(texts._replace(**{field: broken}))


@pytest.mark.parametrize("rule", [entry_without_hash, address_or_path, two_versions_of_a_package, slow_grammar_in_the_lock])
def test_the_lock_with_spark_keeps_the_rules_of_the_lock(rule, texts):
    assert rule(texts._replace(lock=SPARK_LOCK.read_text(encoding="utf-8"))) == []


def test_the_lock_with_spark_has_the_versions_of_the_lock_and_what_spark_needs():
    with_spark, without = locked(SPARK_LOCK), locked()
    assert {name: version for name, version in with_spark.items() if without.get(name, version) != version} == {}
    added = with_spark.keys() - without.keys()
    assert set(direct(extras=["spark"])) <= with_spark.keys()
    assert {"pyspark", "py4j", "grpcio", "grpcio-status", "googleapis-common-protos", "protobuf"} == added


@pytest.mark.parametrize(
    ("version", "taken"), [("3.10.19", False), ("3.11.0", True), ("3.13.9", True), ("3.14.0", False)]
)
def test_conda_takes_the_pythons_that_pip_takes(version, taken, texts):
    asked = SpecifierSet(tomllib.loads(texts.project)["project"]["requires-python"])
    assert asked.contains(version) is taken
    assert specs(texts)["python"].matches(conda_record("python", version)) is taken


# ---- analysis.environment ----------------------------------------------------------------------------------

LOCK = """\
# made by hand
Pillow.Heif==1.0 ; sys_platform == 'darwin' \\
    --hash=sha256:00
    # via nobody
numpy==2.4.6 \\
    --hash=sha256:11
"""

PROJECT = """\
[project]
requires-python = ">=3.11,<3.14"
dependencies = ["NumPy", "Pillow_Heif[all]>=1; sys_platform == 'darwin'"]
[project.optional-dependencies]
test = ["pytest<9", "numpy"]
"""


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_locked_versions_go_by_canonical_name(tmp_path):
    assert locked(write(tmp_path / "lock.txt", LOCK)) == {"pillow-heif": "1.0", "numpy": "2.4.6"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("numpy>=2", r"^lock\.txt, line 7: expected NAME==VERSION, found 'numpy>=2'"),
        ("--find-links wheels", r"^lock\.txt, line 7: expected NAME==VERSION"),
        ("NumPy==2.5.5", r"^lock\.txt, line 7: numpy has two versions, 2\.4\.6 and 2\.5\.5"),
    ],
)
def test_a_lock_that_pins_no_single_version_is_refused(tmp_path, line, message):
    with pytest.raises(ValueError, match=message):
        locked(write(tmp_path / "lock.txt", LOCK + line + "\n"))


def test_direct_dependencies_are_those_of_the_project_and_the_extras_named(tmp_path):
    path = write(tmp_path / "project.toml", PROJECT)
    assert direct(path=path) == ["numpy", "pillow-heif"]
    assert direct(extras=["test"], path=path) == ["numpy", "pillow-heif", "pytest"]
    with pytest.raises(KeyError, match="cluster"):
        direct(extras=["cluster"], path=path)


def test_installed_is_the_version_that_python_imports():
    assert installed(["pytest", "no-such-distribution"]) == {
        "pytest": pytest.__version__,
        "no-such-distribution": None,
    }


def test_a_difference_names_what_is_there_and_what_is_locked(tmp_path):
    project = write(
        tmp_path / "project.toml",
        '[project]\nrequires-python = ">=3.11,<3.14"\ndependencies = ["absent-one", "pytest", "ruff", "unlocked"]\n',
    )
    ruff = installed(["ruff"])["ruff"]
    lock = write(tmp_path / "lock.txt", f"absent-one==1.0\npytest==0.1\nruff=={ruff}\n")
    assert differences(project=project, lock=lock) == [
        "absent-one: not installed, lock.txt has 1.0",
        f"pytest: {pytest.__version__} installed, lock.txt has 0.1",
        "unlocked: not in lock.txt; make the lock anew",
    ]


@pytest.mark.parametrize("python", [(3, 10), (3, 14), (2, 12)])
def test_a_python_outside_the_range_is_the_one_difference(python):
    assert differences(python=python) == [
        f"python: {python[0]}.{python[1]} is running, pyproject.toml asks for >=3.11,<3.14"
    ]


@pytest.mark.parametrize("python", [(3, 11), (3, 12), (3, 13)])
def test_a_python_in_the_range_is_no_difference(python):
    assert not [line for line in differences(python=python) if line.startswith("python:")]


def test_the_check_runs_without_a_single_package(tmp_path):
    """-S leaves out site-packages: all direct dependencies are then missing, a line each, exit code 1."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "analysis.environment", "differences"],
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == direct(extras=["test"])
    assert all(": not installed, requirements.txt has " in line for line in done.stdout.splitlines())


@pytest.mark.parametrize("module", ["__init__.py", "paths.py", "environment.py"])
def test_an_older_python_can_read_the_check(module):
    source = (ROOT / "analysis" / module).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 8))


def test_exit_code_zero_only_without_differences(monkeypatch, capsys):
    monkeypatch.setattr(environment, "differences", lambda *, extras: [f"extras {extras}"])
    assert environment.main(["differences"]) == 1
    assert capsys.readouterr().out == "extras ['test']\n"
    monkeypatch.setattr(environment, "differences", lambda *, extras: [])
    assert environment.main(["differences"]) == 0
    assert capsys.readouterr().out == ""


def test_a_site_packages_that_cannot_be_written_to_is_said_and_stops_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(environment.sysconfig, "get_path", lambda _: str(tmp_path / "absent"))
    assert environment.main(["link"]) == 0
    assert "notebooks that are run by hand will not find the package" in capsys.readouterr().err


# --- Binder and development containers ---------------------------------------------------------------------------------


def test_binder_builds_from_the_same_environment_and_the_same_tex():
    binder = ROOT / ".binder"
    assert (binder / "environment.yml").resolve() == ROOT / "environment.yml"
    assert tuple((binder / "apt.txt").read_text().split()) == programs.DEBIAN_PACKAGES
    assert os.access(binder / "postBuild", os.X_OK)


def test_a_development_container_is_set_up_by_run_all_with_a_python_of_the_range():
    described = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert (ROOT / described["postCreateCommand"].split()[0]).resolve() == ROOT / "run_all.sh"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert SpecifierSet(project["requires-python"]).contains(described["image"].rpartition(":")[2])

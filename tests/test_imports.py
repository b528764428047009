"""Imports point one way: cli -> run, check, compare, page -> study -> questions -> engine -> snapshot."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import pytest

from analysis import paths

# From the top down: a module imports from its own layer and from those below, never from one above. No two layers name
# one module. `sources` and `merging` end in files that the layers below read, so nothing but the command line needs them.
LAYERS = {
    "command line": ("__main__", "cli", "opening", "merging.commands"),
    "run": ("run", "kernels", "lab", "check", "references", "compare", "ranking", "over_time", "beside", "page", "page.*"),
    "sources": ("sources", "sources.*"),
    "study": ("study", "study.*"),
    "questions": (
        "activity",
        "adoption",
        "network",
        "links",
        "communities",
        "nulls",
        "tails",
        "robustness",
        "coefficients",
        "triangles",
        "merging",
        "merging.[!c]*",
        "merging.candidates",
    ),
    "engine": ("engine", "file_edges", "spark", "people", "parameters"),
    "snapshot": ("snapshot", "parts", "stored", "schema", "manifest"),
    "what all may use": (
        "",
        "canvas",
        "covered",
        "paths",
        "results",
        "directories",
        "shared",
        "text",
        "report",
        "templates",
        "figures",
        "labels",
        "licenses",
        "environment",
        "programs",
        "exact",
        "variables",
    ),
}
# What a module that imports within its functions says in a comment or its docstring: how much time that saves.
MEASURED = re.compile(r"\b[Ii]mported\b(?=[\s\S]{0,200}processor time)[\s\S]{0,200}\b\d\.\d\b")


class Import(NamedTuple):
    """One name that a module of the package imports from another one; `at_load`: when it is itself imported."""

    module: str
    imported: str
    name: str
    at_load: bool


def module_name(file) -> str:
    parts = file.relative_to(paths.ROOT / "analysis").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for file in sorted((paths.ROOT / "analysis").rglob("*.py"))}
TREES = {module: ast.parse(file.read_text(encoding="utf-8")) for module, file in FILES.items()}


def imports_of(module: str) -> Iterator[Import]:
    """The imports of modules of the package, wherever they stand."""
    functions = [node for node in ast.walk(TREES[module]) if isinstance(node, ast.FunctionDef)]
    late = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "analysis":
            package = node.module.partition(".")[2]
            for name in node.names:
                inner = f"{package}.{name.name}".lstrip(".")
                yield Import(module, inner if inner in FILES else package, name.name, id(node) not in late)
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == "analysis":
                    yield Import(module, name.name.partition(".")[2], name.name, id(node) not in late)


IMPORTS = [one for module in FILES for one in imports_of(module)]


def layer(module: str) -> int:
    found = [n for n, names in enumerate(LAYERS.values()) if any(fnmatch(module, name) for name in names)]
    assert len(found) == 1, f"{module or 'analysis'}: expected in one of the layers of this test, found in {len(found)}"
    return found[0]


def test_a_module_imports_from_its_own_layer_and_from_those_below():
    upwards = [f"{one.module} -> {one.imported}" for one in IMPORTS if layer(one.module) > layer(one.imported)]
    assert upwards == []


def test_no_imports_go_round_in_a_circle_not_even_late_ones():
    graph = {module: {one.imported for one in IMPORTS if one.module == module} for module in FILES}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    assert len(order) == len(FILES)


def test_no_module_uses_the_private_names_of_another():
    used = {f"{one.module}: {one.name}" for one in IMPORTS if one.name.startswith("_") and one.name != "__version__"}
    for module, tree in TREES.items():
        names = {
            name.asname or name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "analysis"
            for name in node.names
            if f"{node.module.partition('.')[2]}.{name.name}".lstrip(".") in FILES
        }
        used |= {
            f"{module}: {node.value.id}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            and node.value.id in names and node.attr.startswith("_")
        }  # fmt: skip
    assert used == set()


def test_a_module_that_imports_within_functions_says_what_that_saves():
    late = {one.module for one in IMPORTS if not one.at_load}
    assert [module for module in sorted(late) if not MEASURED.search(FILES[module].read_text(encoding="utf-8"))] == []

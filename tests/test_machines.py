"""The same bytes on every machine: what may not be called, and what three very different settings of one processor give."""

import ast
import json
import os
import platform
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numba import njit, types
from numba.core.dispatcher import Dispatcher

from analysis import coefficients, communities, links, nulls, paths, references, triangles

SOURCES = sorted([*paths.ROOT.glob("analysis/**/*.py"), *paths.NOTEBOOKS.glob("*.py")])

# --- what may not be called -------------------------------------------------------------------------------------------

BLAS = {
    *("dot vdot inner matmul vecdot einsum tensordot convolve correlate corrcoef cov corr corrwith linalg lstsq".split()),
    *("solve inv pinv det eig eigh eigvals svd qr cholesky cond matrix_rank polyfit".split()),
}
# Sums of floats whose order is numpy's or pandas' affair; `exact.mean_and_std` gives both to the last digit.
MOMENTS = {"mean", "std", "var", "nanmean", "nanstd", "nanvar", "average", "sem", "skew", "kurt"}
# Of numpy; each has one variant for a processor with AVX-512 and another one for the rest, a last digit apart.
CURVES = {
    *("exp exp2 expm1 log log2 log10 log1p power float_power cbrt sin cos tan arcsin arccos arctan sinh cosh tanh".split()),
    *("arcsinh arccosh arctanh logaddexp geomspace logspace".split()),
}
# What random numbers may be asked: these are compared and counted, or are sorted; a last digit does not show.
DRAWS = {
    *("random integers permutation shuffle permuted choice spawn".split()),
    *("normal standard_normal exponential binomial multinomial poisson geometric".split()),
}
LIBRARIES = ("scipy.linalg", "scipy.stats", "scipy.optimize", "numpy.linalg", "numexpr", "bottleneck", "numba", "sklearn")
PERMITTED = {
    ("exact.py", "x @ y"): "of two sparse matrices only, which is not BLAS",
    ("groups.py", "scipy.optimize.minimize_scalar"): "of one number: plain Python",
    **{
        (f"{name}.py", "numba.njit"): "sums and products as they are written: no two are fused into one, as is tested below"
        for name in ("coefficients", "communities", "links", "nulls", "triangles")
    },
    ("tails.py", "scipy.optimize"): "searches whose results keep six digits",
    ("report.py", "10 ** (-decimals)"): "a threshold of how a number is printed",
    ("ledger.py", "10 ** (-decimals)"): "a threshold of how a number is printed",
    ("published.py", "10 ** int(decimals)"): "whole numbers",
    ("plan.py", "base ** 3"): "whole numbers",
    ("plan.py", "base ** power"): "whole numbers",
    ("network.py", "np.asarray(grown.degrees)[among] ** HUBS"): "whole numbers",
}


def forbidden(source: str) -> set[str]:
    """What of a source could give another last digit on another machine, as it is written there."""
    tree = ast.parse(source)
    return {found for node in ast.walk(tree) for found in _found(node)}


def _found(node: ast.AST):
    match node:
        case ast.BinOp(op=ast.MatMult()):
            yield ast.unparse(node)
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent) if not _is_exact_power(base, exponent):
            yield ast.unparse(node)
        case ast.Attribute(value=ast.Name(id="exact")) | ast.Call(func=ast.Attribute(value=ast.Name(id="exact"))):
            return
        case ast.Attribute(value=ast.Name(id="math" | "np" as module), attr=name) if name in CURVES | {"pow"}:
            yield f"{module}.{name}"
        case ast.Attribute(value=ast.Name(id="rng" | "generator"), attr=name) if name not in DRAWS | {"make"}:
            yield f"rng.{name}"
        case ast.Attribute(attr=name) if name in BLAS:
            yield f".{name}"
        case ast.Call(func=ast.Attribute(attr=name)) if name in MOMENTS:
            yield f".{name}()"
        case ast.ImportFrom(module=module) if module:
            yield from (f"{module}.{a.name}" for a in node.names if f"{module}.{a.name}.".startswith(_beginnings()))
        case ast.Import():
            yield from (a.name for a in node.names if f"{a.name}.".startswith(_beginnings()))


def _beginnings() -> tuple[str, ...]:
    return tuple(f"{library}." for library in LIBRARIES)


def _is_exact_power(base: ast.expr, exponent: ast.expr) -> bool:
    """A square, which is a product; or a power of a whole number that is written down, or of a fraction."""
    if isinstance(exponent, ast.Constant):
        return exponent.value == 2 or (isinstance(base, ast.Constant) and isinstance(base.value, int) and exponent.value > 0)
    return isinstance(base, ast.Call) and getattr(base.func, "id", "") == "Fraction"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(paths.ROOT)))
def test_nothing_is_called_whose_last_digit_depends_on_the_machine(file):
    found = forbidden(file.read_text(encoding="utf-8"))
    assert not {text for text in found if (file.name, text) not in PERMITTED}


def test_every_exception_is_still_needed():
    written = {(file.name, text) for file in SOURCES for text in forbidden(file.read_text(encoding="utf-8"))}
    assert set(PERMITTED) <= written


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a @ b", {"a @ b"}),
        ("np.corrcoef(x, y)[0, 1]", {".corrcoef"}),
        ("frame.x.corr(frame.y)", {".corr"}),
        ("np.linalg.lstsq(a, b)", {".lstsq", ".linalg"}),
        ("values.mean() + target.mean", {".mean()"}),
        ("np.exp(x) + math.pow(x, y)", {"np.exp", "math.pow"}),
        ("x ** 0.5 + rank ** -b", {"x ** 0.5", "rank ** (-b)"}),
        ("rng.gumbel(size=3)", {"rng.gumbel"}),
        ("from scipy import stats", {"scipy.stats"}),
        ("from scipy.stats import rankdata", {"scipy.stats.rankdata"}),
        ("import scipy.linalg", {"scipy.linalg"}),
        ("exact.dot(x, y) + x ** 2 + 2 ** 63 + Fraction(10) ** -d + rng.random(3) + math.sqrt(x)", set()),
    ],
)
def test_what_is_forbidden_is_found(source, expected):
    assert forbidden(source) == expected


FREE = re.compile(r"\b(?:fast|contract|reassoc)\b.*|vfn?m(?:add|sub)\w*|fmadd\w*")


def _use(module) -> None:
    """Call what leads to every compiled function of a module, so that each has a signature."""
    path = links.Links(3, np.array([0, 1]), np.array([1, 2]), np.array([1, 1]))
    match module.__name__.removeprefix("analysis."):
        case "communities":
            communities.modularity(path, weighted=False)
        case "links":
            links.core_numbers_of(path)
        case "nulls":
            nulls.rewired(path, np.random.default_rng(0))
            members = pd.DataFrame({"repo_id": ["a", "a"], "developer": [1, 2], "leads": [1, 0]})
            nulls.seats_drawn_anew(nulls.seats(members), np.random.default_rng(0))
        case "triangles":
            triangles.average_clustering(3, np.array([0, 1, 2]), np.array([1, 2, 0]), np.array([1, 1, 1]))
        case "coefficients":
            coefficients.kendall(coefficients.pairs(pd.Series([1, 2]), pd.Series([1, 2])))


@pytest.mark.parametrize("module", [coefficients, communities, links, nulls, triangles], ids=lambda module: module.__name__)
def test_compiled_code_rounds_as_it_is_written(module):
    """No multiplication and addition in one, no sum in another order: neither allowed to the compiler nor in what it made."""
    _use(module)
    own = [value for value in vars(module).values() if isinstance(value, Dispatcher)]
    compiled = [function for function in own if function.__module__ == module.__name__]
    for function in compiled:
        # A class of ours in a signature would make the cache of an older version an error.
        assert not [kind for kind in function.signatures[0] if isinstance(kind, types.BaseNamedTuple)]
        anew = njit(function.py_func)  # what comes from the cache can't be looked into
        anew.compile(function.signatures[0])
        texts = [*anew.inspect_llvm().values(), *anew.inspect_asm().values()]
        assert all(function.__name__ in text for text in texts)
        assert not [words for text in texts for words in FREE.findall(text)]
    assert len(compiled) == Path(module.__file__).read_text(encoding="utf-8").count("@njit(cache=True)\n") > 0


def test_code_that_may_round_otherwise_is_noticed():
    fused = njit(lambda a, b, c: a * b + c, fastmath=True)
    assert fused(0.1, 0.2, 0.3)
    assert FREE.search(next(iter(fused.inspect_llvm().values())))


# --- what three settings give -----------------------------------------------------------------------------------------

HERE = Path(__file__).parent / "machine.py"
NO_FMA = "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F"  # for the C library's exponentials
SETTINGS = {
    "of 2006": (
        "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        {"OPENBLAS_CORETYPE": "Prescott", "GLIBC_TUNABLES": NO_FMA, "NUMBA_CPU_NAME": "core2", "NUMBA_CPU_FEATURES": ""},
    ),
    "of 2013, two threads": (
        "X86_V4 AVX512_ICL AVX512_SPR",
        {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "1"}
        | {"NUMBA_CPU_NAME": "haswell"},
    ),
}
NAMES = {"Prescott": {"Prescott", "Katmai"}, "Haswell": {"Haswell"}}  # how OpenBLAS tells which kernels it took
x86_64 = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64", reason="these settings are of x86-64 and Linux"
)


def _has(feature: str) -> bool:
    return np._core._multiarray_umath.__cpu_features__.get(feature, False)


@cache
def under(setting: str | None, *arguments: str) -> dict:
    """What tests/machine.py says under a setting; under none, this machine as it is."""
    off, variables = SETTINGS.get(setting, ("", {}))
    disabled = " ".join(feature for feature in off.split() if _has(feature))  # of others numpy would warn
    env = os.environ | {"NPY_DISABLE_CPU_FEATURES": disabled, "PYTHONPATH": str(paths.ROOT)} | variables
    done = subprocess.run([sys.executable, HERE, *arguments], env=env, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@x86_64
@pytest.mark.parametrize("setting", SETTINGS)
def test_demo_has_the_results_of_the_references_on_any_processor(setting):
    if "Haswell" in SETTINGS[setting][1].values() and not _has("AVX2"):
        pytest.skip("this processor can't pass for one of 2013")
    found, reference = under(setting, "demo"), references.stored("demo")
    expected = {name: entry["value"] for name, entry in reference["results"].items()}
    assert len(found["results"]) > 1_500
    assert {name: value for name, value in found["results"].items() if value != expected[name]} == {}
    assert found["figures"] == {name: reference["figures"][name] for name in found["figures"]}
    off, variables = SETTINGS[setting]  # did they reach it?
    assert not {*off.split()} & {*found["features"]}
    assert {*found["kernels"]} <= NAMES[variables["OPENBLAS_CORETYPE"]]


@x86_64
def test_the_twin_has_the_same_bytes_on_any_processor():
    assert len({under(setting, "demo")["twin"] for setting in SETTINGS} | {under(None)["twin"]}) == 1

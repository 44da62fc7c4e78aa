"""Who may import whom: section 3 of the design, checked over the source of every module.

Imports inside functions count: a heavy import that waits for its call still couples two layers.
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT

OURS = ("app", "reward", "rubrics")
STDLIB = sys.stdlib_module_names

GROUND = frozenset(
    {"app.catalogue", "app.domain", "app.errors", "app.policy", "app.requirements", "app.settings", "rubrics"}
)
"""The words that every layer of `app` speaks: they import nothing else."""

MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "rubrics": frozenset({"rubrics"}),
    "reward.contract": frozenset(),
    "reward": frozenset({"reward", "app.stats"}),
    "app.catalogue": frozenset(),
    "app.domain": GROUND,
    "app.errors": GROUND,
    "app.policy": GROUND,
    "app.requirements": frozenset(),
    "app.settings": GROUND,
    "app.stats": frozenset({"app.stats"}),
    "app.store": GROUND | {"app.store"},
    "app.formats": GROUND | {"app.formats"},
    "app.services": GROUND | {"app.services", "app.store", "app.stats", "app.formats", "reward.contract"},
    "app.child": frozenset(),
    "app.jobs": GROUND | {"app.services", "app.child"},
    "app.demo": GROUND | {"app.demo", "app.services"},
    "app.ui": GROUND | {"app.catalogue", "app.ui", "app.services", "app.stats", "app.jobs"},
    "app.main": GROUND | {"app.ui", "app.services", "app.stats"},
    "app.cli": GROUND | {"app.cli", "app.services", "app.jobs", "app.demo", "app.server"},
    "app.web": GROUND | {"app.catalogue", "app.web", "app.services"},
    "app.server": GROUND | {"app.web", "app.ui", "app.services", "app.jobs", "app.demo"},
}
"""Layer (the longest prefix counts) -> what of ours it may import."""

ONLY_IN: Mapping[str, tuple[str, ...]] = {
    "streamlit": ("app.ui", "app.main", "app.server", "app.web"),
    "sqlalchemy": ("app.store", "app.services"),
    "alembic": ("app.store",),
    "huey": ("app.jobs",),
    "typer": ("app.cli",),
    "torch": ("reward",),
    "trl": ("reward",),
    "transformers": ("reward",),
}
"""Library -> the only layers in which it may appear."""

LIBRARIES: Mapping[str, frozenset[str]] = {
    "rubrics": frozenset({"pydantic", "pydantic_core", "ruamel"}),
    "reward.contract": frozenset(),
    "app.domain": frozenset(),
    "app.errors": frozenset(),
    "app.policy": frozenset(),
    "app.requirements": frozenset(),
    "app.settings": frozenset(),
    "app.stats": frozenset({"numpy", "scipy", "pandas"}),
    "app.formats": frozenset({"datasets", "numpy", "pandas", "pyarrow"}),
}
"""Layer -> every library it may import; layers that are not here are bound by `ONLY_IN` alone."""

HEAVY = frozenset({"torch", "trl", "transformers", "streamlit", "datasets", "scipy", "pandas", "numpy", "sqlalchemy"})
"""What no `__init__` may load."""


def modules() -> dict[str, Path]:
    """Every module of the three packages by its dotted name; migrations aside, which only Alembic runs."""
    found = {}
    for package in OURS:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


@functools.cache
def imports_of(name: str) -> tuple[tuple[int, str], ...]:
    """Line and dotted name of everything that a module imports, at its top or anywhere inside."""
    return tuple(_imports_of(name))


def _imports_of(name: str) -> Iterator[tuple[int, str]]:
    source = MODULES[name].read_text(encoding="utf-8")
    tree = ast.parse(source)
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                yield node.lineno, inner if inner in MODULES else origin
    if "import_module" in source or "__import__" in source:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
                yield node.lineno, _named(node.args[0])


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement under a node; no expressions, which are most of a tree."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.stmt, ast.excepthandler, ast.match_case)):
            yield node
            yield from _statements(node)


def _named(argument: ast.expr) -> str:
    """The module, or the package of the modules, that a dynamic import names."""
    if isinstance(argument, ast.JoinedStr):
        argument = argument.values[0]
    assert isinstance(argument, ast.Constant), f"{ast.unparse(argument)} is imported, and nobody can check it"
    return str(argument.value).rstrip(".")


def layer_of(name: str, layers: Mapping[str, object]) -> str | None:
    """The longest of the given prefixes under which a module lies."""
    under = [layer for layer in layers if name == layer or name.startswith(f"{layer}.")]
    return max(under, key=len, default=None)


def is_under(name: str, prefixes: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def test_every_module_belongs_to_a_layer() -> None:
    """A new package needs a line in `MAY_IMPORT`, and in section 3 of the design."""
    assert [name for name in MODULES if name != "app" and layer_of(name, MAY_IMPORT) is None] == []


@pytest.mark.parametrize("name", [name for name in MODULES if layer_of(name, MAY_IMPORT) is not None])
def test_a_module_imports_only_what_its_layer_may(name: str) -> None:
    allowed = MAY_IMPORT[layer_of(name, MAY_IMPORT) or ""]
    ours = [(number, one) for number, one in imports_of(name) if one.partition(".")[0] in OURS]
    assert places(name, [(number, one) for number, one in ours if not is_under(one, allowed)]) == []


def test_libraries_stay_where_they_belong() -> None:
    wrong = []
    for name in MODULES:
        libraries = LIBRARIES.get(layer_of(name, LIBRARIES) or "")
        for number, imported in imports_of(name):
            root = imported.partition(".")[0]
            if root in STDLIB or root in OURS:
                continue
            if not is_under(name, ONLY_IN.get(root, (name,))) or (libraries is not None and root not in libraries):
                wrong += places(name, [(number, imported)])
    assert wrong == []


def places(name: str, imports: list[tuple[int, str]]) -> list[str]:
    return [f"{MODULES[name].relative_to(ROOT)}:{number} imports {imported}" for number, imported in imports]


@pytest.mark.parametrize("name", [name for name, file in MODULES.items() if file.name == "__init__.py"])
def test_packages_import_nothing_heavy(name: str) -> None:
    assert [imported for _, imported in imports_of(name) if imported.partition(".")[0] in HEAVY] == []


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_services_load_neither_torch_nor_streamlit() -> None:
    names = [name for name in MODULES if name.startswith("app.services.")]
    heavy = {"torch", "trl", "transformers", "datasets", "streamlit", "huey", "typer"}
    assert loaded_by("\n".join(f"import {name}" for name in names)) & heavy == set()


def test_the_command_line_starts_light() -> None:
    """`steelyard --help` waits for nothing that a command may not need."""
    heavy = {"torch", "trl", "transformers", "datasets", "streamlit", "sqlalchemy", "pandas", "scipy", "huey"}
    assert loaded_by("import app.cli.main") & heavy == set()


def test_the_contract_and_the_types_stand_alone() -> None:
    bare = loaded_by("pass")
    assert {root for root in loaded_by("import reward.contract") - bare if root not in STDLIB} == {"reward"}
    heavy = {"sqlalchemy", "numpy", "pandas", "streamlit"}
    assert loaded_by("import app.domain, app.errors, app.policy, app.settings") & heavy == set()

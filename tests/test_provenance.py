"""A digest changes with the code that is reached, and with nothing else."""

import ast
import os
import shutil
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emofuse import code, provenance, wording

WORKFLOW = Path(__file__).parent.parent / "workflow"
SCRIPTS = sorted((WORKFLOW / "scripts").glob("*.py"))

LIBRARY = {
    "__init__.py": '"""A package."""\n',
    "words.py": "WORDS = ('a', 'b')\nUNUSED = 1\n",
    "middle.py": "from lib.words import WORDS\n\ndef count():\n    return len(WORDS)\n\ndef other():\n    return 0\n",
    "outer.py": "from lib import middle\n\n\nclass Outer:\n    def run(self):\n        return middle.count()\n",
    "late.py": "def load():\n    from lib.words import WORDS\n\n    return WORDS\n",
    "hook.py": "REGISTER = []\nREGISTER.append(1)\n\n\ndef use():\n    return 2\n",
    "package/__init__.py": "from lib.middle import count\n",
}


@pytest.fixture
def library(tmp_path):
    for name, text in LIBRARY.items():
        path = tmp_path / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "lib"


def digest_after(library, script, edit=None, *roots):
    path = library.parent / "script.py"
    path.write_text(script)
    if edit:
        name, old, new = edit
        text = (library / name).read_text()
        assert old in text
        (library / name).write_text(text.replace(old, new))
    return provenance.code_digest(path, *roots, library=library)


SCRIPT = "from lib.outer import Outer\nOuter().run()\n"


@pytest.mark.parametrize(
    ("edit", "changes"),
    [
        (("words.py", "'b'", "'c'"), True),  # three imports away
        (("middle.py", "len(WORDS)", "len(WORDS) + 1"), True),
        (("words.py", "UNUSED = 1", "UNUSED = 2"), False),  # reached by nobody
        (("middle.py", "return 0", "return 1"), False),  # in a module that is reached, in a function that is not
        (("middle.py", "def count():\n", "def count():\n    '''Count.'''\n    # the words\n"), False),
        (("outer.py", "class Outer:\n", "class Outer:\n    '''Runs.'''\n\n"), False),
        (("middle.py", "from lib.words import WORDS", "from lib.words import UNUSED as WORDS"), True),
        (("late.py", "return WORDS", "return None"), False),
    ],
)
def test_an_edit_counts_where_it_is_reached(library, edit, changes):
    before = digest_after(library, SCRIPT)
    assert (digest_after(library, SCRIPT, edit) != before) == changes


def test_an_import_inside_a_function_is_followed(library):
    script = "from lib.late import load\nload()\n"
    before = digest_after(library, script)
    assert digest_after(library, script, ("words.py", "'b'", "'c'")) != before


def test_a_name_from_a_package_leads_to_where_it_is_defined(library):
    script = "import lib.package\nlib.package.count()\n"
    before = digest_after(library, script)
    assert digest_after(library, script, ("middle.py", "len(WORDS)", "0")) != before


def test_statements_that_bind_nothing_belong_to_their_module(library):
    script = "from lib.hook import use\nuse()\n"
    before = digest_after(library, script)
    assert digest_after(library, script, ("hook.py", "append(1)", "append(2)")) != before


def test_a_root_is_reached_by_its_name_alone(library):
    before = digest_after(library, "print()\n", None, "lib.outer:Outer")
    assert digest_after(library, "print()\n", ("words.py", "'b'", "'c'"), "lib.outer:Outer") != before
    with pytest.raises(KeyError, match="no such definition"):
        digest_after(library, "print()\n", None, "lib.outer:Inner")


# --- Wording ---------------------------------------------------------------------------------------------------------


def edited(library, text, old, new):
    """Whether an edit of a module that a script reaches by its function ``run`` changes the digest."""
    text = textwrap.dedent(text)
    assert text.count(old) == 1
    module, script = library / "module.py", library.parent / "script.py"
    script.write_text("from lib.module import run\nrun()\n")
    module.write_text(text)
    before = provenance.code_digest(script, library=library)
    module.write_text(text.replace(old, new))
    return provenance.code_digest(script, library=library) != before


WORDING = {
    "raise": """
        def run(x):
            if x < 0:
                raise ValueError(f"{x} is below; should be 0" + hint(x)) from None

        def hint(x):
            return "or more"
        """,
    "raise from": """
        def run(x):
            try:
                return int(x)
            except TypeError as error:
                raise RuntimeError([f"{x} is below ({error})"]) from error
        """,
    "log": """
        import logging
        log = logging.getLogger(__name__)

        def run(x):
            log.warning("%s is below", x)
        """,
    "warnings": """
        import warnings

        def run(x):
            warnings.warn(f"{x} is below", DeprecationWarning, stacklevel=2)
        """,
    "print": """
        def run(x):
            print("it", x, "is below", flush=True)
        """,
    "tqdm": """
        from tqdm import tqdm

        def run(x):
            return list(tqdm(x, desc="is below", unit="row"))
        """,
    "trange": """
        import tqdm

        def run(x):
            progress = tqdm.trange(x, unit="is below")
        """,
    "postfix": """
        def run(progress, x):
            progress.set_postfix(loss=f"{x} is below", refresh=False)
        """,
    "problems": """
        def run(rows):
            problems = [f"{row} is below; should be {right(row)}" for row in rows if row < 0]
            return problems

        def right(row):
            return 0
        """,
    "+=": """
        def run(rows):
            problems = []
            problems += ["it" " is below"] if rows else []
            return problems
        """,
    "append": """
        def run(row):
            faults = []
            faults.append("it is below" if row else "nothing")
            return faults
        """,
    "extend": """
        def run(self, rows):
            self.problems.extend(f"{row} is below" for row in rows)
        """,
    "item": """
        def run(rows):
            problems = {}
            for row in rows:
                problems["row", row] = f"{row} is below"
            return problems
        """,
    ":=": """
        def run(rows):
            return (problem := "it is below") and len(problem)
        """,
    "parameter": """
        def run(rows):
            return check(rows, problem="it is below")

        def check(rows, problem):
            return rows
        """,
    "annotated": """
        from lib.tables import Problem

        def run(row):
            where: Problem = f"row {row} is below"
            return [where]
        """,
    "InputError": """
        from lib import tables

        def run(rows):
            return tables.InputError([f"{row} is below" for row in rows])
        """,
    "returned": """
        def run(row) -> Problem | None:
            at = f"row {row}"
            return f"{at} is below" if row else None
        """,
    "yielded": """
        from collections.abc import Iterator
        from emofuse import tables

        def run(rows) -> Iterator[tables.Problem]:
            reason = "is below"
            for row in rows:
                yield f"{row} {reason}"
        """,
    "method": """
        def run(x):
            return Check().explain(x)

        class Check:
            def explain(self, x) -> Problems:
                return ["it is below"]
        """,
    "given to Problem": """
        def run(names, values):
            return [(Problem(f"{names[0]} is below"), values.isin(names)), (Problem("is empty"), values == "")]
        """,
    "Field": """
        from pydantic import BaseModel, Field

        class Settings(BaseModel):
            x: int = Field(3, ge=0, description="is below")

        def run():
            return Settings().x
        """,
    "annotation": """
        from typing import Annotated, Literal

        def run(weight: Annotated[float, Field(ge=0, description="is below")] = 0.5) -> Literal["a"]:
            part: "str" = weight
            return part
        """,
}


@pytest.mark.parametrize("text", WORDING.values(), ids=WORDING)
def test_wording_counts_for_nothing(library, text):
    assert not edited(library, text, "is below", "lies below")


NAMES_IN_WORDING = [
    (WORDING["raise"], '"or more"', '"or above"'),
    (WORDING["problems"], "return 0", "return 1"),
    ("def run(x: 'Kind') -> 'Kind':\n    return 1\n\nclass Kind:\n    a = 1\n", "a = 1", "a = 2"),
    ("def run(x: Kind) -> Kind:\n    return 1\n\nclass Kind:\n    a = 1\n", "a = 1", "a = 2"),
    ("def run(x):\n    log.info(say(x))\n\ndef say(x):\n    return 1\n", "return 1", "return 2"),
]


@pytest.mark.parametrize(("text", "old", "new"), NAMES_IN_WORDING)
def test_names_in_wording_are_not_followed(library, text, old, new):
    assert not edited(library, text, old, new)


SILENT = [
    ("def run(x):\n    y = x\n    return y\n", "y = x", "y: int = x"),
    ("def run(x):\n    y = x\n    return y\n", "y = x", "y: int\n    y = x"),
    ("def run(x):\n    return x\n", "run(x)", "run(x: int) -> int"),
    ("def run(x):\n    pass\n", "pass", '"Run."'),
    (
        "def run(x):\n    return x\n",
        "def run",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  import a\ndef run",
    ),
]


@pytest.mark.parametrize(("text", "old", "new"), SILENT)
def test_types_count_for_nothing(library, text, old, new):
    assert not edited(library, text, old, new)


DATA = {
    "the class that is raised": (WORDING["raise"], "raise ValueError", "raise TypeError"),
    "the cause": (WORDING["raise"], "from None", "from x"),
    "a condition beside a raise": (WORDING["raise"], "x < 0", "x < 1"),
    "a file that is printed to": ("def run(x):\n    print('a', file=x)\n", "'a'", "'b'"),
    "what a logger is set to": ("import logging\ndef run(x):\n    logging.basicConfig(format='a')\n", "'a'", "'b'"),
    "what is done with warnings": ("import warnings\ndef run():\n    warnings.simplefilter('a')\n", "'a'", "'b'"),
    "a logarithm": ("from math import log\ndef run(x):\n    return log(x)\n", "log(x)", "log(x + 1)"),
    "a name that is like a logger": ("def run(log):\n    return log.replace('a', '')\n", "'a'", "'b'"),
    "what a progress bar counts": (WORDING["tqdm"], "tqdm(x,", "tqdm(x[1:],"),
    "a unit of something else": ("def run(x):\n    return to(x, unit='a')\n", "'a'", "'b'"),
    "a condition beside a problem": (WORDING["problems"], "row < 0", "row < 1"),
    "what problems are looked for in": (
        "def run(x):\n    problems = [f'{n} is bad' for n in ('a', 'c')]\n    return problems\n",
        "'a'",
        "'b'",
    ),
    "a column beside a problem": (
        "def run(row):\n    problems = []\n    problems += [f'bad {row}'] if row['a'] else []\n",
        "'a'",
        "'b'",
    ),
    "a comparison beside a problem": ("def run(x):\n    faults = ['bad', x == 'a']\n", "'a'", "'b'"),
    "the key of a problem": (WORDING["item"], '"row", row', '"line", row'),
    "a condition in a function of problems": (WORDING["returned"], "if row else", "if row is None else"),
    "a string in such a condition": (
        "def run(kind) -> Problems:\n    if kind.startswith('a'):\n        return ['bad']\n    return []\n",
        "'a'",
        "'b'",
    ),
    "a call in a function of problems": (
        "def run(x) -> Problems:\n    return helper(x)\n\ndef helper(x):\n    return x\n",
        "return x\n",
        "return [x]\n",
    ),
    "a default of a function of problems": ("def run(x='a') -> Problems:\n    return [x]\n", "'a'", "'b'"),
    "a function of rows and problems": (
        "def run(x) -> tuple[dict[str, int], Problems]:\n    return {'name': x}, []\n",
        "'name'",
        "'names'",
    ),
    "other variables beside problems": (
        "def run(x):\n    problems, suffix = [], 'a'\n    return suffix\n",
        "'a'",
        "'b'",
    ),
    "a check's values": (WORDING["given to Problem"], "isin(names", "isin(names[1:]"),
    "a regular expression": ("import re\nrun = re.compile(r'a+')\n", "'a+'", "'a*'"),
    "a dictionary of sentences": ("run = {'angry': ['there is a problem with it']}\n", "a problem", "no problem"),
    "a line of Markdown": ("def run(x):\n    return f'| {x} | mean |'\n", "mean", "median"),
    "the title of a figure": ("def run(axis):\n    axis.set_title('a', title='b')\n", "'b'", "'c'"),
    "a default value": ("def run(x: int = 3):\n    return x\n", "3", "4"),
    "a field of a dataclass": ("@dataclass\nclass run:\n    a: int\n    c: int\n", "a: int", "b: int"),
    "a field's value": ("class run(BaseModel):\n    a: int = Field(3, description='b')\n", "3", "4"),
    "a field or a class variable": ("@dataclass\nclass run:\n    a: int = 3\n", "a: int = 3", "a = 3"),
    "the order of keys and unpacking": ("def run(x, y):\n    return {'a': x, **y}\n", "'a': x, **y", "**x, 'a': y"),
    "the end of a slice": ("def run(x):\n    return x[1:]\n", "1:", ":1"),
    "what another branch does": ("if TYPE_CHECKING:\n  a = 1\nelse:\n  a = 2\ndef run():\n  return a\n", "2", "3"),
}


@pytest.mark.parametrize(("text", "old", "new"), DATA.values(), ids=DATA)
def test_what_computes_counts(library, text, old, new):
    assert edited(library, text, old, new)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_any_string_is_data_or_wording_by_its_place_alone(one, other):
    def read(template, value):
        return wording.read(ast.parse(template.format(value)).body, package="").code

    assert read("problem = {!r}", one) == read("problem = {!r}", other)
    assert (read("sentence = {!r}", one) == read("sentence = {!r}", other)) == (one == other)


# --- The library itself ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the library, and the digest of every script."""
    folder = tmp_path_factory.mktemp("copied")
    copy = folder / "emofuse"
    shutil.copytree(WORKFLOW / "emofuse", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy, {path.name: provenance.code_digest(path, library=copy) for path in SCRIPTS}


def after(copied, place, old, new, *roots):
    """The digests of all scripts, and that of roots, with one edit."""
    file = copied / place
    text = file.read_text()
    assert old in text, "the test names a sentence that is no longer there"
    file.write_text(text.replace(old, new))
    try:
        digests = {path.name: provenance.code_digest(path, library=copied) for path in SCRIPTS}
        return digests, provenance.code_digest(SCRIPTS[0], *roots, library=copied)
    finally:
        file.write_text(text)


@pytest.mark.parametrize(
    ("place", "old", "new"),
    [
        ("tables.py", "is missing; has", "is absent; has"),  # check
        ("tables.py", "should not be missing", "should be there"),  # _values
        ("tables.py", "should sum to 1", "should have the sum 1"),  # _wrong_rows
        ("storage.py", 'raise InputError([f"', 'raise InputError([f"Oh! '),
        ("corpora/base.py", 'log.warning("', 'log.warning("Oh! '),
        ("text/transcription.py", 'desc="', 'desc="Oh! '),
        ("provenance.py", "A short digest", "A digest"),
    ],
)
def test_a_word_in_the_library_reruns_nothing(copied, place, old, new):
    library, before = copied
    assert after(library, place, old, new)[0] == before


def test_a_regular_expression_in_the_library_reruns_its_reader_alone(copied):
    library, before = copied
    root = "emofuse.corpora.iemocap:Iemocap"
    reader = provenance.code_digest(SCRIPTS[0], root, library=library)
    scripts, edited_reader = after(
        library, "corpora/iemocap.py", 'LABEL = re.compile(rf"', 'LABEL = re.compile(rf"^', root
    )
    assert scripts == before
    assert edited_reader != reader


def test_what_makes_digests_is_reached_by_no_script():
    for script in SCRIPTS:
        assert not {module for module, _ in provenance.reach(script)} & {"emofuse.code", "emofuse.wording"}


# --- Roots elsewhere -------------------------------------------------------------------------------------------------

METHOD = """
from lib.words import WORDS

WEIGHT = 0.5
UNUSED = 1

class Mine:
    def predict(self):
        return len(WORDS) * WEIGHT

class Other:
    pass
"""


@pytest.fixture
def project(library, monkeypatch):
    (library.parent / "script.py").write_text("print()\n")
    (library.parent / "methods").mkdir()
    (library.parent / "methods/mine.py").write_text(METHOD)
    monkeypatch.chdir(library.parent)
    return library.parent


def root_digest(root, library="lib"):
    return provenance.code_digest("script.py", root, library=Path(library).absolute())


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("methods/mine.py", "WEIGHT = 0.5", "WEIGHT = 0.6", True),
        ("methods/mine.py", "len(WORDS)", "len(WORDS) + 1", True),
        ("lib/words.py", "'b'", "'c'", True),
        ("methods/mine.py", "UNUSED = 1", "UNUSED = 2", False),
        ("methods/mine.py", "class Other:\n    pass", "class Other:\n    a = 1", False),
        ("lib/words.py", "UNUSED = 1", "UNUSED = 2", False),
    ],
)
def test_a_method_in_a_file_leads_to_what_it_names(project, file, old, new, changes):
    before = root_digest("methods/mine.py:Mine")
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new))
    assert (root_digest("methods/mine.py:Mine") != before) == changes


def test_a_project_that_moves_keeps_its_digests(project, monkeypatch, tmp_path_factory):
    before = root_digest("methods/mine.py:Mine")
    moved = shutil.copytree(project, tmp_path_factory.mktemp("moved"), dirs_exist_ok=True)
    monkeypatch.chdir(moved)
    assert root_digest("methods/mine.py:Mine") == before


@pytest.fixture
def installed(project, monkeypatch):
    """A package and a module that can be imported, and that must not be."""
    (project / "site/theirs/deep").mkdir(parents=True)
    for name, text in {
        "theirs/__init__.py": "from .deep import *\nraise SystemExit\n",
        "theirs/deep/__init__.py": "from .method import Theirs\n",
        "theirs/deep/method.py": "try:\n    import numpy as np\nexcept ImportError:\n    np = None\n"
        "from ..words import LIST\n\n\nclass Theirs:\n    a = np.array(LIST)\n",
        "theirs/words.py": "LIST = [1]\nUNUSED = 1\n",
        "single.py": "import yaml\nraise SystemExit\n\n\nclass Single:\n    a = yaml.safe_load('1')\n",
    }.items():
        (project / "site" / name).write_text(text)
    monkeypatch.syspath_prepend(project / "site")
    return project / "site"


@pytest.mark.parametrize("root", ["theirs.deep.method:Theirs", "theirs.deep:Theirs", "theirs:Theirs"])
def test_a_method_in_a_package_leads_to_what_it_names(installed, root):
    before = root_digest(root)
    words = installed / "theirs/words.py"
    words.write_text(words.read_text().replace("UNUSED = 1", "UNUSED = 2"))
    assert root_digest(root) == before
    words.write_text(words.read_text().replace("LIST = [1]", "LIST = [2]"))
    assert root_digest(root) != before
    assert not {"theirs", "single"} & set(sys.modules)


def test_a_method_in_a_module_of_its_own(installed):
    before = root_digest("single:Single")
    text = (installed / "single.py").read_text()
    (installed / "single.py").write_text(text.replace("'1'", "'2'"))
    assert root_digest("single:Single") != before


@pytest.mark.parametrize(
    ("root", "error"),
    [
        ("methods/yours.py:Mine", FileNotFoundError),
        ("methods/mine.py:Yours", KeyError),
        ("theirs.deep.method:Yours", KeyError),
        ("theirs.shallow:Theirs", KeyError),
        ("theirs:Yours", KeyError),
        ("yours.method:Yours", KeyError),
        ("lib.shallow:Outer", KeyError),
        ("methods/mine.py", KeyError),
    ],
)
def test_a_root_that_is_nowhere_is_said(installed, root, error):
    with pytest.raises(error, match=root.partition(":")[0]):
        root_digest(root)


# --- Imports under conditions, in circles, of everything -------------------------------------------------------------


@pytest.mark.parametrize(
    "middle",
    [
        "from lib.words import *\n\ndef count():\n    return WORDS\n",
        "from lib.circle import *\n\ndef count():\n    return WORDS\n",
        "try:\n    from lib.words import WORDS\nexcept ImportError:\n    WORDS = 0\n\ndef count():\n    return WORDS\n",
        "import lib.words as WORDS\nWORDS.extra = 1\n\ndef count():\n    return WORDS.WORDS\n",
        "def count():\n    try:\n        from lib.words import WORDS as W\n    except ImportError:\n"
        "        from lib.words import UNUSED as W\n    return W\n",
    ],
)
def test_imports_of_every_form_are_followed(library, middle):
    (library / "middle.py").write_text(middle)
    (library / "circle.py").write_text("from lib.middle import *\nfrom lib.words import *\n")
    before = digest_after(library, SCRIPT)
    assert digest_after(library, SCRIPT, ("words.py", "'b'", "'c'")) != before


# --- State -----------------------------------------------------------------------------------------------------------


def test_the_state_of_a_folder_changes_with_its_files(library):
    before = code.state(library)
    assert [path for path, _, _ in before] == sorted(LIBRARY)
    assert code.state(library.parent / "lib") == before
    (library / "notes.txt").write_text("no code")
    assert code.state(library) == before
    os.utime(library / "package/__init__.py", ns=(1, 1))
    assert {path for path, *_ in set(code.state(library)) - set(before)} == {"package/__init__.py"}


def test_the_state_of_files_is_by_their_names(project):
    names = ["script.py", "methods/mine.py"]
    assert code.state(names) == [
        (name, (project / name).stat().st_mtime_ns, (project / name).stat().st_size) for name in sorted(names)
    ]
    with pytest.raises(FileNotFoundError):
        code.state(["methods/yours.py"])


# --- Digests and seeds -----------------------------------------------------------------------------------------------


def test_a_comment_in_the_script_counts_for_nothing(library):
    assert digest_after(library, SCRIPT) == digest_after(library, "# why\n" + SCRIPT)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_the_order_of_keys_counts_for_nothing(value):
    assert provenance.digest(value) == provenance.digest(dict(reversed(value.items())))


@given(st.lists(st.text() | st.integers(), max_size=4))
def test_a_seed_fits_every_generator(names):
    assert 0 <= provenance.seed(*names) < 2**32


def test_swapped_values_have_another_digest():
    assert provenance.digest({"a": 1, "b": 2}) != provenance.digest({"a": 2, "b": 1})


def test_a_missing_file_counts_as_such(tmp_path):
    path = tmp_path / "file"
    absent = provenance.file_digest([path])
    path.write_text("words")
    assert provenance.file_digest([path]) != absent

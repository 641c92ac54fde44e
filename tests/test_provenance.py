"""A digest changes with the code that is reached, and with nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emofuse import provenance

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


def test_a_file_that_is_not_there_counts_as_such(tmp_path):
    path = tmp_path / "file"
    absent = provenance.file_digest([path])
    path.write_text("words")
    assert provenance.file_digest([path]) != absent

"""Parts are located where they are defined, and say themselves which parameters they take."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from emofuse import parts
from emofuse.tables import InputError

ELSEWHERE = '''
from typing import Annotated

from pydantic import Field


class Mine:
    """The word count decides."""

    def __init__(self, words: Annotated[int, Field(ge=1, description="How many.")] = 3, random_state: int = 0) -> None:
        self.words = words
'''


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my_method.py"
    path.write_text(ELSEWHERE)
    return path


def test_the_library_keeps_no_list_of_its_parts(tmp_path):
    library = tmp_path / "lib"
    (library / "fusion").mkdir(parents=True)
    (library / "fusion/base.py").write_text("class FusionMethod:\n    pass\n")
    (library / "fusion/new.py").write_text(
        "class Middle(FusionMethod, abstract=True):\n    pass\n\n"
        "class LoudestWins(Middle):\n    pass\n\nclass _Private(Middle):\n    pass\n\nclass Other:\n    pass\n"
    )
    (library / "splits.py").write_text("@protocol\ndef by_half(utterances):\n    pass\n\ndef helper():\n    pass\n")
    assert parts.known(parts.METHOD, library) == {"loudest_wins": "lib.fusion.new:LoudestWins"}
    assert parts.known(parts.PROTOCOL, library) == {"by_half": "lib.splits:by_half"}


@pytest.mark.parametrize(
    "kind", [parts.METHOD, parts.READER, parts.PROTOCOL, parts.ADAPTATION], ids=lambda kind: kind.noun
)
def test_every_part_can_be_loaded_and_says_what_it_is_and_takes(kind):
    known = parts.known(kind)
    assert known
    for path in known.values():
        part = parts.load(path)
        assert parts.summary(part)
        for name, field in parts.parameters(part).model_fields.items():
            assert field.description, f"{path}: {name}"


def test_a_part_may_lie_in_a_file_beside_the_config(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = parts.locate(parts.METHOD, "my_method.py:Mine", tmp_path)
    assert path == "my_method.py:Mine"
    part = parts.load(path)
    assert parts.load(path) is part
    assert parts.parameters(part)().model_dump() == {"words": 3}
    assert parts.summary(part) == "The word count decides."


def test_a_part_may_lie_in_an_installed_package():
    path = parts.locate(parts.METHOD, "sklearn.dummy:DummyClassifier")
    assert parts.load(path).__name__ == "DummyClassifier"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("spech", r"should be one of .*; did you mean 'speech'\?; or the path of one, file\.py:Name"),
        ("nowhere.py:Mine", r"should be a fusion method, but there is no file .*nowhere\.py"),
        ("no.such.module:Mine", r"should be a fusion method, but there is no module no\.such\.module"),
    ],
)
def test_what_does_not_exist_is_named(name, said, tmp_path):
    with pytest.raises(InputError, match=said):
        parts.locate(parts.METHOD, name, tmp_path)


def test_a_file_without_the_class_or_that_cannot_be_imported_is_named(file, tmp_path):
    with pytest.raises(InputError, match=r"has no 'Mina'; did you mean 'Mine'\?"):
        parts.load(f"{file}:Mina")
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    with pytest.raises(InputError, match=r"broken\.py: cannot be imported \(ModuleNotFoundError"):
        parts.load(f"{tmp_path / 'broken.py'}:Mine")


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    depth: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["soft", "hard"] = "soft"
    weight: Annotated[float, Field(ge=0, lt=1)] = 0.5
    count: Annotated[int, Field(gt=0)] = 1
    names: Annotated[list[str], Field(min_length=1)] = ["a"]
    label: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    inner: Inner = Inner()
    needed: bool


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "m.needed is missing"),
        (
            {"wieght": 1},
            "m: unknown key 'wieght'; should be one of kind, weight, count, names, label, inner, needed; "
            "did you mean 'weight'?",
        ),
        ({"inner": {"dept": 1}}, "m.inner: unknown key 'dept'; should be one of depth; did you mean 'depth'?"),
        ({"inner": 3}, "m.inner is 3; should be a mapping of keys to values"),
        ({"kind": "sof"}, "m.kind is 'sof'; should be one of soft, hard; did you mean 'soft'?"),
        ({"weight": 1}, "m.weight is 1; should be below 1"),
        ({"weight": -0.5}, "m.weight is -0.5; should be at least 0"),
        ({"weight": "a lot"}, "m.weight is 'a lot'; should be a number"),
        ({"weight": "0.5"}, "m.weight is '0.5'; should be a number"),
        ({"count": 0}, "m.count is 0; should be above 0"),
        ({"count": 1.5}, "m.count is 1.5; should be a whole number"),
        ({"count": None}, "m.count has no value; should be a whole number"),
        ({"names": []}, "m.names is []; should have 1 or more"),
        ({"names": "a"}, "m.names is 'a'; should be a list"),
        ({"names": [1]}, "m.names.0 is 1; should be a text"),
        ({"label": "A b"}, "m.label is 'A b'; should be letters, digits, - and _, and begin with a letter or digit"),
        ({"needed": 1}, "m.needed is 1; should be true or false"),
    ],
)
def test_a_problem_names_the_key_the_value_and_what_would_be_right(values, said):
    assert parts.problems(Outer, {"needed": True} | values if values else {}, "m") == [said]


def test_all_problems_are_said_at_once():
    assert len(parts.problems(Outer, {"kind": "x", "weight": 2, "count": 0})) == 4

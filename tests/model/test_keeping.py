"""What a model has learned is kept without a pickle; a folder that was changed is refused."""

import pickle
import shutil
import zipfile
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import skops.io
from helpers import make_scores
from sklearn.feature_extraction.text import TfidfVectorizer

from emofuse import parts
from emofuse.model import keeping, members
from emofuse.model.members import Member
from emofuse.places import SEAL
from emofuse.speech.classifier import Classifier
from emofuse.tables import TEXT, InputError

METHODS = {name: path for name, path in parts.known(parts.METHOD).items() if not parts.load(path).sees_test_labels}


def make_member(name, budget=0.3):
    """A member of two dialogs whose method has learned, and the scores that it has learned from."""
    scores = make_scores(80)
    scores[TEXT] = make_scores(80, seed=1)[[f"speech_{column.removeprefix('text_')}" for column in TEXT]].to_numpy()
    turn = np.arange(80)
    scores = scores.assign(dialog=turn // 40, turn_start=turn.astype(float), speaker=turn % 2, utterance=turn)
    method = parts.load(METHODS[name])()
    fast = {"search": "exact", "budget": budget, "steps": 10}
    method.set_params(**{key: value for key, value in fast.items() if key in method.get_params()})
    method.fit(scores[method.columns], scores["emotion"], scores)
    voice = Classifier({"mean": np.zeros(3)}, {"layer": 1, "emotions": ["sad"]})
    return Member("Ses01F", voice, 1.5, [], method, [0.0, 0.3]), scores


@pytest.mark.parametrize("name", METHODS)
def test_a_member_is_kept_as_it_was_and_in_the_same_bytes(name, tmp_path):
    member, scores = make_member(name)
    for folder in ("one", "two"):
        members.write(member, tmp_path / folder / "Ses01F")
    again = members.read(tmp_path / "one/Ses01F", METHODS[name], member.method.get_params())
    X = scores[member.method.columns]
    assert (again.method.predict_proba(X, scores) == member.method.predict_proba(X, scores)).all()
    assert (again.method.selected(X, scores) == member.method.selected(X, scores)).all()
    assert again[2:4] == member[2:4] and again.shares == member.shares and again.voice.chosen == member.voice.chosen
    first, second = ((tmp_path / folder / "Ses01F/method.skops").read_bytes() for folder in ("one", "two"))
    assert first == second


def test_no_kept_file_tells_where_in_memory_anything_lay(tmp_path):
    words = TfidfVectorizer().fit(["a door", "the window"])
    keeping.keep(words, tmp_path / "words.skops")
    with zipfile.ZipFile(tmp_path / "words.skops") as file:
        assert str(id(None)) not in file.read("schema.json").decode()
    assert keeping.kept(tmp_path / "words.skops").vocabulary_ == words.vocabulary_


@pytest.mark.parametrize("name", METHODS)
def test_a_method_without_words_selects_nothing_or_says_that_it_cannot(name):
    member, scores = make_member(name)
    X = scores[member.method.columns]
    without = member.method.without_words()
    if without is None:
        assert member.method.selected(X, scores).any()
    else:
        assert not without.selected(X, scores).any()
        told = scores.assign(**members.UNREAD)
        assert np.allclose(without.predict_proba(told[X.columns], told), without.predict_proba(X, scores))


@pytest.mark.parametrize("name", ["cascade", "entropy_varentropy"])
def test_a_point_of_the_front_is_what_the_front_says(name):
    member, scores = make_member(name)
    X = scores[member.method.columns]
    for number, (decided, selected) in enumerate(member.method.along_front(X, scores)):
        at_point = member.method.at_point(number)
        assert (at_point.predict_proba(X, scores).argmax(axis=1) == decided).all()
        assert (at_point.selected(X, scores) == selected).all()


def test_what_is_not_trusted_is_neither_kept_nor_made(tmp_path):
    with pytest.raises(InputError, match=r"learned\.skops: holds a fractions\.Fraction; should hold numbers"):
        keeping.keep({"a": Fraction(1, 2)}, tmp_path / "learned.skops")
    skops.io.dump({"a": Fraction(1, 2)}, tmp_path / "planted.skops")
    with pytest.raises(InputError, match=r"planted\.skops: holds a fractions\.Fraction"):
        keeping.kept(tmp_path / "planted.skops")


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "learned.skops").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"learned\.skops: cannot be read as skops"):
        keeping.kept(tmp_path / "learned.skops")
    with pytest.raises(InputError, match="no such file"):
        keeping.kept(tmp_path / "absent.skops")


@pytest.fixture
def sealed(tmp_path):
    with keeping.making(tmp_path / "model") as folder:
        (folder / "members").mkdir()
        for name in ("README.md", "members/a.json"):
            (folder / name).write_text("{}")
    keeping.check_seal(tmp_path / "model")
    return tmp_path / "model"


def refused(folder):
    with pytest.raises(InputError) as caught:
        keeping.check_seal(folder)
    return "\n".join(caught.value.problems)


def test_a_folder_that_was_changed_is_refused_with_all_that_is_wrong(sealed):
    (sealed / "README.md").write_text("{ }")
    (sealed / "members/a.json").unlink()
    (sealed / "members/b.json").symlink_to(sealed / "README.md")
    said = refused(sealed)
    assert "README.md: has changed since the model was made; its SHA-256 should be 44136fa355b3678a" in said
    assert f"lacks members/a.json, which {SEAL} names" in said
    assert f"b.json: is not named in {SEAL}; should not be in a model's folder" in said


def test_a_folder_without_digests_is_no_model(tmp_path):
    with pytest.raises(InputError, match=rf"{SEAL}: no such file"):
        keeping.check_seal(tmp_path)


def plant_pickle(path):
    path.write_bytes(pickle.dumps({"a": 1}))


def plant_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(1))


@pytest.mark.parametrize("plant", [plant_pickle, plant_archive])
@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors", "notes.txt"])
def test_a_pickle_is_refused_under_any_name_and_with_any_digest(sealed, plant, name):
    plant(sealed / name)
    assert "a model's folder holds no pickle and no torch archive" in refused(sealed)
    with pytest.raises(InputError, match="holds no pickle"), keeping.making(sealed) as folder:
        shutil.copy(sealed / name, folder / name)
    assert (sealed / "README.md").exists(), "what was there stays"
    assert [path.name for path in sealed.parent.iterdir()] == ["model"]


def test_a_folder_is_made_whole_in_the_place_of_the_last_one(sealed):
    with keeping.making(sealed) as folder:
        (folder / "only.json").write_text("{}")
    assert sorted(path.name for path in sealed.iterdir()) == [SEAL, "only.json"]


def test_the_curve_of_certainty_rises_and_is_right_where_there_are_steps():
    from emofuse.model.package import certainty_curve
    from emofuse.tables import EMOTIONS, PROBABILITY

    probability = np.full((40, 4), 0.1)
    probability[:20, 0], probability[20:, 0] = 0.4, 0.7
    probability /= probability.sum(axis=1, keepdims=True)
    right = np.r_[np.arange(20) < 5, np.arange(20) < 18]  # a quarter, then nine tenths
    table = pd.DataFrame(probability, columns=PROBABILITY).assign(
        predicted="angry", emotion=np.where(right, "angry", EMOTIONS[1])
    )
    curve = certainty_curve(table)
    assert np.allclose(curve["right"], [0.25, 0.9])
    assert np.allclose(curve["certainty"], [0.4 / 0.7, 0.7])

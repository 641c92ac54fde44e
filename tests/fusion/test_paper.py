"""The published algorithm gives the published numbers."""

import re

import numpy as np
import pytest
from helpers import make_scores, published, read_scores
from sklearn.metrics import balanced_accuracy_score

from emofuse.fusion import uncertainty
from emofuse.fusion.mapping import MAPPINGS
from emofuse.fusion.paper import Paper, _best_pairs, _harmful, wrong_share
from emofuse.fusion.single import Speech
from emofuse.tables import EMOTIONS, SENTIMENT, SPEECH

LETTERS = {name[0].upper(): name for name in EMOTIONS}


@pytest.fixture(scope="module")
def folds():
    """Each fold that is present: its number, its scores and the authors' log of it."""
    root = published()
    scores = read_scores(root)
    present = {}
    for path in sorted((root / "Merge/Merge Results").glob("fold-*-merge.log")):
        number = int(re.search(r"fold-(\d+)", path.name)[1])
        speaker = f"Ses{number // 2 + 1:02d}{'FM'[number % 2]}"  # facts: fold K tests one speaker, in this order
        present[number] = (scores[scores["fold"] == speaker], path.read_text(encoding="utf-8"))
    return present


@pytest.mark.parametrize("number", range(10))
def test_fold(folds, number):
    """Thresholds, mapping, exclusion list and UA before and after are those in fold-K-merge.log."""
    if number not in folds or folds[number][0].empty:
        pytest.skip(f"fold {number} of the published scores is not here")
    scores, log = folds[number]
    fit, test = scores[scores["split"] != "test"], scores[scores["split"] == "test"]
    method = Paper().fit(fit[Paper.columns], fit["emotion"])

    printed = re.findall(r"Class (\d): \[Entropy\] ([\d.]+) \[Varentropy\] ([\d.]+) \[Sentiment\] ([\d.]+)", log)[-4:]
    accuracies = re.split(r"-{5,} Class \d -{5,}", log)[-4:]
    for index, entropy, varentropy, sentiment in printed:
        name = EMOTIONS[int(index)]
        learned = method.parameters_["thresholds"][name]
        # Many pairs are equally good, and theirs is whichever of them their process pool finished first.
        ties = method.ties_[name].round(4)
        assert ([float(entropy), float(varentropy)] == ties).all(axis=1).any(), name
        assert any(np.allclose([learned["entropy"], learned["varentropy"]], pair, atol=1e-4) for pair in ties)
        best = re.findall(
            r"New Best Results!: .* using \[Sentiment\] ([\d.]+) \| (\w+) .* \[Flip\] (\w+)", accuracies[int(index)]
        )[-1]
        assert learned["strategy"] == best[1], name
        if learned["strategy"] == "simple":
            assert (f"{learned['sentiment_score']:.2f}", str(learned["flip"])) == (best[0], best[2]), name
            assert f"{learned['sentiment_score']:.2f}" == sentiment

    # The log prints three lists; the first is that of the fitting rows, which is the one applied.
    printed_list = re.findall(r"Exclusion List: \[(.*)\]", log)[0]
    excluded = [(LETTERS[a], LETTERS[b]) for a, b in re.findall(r"'(\w)→(\w)'", printed_list)]
    assert method.excluded_ == excluded

    before, after = re.findall(r"Before: ([\d.]+)", log)[-1], re.findall(r"After:\s+([\d.]+)", log)[-1]
    speech = Speech().fit(fit[Paper.columns], fit["emotion"])
    for estimator, value in ((speech, before), (method, after)):
        ua = balanced_accuracy_score(test["emotion"], estimator.predict(test[Paper.columns]))
        assert ua == pytest.approx(float(value), abs=1e-6)


def test_the_shares_are_those_of_every_pair_tried_one_by_one():
    random = np.random.default_rng(0)
    h, v = random.uniform(0, 1.4, 60), random.uniform(0, 1, 60)
    # Thresholds that fall on values: both comparisons include equality.
    entropies, varentropies = np.sort(h[:9]), np.sort(v[:8])
    wrong = random.random(60) < 0.4
    expected = np.zeros((9, 8))
    for i, a in enumerate(entropies):
        for j, b in enumerate(varentropies):
            inside = (h >= a) & (v <= b)
            expected[i, j] = wrong[inside].mean() if inside.any() else 0
    assert np.allclose(wrong_share(h, v, wrong, entropies, varentropies), expected)


def test_as_many_candidates_as_steps_are_tried_of_each_threshold_between_its_quantiles():
    """Where all rows are wrong every pair that selects some is as good; here, each does. The paper tries 200."""
    assert Paper().steps == 200
    measures = np.column_stack([np.linspace(0, 1, 101)] * 2)  # the highest entropy has the lowest varentropy
    pairs = _best_pairs(measures, np.ones(101, dtype=bool), 7)
    grid = np.meshgrid(np.linspace(0.65, 0.85, 7), np.linspace(-0.85, -0.65, 7), indexing="ij")
    np.testing.assert_allclose(pairs, np.stack(grid, axis=-1).reshape(-1, 2))


def test_each_mapping_is_judged_on_the_rows_of_its_emotion_that_are_selected():
    scores = make_scores(300)
    method = Paper(steps=20).fit(scores[Paper.columns], scores["emotion"])
    voice, words = scores[SPEECH].to_numpy(), scores[SENTIMENT].to_numpy()
    h, v = uncertainty.entropy(voice), uncertainty.varentropy(voice)
    assert set(method.trials_["emotion"]) == set(EMOTIONS)
    for name, tried in method.trials_.groupby("emotion"):
        rule, index = method.parameters_["thresholds"][name], EMOTIONS.index(name)
        rows = voice.argmax(axis=1) == index
        selected = (h >= rule["entropy"]) & (v <= rule["varentropy"])
        for mapping, accuracy in zip(MAPPINGS, tried["accuracy"], strict=True):
            decided = np.where(selected, mapping(voice, words), index)
            right = np.array(EMOTIONS)[decided] == scores["emotion"]
            assert accuracy == pytest.approx(right[rows].mean())


def test_no_change_that_did_harm_is_made():
    scores = make_scores(800)
    scores[SENTIMENT] = scores[SENTIMENT].to_numpy()[::-1]  # words that say nothing, so that changes do harm
    method = Paper().fit(scores[Paper.columns], scores["emotion"])
    before = np.array(EMOTIONS)[scores[SPEECH].to_numpy().argmax(axis=1)]
    after = method.predict(scores[Paper.columns])
    assert method.excluded_
    for source, target in method.excluded_:
        assert not ((before == source) & (after == target)).any()


def test_a_change_is_harmful_that_made_more_rows_wrong_than_right():
    """Angry to sad as many, angry to neutral more, happy to neutral fewer; what was wrong and stays so counts not."""
    angry, happy, neutral, sad = range(4)
    before = np.array([angry, angry, angry, angry, angry, happy, happy, happy, happy])
    after = np.array([sad, sad, neutral, neutral, neutral, neutral, neutral, neutral, happy])
    emotion = np.array([angry, sad, angry, angry, neutral, neutral, neutral, happy, angry])
    assert _harmful(before, after, emotion) == [("angry", "neutral")]


def test_a_voice_that_is_never_wrong_is_left_alone():
    scores = make_scores(100, sharpness=50)
    right = np.array(EMOTIONS)[scores[SPEECH].to_numpy().argmax(axis=1)]
    method = Paper().fit(scores[Paper.columns], right)
    assert not method.selected(scores[Paper.columns]).any()
    assert (method.predict(scores[Paper.columns]) == right).all()


def test_too_few_steps_are_refused():
    scores = make_scores(40)
    with pytest.raises(ValueError, match="steps is 1; should be at least 2"):
        Paper(steps=1).fit(scores[Paper.columns], scores["emotion"])

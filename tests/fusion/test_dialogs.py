"""What neighbours say of a turn is what the sum over all emotions of all turns says."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse.fusion.dialogs import Successions, Turns, messages
from emofuse.tables import EMOTIONS, SPEECH


def talk(speakers, emotions=None, name="talk", seed=0):
    """Turns of a dialog in their order, with what the voice says of each."""
    voice = np.random.default_rng(seed).dirichlet(np.ones(4), len(speakers))
    rows = pd.DataFrame(voice, columns=SPEECH)
    rows["emotion"] = emotions if emotions is not None else None
    rows["utterance"] = [f"{name}_{number}" for number in range(len(rows))]
    return rows.assign(dialog=name, speaker=list(speakers), turn_start=np.arange(len(rows)) * 1.5)


def turns_of(rows):
    return Turns.of(rows[SPEECH].to_numpy(), rows, rows, SPEECH)


def successions(seed):
    random = np.random.default_rng(seed)
    return Successions(random.integers(0, 9, (4, 4, 4)).astype(float), random.dirichlet(np.ones(4)))


def summed(rows, evidence, transitions, prior, turn, causal):
    """The same message by brute force, over the emotions of all turns and the two that were felt before the first."""
    speakers = rows["speaker"].tolist()
    last = turn if causal else len(rows) - 1
    total = np.zeros(4)
    for felt in itertools.product(range(4), repeat=last + 2):
        *spoken, silent = felt  # what the speaker who is silent at first felt before the first turn
        other = next((name for name in speakers if name != speakers[0]), "other")
        state = {speakers[0]: spoken[0], other: silent}
        weight = prior[spoken[0]] * prior[silent]
        for number in range(last + 1):
            speaker = speakers[number]
            rest = next(name for name in state if name != speaker)
            if number:
                weight *= transitions[state[speaker], state[rest], spoken[number]]
                state[speaker] = spoken[number]
            weight *= 1 if number == turn else np.exp(evidence[number, spoken[number]])
        total[spoken[turn]] += weight
    return np.log(total / total.sum() / prior)


@settings(max_examples=15)
@given(speakers=st.text("ab", min_size=1, max_size=4), seed=st.integers(0, 99), causal=st.booleans())
def test_messages_are_the_sum_over_all_emotions_of_the_other_turns(speakers, seed, causal):
    rows, known = talk(speakers, seed=seed), successions(seed)
    evidence, transitions = np.log(rows[SPEECH].to_numpy()), known.transitions("both", 2.0, 0.9)
    said = messages(turns_of(rows), evidence, transitions, known.prior, causal)
    for turn in range(len(rows)):
        np.testing.assert_allclose(said[turn], summed(rows, evidence, transitions, known.prior, turn, causal))


def test_evidence_counts_up_to_a_constant_of_each_turn():
    rows, known = talk("abba", seed=0), successions(0)
    evidence, rules = np.log(rows[SPEECH].to_numpy()), (known.transitions("both", 2.0, 0.9), known.prior, False)
    turns, constants = turns_of(rows), np.array([[0.0], [-1000.0], [1000.0], [3.0]])
    np.testing.assert_allclose(messages(turns, evidence + constants, *rules), messages(turns, evidence, *rules))


def test_several_evidences_at_once_are_each_alone_and_dialogs_do_not_touch():
    rows = pd.concat([talk("abba"), talk("bab", name="other", seed=1)], ignore_index=True)
    rows = rows.sample(frac=1, random_state=0)
    known, turns = successions(0), turns_of(rows)
    evidence = np.log(np.random.default_rng(0).dirichlet(np.ones(4), (3, 7)))
    rules = known.transitions("both", 1.0, 1.0), known.prior, False
    together = messages(turns, evidence, *rules)
    np.testing.assert_allclose(together, [messages(turns, one, *rules) for one in evidence])
    here = (rows["dialog"] == "talk").to_numpy()
    np.testing.assert_allclose(messages(turns_of(rows[here]), evidence[0, here], *rules), together[0, here])


@pytest.mark.parametrize("lacking", ["dialog", "turn_start"])
def test_without_a_place_in_a_dialog_or_with_no_memory_neighbours_say_nothing(lacking):
    rows, known = talk("abab"), successions(0)
    evidence = np.log(rows[SPEECH].to_numpy())
    rules = known.transitions("both", 1.0, 1.0), known.prior, False
    assert not messages(turns_of(rows.assign(**{lacking: None})), evidence, *rules).any()
    forgetful = known.transitions("both", 1.0, 0.0)
    np.testing.assert_allclose(messages(turns_of(rows), evidence, forgetful, known.prior, False), 0, atol=1e-12)


def test_turns_are_found_under_their_index_with_the_scores_that_are_given():
    rows = pd.concat([talk("aba"), talk("ab", name="elsewhere")], ignore_index=True)
    asked = rows.iloc[[2, 0]]
    turns = Turns.of(asked[SPEECH].to_numpy()[:, ::-1], asked, rows, SPEECH)
    assert turns.places.tolist() == [2, 0] and len(turns.scores) == 3
    np.testing.assert_array_equal(turns.scores[turns.places], asked[SPEECH].to_numpy()[:, ::-1])
    for wrong in (asked.to_numpy(), asked.set_axis([7, 8])):
        with pytest.raises(ValueError, match="X should be rows of dialogs, under the same index"):
            Turns.of(asked[SPEECH].to_numpy(), wrong, rows, SPEECH)


def test_turns_that_begin_together_stand_in_the_order_of_their_names():
    rows = pd.concat([talk("ab", name="b"), talk("ab", name="a")]).assign(dialog="one", turn_start=[1, 0, 1, 0])
    turns = turns_of(rows.reset_index(drop=True))
    assert turns.chains.tolist() == [[3, 1, 2, 0]] * 2
    assert turns.own.tolist() == [[False, False, True, True], [True, True, False, False]]


def test_successions_are_counted_in_order_and_where_both_have_spoken():
    angry, happy, neutral, sad = range(4)
    rows = talk("abab", [EMOTIONS[index] for index in (angry, sad, happy, neutral)])
    counts = Successions.of(rows.sample(frac=1, random_state=1)).counts
    assert counts[angry, sad, happy] == 1 and counts[sad, happy, neutral] == 1 and counts.sum() == 2
    assert Successions.of(rows.assign(emotion=rows["emotion"].where(rows["speaker"] == "a"))).counts.sum() == 0
    assert Successions.of(None).prior.tolist() == [0.25] * 4


@pytest.mark.parametrize(("speakers", "blind"), [("own", 1), ("other", 0), ("both", None)])
def test_transitions_are_distributions_that_ask_whom_they_should(speakers, blind):
    transitions = successions(3).transitions(speakers, 5.0, 0.8)
    np.testing.assert_allclose(transitions.sum(axis=-1), 1)
    for axis in (0, 1):
        is_blind = np.allclose(transitions, transitions.take([0], axis=axis))
        assert is_blind == (axis == blind)

"""Each table has one contract, and a stage reaches the contracts of its own tables and no other."""

from pathlib import Path

import pytest

from emofuse import contracts, provenance
from emofuse.tables import Contract

SCRIPTS = Path(__file__).parent.parent / "workflow/scripts"
KINDS = {name: value for name, value in vars(contracts).items() if isinstance(value, Contract)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_contract_is_named_after_its_table(kind):
    assert kind.lower() in (KINDS[kind].name, f"{KINDS[kind].name}_logits")
    assert set(KINDS[kind].unique) <= set(KINDS[kind].columns)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("embeddings", set()),
        ("transcripts", {"TRANSCRIPTS"}),
        ("sentiment", {"TRANSCRIPTS", "SENTIMENT_LOGITS"}),
        ("speech_classifier", {"UTTERANCES", "FOLDS", "SPEECH_LOGITS"}),
        ("target_speech", {"UTTERANCES", "FOLDS", "SPEECH_LOGITS"}),
        ("finetune", {"RECORDINGS", "UTTERANCES", "FOLDS", "SPEECH_LOGITS"}),
        ("finetuned_target_speech", {"RECORDINGS", "FOLDS", "SPEECH_LOGITS"}),
        ("text_embeddings", {"TRANSCRIPTS"}),
        ("text_expert", {"UTTERANCES", "FOLDS", "TRANSCRIPTS", "TEXT_EXPERT"}),
        ("spoken", {"UTTERANCES", "TRANSCRIPTS", "SENTIMENT_LOGITS", "SPOKEN"}),
        ("scores", {"SPEECH_LOGITS", "SPOKEN", "SCORES"}),
        ("adapt", {"SPOKEN", "SCORES", "TEXT_EXPERT", "PREDICTIONS", "ADAPTED"}),
        ("evaluate", {"PREDICTIONS", "INNER", "CHOICES", "METRICS", "COMPARISON"}),
        ("shift", {"SPOKEN", "SCORES", "TEXT_EXPERT", "SHIFT"}),
        ("across", {"PREDICTIONS", "ACROSS"}),
    ],
)
def test_a_stage_reaches_the_contracts_of_its_own_tables(script, expected):
    reached = provenance.reach(SCRIPTS / f"{script}.py")
    assert {name for module, name in reached if module.endswith("contracts") and name in KINDS} == expected

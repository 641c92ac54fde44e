"""A config is completed, or refused with everything that is wrong and what would be right."""

import json

import jsonschema
import pytest
import yaml
from helpers import ROOT

from emofuse import completion, documentation, parts, repeated
from emofuse.tables import InputError


def minimal(**changes):
    config = {
        "study": "s",
        "corpora": {"c": {"reader": "released", "path": "p"}},
        "experiments": {"e": {"train": "c", "test": "c"}},
        "methods": {"speech": None, "mean": None},
    }
    return config | changes


def problems(config, **kwargs):
    with pytest.raises(InputError) as caught:
        completion.complete(config, **kwargs)
    return [problem.removeprefix("config: ") for problem in caught.value.problems]


def test_defaults_are_filled_in_wherever_a_key_is_left_out():
    config = completion.complete(minimal(methods={"speech": None, "mine": {"estimator": "entropy"}})).config
    assert config["seed"] == 0
    assert config["evaluation"] == {"confidence": 0.95, "resamples": 2000, "parts": 3}
    assert config["methods"]["speech"] == {"estimator": "speech", "fit_on": ["validation"], "parameters": {}}
    assert config["methods"]["mine"]["parameters"]["trials"] == 200
    assert config["experiments"]["e"]["protocol"] == "leave_one_speaker_out"
    assert config["corpora"]["c"]["min_duration"] == 0.1


def test_a_completed_config_is_its_own_completion():
    config = completion.complete(minimal()).config
    assert completion.complete(config).config == config


def test_everything_that_is_wrong_is_said_at_once():
    wrong = minimal(
        sed=1,
        experiments={"e": {"train": "c", "test": "d", "protcol": "x"}, "f": {"train": "c", "test": "d"}},
        methods={"spech": None, "paper": {"parameters": {"step": 3}}, "entropy": {"parameters": {"trials": 0}}},
    )
    said = "\n".join(problems(wrong))
    assert "unknown key 'sed'; should be one of study, seed" in said and "did you mean 'seed'?" in said
    assert "experiments.e: unknown key 'protcol'" in said and "did you mean 'protocol'?" in said
    assert "methods.spech.estimator is 'spech'" in said and "did you mean 'speech'?" in said
    assert "methods.paper.parameters: unknown key 'step'; should be one of steps; did you mean 'steps'?" in said
    assert "methods.entropy.parameters.trials is 0; should be at least 1" in said
    assert "experiments.f.test is 'd'; should be one of c" in said
    assert "methods: speech is missing" in said


def test_no_method_has_the_name_of_what_is_chosen_of_all():
    wrong = minimal(methods={"speech": None, "chosen": {"estimator": "mean"}})
    assert problems(wrong) == [
        "methods: chosen is what the validation rows choose of all methods; should be another name"
    ]


def from_audio(**changes):
    return minimal(corpora={"c": {"reader": "manifest", "path": "p.csv"}}, **changes)


def test_a_model_names_an_experiment_from_audio_and_a_method():
    config = completion.complete(from_audio(model={"experiment": "e", "method": "mean"})).config
    usual = {"training": "folds", "checkpoints": "copy", "registered_as": None}
    assert config["model"] == {"experiment": "e", "method": "mean"} | usual
    assert completion.complete(from_audio()).config["model"] is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"experiment": "f"}}, "model.experiment is 'f'; should be one of e"),
        ({"model": {"method": "maen"}}, "model.method is 'maen'; should be one of speech, mean; did you mean 'mean'?"),
        ({"model": {"method": "chosen"}}, "model.method is 'chosen'; should be one of speech, mean"),
        ({"model": {"method": "oracle"}}, "model.method is 'oracle'; should be one of speech, mean, and no ceiling"),
        ({"model": {"checkpoints": "cpy"}}, "model.checkpoints is 'cpy'; should be one of copy, refer"),
        ({"model": {"training": "al"}}, "model.training is 'al'; should be one of folds, all; did you mean 'all'?"),
        ({"model": {"metod": "mean"}}, "model: unknown key 'metod'; should be one of experiment, method"),
        ({"transcripts": {"source": "reference"}}, "which reads words; transcripts.source should be whisper"),
        ({"speech": {"regression": {"scaling": "corpus"}}}, "scaling is 'corpus'; should be training for a model"),
        ({"corpora": {"c": {"reader": "released", "path": "p"}}}, "'e', which begins with published scores; should be"),
        ({"experiments": {"model": {"train": "c", "test": "c"}}}, "experiments.model has the name of another folder"),
    ],
)
def test_what_is_wrong_with_a_model_is_said(changes, said):
    config = from_audio(methods={"speech": None, "mean": None, "oracle": None}) | changes
    config["model"] = {"experiment": "e", "method": "mean"} | changes.get("model", {})
    assert any(said in problem for problem in problems(config)), problems(config)


def test_a_voice_alone_may_be_packaged_where_words_are_references():
    config = from_audio(model={"experiment": "e", "method": "speech"}, transcripts={"source": "reference"})
    assert completion.complete(config).config["model"]["method"] == "speech"


def test_every_problem_names_its_file():
    with pytest.raises(InputError) as caught:
        completion.complete(minimal(sed=1, methods={"mean": None}), "my.yaml")
    assert all(problem.startswith("my.yaml: ") for problem in caught.value.problems)


@pytest.mark.parametrize("given", [None, [1], 3])
def test_parameters_that_are_no_mapping_are_reported_once(given):
    said = problems(minimal(methods={"speech": None, "mean": {"parameters": given}}))
    assert len(said) == 1 and said[0].startswith("methods.mean.parameters ")
    assert said[0].endswith("should be a mapping of keys to values")


def test_a_method_that_is_no_mapping_is_refused():
    assert problems(minimal(methods={"speech": None, "mean": [1]})) == [
        "methods.mean is [1]; should be a mapping of keys to values"
    ]


@pytest.mark.parametrize("name", ["a b", "-a", "a\n", "", "a/b", "é"])
def test_names_are_fit_for_folders(name):
    assert any("should be letters, digits, - and _" in problem for problem in problems(minimal(study=name)))
    said = problems(minimal(methods={"speech": None, name: {"estimator": "mean"}}))
    assert any("should be letters, digits, - and _" in problem for problem in said)


def test_a_checkpoint_is_given_by_name_and_revision_or_by_path():
    wrong = minimal(
        speech={"checkpoint": {"name": "facebook/wav2vec2-base"}},
        transcripts={"checkpoint": {"name": "openai/whisper-tiny", "revision": "main"}},
        sentiment={"checkpoint": {"name": "a/b", "revision": "main", "path": "c"}},
    )
    hub = "should give name and revision of a repository of the hub, or path"
    assert [problem.split("; ")[-1] for problem in problems(wrong)] == [
        hub,
        "should give name, one of Whisper's own models, or path, a file",
        hub,
    ]
    unsaid = "text_expert.encoder.checkpoint is {}; " + hub
    assert problems(minimal(text_expert={"experts": ["encoder"]})) == [unsaid]
    assert problems(minimal(text_expert={"experts": ["tfidf", "encoder"], "encoder": {"layers": [0]}})) == [unsaid]
    right = {"speech": {"checkpoint": {"path": "c"}}, "transcripts": {"checkpoint": {"name": "tiny"}}}
    completed = completion.complete(minimal(**right)).config
    assert completed["speech"]["checkpoint"] == {"path": "c"}


def test_two_corpora_fit_each_other_and_the_protocol():
    corpora = {"c": {"reader": "released", "path": "p"}, "d": {"reader": "released", "path": "q"}} | {
        name: {"reader": "manifest", "path": f"{name}.csv"} for name in ("m", "n")
    }
    experiments = {
        "a": {"train": "c", "test": "m", "protocol": "cross_corpus"},
        "b": {"train": "m", "test": "m", "protocol": "cross_corpus"},
        "c": {"train": "m", "test": "n"},
        "d": {"train": "c", "test": "d", "protocol": "cross_corpus"},
        "e": {"train": "c", "test": "c", "protocol": "leave_one_session_out"},
        "f": {"train": ["m", "n"], "test": "n", "protocol": "given"},
        "g": {"train": "m", "test": "m", "balance": "corpora"},
        "h": {"train": ["m", "x"], "test": "n", "protocol": "cross_corpus"},
        "i": {"train": "c", "test": "c", "conditions": "improvised"},
    }
    assert problems(minimal(corpora=corpora, experiments=experiments)) == [
        "experiments.a: c has published scores; should be all or none",
        "experiments.b.test is 'm', as train; should be another corpus for cross_corpus",
        "experiments.c.protocol is 'leave_one_speaker_out'; should be cross_corpus or given for two corpora",
        "experiments.d.train is 'c' and test is 'd'; should be the same for published scores, whose models were "
        "trained by others",
        "experiments.e.protocol is 'leave_one_session_out'; should be leave_one_speaker_out, as the scores were "
        "published",
        "experiments.f.test is 'n', and train is m and n; should be one of them alone, or another corpus",
        "experiments.g.balance is 'corpora'; should be none for one training corpus",
        "experiments.h.train is 'x'; should be one of c, d, m, n",
        "experiments.i.conditions is given; should be null for published scores, whose models all conditions trained",
    ]


def test_one_name_stands_for_a_list_of_it_and_conditions_for_both_sides():
    corpora = {name: {"reader": "manifest", "path": name} for name in "abc"}

    def completed(**keys):
        experiment = {"test": "a", "protocol": "cross_corpus"} | keys
        return completion.complete(minimal(corpora=corpora, experiments={"e": experiment})).config["experiments"]["e"]

    assert completed(train="b") == completed(train=["b"])
    assert completed(train=["b", "c"], balance="corpora")["train"] == ["b", "c"]
    both = {"train": ["read"], "test": ["read"]}
    assert completed(train="b", conditions="read")["conditions"] == both
    assert completed(train="b", conditions={"test": "read"})["conditions"] == {"train": None, "test": ["read"]}
    wrong = {"train": "c", "test": "c", "conditions": {"tset": ["read"]}}
    assert problems(minimal(experiments={"e": wrong})) == [
        "experiments.e.conditions: unknown key 'tset'; should be one of train, test; did you mean 'test'?"
    ]


def test_what_is_called_speech_is_speech():
    assert problems(minimal(methods={"speech": {"estimator": "mean"}, "mean": None})) == [
        "methods.speech.estimator is 'mean'; should be speech, since every method is compared with it"
    ]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"search": "exact", "objective": "F1"}, "F1"),
        ({"sampler": "CMA-ES", "budget": 0.2}, "CMA-ES"),
        ({"enqueue_exact": True, "objective": "F1"}, "enqueue_exact"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(parameters, said):
    (problem,) = problems(minimal(methods={"speech": None, "entropy": {"parameters": parameters}}))
    assert problem.startswith("methods.entropy: ") and said in problem


@pytest.mark.parametrize(
    ("entry", "valid"),
    [
        ({"oracle": {"fit_on": ["test"]}}, True),
        ({"oracle": None}, True),
        ({"oracle": {"fit_on": ["validation"]}}, False),
        ({"bayes": {"fit_on": ["validation", "test"]}}, False),
        ({"bayes": {"fit_on": ["test"]}}, False),
        ({"bayes": {"fit_on": ["train", "validation"]}}, True),
    ],
)
def test_only_a_ceiling_sees_test_labels(entry, valid):
    config = minimal(methods={"speech": None} | entry)
    if valid:
        completion.complete(config)
    else:
        assert "fit_on is" in problems(config)[0]


MINE = '''
from emofuse.fusion.base import FusionMethod, normalised, speech


class Mine(FusionMethod):
    """The voice, whatever is said."""

    def _predict_proba(self, scores):
        return normalised(speech(scores))
'''


def test_a_method_may_lie_beside_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/my_method.py").write_text(MINE)
    methods = {"speech": None, "mine": {"estimator": "my_method.py:Mine"}}
    completed = completion.complete(minimal(methods=methods), folder="config")
    assert completed.facts["methods"]["mine"]["path"] == "config/my_method.py:Mine"
    (problem,) = problems(minimal(methods=methods | {"other": {"estimator": "my_method.py:Mina"}}), folder="config")
    assert "did you mean 'Mine'?" in problem


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def __init__(self, power=2.0):\n        self.power = power", "parameter 'power' has no type"),
        (None, "is no fusion method; should be a class that derives from FusionMethod"),
    ],
)
def test_what_is_no_method_or_does_not_describe_itself_is_named(tmp_path, monkeypatch, body, said):
    monkeypatch.chdir(tmp_path)
    text = MINE + f"\n    {body}\n" if body else "class Mine:\n    pass\n"
    (tmp_path / "my_method.py").write_text(text)
    (problem,) = problems(minimal(methods={"speech": None, "mine": {"estimator": "my_method.py:Mine"}}))
    assert said in problem


@pytest.mark.parametrize("name", ["sklearn.dummy:DummyClassifier", "emofuse.tables:check"])
def test_other_classes_and_functions_are_no_methods(name):
    (problem,) = problems(minimal(methods={"speech": None, "mine": {"estimator": name}}))
    assert "is no fusion method" in problem


@pytest.mark.parametrize("name", ["corpora", "cache", "logs"])
def test_a_study_has_a_folder_of_its_own(name):
    (problem,) = problems(minimal(study=name))
    assert problem.startswith(f"study is {name!r}, which is a folder that all studies share")


def test_what_a_study_is_about_leaves_out_how_it_is_run():
    how = {
        "data_dir": "elsewhere",
        "device": "cpu",
        "speech": {"embeddings": {"shard_size": 3, "budget": 7}},
        "transcripts": {"batch_size": 2, "shard_size": 4},
        "sentiment": {"batch_size": 2},
    }
    plain, other = completion.complete(minimal()), completion.complete(minimal(**how))
    assert plain.what == other.what and plain.config != other.config
    assert completion.complete(minimal(seed=1)).what != plain.what


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_the_configs_of_the_project_are_complete_and_as_editors_expect_them(path):
    config = yaml.safe_load(path.read_text())
    completion.complete(config, str(path), path.parent)
    jsonschema.validate(config, documentation.schema())


@pytest.mark.parametrize(
    ("section", "entries", "valid"),
    [
        ("methods", {"x": {"estimator": "entropy", "parameters": {"trials": 3}}}, True),
        ("methods", {"x": {"estimator": "entropy", "parameters": {"trails": 3}}}, False),
        ("methods", {"x": {"estimator": "entropy", "parameters": {"trials": 0}}}, False),
        ("methods", {"x": {"estimator": "entropy", "fit_on": ["dev"]}}, False),
        ("methods", {"x": {"estimator": "entropy", "paramters": {}}}, False),
        ("methods", {"x": {"estimator": "mine.py:Mine", "parameters": {"trails": 3}}}, True),
        ("methods", {"x": {"estimator": "mine.py:Mine", "paramters": {}}}, False),
        ("methods", {"entropy": {"parameters": {"trials": 3}}}, True),
        ("methods", {"entropy": {"parameters": {"trails": 3}}}, False),
        ("methods", {"entropy": {"estimator": "mean", "parameters": {"trials": 3}}}, False),
        ("methods", {"entropy": {"estimator": "mean", "parameters": {"weight": 0.3}}}, True),
        ("methods", {"entropi": None}, False),
        ("methods", {"a b": {"estimator": "mean"}}, False),
        ("corpora", {"c": {"reader": "manifest", "path": "p", "columns": {}}}, True),
        ("corpora", {"c": {"reader": "iemocap", "path": "p", "columns": {}}}, False),
        ("corpora", {"c": {"reader": "iemocap", "path": "p", "min_duration": 0}}, False),
        ("corpora", {"c": {"reader": "iemocap"}}, False),
        ("corpora", {"c": {"reader": "mine.py:Mine", "path": "p", "depth": 3}}, True),
        ("experiments", {"e": {"train": "c", "test": "c", "protcol": "cross_corpus"}}, False),
        ("experiments", {"e": {"train": "c", "test": "c", "protocol": "cross_corpus", "parts": 3}}, False),
        ("experiments", {"e": {"train": "c", "test": "c", "protocol": "mine.py:mine", "parts": 3}}, True),
        ("experiments", {"e": {"train": ["c", "d"], "test": "e", "conditions": ["x"], "balance": "corpora"}}, True),
        ("experiments", {"e": {"train": "c", "test": "c", "conditions": {"test": "x"}}}, True),
        ("experiments", {"e": {"train": "c", "test": "c", "conditions": {"tset": "x"}}}, False),
        ("experiments", {"e": {"train": "c", "test": "c", "protocol": "given", "table": "folds.csv"}}, True),
    ],
)
def test_an_editor_is_told_of_what_an_entry_takes(section, entries, valid):
    schema = documentation.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(minimal(**{section: entries})) == valid


ACROSS = {
    "corpora": {name: {"reader": "manifest", "path": f"{name}.csv"} for name in ("a", "b")},
    "experiments": {"a_to_b": {"train": "a", "test": "b", "protocol": "cross_corpus"}},
    "methods": {"speech": None, "entropy": None, "oracle": {"fit_on": ["test"]}},
}


def test_adaptations_serve_all_methods_that_they_can_unless_a_config_names_some():
    asked = {"share": None, "few": {"adaptation": "speakers", "methods": ["entropy"], "parameters": {"k": [3]}}}
    completed = completion.complete(minimal(**ACROSS, adaptations=asked))
    assert {name: entry["methods"] for name, entry in completed.config["adaptations"].items()} == {
        "share": ["entropy"],
        "few": ["entropy"],
    }
    assert completed.config["adaptations"]["few"]["parameters"]["draws"] == 5
    prior = completion.complete(minimal(**ACROSS, adaptations={"prior": None})).config["adaptations"]["prior"]
    assert prior["methods"] == ["speech", "entropy"]
    assert completion.complete(minimal()).config["adaptations"] == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"adaptations": {"pryor": None}}, "adaptations.pryor.adaptation is 'pryor'; should be one of"),
        ({"adaptations": {"speakers": {"parameters": {"k": [0]}}}}, "adaptations.speakers.parameters.k.0 is 0;"),
        ({"adaptations": {"speakers": {"parameters": {"k": [2, 2]}}}}, "k is [2, 2]; should hold each value once"),
        (
            {"adaptations": {"share": {"methods": ["speech"]}}},
            "adaptations.share.methods: 'speech' is none that can be adapted; should be one of entropy",
        ),
        (
            {"adaptations": {"prior": {"methods": ["oracle"]}}},
            "adaptations.prior.methods: 'oracle' is none that can be adapted; should be one of speech, entropy",
        ),
        (
            {"adaptations": {"share": None}, "methods": {"speech": None, "mean": None}},
            "adaptations.share can adapt none of the study's methods",
        ),
        (
            {
                "adaptations": {"standardise": {"parameters": {"per": "speaker"}}},
                "speech": {"regression": {"scaling": "speaker"}},
            },
            "adaptations.standardise standardises per speaker, as speech.regression.scaling does; should differ",
        ),
        (
            {"adaptations": {"prior": None}, "experiments": {"a": {"train": "a", "test": "a"}}},
            "adaptations are given, but no experiment tests on another corpus than it trains on",
        ),
    ],
)
def test_what_cannot_be_adapted_is_said(changes, said):
    (problem,) = problems(minimal(**ACROSS | changes))
    assert said in problem


def test_what_is_written_about_configs_is_what_the_types_say():
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    assert text.endswith(documentation.document()), "config/README.md is behind the types: run make docs"
    schema = json.loads((ROOT / "config/schema.json").read_text(encoding="utf-8"))
    assert schema == documentation.schema(), "config/schema.json is behind the types: run make docs"


def test_every_key_and_every_part_is_described():
    text = documentation.document()
    for kind in (parts.METHOD, parts.READER, parts.PROTOCOL, parts.ADAPTATION):
        for name in parts.known(kind):
            assert f"`{name}`\n" in text
    for line in text.splitlines():
        if line.startswith("| `"):
            assert line.split(" | ")[1].strip(), line


def with_method(**parameters):
    return minimal(methods={"speech": None, "mine": {"estimator": "entropy", "parameters": parameters}})


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (minimal(study="a" * 101), f"study is {'a' * 101!r}; should have at most 100 letters"),
        (
            minimal(study="abc\n"),
            "study is 'abc\\n'; should be letters, digits, - and _, and begin with a letter or digit",
        ),
        (with_method(trials=10**30), f"methods.mine.parameters.trials is {10**30}; should be at most 1000000"),
        (with_method(trials=[1]), "methods.mine.parameters.trials is [1]; should be a whole number"),
        (
            minimal(methods={"speech": None, "mean": None, "Mean": {"estimator": "mean"}}),
            "methods: 'mean' and 'Mean' differ in case alone; should differ in a letter",
        ),
        (
            minimal(methods={"speech": None, "product": {"parameters": {"weight": float("inf")}}}),
            "methods.product.parameters.weight is inf; should be a number that is finite",
        ),
        (
            minimal(experiments={"sources": {"train": "c", "test": "c"}}),
            "experiments.sources has the name of another folder of the study; should have another name",
        ),
        (
            minimal(sentiment={"checkpoint": {"path": "a{b}c"}}),
            "sentiment.checkpoint.path is 'a{b}c'; should hold no brace; a link of another name will do",
        ),
        (minimal(data_dir="a\0b"), "data_dir is 'a\\x00b'; should hold no control character"),
    ],
)
def test_what_cannot_have_been_meant_is_refused(config, problem):
    assert problems(config) == [problem]


@pytest.mark.parametrize(
    "uri", ["http://me:secret@host:5000", "http://me:se@cret@host", "https://host/?token=secret", "http://secret@host"]
)
def test_an_address_with_a_password_is_refused_and_not_repeated(uri):
    (problem,) = problems(minimal(tracking={"uri": uri}))
    assert "secret" not in problem and "cret" not in problem
    assert "MLFLOW_TRACKING_PASSWORD" in problem and "credentials file" in problem


def test_a_key_that_stands_twice_is_named_with_its_lines(tmp_path):
    files = {"a.yaml": "study: a\nmethods:\n  mean: {}\n  mean: {}\n", "b.yaml": "x: &y {a: 1}\nz: *y\n", "c.yaml": ""}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        repeated.check(tmp_path / name for name in files)
    assert caught.value.problems == [f"{tmp_path / 'a.yaml'}: line 4: mean stands already in line 3; should stand once"]

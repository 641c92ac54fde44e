"""A config completed and checked: each entry by what its part says of itself, then all entries together."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, create_model

from emofuse import credentials, parts
from emofuse.configuration import HOW, Adaptation, Config, Corpus, Experiment, Method, Section
from emofuse.places import CHOSEN, OF_STUDY, RESERVED
from emofuse.tables import TEXT, InputError, Problem, Problems


class Entries(NamedTuple):
    """A section of entries, each of which names a part.

    Args:
        model: the keys that all entries have
        key: the key that names the part
        kind: of part
        facts: what the study has to know of a part with the parameters given
    """

    model: type[Section]
    key: str
    kind: parts.Kind
    facts: Callable[[Any, dict[str, Any]], dict[str, Any]]

    @property
    def named_after_part(self) -> bool:
        """Whether an entry may have its part's name and say no more; a key of its own then holds the parameters."""
        return "parameters" in self.model.model_fields


ENTRIES = {
    "corpora": Entries(Corpus, "reader", parts.READER, lambda reader, _: {"gives": reader.gives, "note": reader.note}),
    "experiments": Entries(
        Experiment,
        "protocol",
        parts.PROTOCOL,
        lambda protocol, _: {
            "accepts": parts.accepts(protocol),
            "files": parts.files(protocol),
            "summary": parts.summary(protocol),
        },
    ),
    "methods": Entries(
        Method,
        "estimator",
        parts.METHOD,
        lambda method, parameters: {
            "reads_text_expert": bool(set(method.columns) & set(TEXT)),
            "sees_test_labels": method.sees_test_labels,
            "reads_dialogs": method.reads_dialogs,
            "has_thresholds": bool(method.measures),
            "reads_words": method.reads_words,
            "has_front": method.has_front(**parameters),
            "note": method.note,
            "summary": parts.summary(method),
        },
    ),
    "adaptations": Entries(
        Adaptation,
        "adaptation",
        parts.ADAPTATION,
        lambda adaptation, parameters: {"scaling": adaptation.scaling(**parameters)},
    ),
}


class Completed(NamedTuple):
    """A config that is right.

    Args:
        config: with a value for every key
        facts: of each entry of :data:`ENTRIES`, by section and name: the ``path`` of its part, the part's
            ``parameters``, what it says of itself, and the values ``given`` that are no defaults
        what: the config without the keys that change no result
    """

    config: dict[str, Any]
    facts: dict[str, dict[str, dict[str, Any]]]
    what: dict[str, Any]


def what(config: dict[str, Any], model: type[BaseModel] = Config) -> dict[str, Any]:
    """A completed config without the keys that change no result."""
    kept = {}
    for key, value in config.items():
        field = model.model_fields.get(key)
        inner = field.annotation if field else None
        if key in ENTRIES and model is Config:
            kept[key] = {name: what(entry, ENTRIES[key].model) for name, entry in value.items()}
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            kept[key] = what(value, inner)
        elif field is None or HOW not in field.metadata:
            kept[key] = value
    return kept


def complete(config: dict[str, Any], source: str = "config", folder: str | Path = ".") -> Completed:
    """A config with all defaults filled in.

    Args:
        config: as written in the study's file
        source: what errors name, the file
        folder: that of the file, which paths of parts are relative to

    Returns:
        a new config in which every key has a value, and what the parts that it names say of themselves

    Raises:
        InputError: with everything that is wrong: unknown keys and names (with the nearest known),
            values of the wrong kind, names that refer to nothing
    """
    draft = copy.deepcopy(config)
    problems = parts.problems(Config, draft)
    whole = Completed({}, {}, {})
    for section, entries in ENTRIES.items():
        given = draft.get(section)
        whole.config[section], whole.facts[section] = {}, {}
        for name, entry in given.items() if isinstance(given, dict) else ():
            entry = {} if entry is None and entries.named_after_part else entry
            if entries.named_after_part and isinstance(entry, dict):
                entry = {entries.key: name} | entry
            checked = _entry(entries, entry, f"{section}.{name}", folder)
            problems += checked.problems
            whole.config[section][name], whole.facts[section][name] = checked.entry, checked.facts
    problems += _of_the_whole(whole, draft)
    if problems:
        raise InputError([f"{source}: {problem}" for problem in problems])
    completed = Config.model_validate(draft).model_dump() | whole.config
    return Completed(completed, whole.facts, what(completed))


class _Entry(NamedTuple):
    entry: dict[str, Any]
    facts: dict[str, Any]
    problems: Problems


def _entry(entries: Entries, given: Any, place: str, folder: str | Path) -> _Entry:
    """An entry of a section, completed and checked by what its part says of itself."""
    key, model = entries.key, entries.model
    name = given.get(key, model.model_fields[key].default) if isinstance(given, dict) else None
    if not isinstance(name, str):
        return _Entry({}, {}, parts.problems(model, given, place))
    try:
        path = parts.locate(entries.kind, name, folder)
        part = parts.load(path, entries.kind)
        accepted = parts.parameters(part)
    except InputError as error:
        return _Entry({}, {}, [f"{place}.{key} is {name!r}; {problem}" for problem in error.problems])
    if entries.named_after_part:
        given = ({"fit_on": list(part.fit_on)} if model is Method else {}) | given
        problems = parts.problems(model, given, place)
        parameters = given.get("parameters", {})
        if isinstance(parameters, dict):
            problems += parts.problems(accepted, parameters, f"{place}.parameters")
        if problems:
            return _Entry(given, {}, problems)
        values = accepted.model_validate(parameters).model_dump(mode="json")
        entry = model.model_validate(given).model_dump() | {"parameters": values}
    else:
        model = extended(model, accepted)
        if problems := parts.problems(model, given, place):
            return _Entry(given, {}, problems)
        entry = model.model_validate(given).model_dump(mode="json")
        values = {name: entry[name] for name in accepted.model_fields}
    problems = [f"{place}: {problem}" for problem in parts.conflicts(part, values)]
    given = {key: value for key, value in entry.items() if value != model.model_fields[key].default}
    return _Entry(entry, {"path": path, "given": given, "parameters": values, **entries.facts(part, values)}, problems)


def extended(model: type[BaseModel], others: type[BaseModel]) -> type[BaseModel]:
    """A model with the fields of another as well."""
    fields: Any = {name: (field.annotation, field) for name, field in others.model_fields.items()}
    return create_model(model.__name__, __base__=model, **fields)


def _of_the_whole(whole: Completed, draft: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with entries that are right in themselves."""
    for name, method in whole.config["methods"].items():
        facts, fit_on = whole.facts["methods"][name], method.get("fit_on")
        if facts and (fit_on != ["test"] if facts["sees_test_labels"] else "test" in fit_on):
            right = "[test], since it sees the test labels" if facts["sees_test_labels"] else "without test"
            yield f"methods.{name}.fit_on is {fit_on}; should be {right}"
    study = draft.get("study")
    if isinstance(study, str) and study.lower() in RESERVED:
        yield f"study is {study!r}, which is a folder that all studies share; should be another name"
    for name in whole.config["experiments"]:
        if isinstance(name, str) and name.lower() in OF_STUDY:
            yield f"experiments.{name} has the name of another folder of the study; should have another name"
    for section, entries in whole.config.items():
        yield from _alike(section, entries)
    uri = _mapping(draft, "tracking").get("uri", "")
    if isinstance(uri, str) and credentials.holds_credentials(uri):
        yield (
            f"tracking.uri is {credentials.hidden(uri)!r}, with a password or token that would be shown wherever the"
            " config is; should be the address alone, with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or"
            " MLFLOW_TRACKING_TOKEN, in the environment or MLflow's credentials file, and for a database the whole"
            " address in MLFLOW_TRACKING_URI"
        )
    places = {section: _mapping(draft, section) for section in ("speech", "transcripts", "sentiment")}
    text_expert = _mapping(draft, "text_expert")
    if "encoder" in text_expert.get("experts", []):
        places["text_expert.encoder"] = {"checkpoint": {}} | _mapping(text_expert, "encoder")
    for place, entry in places.items():
        checkpoint = entry.get("checkpoint")
        if isinstance(checkpoint, dict) and (right := _right_checkpoint(checkpoint, whisper=place == "transcripts")):
            yield f"{place}.checkpoint is {checkpoint}; should give {right}"
    for name, experiment in whole.config["experiments"].items():
        yield from _of_the_experiment(whole, name, experiment)
    yield from _of_the_adaptations(whole, draft)
    yield from _of_the_model(whole, draft)
    methods = draft.get("methods")
    if isinstance(methods, dict) and CHOSEN in methods:
        yield f"methods: {CHOSEN} is what the validation rows choose of all methods; should be another name"
    if isinstance(methods, dict) and "speech" not in methods:
        yield "methods: speech is missing; should be listed, since every method is compared with it"
    elif isinstance(methods, dict):
        if len(methods) == 1:
            yield "methods: only speech is listed; should have one more at least, to be compared with it"
        estimator = whole.config["methods"]["speech"].get("estimator", "speech")
        if estimator != "speech":
            yield f"methods.speech.estimator is {estimator!r}; should be speech, since every method is compared with it"


def _alike(section: str, entries: Mapping[str, Any]) -> Iterator[Problem]:
    """Names that differ in nothing but case, whose folders are one on some file systems."""
    first: dict[str, str] = {}
    for name in filter(lambda name: isinstance(name, str), entries):
        before = first.setdefault(name.lower(), name)
        if before != name:
            yield f"{section}: {before!r} and {name!r} differ in case alone; should differ in a letter"


def _of_the_experiment(whole: Completed, name: str, experiment: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with an experiment's corpora and its protocol together."""
    corpora, facts = whole.config["corpora"], whole.facts["corpora"]
    protocol, place = whole.facts["experiments"][name], f"experiments.{name}"
    for role in ("train", "test"):
        given = experiment.get(role)
        for corpus in given if isinstance(given, list) else [given]:
            if isinstance(corpus, str) and corpus not in corpora:
                yield f"{place}.{role} is {corpus!r}; {parts.should_be_one_of(corpus, corpora)}"
    if not protocol or not all(facts.get(corpus) for corpus in [*experiment["train"], experiment["test"]]):
        return  # reported already
    train, test = experiment["train"], experiment["test"]
    trained_on = " and ".join(train)
    published = {corpus: facts[corpus]["gives"] == "scores" for corpus in [*train, test]}
    if len(set(published.values())) > 1:
        yield f"{place}: {' and '.join(filter(published.get, published))} has published scores; should be all or none"
    elif published[test] and train != [test]:
        yield (
            f"{place}.train is {trained_on!r} and test is {test!r}; should be the same for published scores, "
            "whose models were trained by others"
        )
    elif published[test] and experiment["protocol"] != "leave_one_speaker_out":
        yield (
            f"{place}.protocol is {experiment['protocol']!r}; should be leave_one_speaker_out, "
            "as the scores were published"
        )
    elif published[test] and experiment["conditions"]:
        yield f"{place}.conditions is given; should be null for published scores, whose models all conditions trained"
    elif test in train and 1 not in protocol["accepts"]:
        yield f"{place}.test is {test!r}, as train; should be another corpus for {experiment['protocol']}"
    elif test in train and len(train) > 1:
        yield f"{place}.test is {test!r}, and train is {trained_on}; should be one of them alone, or another corpus"
    elif test not in train and 2 not in protocol["accepts"]:
        yield f"{place}.protocol is {experiment['protocol']!r}; should be cross_corpus or given for two corpora"
    if experiment["balance"] == "corpora" and len(train) == 1:
        yield f"{place}.balance is 'corpora'; should be none for one training corpus"


def _of_the_adaptations(whole: Completed, draft: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with adaptations and the rest of a study together; their methods are filled in."""
    adaptations, experiments = whole.config["adaptations"], whole.config["experiments"].values()
    if (
        adaptations
        and all(whole.facts["experiments"].values())
        and all(entry["test"] in entry["train"] for entry in experiments)
    ):
        yield "adaptations are given, but no experiment tests on another corpus than it trains on"
    scaling = _mapping(_mapping(draft, "speech"), "regression").get("scaling", "training")
    methods = whole.facts["methods"]
    for name, entry in adaptations.items():
        facts = whole.facts["adaptations"][name]
        if not facts or not all(methods.values()):
            continue  # reported already
        if facts["scaling"] == scaling:
            yield f"adaptations.{name} standardises per {scaling}, as speech.regression.scaling does; should differ"
        adaptation = parts.load(facts["path"])
        served = [
            method
            for method, of_method in methods.items()
            if not of_method["sees_test_labels"] and adaptation.serves(parts.load(of_method["path"]))
        ]
        for method in entry["methods"] or []:
            if method not in served:
                right: Problem = parts.should_be_one_of(method, served)
                yield f"adaptations.{name}.methods: {method!r} is none that can be adapted; {right}"
        if not served:
            yield f"adaptations.{name} can adapt none of the study's methods"
        entry["methods"] = entry["methods"] or served


def _of_the_model(whole: Completed, draft: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with the model to take away and the rest of a study together."""
    entry, experiments, methods = _mapping(draft, "model"), whole.config["experiments"], whole.facts["methods"]
    name, method = entry.get("experiment"), entry.get("method")
    if not isinstance(name, str) or not isinstance(method, str):
        return  # reported already, or there is none
    if name not in experiments:
        yield f"model.experiment is {name!r}; {parts.should_be_one_of(name, experiments)}"
    elif whole.facts["corpora"].get(experiments[name].get("test"), {}).get("gives") == "scores":
        yield f"model.experiment is {name!r}, which begins with published scores; should be one that begins with audio"
    packaged = [known for known, facts in methods.items() if facts and not facts["sees_test_labels"]]
    facts = methods.get(method)
    if facts is None or (facts and facts["sees_test_labels"]):
        yield f"model.method is {method!r}; {parts.should_be_one_of(method, packaged)}, and no ceiling"
    elif facts.get("reads_words") and _mapping(draft, "transcripts").get("source", "whisper") != "whisper":
        yield f"model.method is {method!r}, which reads words; transcripts.source should be whisper, as it is later"
    speech = _mapping(draft, "speech")
    scaling = _mapping(speech, "regression").get("scaling", "training")
    if speech.get("classifier", "embeddings") == "embeddings" and scaling != "training":
        yield (
            f"speech.regression.scaling is {scaling!r}; should be training for a model, which may be asked about one "
            "recording of a speaker or corpus alone"
        )


def _mapping(draft: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A section as written, empty where it is no mapping, which is reported elsewhere."""
    value = draft.get(key)
    return value if isinstance(value, Mapping) else {}


def _right_checkpoint(checkpoint: dict[str, Any], *, whisper: bool) -> str | None:
    """What a checkpoint should give, if it does not."""
    keys = checkpoint.keys() & {"name", "revision", "path"}
    if whisper:
        return None if keys in ({"name"}, {"path"}) else "name, one of Whisper's own models, or path, a file"
    return None if keys in ({"name", "revision"}, {"path"}) else "name and revision of a repository of the hub, or path"

"""A study's config: its types, from which its check, its errors, its documentation and an editor's schema follow.

What a config can say about a stage stands here, each key with its type, range, default and a sentence.
What it can say about a fusion method, a corpus reader, a protocol or an adaptation stands where that is defined (see
:mod:`emofuse.parts`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from emofuse import parts
from emofuse.speech import SCALINGS
from emofuse.text import EXPERTS


def _once(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("should hold each value once")
    return values


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("should hold no control character")
    return value


def _path(value: str) -> str:
    # Snakemake reads braces in a job's inputs as wildcards.
    if set(value) & set("{}"):
        raise ValueError("should hold no brace; a link of another name will do")
    return _printable(value)


def _list(value: Any) -> Any:
    """One name stands for a list of it."""
    return [value] if isinstance(value, str) else value


def _both_sides(value: Any) -> Any:
    """Conditions that no side is named for are meant for training and for testing."""
    return {"train": value, "test": value} if isinstance(value, str | list) else value


class How:
    """Marks a key that says how or where a job runs, not what comes of it: a change of it reruns nothing."""


HOW = How()
MOST = 1_000_000_000
"""Of anything that is counted: what is more is a slip of the pen."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Size = Annotated[int, Field(ge=1, le=MOST), HOW]
Names = Annotated[list[str], Field(min_length=1), AfterValidator(_once)]
OneOrMore = Annotated[Names, BeforeValidator(_list, json_schema_input_type=str | Names)]
Split = Literal["train", "validation", "test"]
Splits = Annotated[list[Split], Field(min_length=1), AfterValidator(_once)]
Emotions = dict[str, Literal["angry", "happy", "neutral", "sad"] | None]
Normalisation = Literal[*parts.known(parts.NORMALISATION)]  # type: ignore[valid-type]
Classifier = Literal["embeddings", "finetuning"]
Source = Literal["whisper", "reference"]
Scaling = Literal[*SCALINGS]  # type: ignore[valid-type]
TextReader = Literal[*EXPERTS]  # type: ignore[valid-type]
Rejects = Literal["stop", "leave_out"]
Balance = Literal["none", "corpora"]
MemberTraining = Literal["folds", "all"]
Bundling = Literal["copy", "refer"]
Device = Annotated[Literal["auto", "cpu"], HOW]
Place = Annotated[str, AfterValidator(_printable), HOW]
Flag = Annotated[bool, HOW]
Above0 = Annotated[float, Field(gt=0)]
Entry = Annotated[dict[Name, Any], Field(min_length=1)]

STRENGTHS = "Inverse strengths of the regularisation; the one with the best validation UA is used."


class Section(BaseModel):
    """A group of keys; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Checkpoint(TypedDict, total=False):
    """A checkpoint by name and revision, or the path of one."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]
    name: Annotated[str, Field(description="Of a Hugging Face repository, or of one of Whisper's models.")]
    revision: Annotated[str, Field(description="Branch, tag or commit of the repository; Whisper's models have none.")]
    path: Annotated[
        str,
        AfterValidator(_path),
        Field(description="Folder of a checkpoint on this machine; for transcripts, a Whisper file."),
    ]


WAV2VEC2 = Checkpoint(name="facebook/wav2vec2-base", revision="main")
XLM_R = Checkpoint(name="cardiffnlp/twitter-xlm-roberta-base-sentiment", revision="main")


class Embeddings(Section):
    """How embeddings are computed."""

    shard_size: Size = Field(
        500, description="Utterances per job, on average; once shards are begun, their number stays."
    )
    budget: Size = Field(160_000, description="The most samples per batch, padding included; 16 000 per second.")
    precision: Literal["auto", "float32"] = Field("auto", description="auto is bfloat16 where a GPU computes it.")


class Regression(Section):
    """The multinomial logistic regression on embeddings."""

    c: Annotated[list[Above0], Field(min_length=1)] = Field([0.0001, 0.001, 0.01, 0.1], description=STRENGTHS)
    class_weights: bool = Field(False, description="Whether all emotions weigh the same in training, however rare.")
    scaling: Scaling = Field(
        "training", description="Standardised by the training utterances, or each corpus or speaker by its own."
    )


class Training(Section):
    """Fine-tuning."""

    crop: float = Field(6.0, ge=0.5, description="Seconds that a step hears; shorter utterances are repeated.")
    learning_rate: float = Field(0.00001, gt=0, description="At the start; it falls linearly to 0.")
    batch_size: Positive = Field(8, description="Utterances per training step.")
    epochs: Positive = Field(100, description="The most; training may stop earlier.")
    patience: Positive = Field(20, description="Epochs without a higher validation UA after which training stops.")
    class_weights: bool = Field(False, description="Whether all emotions weigh the same in training, however rare.")
    budget: Size = Field(320_000, description="The most samples per batch of whole utterances, when predicting.")


class Speech(Section):
    """The primary, the classifier of the voice."""

    checkpoint: Checkpoint = Field(WAV2VEC2, description="A wav2vec 2.0, HuBERT or WavLM encoder.")
    classifier: Classifier = Field("embeddings", description="A regression on its embeddings, or finetuning it.")
    embeddings: Embeddings = Embeddings()
    regression: Regression = Regression()
    training: Training = Training()
    calibration: bool = Field(True, description="Whether logits are divided by a temperature fitted on validation.")


class Transcripts(Section):
    """Where the words come from."""

    source: Source = Field("whisper", description="whisper, or the corpus's own reference transcripts.")
    fill_in: bool = Field(False, description="Whether Whisper writes down what has no reference transcript.")
    checkpoint: Checkpoint = Field(Checkpoint(name="large-v3"), description="A Whisper model.")
    language: str | None = Field("en", description="Spoken language as Whisper names it; null to detect it.")
    batch_size: Size = Field(16, description="Utterances that are decoded together.")
    shard_size: Size = Field(
        500, description="Utterances per job, on average; once shards are begun, their number stays."
    )
    wer_normalisation: Normalisation = Field("words", description="How texts are written when word errors are counted.")


class Sentiment(Section):
    """The secondary, the sentiment of the words."""

    checkpoint: Checkpoint = Field(XLM_R, description="A sequence classifier of negative, neutral and positive.")
    normalisation: Normalisation = Field("none", description="How a transcript is written when it is read.")
    batch_size: Size = Field(32, description="Transcripts that are read together.")


class Demo(Section):
    """What the demo's dialogs are like, what its checkpoints are trained on, and for how long."""

    carry: float = Field(
        0.8, ge=0, le=1, description="Probability that a turn of a dialog keeps the emotion of the turn before."
    )
    utterances: Positive = Field(2000, description="Synthetic utterances to train on.")
    wav2vec2_steps: Positive = Field(350, description="Training steps of the wav2vec 2.0.")
    whisper_steps: Positive = Field(900, description="Training steps of the Whisper.")
    sentiment_steps: Positive = Field(200, description="Training steps of the XLM-R.")


class Tfidf(Section):
    """The expert of the corpus's own words."""

    inverse_penalty: Above0 = Field(3.0, description="Of its logistic regression; higher fits the words more closely.")
    smoothing: Above0 = Field(0.1, description="Added to every count of its naive Bayes.")


class Encoder(Section):
    """The expert of a pretrained encoder's states."""

    checkpoint: Checkpoint = Field(Checkpoint(), description="Any text encoder of transformers; needed to use it.")
    normalisation: Normalisation = Field("none", description="How a transcript is written when it is read.")
    layers: Annotated[list[int], Field(min_length=1), AfterValidator(_once)] = Field(
        [-3, -1], description="Whose mean states are read side by side; 0 is what the first takes in, -1 the last."
    )
    c: Annotated[list[Above0], Field(min_length=1)] = Field(
        [0.001, 0.003, 0.01],
        description="Inverse strengths of the regularisation; the one with the lowest log loss on training speakers "
        "that are left out is used.",
    )
    batch_size: Size = Field(32, description="Transcripts that are read together.")
    shard_size: Size = Field(
        1000, description="Transcripts per job, on average; once shards are begun, their number stays."
    )


class TextExpert(Section):
    """The text expert, which learns emotions from the transcripts of the training speakers."""

    experts: Annotated[list[TextReader], Field(min_length=1), AfterValidator(_once)] = Field(
        ["tfidf"], description="One, or several whose probabilities are combined by their geometric mean."
    )
    parts: int = Field(4, ge=2, description="Parts of the training speakers; each is read by an expert of the rest.")
    tfidf: Tfidf = Tfidf()
    encoder: Encoder = Encoder()


class Evaluation(Section):
    """How sure the differences to speech are, and how a method is chosen without a look at the test."""

    confidence: float = Field(0.95, gt=0, lt=1, description="Of the intervals.")
    resamples: int = Field(2000, ge=100, le=1_000_000, description="How often speakers are drawn for an interval.")
    parts: int = Field(3, ge=2, description="Parts of the validation rows, dialogs whole, that a method is chosen by.")


class Tracking(Section):
    """Where MLflow records the runs."""

    uri: Place = Field("", description="Of a server; empty: MLFLOW_TRACKING_URI, else results/mlflow.db.")


class Model(Section):
    """What is packaged to be taken away: a method, as an experiment has tested it."""

    experiment: str = Field(description="The experiment; it begins with audio.")
    method: str = Field(description="The fusion method.")
    training: MemberTraining = Field(
        "folds",
        description="Which rows have trained it: those of each fold, whose models then answer together, or all, which "
        "is one model of all speakers that the experiment trains on but those of the first session by name, who "
        "validate. What is said of its accuracy is said of the folds' models.",
    )
    checkpoints: Bundling = Field(
        "copy",
        description="Whether checkpoints on this machine are copied into the model, or referred to by their path. "
        "Those of the hub are always referred to, by name and commit.",
    )
    registered_as: Name | None = Field(None, description="Its name in MLflow's registry; null registers none.")


class Corpus(Section):
    """A corpus; its reader may take more keys."""

    reader: str = Field(description="A corpus reader by name, or by path, file.py:Name.")
    path: Place = Field(description="Folder of the corpus, or file of the manifest, under data_dir.")
    partial: Flag = Field(False, description="Whether a part of it is enough; differences from its counts are logged.")
    rejects: Rejects = Field("stop", description="Whether audio that cannot be used stops the study or is left out.")
    min_duration: float = Field(0.1, ge=0.03, description="Shorter audio, in seconds, is rejected.")
    emotions: Emotions | None = Field(None, description="What its own labels mean, where it differs; null leaves out.")
    utterances: Size | None = Field(
        None,
        description="Of a corpus that the workflow makes, about how many it has: its number of shards follows.",
    )


class Conditions(Section):
    """The conditions that an experiment is restricted to."""

    train: OneOrMore | None = Field(None, description="Of training and validation utterances; null for all.")
    test: OneOrMore | None = Field(None, description="Of test utterances; null for all.")


Restriction = Annotated[Conditions, BeforeValidator(_both_sides, json_schema_input_type=str | Names | Conditions)]


class Experiment(Section):
    """An experiment; its protocol may take more keys."""

    train: OneOrMore = Field(description="The corpus to train on, or a list of corpora.")
    test: str = Field(description="The corpus to test on.")
    protocol: str = Field("leave_one_speaker_out", description="How utterances are split into folds.")
    folds: Names | None = Field(
        None,
        description="The folds to run, named after what they test, or, across corpora, validate on; null for all.",
    )
    conditions: Restriction | None = Field(
        None,
        description="The conditions whose utterances are used: a list, or `{train: a list, test: a list}`; null: all.",
    )
    balance: Balance = Field(
        "none", description="Of several training corpora: all of each, or as many utterances as the smallest trains."
    )
    speakers_may_repeat: bool = Field(
        False, description="Whether a speaker may be in two splits of a fold, as in some published lists."
    )


class Method(Section):
    """A fusion method."""

    estimator: str = Field(description="A method by name, or by path, file.py:Name; by default the entry's own name.")
    fit_on: Splits = Field(description="The splits that it is fitted on; by default validation. test is for ceilings.")
    parameters: dict[str, Any] = Field({}, description="The estimator's parameters.")


class Adaptation(Section):
    """An adaptation to the target, of each experiment that tests on another corpus than it trains on."""

    adaptation: str = Field(description="An adaptation by name, or by path, file.py:Name; by default the entry's name.")
    methods: Names | None = Field(
        None, description="The methods that are adapted; null for all that it serves and that are no ceilings."
    )
    parameters: dict[str, Any] = Field({}, description="The adaptation's parameters.")


class Config(Section):
    """A study. Each key has a meaning and, unless it is required, a default; unknown keys are refused."""

    study: Name = Field(description="Name of the study and of its folder in results/.")
    seed: int = Field(0, description="Added to the names (corpus, method, fold) that everything random is seeded from.")
    data_dir: Place = Field("data", description="Folder that the corpora's paths are relative to.")
    corpora: Entry = Field(description="The corpora by name.")
    experiments: Entry = Field(description="The experiments by name: what trains, what tests and a protocol each.")
    device: Device = Field("auto", description="auto for a GPU where there is one, or cpu.")
    speech: Speech = Speech()
    transcripts: Transcripts = Transcripts()
    sentiment: Sentiment = Sentiment()
    demo: Demo = Demo()
    text_expert: TextExpert = TextExpert()
    methods: Entry = Field(description="The fusion methods by name.")
    adaptations: dict[Name, Any] = Field({}, description="The adaptations across corpora by name.")
    evaluation: Evaluation = Evaluation()
    tracking: Tracking = Tracking()
    model: Model | None = Field(None, description="The model to take away; null makes none.")

"""The report holds everything, says what the tables say, and takes no ceiling for a method."""

import dataclasses
import html
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from emofuse import contracts, tables
from emofuse.corpora import base, summary
from emofuse.evaluation.leaderboard import board
from emofuse.figures import OF_CORPUS, OF_CROSS, OF_EXPERIMENT, OF_METHOD, OF_STUDY
from emofuse.figures.corpus import SPEAKERS
from emofuse.report import Chapter, best, report, search
from emofuse.report_corpora import CorpusChapter, word_errors

TEMPLATE = Path(__file__).parents[1] / "workflow" / "report" / "report.html.j2"
METHODS = {"speech": 0.60, "paper": 0.61, "bayes_text": 0.70, "oracle": 0.80}
EVALUATED = METHODS | {"chosen": 0.65}
FOLDS = ["Ses01F", "Ses01M"]
CONDITIONS = {"all": 0.0, "improvised": 0.05, "target_read": 0.1}
WER = [("all", "all", 200, 0.25), ("improvised", "all", 120, 0.3), ("target_read", "all", 80, 0.175)]


TOLD = {
    "fold": "Ses01F",
    "speaker": "Ses01F",
    "speech": "angry",
    "predicted": "sad",
    "margin": 0.71,
    "selected": True,
    "transcript": "I <b>said</b> & meant it",
    "speech_probability": 0.52,
    "sentiment": "negative",
    "sentiment_probability": 0.83,
    "speaker_before": "Ses01M",
    "speech_before": "happy",
}
TELLING = pd.DataFrame(
    [
        {"method": "paper", "utterance": "Ses01F_impro01_F001", "emotion": "sad"} | TOLD,
        {"method": "paper", "utterance": "Ses01F_impro01_F002", "emotion": "angry"} | TOLD | {"transcript": None},
        {"method": "bayes_text", "utterance": "u<i>3</i>", "emotion": "sad", "text": "sad", "text_probability": 0.6}
        | TOLD,
    ]
).reindex(columns=list(contracts.TELLING.columns))


@pytest.fixture
def experiment(tmp_path):
    """The chapter of an experiment whose files lie in no particular order."""
    metrics = pd.DataFrame(
        [
            (method, fold, condition, metric, value)
            for method, ua in EVALUATED.items()
            for fold in FOLDS
            for condition, more in CONDITIONS.items()
            for metric, value in {"UA": ua + more, "WA": 0.5, "F1": 0.5, "selected": 0.25}.items()
        ],
        columns=["method", "fold", "condition", "metric", "value"],
    )
    comparison = pd.DataFrame(
        [
            (method, condition, metric, False, mean + more, 0.6 + more, mean - 0.6, mean - 0.62, mean - 0.58, p / 2, p)
            for method, ua in EVALUATED.items()
            for condition, more in CONDITIONS.items()
            for metric, mean, p in (("UA", ua, float("nan")), ("WA", ua - 0.1, 0.0004), ("F1", 0.5, float("nan")))
        ],
        columns=list(contracts.COMPARISON.columns),
    )
    tables.write(metrics, contracts.METRICS, tmp_path / "1.parquet")
    tables.write(comparison, contracts.COMPARISON, tmp_path / "2.parquet")
    choices = [(fold, method, 0.5, 0.5, method == "paper") for fold in FOLDS for method in ("speech", "paper")]
    choices = pd.DataFrame(choices, columns=list(contracts.CHOICES.columns))
    tables.write(choices, contracts.CHOICES, tmp_path / "3.parquet")
    tables.write(TELLING, contracts.TELLING, tmp_path / "4.parquet")
    for method in METHODS:
        fold = {"thresholds": {}, "objective": "WA", "value": 0.65, "exact": 0.66} if method == "paper" else {}
        parameters = {
            "method": method,
            "estimator": method,
            "fit_on": ["validation"],
            "parameters": {"trials": 50},
            "folds": dict.fromkeys(FOLDS, fold),
        }
        tables.write_json(parameters, tmp_path / f"{method}.json")
    Image.new("RGB", (2, 2)).save(tmp_path / "picture.png")
    picture = str(tmp_path / "picture.png")
    return Chapter.of(
        {
            "name": "iemocap",
            "facts": [["trained on", "iemocap"], ["protocol", "leave one speaker out"]],
            "metrics": str(tmp_path / "1.parquet"),
            "comparison": str(tmp_path / "2.parquet"),
            "choices": str(tmp_path / "3.parquet"),
            "telling": str(tmp_path / "4.parquet"),
            "methods": {
                method: {
                    "parameters": str(tmp_path / f"{method}.json"),
                    "figures": {} if method == "speech" else dict.fromkeys(OF_METHOD, picture),
                }
                for method in METHODS
            },
            "figures": dict.fromkeys(OF_EXPERIMENT, picture),
            "ceilings": ["oracle"],
            "wer": None,
            "shift": None,
            "adaptation": None,
        },
    )


LABELS = pd.DataFrame(
    [
        ("u1", "anna", "1", "read", "angry"),
        ("u2", "anna", "1", "read", "angry"),
        ("u3", "bert", "1", "free", "sad"),
        ("u4", "cora", "2", "free", "happy"),
    ],
    columns=["utterance", "speaker", "session", "condition", "emotion"],
).assign(corpus="voices")


def corpus_of(folder, labels=LABELS, durations=(1.0, 2.0, 3.0, 4.0), rejects=(), published=(), wer=None, **changes):
    """The chapter of a corpus of these labels; without durations it has no audio."""
    recordings = labels[["utterance"]].assign(duration=durations) if durations else None
    rejected = pd.DataFrame(rejects, columns=["utterance", "reason"], dtype=str)
    tables.write(summary.summarise(labels, recordings), contracts.SUMMARY, folder / "summary.parquet")
    tables.write(summary.reasons(rejected), contracts.REASONS, folder / "reasons.parquet")
    tables.write(base.counts(labels, published), contracts.COUNTS, folder / "counts.parquet")
    Image.new("RGB", (2, 2)).save(folder / "corpus.png")
    files = {name: str(folder / f"{name}.parquet") for name in ("summary", "reasons", "counts")}
    files |= {"corpus": str(folder / "corpus.png"), "wer": wer}
    return CorpusChapter.of({"name": "voices", "reader": "msp_improv", "partial": False, "files": files} | changes)


def build(experiment, **changes):
    given = {
        "study": "released",
        "chapters": [experiment],
        "corpora": [corpus_of(experiment.metrics.parent / "default")],
        "config": {"study": "released", "methods": {"paper": {"fit_on": ["train", "validation"]}}},
        "template": TEMPLATE,
        "across": {},
        "confidence": 0.95,
        "notes": ["A note <on> the data."],
    } | changes
    return report(**given)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(text)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("th", "td", "dd"):
            self.words += " "  # cells stand apart

    def handle_data(self, data):
        self.words += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_needs_nothing_from_outside(experiment):
    page = Page(build(experiment))
    links = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
    assert links
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert not page.all("script") and not page.all("link")


def test_every_picture_has_a_caption_and_a_text_for_those_who_cannot_see_it(experiment):
    page = Page(build(experiment))
    # speech has no pictures of its own: it is what every other method is compared with
    count = len(OF_EXPERIMENT) + len(OF_METHOD) * (len(METHODS) - 1) + len(OF_CORPUS)
    assert len(page.all("img")) == len(page.all("figcaption")) == count
    assert len({image["alt"] for image in page.all("img")}) == count


def test_what_the_words_buy_is_the_first_picture_and_stands_before_the_leaderboards(experiment):
    page = build(experiment)
    first = Page(page).all("img")[0]
    assert first["alt"] == OF_EXPERIMENT["pareto"]
    assert page.index("<img") < page.index("Leaderboard, all utterances")


def test_a_method_tells_what_it_changed_most_confidently_and_what_everyone_said(experiment):
    words = Page(build(experiment)).words
    head = "utterance, speaker words truth decision margin voice sentiment"
    said, turns = "sad +0.71 angry 0.52 negative 0.83", "yes Ses01M: happy"
    more = f"{head} selected turn before turn after"
    assert f"for better {more} Ses01F_impro01_F001, Ses01F I <b>said</b> & meant it sad {said} {turns}" in words
    assert f"for worse {more} Ses01F_impro01_F002, Ses01F angry {said} {turns}" in words
    # Another method reads the text expert, and changed nothing for worse.
    assert f"{head} text expert selected turn" in words
    assert f"u<i>3</i>, Ses01F I <b>said</b> & meant it sad {said} sad 0.60 {turns}" in words
    assert (words.count("changed for better"), words.count("changed for worse")) == (2, 1)
    assert "source fold" not in words


def test_the_same_input_gives_the_same_page(experiment):
    assert build(experiment) == build(experiment)


def test_the_best_method_is_no_ceiling(experiment):
    words = Page(build(experiment)).words
    assert (
        "Best of 2 methods: bayes_text reaches a UA of 0.700 against 0.600 for speech alone: +0.100, "
        "95% interval +0.080 to +0.120; a WA of 0.600 against 0.600, McNemar's corrected p < 0.001. "
        "It needs the words of 25% of the utterances. "
        "The same method in each condition: improvised: a UA of 0.750 against 0.650 for speech alone: +0.100"
    ) in words
    assert "oracle (a ceiling, not a method)" in words
    assert "A ceiling (oracle) looks at the test labels" in words


def test_without_adaptations_nothing_is_said_of_them(experiment):
    assert "Adaptation" not in Page(build(experiment)).words


def test_every_adaptation_says_what_it_has_seen_and_what_it_gains(experiment, tmp_path):
    rows = [
        (name, method, k, condition, 0.6 + gain, 0.6, gain, gain - 0.01, gain + 0.01, 0.25, 5 if k else 1)
        for name, k, gain in (("prior", 0, -0.02), ("few", 1, 0.0), ("few", 2, 0.03))
        for method in ("speech", "paper")
        for condition in CONDITIONS
    ]
    table = pd.DataFrame(rows, columns=list(contracts.ADAPTATION.columns))
    tables.write(table, contracts.ADAPTATION, tmp_path / "adaptation.parquet")
    said = {
        "prior": {"adaptation": "prior", "parameters": {}, "sees": "target audio without labels", "left_out": []},
        "few": {
            "adaptation": "speakers",
            "parameters": {"draws": 5},
            "sees": "labels of k target speakers",
            "left_out": ["k is 9, but the target has 9 speakers"],
        },
    }
    for name, entry in said.items():
        tables.write_json(entry, tmp_path / f"{name}.json")
    adaptation = {
        "table": str(tmp_path / "adaptation.parquet"),
        "figure": str(tmp_path / "picture.png"),
        "parameters": {name: str(tmp_path / f"{name}.json") for name in said},
    }
    words = Page(build(dataclasses.replace(experiment, adaptation=adaptation))).words
    assert "prior: better for 0 and worse for 2 of 2 methods It has seen target audio without labels." in words
    assert "few: with labels of 2 speakers, better for 2 and worse for 0 of 2 methods" in words
    assert "adaptation speakers; draws: 5. Left out: k is 9, but the target has 9 speakers." in words
    assert "paper 0.580 0.600 −0.020 −0.030 … −0.010 25.0%" in words
    assert "paper 2 5 0.630 0.600 +0.030 +0.020 … +0.040 25.0%" in words
    assert "all utterances method labelled speakers draws UA without difference 95% interval selected" in words


def test_p_stands_beside_the_accuracy_that_it_is_about(experiment):
    page = Page(build(experiment))
    assert "method UA UA − speech 95% interval WA McNemar's p (WA), corrected F1 selected" in page.words
    assert "bayes_text 0.700 +0.100 +0.080 … +0.120 0.600 < 0.001 0.500 25.0%" in page.words


def test_what_the_validation_rows_choose_stands_beside_the_best(experiment):
    words = Page(build(experiment)).words
    assert (
        "Without a look at the test: chosen is, in each fold, the method with the highest UA in a cross-validation "
        "within the validation rows (dialogs kept whole): paper in 2 of 2 folds. It reaches a UA of 0.650 against 0.600"
    ) in words


def test_source_folds_show_their_spread_wherever_a_number_is(experiment):
    assert "source folds" not in Page(build(experiment)).words
    comparison = tables.read(contracts.COMPARISON, experiment.comparison)
    tables.write(comparison.assign(crossed=True), contracts.COMPARISON, experiment.comparison)
    metrics = tables.read(contracts.METRICS, experiment.metrics)
    lower = metrics["value"].where(metrics["fold"] == FOLDS[0], metrics["value"] - 0.1)
    tables.write(metrics.assign(value=lower), contracts.METRICS, experiment.metrics)
    words = Page(build(experiment)).words
    assert "source folds 2: Ses01F, Ses01M" in words
    assert "changed for better utterance, speaker source fold words" in words
    assert "Ses01F_impro01_F001, Ses01F Ses01F I <b>said</b>" in words
    assert "bayes_text reaches a UA of 0.700 (0.600 … 0.700 over source folds) against 0.600" in words
    assert "95% interval over speakers and source folds +0.080" in words
    assert "bayes_text 0.700 0.600 … 0.700 +0.100 +0.080 … +0.120" in words
    assert "(bootstrap over speakers and source folds); the pale line reaches" in words


def test_every_condition_has_a_leaderboard_in_the_same_order(experiment):
    words = Page(build(experiment)).words
    headings = [words.index(f"Leaderboard, {name}") for name in ("all utterances", "improvised", "target read")]
    assert headings == sorted(headings)
    for start, end in zip(headings, [*headings[1:], len(words)], strict=True):
        places = [words.index(f"{name} 0.", start, end) for name in ("bayes_text", "paper", "speech")]
        assert places == sorted(places)
        assert places[-1] < words.index("oracle (a ceiling, not a method)", start, end)


def test_every_interval_is_called_by_its_own_confidence(experiment):
    words = Page(build(experiment, confidence=0.9)).words
    assert "90% interval" in words
    assert "95%" not in words


def test_an_interval_with_zero_is_said_to_be_uncertain(experiment):
    comparison = tables.read(contracts.COMPARISON, experiment.comparison)
    tables.write(comparison.assign(low=-0.01), contracts.COMPARISON, experiment.comparison)
    assert "so the difference is not certain" in Page(build(experiment)).words


def keep(experiment, column, values):
    for contract, path in ((contracts.METRICS, experiment.metrics), (contracts.COMPARISON, experiment.comparison)):
        table = tables.read(contract, path)
        if column in table:
            tables.write(table[table[column].isin(values)], contract, path)


def test_a_study_of_speech_alone_has_no_best_method(experiment):
    keep(experiment, "method", ["speech", "chosen"])
    words = Page(build(experiment)).words
    assert "Best of" not in words
    assert "The one method" not in words


def test_one_fold_one_method_and_one_condition_are_said_as_one(experiment):
    keep(experiment, "fold", FOLDS[:1])
    keep(experiment, "method", ["speech", "paper", "chosen"])
    keep(experiment, "condition", ["all"])
    words = Page(build(experiment)).words
    assert "fold Ses01F" in words
    assert "The one method: paper reaches" in words
    assert "in each condition" not in words
    assert "mean over folds" not in words


def test_folds_facts_config_and_notes_are_told(experiment):
    words = Page(build(experiment)).words
    assert "2: Ses01F, Ses01M" in words
    assert "trained on iemocap protocol leave one speaker out" in words
    assert "fit_on: - train - validation" in words
    assert "A note <on> the data." in words


def test_names_cannot_break_the_page(experiment):
    text = build(experiment, study="<script>alert(1)</script>")
    assert "<script>" not in text
    assert html.escape("<script>alert(1)</script>") in text


def test_a_missing_table_is_named(experiment):
    experiment.metrics.unlink()
    with pytest.raises(tables.InputError, match=r"1\.parquet: no such file"):
        build(experiment)


def test_the_best_method_of_all_utterances_stays_the_best_in_each_condition(experiment):
    metrics = tables.read(contracts.METRICS, experiment.metrics)
    comparison = tables.read(contracts.COMPARISON, experiment.comparison)
    rows = best({name: board(comparison, metrics, name, ["oracle"]) for name in CONDITIONS})
    assert {name: row["method"] for name, row in rows.items()} == dict.fromkeys(CONDITIONS, "bayes_text")
    assert rows["target_read"]["UA"] == pytest.approx(0.8)


def test_search_says_how_far_it_stayed_from_the_optimum():
    folds = {"a": {"objective": "WA", "value": 0.70, "exact": 0.72}, "b": {"value": 0.80, "exact": 0.80}}
    row = search({"method": "entropy", "folds": folds})
    assert row["objective"] == "WA"
    assert (row["value"], row["exact"]) == pytest.approx((0.75, 0.76))
    assert (row["gap"], row["reached"], row["folds"]) == (pytest.approx(0.02), 1, 2)


def test_a_method_without_search_has_no_row():
    assert search({"method": "bayes", "folds": {"a": {"likelihood": []}, "b": {"value": 0.7, "exact": None}}}) is None


def rates_of(rows):
    counts = dict.fromkeys(["utterances", "hits", "substitutions", "insertions", "deletions"], 0)
    return pd.DataFrame(rows, columns=["condition", "emotion", "words", "WER"]).assign(corpus="c", **counts)


def test_word_errors_are_said_in_a_phrase():
    assert word_errors(rates_of(WER)) == "25.0% of 200 words (improvised 30.0%, target read 17.5%)"
    assert word_errors(rates_of(WER[:2])) == "25.0% of 200 words"
    assert word_errors(rates_of([])) == "unknown, for the corpus has no reference transcripts"
    assert word_errors(rates_of([("all", "all", 0, float("nan"))])) == word_errors(rates_of([]))


def test_word_errors_are_a_fact_of_the_experiment(experiment, tmp_path):
    tables.write(rates_of(WER), contracts.WER, tmp_path / "wer.parquet")
    assert "word error rate" not in Page(build(experiment)).words
    with_wer = dataclasses.replace(experiment, wer=tmp_path / "wer.parquet")
    assert "word error rate 25.0% of 200 words (improvised" in Page(build(with_wer)).words


def test_a_corpus_is_told_in_numbers(experiment, tmp_path):
    tables.write(rates_of([*WER, ("all", "sad", 9, 0.125)]), contracts.WER, tmp_path / "wer.parquet")
    labels = LABELS.replace({"condition": {"read": "target_read", "free": "improvised"}})
    corpus = corpus_of(tmp_path, labels, wer=str(tmp_path / "wer.parquet"))
    words = Page(build(experiment, corpora=[corpus])).words
    assert (
        "utterances 4 of the four emotions, by 3 speakers in 2 sessions audio 10.0 s; median 2.5 s, 90% from" in words
    )
    assert "left out 0 utterances whose audio cannot be used" in words
    assert "word error rate 25.0% of 200 words" in words
    assert "sad 1 1 3.0 s 3.0 s 3.0 s … 3.0 s 12.5%" in words
    assert "neutral 0 0 0.0 s" in words
    assert "all utterances 4 3 10.0 s 2.5 s 1.1 s … 3.8 s 25.0%" in words
    assert "target read 2 0 0 0 2 1 3.0 s 1.5 s" in words and "17.5% Utterances by session" in words
    assert "Utterances by session session angry happy neutral sad utterances" in words
    assert "speaker angry happy neutral sad utterances anna 2 0 0 0 2 bert 0 0 0 1 1 cora 0 1 0 0 1" in words
    assert "Audio that was left out" not in words and "Published counts" not in words


def test_what_is_left_out_and_what_differs_from_the_published_counts_is_told(experiment, tmp_path):
    rejects = [("u8", "too short: 0.020 s"), ("u9", "too short: 0.050 s")]
    published = [
        base.Count("sad", {"emotion": "sad"}, 7),
        base.Count("angry", {"emotion": "angry"}, 2),
        base.Count("clips of 2", {"session": "2"}, 3, exact=False),
    ]
    corpus = corpus_of(tmp_path, rejects=rejects, published=published, partial=True)
    text = build(experiment, corpora=[corpus])
    words = Page(text).words
    assert "the config says that this is a part of the corpus" in words
    assert "left out 2 utterances whose audio cannot be used" in words
    assert "too short: … s 2 u8" in words
    assert "published counts 2 of 3 differ from what was read" in words
    assert "sad 1 7" in words and "clips of 2 1 about 3" in words
    assert text.count('<tr class="differs">') == 2


def test_a_corpus_of_published_scores_has_no_durations(experiment, tmp_path):
    published = [base.Count("sad", {"emotion": "sad"}, 1)]
    words = Page(build(experiment, corpora=[corpus_of(tmp_path, durations=None, published=published)])).words
    assert "audio none: the study begins with published scores published counts as published (1 count)" in words
    assert "emotion utterances speakers angry 2 1" in words
    assert "median" not in words.split("Corpus voices")[1] and "left out" not in words


def test_many_speakers_are_told_as_they_spread(experiment, tmp_path):
    speakers = [f"s{number:03d}" for number in range(SPEAKERS + 1)]
    rows = [(f"{name}-{n}", name, "1", "", "sad") for number, name in enumerate(speakers) for n in range(number + 1)]
    labels = pd.DataFrame(rows, columns=LABELS.columns.drop("corpus")).assign(corpus="voices")
    words = Page(build(experiment, corpora=[corpus_of(tmp_path, labels, [1.0] * len(rows))])).words
    assert f"how they spread over {SPEAKERS + 1} speakers" in words
    assert "fewest 0 0 0 1 1" in words and f"most 0 0 0 {SPEAKERS + 1} {SPEAKERS + 1}" in words
    assert "s003" not in words
    assert "Utterances by condition" not in words  # it has none


def test_what_a_corpus_is_called_cannot_break_the_page(experiment, tmp_path):
    evil = "<script>alert(1)</script>"
    labels = LABELS.replace({"anna": evil, "read": evil})
    text = build(experiment, corpora=[corpus_of(tmp_path, labels, rejects=[(evil, evil)])])
    assert "<script>" not in text
    assert text.count(html.escape(evil)) >= 3


def test_a_comparison_of_experiments_stands_first_with_a_table_per_target(experiment, tmp_path):
    missing = float("nan")
    rows = [
        ("msp", "msp", "within", "speech", "all", 0.7, 0.7, missing, missing, missing, 60),
        ("msp", "iemo<cap>", "iemocap", "speech", "all", 0.6, 0.7, -0.1, -0.15, -0.05, 60),
        ("iemocap", "msp", "back", "speech", "all", 0.5, missing, missing, missing, missing, 80),
    ]
    tables.write(pd.DataFrame(rows, columns=list(contracts.ACROSS.columns)), contracts.ACROSS, tmp_path / "a.parquet")
    across = {"table": tmp_path / "a.parquet", "figures": dict.fromkeys(OF_STUDY, tmp_path / "picture.png")}
    words = Page(build(experiment, across=across, confidence=0.9)).words
    assert words.index("Within against across") < words.index("Best of 2 methods")
    assert "Tested on msp 60 utterances, within: within." in words
    assert "method UA within trained on iemo<cap> (iemocap) drop 90% interval" in words
    assert "speech 0.700 0.600 −0.100 −0.150 … −0.050" in words
    assert "Tested on iemocap 80 utterances. method trained on msp (back)" in words
    assert "Within against across" not in Page(build(experiment)).words


def test_why_an_experiment_drops_is_said_under_its_picture(experiment, tmp_path):
    rows = [("speech", "Ses01", split, "all", "entropy", 0.5, h) for split, h in (("validation", 0.6), ("test", 0.4))]
    rows += [("speech", "Ses01", split, "all", "UA", float("nan"), 0.5) for split in ("validation", "test")]
    tables.write(pd.DataFrame(rows, columns=list(contracts.SHIFT.columns)), contracts.SHIFT, tmp_path / "s.parquet")
    figures = experiment.figures | dict.fromkeys(OF_CROSS, tmp_path / "picture.png")
    crossing = dataclasses.replace(experiment, shift=tmp_path / "s.parquet", figures=figures)
    page = Page(build(crossing))
    assert (
        "What differs on the target" in page.words
        and "On the target the voice is surer (median entropy 0.40" in page.words
    )
    assert OF_CROSS["shift"] in [image["alt"] for image in page.all("img")]
    assert "What differs on the target" not in Page(build(experiment)).words

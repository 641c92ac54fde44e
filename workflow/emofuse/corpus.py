"""A corpus of a study: where it lies, and what its labels say of it before anything runs."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emofuse import code, parts, provenance
from emofuse.memory import Memory
from emofuse.places import RESULTS, SCRIPTS
from emofuse.tables import InputError, shard_numbers

if TYPE_CHECKING:
    import pandas as pd

    from emofuse.corpora.base import Listed


class Corpus:
    """A corpus of a study.

    Args:
        name: in the config
        config: its completed entry
        facts: what its reader says of itself
        path: its folder, or its manifest
        memory: what earlier starts computed from its labels
        folds: of published scores, those that are asked for; ``None`` for all
    """

    def __init__(
        self,
        name: str,
        config: Mapping[str, Any],
        facts: Mapping[str, Any],
        path: Path,
        memory: Memory,
        folds: list[str] | None,
    ) -> None:
        self.name, self.config, self.facts, self.path, self.memory = name, config, facts, path, memory
        self.is_published = facts["gives"] == "scores"
        self.folds = folds if self.is_published else None
        self.is_made = RESULTS in path.parents
        own = facts["given"].keys() - {"reader", "path", "partial", "utterances"}
        self.variant = {key: facts["given"][key] for key in sorted(own)}
        self.variant |= {"folds": self.folds} if self.folds else {}
        folder = f"{name}-published" if self.is_published else name
        self.folder = f"{folder}-{provenance.digest(self.variant)[:8]}" if self.variant else folder
        """The folder of its tables, which all studies share that read it in the same way."""
        self.contents_of_shards = cache(self._contents_of_shards)
        """See :meth:`_contents_of_shards`; asked for by each job of a shard."""

    @property
    def source(self) -> list[str]:
        """What Snakemake should see as the source: the mark of a corpus that is made, or what is missing.

        Labels that exist are no input. Their content is part of the recipe instead (:meth:`contents`),
        so that a corpus may be moved.
        """
        if self.is_made:
            return [f"{self.path}.sha256"]
        return [] if self.path.exists() else [str(self.path)]

    @property
    def results(self) -> dict[str, str]:
        """The paths of the tables and of the picture that show what it holds."""
        files = ("summary.parquet", "reasons.parquet", "counts.parquet", "corpus.png")
        return {Path(file).stem: f"{RESULTS}/corpora/{self.folder}/{file}" for file in files}

    @property
    def recordings(self) -> list[str]:
        """The path of its recordings, none where it has no audio."""
        return [] if self.is_published else [f"{RESULTS}/corpora/{self.folder}/recordings.parquet"]

    @cached_property
    def reader(self) -> Any:
        """The reader, with its parameters."""
        return parts.load(self.facts["path"])(**self.facts["parameters"])

    @cached_property
    def root(self) -> str:
        """The folder that the paths of its recordings are relative to."""
        return str(self.reader.root(self.path))

    @cached_property
    def listed(self) -> Listed:
        """Its utterances, read from the labels alone, or from what is kept of these.

        Raises:
            InputError: with all that is wrong with the labels
        """
        from emofuse.corpora import base

        recipe = {"reader": self.facts["path"], "parameters": self.facts["parameters"]}
        recipe["emotions"] = self.config["emotions"]
        _, listed = base.listed_by(recipe, self.path, self.config["partial"], self.kept)
        if listed.problems:
            raise InputError(listed.problems)
        return listed

    @cached_property
    def labels(self) -> pd.DataFrame:
        """The `utterances` table, as far as it is known before any audio is opened."""
        from emofuse.corpora import base

        return base.utterances_of(self.listed, self.name)

    @cached_property
    def contents(self) -> dict[str, Any]:
        """What the labels say: a digest per table that is made of them, and how many utterances and turns there are.

        Read anew only where a label file has changed; empty for a corpus that is missing or made by the workflow.

        Raises:
            InputError: with all that is wrong with the labels
        """
        if self.is_made or not self.path.exists():
            return {}
        if not self._state:
            return self._read_contents()
        return self.memory.recall(f"corpus-{self.folder}", self._state, self._read_contents)

    @cached_property
    def _state(self) -> list[Any]:
        """What its labels are read from and by; empty where nothing can be kept of them."""
        files = [] if self.is_made else self.reader.watched(self.path)
        if not files:  # a reader that does not say what it reads
            return []
        digest = provenance.code_digest(SCRIPTS / "utterances.py", self.facts["path"])
        beside = sorted(place.name for place in self.path.iterdir()) if self.path.is_dir() else []
        return [str(self.path), beside, code.state(files), self.variant, self.config["partial"], digest]

    @cached_property
    def kept(self) -> str:
        """The file of what was read of its labels as they are now, which jobs read instead of these; empty for none."""
        if not self._state:
            return ""
        return str(self.memory.folder / "labels" / self.folder / f"{provenance.digest(self._state)}.parquet")

    def _read_contents(self) -> dict[str, Any]:
        from emofuse.corpora import base

        if self.kept:
            for earlier in Path(self.kept).parent.glob("*.parquet"):
                earlier.unlink()
            base.keep(self.listed, self.kept)
        listed = self.listed.utterances
        tables_of = {
            "recordings": self._listed_recordings,
            "utterances": self.labels,
            "references": listed[["utterance", "reference"]],
            "counts": base.counts(self.listed.labelled, self.listed.published),
            "labelled": self.listed.labelled[["utterance"]],
        }
        without_reference = listed.loc[listed["reference"].isna(), "utterance"]
        return {name: provenance.table_digest(table) for name, table in tables_of.items()} | {
            "published": provenance.file_digest(self.reader.watched(self.path)) if self.is_published else None,
            "count": len(listed),
            "turns": int(self.labels[["dialog", "turn_start"]].notna().all(axis=1).sum()),
            "without_reference": [len(without_reference), without_reference.head(3).tolist()],
        }

    @cached_property
    def _listed_recordings(self) -> pd.DataFrame:
        """Where the labels say that each utterance is heard, and how large that file is, in bytes."""
        import pandas as pd

        listed, root = self.listed.utterances, Path(self.root)
        # Other audio under the same names is most often of another size.
        sizes = [
            _size(root / (path or "")) for path in listed["path"].astype(object).where(listed["path"].notna(), None)
        ]
        return listed[["utterance", "path", "start", "end"]].assign(bytes=pd.array(sizes, dtype="Int64"))

    def _contents_of_shards(self, shards: int) -> dict[str, str | None]:
        """What the labels say of the recordings of each shard.

        Args:
            shards: how many shards there are

        Returns:
            a digest per shard that has an utterance, by its number; of a corpus that is missing or made by the
            workflow, ``None`` for each shard

        Raises:
            InputError: with all that is wrong with the labels
        """
        if not self.contents:
            return {str(shard): None for shard in range(shards)}

        def compute() -> dict[str, str]:
            recordings = self._listed_recordings
            numbers = shard_numbers(recordings["utterance"], shards)
            return {str(shard): provenance.table_digest(rows) for shard, rows in recordings.groupby(numbers)}

        key = [self.contents["recordings"], shards]
        return self.memory.recall(f"shards-{self.folder}-{shards}", key, compute)

    @property
    def utterances(self) -> int:
        """How many utterances there are, about how many where the workflow makes the corpus."""
        return self.config["utterances"] or self.contents.get("count", 1)


def _size(file: Path) -> int | None:
    """The size of a file in bytes; ``None`` where there is none."""
    with suppress(OSError, ValueError):  # such as a name with a zero byte
        status = file.stat()
        return status.st_size if stat.S_ISREG(status.st_mode) else None
    return None

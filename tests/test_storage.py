"""Embeddings lie in safetensors files that know their utterances, and are put together a shard at a time."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from emofuse import storage
from emofuse.tables import InputError


@pytest.fixture
def embeddings():
    return np.random.default_rng(0).normal(size=(7, 3, 5)).astype(np.float32)


NAMES = [f"ü{number}" for number in range(7)]


def write_shards(embeddings, folder, size=3):
    paths = []
    for start in range(0, len(NAMES), size):
        paths.append(folder / f"{start}.safetensors")
        storage.write(embeddings[start : start + size], NAMES[start : start + size], paths[-1])
    return paths


def test_what_is_written_is_read(embeddings, tmp_path):
    path = tmp_path / "a.safetensors"
    storage.write(embeddings, NAMES, path)
    assert storage.names(path) == NAMES
    assert storage.layers(path) == 3
    np.testing.assert_array_equal(storage.read(path), embeddings)
    np.testing.assert_array_equal(storage.read_layer([path], 1, [NAMES[4], NAMES[2]]), embeddings[[4, 2], 1])


def test_one_layer_of_two_corpora(embeddings, tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    storage.write(embeddings[:3], NAMES[:3], first)
    storage.write(embeddings[3:], NAMES[3:], second)
    np.testing.assert_array_equal(storage.read_layer([first, second], 2, NAMES), embeddings[:, 2])
    with pytest.raises(InputError, match="no embeddings of utterance x"):
        storage.read_layer([first, second], 2, ["x"])


@pytest.mark.parametrize("size", [1, 3, 7])
def test_shards_together_are_what_was_never_divided(embeddings, tmp_path, size):
    storage.merge(write_shards(embeddings, tmp_path, size), NAMES, tmp_path / "all.safetensors")
    assert storage.names(tmp_path / "all.safetensors") == NAMES
    np.testing.assert_array_equal(load_file(tmp_path / "all.safetensors")[storage.NAME], embeddings)
    again = tmp_path / "again.safetensors"
    storage.merge(write_shards(embeddings, tmp_path, size), NAMES, again)
    assert again.read_bytes() == (tmp_path / "all.safetensors").read_bytes()


def test_utterances_of_all_shards_are_put_in_the_order_wanted(embeddings, tmp_path):
    order = [3, 0, 6, 5, 1, 4, 2]
    merged = tmp_path / "all.safetensors"
    storage.merge(write_shards(embeddings, tmp_path), [NAMES[row] for row in order], merged)
    assert storage.names(merged) == [NAMES[row] for row in order]
    np.testing.assert_array_equal(storage.read(merged), embeddings[order])


def test_an_empty_shard_is_no_harm(embeddings, tmp_path):
    shards = write_shards(embeddings, tmp_path)
    storage.write(embeddings[:0], [], tmp_path / "empty.safetensors")
    storage.merge([*shards, tmp_path / "empty.safetensors"], NAMES, tmp_path / "all.safetensors")
    np.testing.assert_array_equal(storage.read(tmp_path / "all.safetensors"), embeddings)


def test_all_that_is_missing_or_too_much_is_named(embeddings, tmp_path):
    shards = write_shards(embeddings, tmp_path)
    with pytest.raises(InputError) as error:
        storage.merge(shards[1:], [*NAMES[1:], "new"], tmp_path / "all.safetensors")
    assert [problem.split(": ")[1] for problem in error.value.problems] == [
        "utterance new is in no shard",
        "utterance ü1 is in no shard",
        "utterance ü2 is in no shard",
    ]
    with pytest.raises(InputError, match="utterance ü0 is not expected"):
        storage.merge(shards, NAMES[1:], tmp_path / "all.safetensors")
    with pytest.raises(InputError, match="utterance ü6 is in the shards 2 times; should be once"):
        storage.merge([*shards, shards[-1]], NAMES, tmp_path / "all.safetensors")
    assert not (tmp_path / "all.safetensors").exists()


def test_shards_of_two_encoders_do_not_mix(embeddings, tmp_path):
    shards = write_shards(embeddings, tmp_path)
    storage.write(embeddings[:3, :2], NAMES[:3], shards[0])
    with pytest.raises(InputError, match=r"0\.safetensors: has 2 layers of 5"):
        storage.merge(shards, NAMES, tmp_path / "all.safetensors")


def test_other_files_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"no\.safetensors: no such file"):
        storage.names(tmp_path / "no.safetensors")
    (tmp_path / "text.safetensors").write_text("no numbers here")
    with pytest.raises(InputError, match=r"text\.safetensors: is not safetensors"):
        storage.names(tmp_path / "text.safetensors")
    save_file({"weights": np.zeros(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(InputError, match=r"weights\.safetensors: holds no embeddings"):
        storage.read(tmp_path / "weights.safetensors")

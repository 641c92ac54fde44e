"""A config that YAML cannot read is refused with its file and its line."""

import pytest

from emofuse import written
from emofuse.tables import InputError

MAPPING = "should be keys and their values, as in `study: mine`"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"study: a\nb: caf\xe9\n", "line 2: byte 0xe9 is no UTF-8; should be saved as UTF-8"),
        (
            b"study: s\nmethods:\n\tmean: 1\n",
            "line 3, column 1: is not YAML (while scanning for the next token, found ",
        ),
        (b"study: s\nmethods: {a: 1\nb: 2\n", "line 3, column 2: is not YAML (while parsing a flow mapping, did not "),
        (b'study: "s\n', "line 2, column 1: is not YAML (while scanning a quoted scalar, found unexpected end of"),
        (b"study: a\0b\n", "is not YAML (unacceptable character #x0000"),
        (
            b"study: !!python/object:os.system x\n",
            "line 1, column 8: is not YAML (could not determine a constructor for",
        ),
        (b"? [a, b]\n: 1\n", "line 1, column 3: is not YAML (while constructing a mapping, found unhashable key)"),
        (b"study: 2001-99-99\n", "is not YAML (month must be in 1..12)"),
        (b"study: &a [*a]\n", "is not YAML (Circular reference detected)"),
        (b"", MAPPING),
        (b"- study\n", MAPPING),
        (b"a: 1\nm:\n  x: {}\n  x: {}\na: 2\n", "line 4: x stands already in line 3; should stand once"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path, content, said):
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        written.read(file)
    assert f"{file}: {said}" in "\n".join(caught.value.problems)


def test_a_file_that_is_missing_is_named(tmp_path):
    for place in ("absent.yaml", "."):
        with pytest.raises(InputError, match="cannot be read"):
            written.read(tmp_path / place)


def test_an_alias_and_a_mark_of_the_encoding_are_read(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfx: &y {a: 1}\nz: *y\n")
    assert written.read(tmp_path / "a.yaml") == {"x": {"a": 1}, "z": {"a": 1}}

"""A file is there as a whole or not at all."""

import os

import pytest

from tasks.whole_files import written_whole


def test_what_was_written_is_there_and_nothing_beside_it(tmp_path):
    path = tmp_path / "deep" / "note.json"
    for content in (b"first", b"second"):
        with written_whole(path, durable=True) as stream:
            stream.write(content)
            assert not path.exists() or path.read_bytes() == b"first"
        assert path.read_bytes() == content
    assert os.listdir(path.parent) == ["note.json"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "note"
    path.write_bytes(b"before")

    def fail():
        with written_whole(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["note"]


def test_a_file_may_have_the_longest_name_that_there_is(tmp_path):
    path = tmp_path / ("n" * 255)
    with written_whole(path) as stream:
        stream.write(b"content")
    assert path.read_bytes() == b"content"


def test_others_read_it_as_they_read_any_file(tmp_path):
    (tmp_path / "any").write_bytes(b"")
    with written_whole(tmp_path / "this") as stream:
        stream.write(b"")
    assert (tmp_path / "this").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_two_who_write_at_once_leave_the_file_of_one(tmp_path):
    path = tmp_path / "note"
    with written_whole(path) as one, written_whole(path) as other:
        one.write(b"one")
        other.write(b"other")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["note"]

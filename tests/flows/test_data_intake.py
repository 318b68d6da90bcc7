"""``parley data intake``: what it prints, and what it leaves alone."""

from tests.tasks.dataset.conftest import write_photo


def test_nothing_to_take_is_said(parley):
    code, out, _ = parley("data", "intake")
    assert code == 0
    assert "took 0 images into the pool, refused 0, 0 were there already, 0 wait" in out


def test_images_for_a_dataset_without_versions_stay_where_they_are(parley, refused, tmp_path):
    parley("data", "intake")  # makes the store
    write_photo(tmp_path / "home" / "store" / "intake" / "a.png", 1)
    write_photo(tmp_path / "data" / "train" / "cat" / "a.png", 2)
    refused("data", "intake", message="beside the data")


def test_without_a_repository_no_review_is_filed(parley):
    code, out, _ = parley("data", "reviews")
    assert (code, out) == (0, "no review to file\n")

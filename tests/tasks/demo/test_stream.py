from tasks.demo.stream import RandomStream

EXPECTED_INTEGERS = [914, 574, 464, 669, 150]
EXPECTED_OCTETS = [[75, 200, 218, 35], [5, 207, 66, 81]]


def test_the_sequence_is_the_one_that_pcg64_has_always_given():
    stream = RandomStream(0, 1, 2)
    assert [stream.integer(0, 999) for _ in range(5)] == EXPECTED_INTEGERS
    assert stream.octets(2, 4).tolist() == EXPECTED_OCTETS


def test_streams_of_different_keys_differ_and_of_one_key_agree():
    draws = [[RandomStream(*key).unit() for _ in range(3)] for key in ((0, 1), (0, 2), (0, 1))]
    assert draws[0] == draws[2] != draws[1]


def test_shuffling_keeps_every_item():
    items = list(range(50))
    mixed = RandomStream(3).shuffled(items)
    assert sorted(mixed) == items != mixed


def test_draws_stay_within_their_bounds():
    stream = RandomStream(7)
    assert {stream.integer(2, 4) for _ in range(200)} == {2, 3, 4}
    assert all(-1 <= stream.between(-1, 1) < 1 for _ in range(200))

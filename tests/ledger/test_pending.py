"""The queue: the last word on each key, a bound, and nothing lost between taking and settling."""

from __future__ import annotations

import threading

from synrouter_cli.ledger.pending import Batch, Blob, Pending


def test_a_turn_that_starts_and_ends_in_one_batch_is_one_write(make_turn):
    pending = Pending()
    pending.add_turn(make_turn(status="started"))
    pending.add_turn(make_turn(status="ok"))
    batch = pending.take(seconds=0)
    assert [turn.status for turn in batch.turns.values()] == ["ok"]


def test_beyond_the_bound_newcomers_are_dropped_and_counted_but_known_turns_still_end(make_turn):
    pending = Pending(max_turns=2)
    pending.add_turn(make_turn(turn=1, status="started"))
    pending.add_turn(make_turn(turn=2))
    pending.add_turn(make_turn(turn=3))
    pending.add_turn(make_turn(turn=1, status="ok"))
    assert pending.dropped == 1
    batch = pending.take(seconds=0)
    assert {key[1]: turn.status for key, turn in batch.turns.items()} == {1: "ok", 2: "ok"}


def test_a_turn_that_only_began_is_no_loss(make_turn):
    pending = Pending(max_turns=1)
    pending.add_turn(make_turn(turn=1))
    pending.add_turn(make_turn(turn=2, status="started"))
    assert pending.dropped == 0


def test_memory_is_bounded_by_its_bytes_and_a_smaller_value_always_fits():
    pending = Pending(max_memory_bytes=3000)
    pending.add_blob("session", "a", Blob(b"x" * 2000, 1.0))
    pending.add_blob("session", "b", Blob(b"x" * 2000, 2.0))
    pending.add_blob("session", "a", Blob(b"y", 3.0))
    assert pending.dropped == 1
    assert pending.blobs_of("session") == {"a": Blob(b"y", 3.0)}


def test_what_is_given_back_waits_again_and_a_later_word_wins(make_turn):
    pending = Pending()
    pending.add_turn(make_turn(turn=1, status="started"))
    pending.add_turn(make_turn(turn=2))
    pending.add_blob("k", "a", Blob(b"1", 1.0))
    pending.take(seconds=0)
    pending.add_turn(make_turn(turn=1, status="ok"))
    pending.add_blob("k", "a", Blob(b"2", 2.0))
    pending.give_back()
    batch = pending.take(seconds=0)
    assert [(key[1], turn.status) for key, turn in batch.turns.items()] == [(1, "ok"), (2, "ok")]
    assert batch.memory == {("k", "a"): Blob(b"2", 2.0)}


def test_what_is_in_hand_still_counts_as_queued(make_turn):
    pending = Pending()
    pending.add_turn(make_turn(turn=4))
    pending.add_blob("k", "a", Blob(b"1", 1.0))
    pending.take(seconds=0)
    pending.add_turn(make_turn(turn=5))
    assert len(pending) == 3
    assert sorted(pending.turns_of("s1")) == [4, 5]
    assert pending.turns_of("s2") == []
    assert pending.blobs_of("k") == {"a": Blob(b"1", 1.0)}
    pending.settle()
    assert pending.turns_of("s1") == [5]


def test_waiting_ends_when_what_was_added_before_is_settled_not_what_came_later(make_turn):
    pending = Pending()
    pending.add_turn(make_turn(turn=1))
    pending.take(seconds=0)
    pending.add_turn(make_turn(turn=2))
    pending.settle()
    assert not pending.wait_settled(0)
    pending.take(seconds=0)
    pending.settle()
    assert pending.wait_settled(0)


def test_closing_ends_a_wait_for_work_with_nothing_and_refuses_what_comes_later(make_turn):
    pending = Pending()
    taken: list[Batch] = []
    thread = threading.Thread(target=lambda: taken.append(pending.take(seconds=60)))
    thread.start()
    pending.close()
    thread.join(10)
    pending.add_turn(make_turn())
    assert len(taken) == 1
    assert not taken[0]
    assert pending.dropped == 1


def test_halving_a_batch_ends_at_single_entries_that_are_together_the_whole(make_turn):
    whole = Batch({("s1", n): make_turn(turn=n) for n in range(5)}, {("k", str(n)): Blob(b"", 0.0) for n in range(3)})

    def singles(batch: Batch) -> list[Batch]:
        return [batch] if len(batch) == 1 else [one for half in batch.halves() for one in singles(half)]

    parts = singles(whole)
    assert [len(part) for part in parts] == [1] * 8
    assert {key for part in parts for key in (*part.turns, *part.memory)} == {*whole.turns, *whole.memory}

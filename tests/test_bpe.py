"""Byte-pair encoding."""

import re

from hypothesis import given
from hypothesis import strategies as st

from aicomp.models.bpe import END, PAD, SPECIAL, START, UNKNOWN, BytePairs

WORDS = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3
"""The example of Sennrich, Haddow, Birch 2016, section 3.2."""


def test_the_commonest_pairs_become_pieces() -> None:
    n_characters = len(set(" lowernwstid"))
    pieces = BytePairs.fit(WORDS, len(SPECIAL) + n_characters + 2).pieces
    assert pieces[-2:] == ["es", "est"]  # as in the paper: e and s are neighbours nine times, and so are es and t
    more = BytePairs.fit(WORDS, 100)
    assert {" low", " newest", "est"} <= set(more.pieces)
    assert [more.pieces[i] for i in more.encode("lowest")] == [" low", "est"]


def test_what_is_learned_is_the_same_each_time_and_read_back() -> None:
    learned = BytePairs.fit(WORDS, 30)
    assert BytePairs.fit(WORDS, 30).pieces == learned.pieces
    again = BytePairs.of(learned.to_array())
    assert again == learned
    assert again.encode("newer wider") == learned.encode("newer wider")


def test_unknown_characters_and_special_pieces_say_nothing() -> None:
    learned = BytePairs.fit(WORDS, 30)
    assert UNKNOWN in learned.encode("löw")
    assert learned.decode([START, *learned.encode("low"), UNKNOWN, END, PAD]) == "low"
    assert learned.encode("") == learned.encode("  ") == []


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])), min_size=1))
def test_texts_come_back_but_for_blanks(texts: list[str]) -> None:
    learned = BytePairs.fit(texts * 2, 200)  # twice, so that each character is known
    for text in texts:
        assert learned.decode(learned.encode(text)) == re.sub(r"[^\S\n]+", " ", text).strip()

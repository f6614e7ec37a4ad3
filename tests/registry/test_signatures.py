"""Signatures as they are spelled."""

from registry.signatures import MAX_SPELLING, canonical_signature


def test_the_spellings_of_a_signature_lead_to_the_same():
    assert {canonical_signature(text) for text in ("【ＡＢ银行】", " AB银行 ", "【 AB银行 】", "AB银行")} == {"AB银行"}


def test_a_text_that_is_too_long_is_no_listings_and_costs_nothing():
    """Marks to be put in order: their normalization takes time with the square of their number."""
    hostile = "A" + "\u0316\u0300" * 1_000_000
    assert canonical_signature(hostile) == hostile[:MAX_SPELLING]

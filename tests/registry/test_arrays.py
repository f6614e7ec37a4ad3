"""Arrays as PostgreSQL reads them."""

import uuid

from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from registry.arrays import bytes_array, plain_array


def read_back(text: str, kind: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [text])
        return [bytes(value) if isinstance(value, memoryview) else value for value in cursor.fetchone()[0]]


class TestArrays(TestCase):
    @given(st.lists(st.binary(max_size=40)))
    def test_bytes_come_back(self, values):
        assert read_back(bytes_array(values), "bytea") == values

    @given(st.lists(st.uuids() | st.none()))
    def test_uuids_come_back(self, values):
        assert read_back(plain_array(values), "uuid") == values

    @given(st.lists(st.integers(-(2**63), 2**63 - 1)))
    def test_numbers_come_back(self, values):
        assert read_back(plain_array(values), "bigint") == values

    def test_words_come_back(self):
        words = ["a", "-", "_x-9", uuid.uuid4().hex]
        assert read_back(plain_array(words), "text") == words

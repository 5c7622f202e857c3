"""Arguments of a tool in a query string: every way people and programs write them (docs/clients.md, docs/operating.md)."""

import urllib.parse

import pytest

from fake_connector import text_result
from rest_answers import stream, error_of
from rest_lab import RestLab


@pytest.fixture(scope="module")
def lab(start_module):
    return RestLab(start_module)


LISTS = {
    "python literal": "?list=['id1', 'id2']",
    "python literal, double quotes": "?list=[\"id1\", 'id2']",
    "json": '?list=["id1","id2"]',
    "commas": "?list=id1,id2",
    "repeated": "?list=id1&list=id2",
    "encoded": "?list=" + urllib.parse.quote("['id1', 'id2']"),
    "plus for space": "?list=['id1',+'id2']",
    "encoded brackets": "?list=%5B%27id1%27%2C%20%27id2%27%5D",
}


@pytest.mark.parametrize("query", LISTS.values(), ids=LISTS.keys())
def test_every_way_to_write_a_list_is_read(lab, query):
    # docs/clients.md, docs/operating.md: repeated keys, a,b, or a JSON or Python list literal; httpx and curl encode differently
    assert lab.arguments(query) == {"list": ["id1", "id2"]}


VALUES = {
    "?text=a b": {"text": "a b"},
    "?text=a%26b%3Dc": {"text": "a&b=c"},
    "?text=5": {"text": "5"},
    "?text=%C3%A9": {"text": "é"},
    "?text=it's": {"text": "it's"},
    "?text=": {"text": ""},
    "?n=5": {"n": 5},
    "?n=-7": {"n": -7},
    "?x=1.5": {"x": 1.5},
    "?x=2": {"x": 2},
    "?x=1e3": {"x": 1000},
    "?flag=true": {"flag": True},
    "?flag=False": {"flag": False},
    "?numbers=1,2": {"numbers": [1, 2]},
    "?numbers=[1, 2]": {"numbers": [1, 2]},
    "?numbers=5": {"numbers": [5]},
    "?list=one": {"list": ["one"]},
    "?list=['it\\'s', \"a,b\"]": {"list": ["it's", "a,b"]},
    "?choice=a": {"choice": "a"},
    "?text=None": None,
    "?n=None": {},
    "?list=[]": None,
    "?list=None": {},
    "?n=": {},
    "?text=a&n=1&flag=True": {"text": "a", "n": 1, "flag": True},
    "": {},
    "?": {},
    "?&&": {},
}


@pytest.mark.parametrize("query,expected", [(k, v) for k, v in VALUES.items() if v is not None])
def test_values_are_typed_by_the_tools_schema(lab, query, expected):
    got = lab.arguments(query)

    assert got == expected and {k: type(v) for k, v in got.items() if k == "flag"} == {
        k: bool for k in expected if k == "flag"
    }


def test_an_empty_python_list_counts_as_absent(lab):
    assert lab.arguments("?list=[]") in ({}, {"list": []})


NOT_FOR_A_QUERY = {
    "?list=['a'": "list",
    "?list=['a', ['b']]": "list",
    "?list=[{'a': 1}]": "list",
    "?list=['a' 'b']": "list",
    "?list=[__import__('os')]": "list",
    "?list=" + "[" * 500: "list",
    "?shape={}": "shape",
    "?shape=x": "shape",
}


@pytest.mark.parametrize("query,argument", NOT_FOR_A_QUERY.items(), ids=[q[:40] for q in NOT_FOR_A_QUERY])
def test_what_a_query_cannot_hold_is_400_and_says_post(lab, query, argument):
    # docs/clients.md, docs/operating.md: anything else is 400 and says POST
    gateway = lab.script(lambda r: text_result("x"))

    error_of(stream(gateway, "lab_typed", query), 400, argument, "POST")
    assert lab.fake.calls() == []


WRONG = {
    "?n=five": "n",
    "?n=1.5": "n",
    "?n=99999999999999999999": "n",
    "?x=abc": "x",
    "?x=nan": "x",
    "?flag=yes please": "flag",
    "?numbers=1,two": "numbers",
    "?unknown=1": "unknown",
    "?text=a&text=b": "text",
    "?n=1&n=2": "n",
    "?text=%zz": "%",
    "?text=%ff": "text",
    "?text=%00": "NUL",
}


@pytest.mark.parametrize("query,named", WRONG.items(), ids=WRONG.keys())
def test_a_wrong_value_in_the_query_is_400_and_named(lab, query, named):
    gateway = lab.script(lambda r: text_result("x"))

    error_of(stream(gateway, "lab_typed", query), 400, named)
    assert lab.fake.calls() == []

"""Bad arguments, made from the tool table: each is refused by a sentence that names it, and nothing is written."""

import json

import pytest

from crm_world import Door, contents
from harness import rpc_body
from test_crm_tenants import ids_of, valid_call

WRONG = {  # by JSON type of the argument: values of other types
    "string": [7, True, [], {}, [["x"]]],
    "integer": ["many", 1.5, True, [], {}, 10**30],
    "number": ["many", True, [], {}],
    "boolean": ["yes", 2, [], {}],
    "array": ["not-a-list-of-the-right-kind", 7, {}, True, [7], [None, {}]],
    "object": ["text", 7, True, [1]],
}


@pytest.fixture(scope="module", params=["gateway", "connector"])
def door(request, stack):
    return Door(stack.crm, stack if request.param == "gateway" else None)


@pytest.fixture(scope="module")
def ids(door):
    return ids_of(door, "demo")


def refused(door, tool, arguments):
    """The sentence by which arguments are refused: a result in the legacy era, -32602 or a result in the modern one."""
    return door.refusal(tool, arguments)


def test_every_argument_of_a_wrong_type_is_named(door, ids):
    before = contents(door.crm)
    tried = 0

    for name, tool in door.tools.items():
        for argument, schema in tool["inputSchema"]["properties"].items():
            for value in WRONG[schema["type"]]:
                sentence = refused(door, name, valid_call(tool, ids) | {argument: value})
                assert argument in sentence, (name, argument, value, sentence)
                tried += 1

    assert tried > 120
    assert contents(door.crm) == before


def test_every_missing_argument_is_named(door, ids):
    for name, tool in door.tools.items():
        for argument in tool["inputSchema"].get("required", []):
            for absent in ({}, {argument: None}):
                arguments = valid_call(tool, ids)
                del arguments[argument]
                assert argument in refused(door, name, arguments | absent), (name, argument)


def test_an_unknown_argument_is_named_with_those_there_are(door, ids):
    for name, tool in door.tools.items():
        sentence = refused(door, name, valid_call(tool, ids) | {"colour": "red"})
        assert "colour" in sentence
        assert all(argument in sentence for argument in tool["inputSchema"]["properties"]), sentence


def test_every_choice_is_told_when_another_was_made(door, ids):
    for name, tool in door.tools.items():
        for argument, schema in tool["inputSchema"]["properties"].items():
            for value in (["Month", "", "quarterly", "month "] if "enum" in schema else []):
                sentence = refused(door, name, valid_call(tool, ids) | {argument: value})
                assert argument in sentence and all(choice in sentence for choice in schema["enum"]), sentence


def test_numbers_and_lists_keep_within_their_bounds(door, ids):
    for name, tool in door.tools.items():
        for argument, schema in tool["inputSchema"]["properties"].items():
            values = [schema[key] + step for key, step in (("minimum", -1), ("maximum", 1)) if key in schema and schema["type"] == "integer"]
            if "maxItems" in schema:
                values.append([f"id {n}" for n in range(schema["maxItems"] + 1)])
            if schema.get("minItems", 0) > 0:
                values.append(["x"] * (schema["minItems"] - 1))
            if "maxLength" in schema:
                values.append("x" * (schema["maxLength"] + 1))
            for value in values:
                assert argument in refused(door, name, valid_call(tool, ids) | {argument: value}), (name, argument, value)


@pytest.mark.parametrize("date", ["2026-02-30", "2026-13-01", "20260101", "2026-1-1", "yesterday", "2026-01-01T00:00:00", "", "0000-00-00", "2026-01-01; --"])
def test_a_day_that_is_none_is_refused(door, ids, date):
    for name in ("get_agent_conversion_stats", "compare_agents", "analyze_agent_messages"):
        for argument in ("start_date", "end_date"):
            assert argument in refused(door, name, valid_call(door.tools[name], ids) | {argument: date})


def test_a_period_that_ends_before_it_begins_is_refused(door, ids):
    for name in ("get_agent_conversion_stats", "compare_agents", "analyze_agent_messages"):
        backwards = {"start_date": "2026-02-02", "end_date": "2026-02-01"}
        sentence = refused(door, name, valid_call(door.tools[name], ids) | backwards)
        assert "end_date 2026-02-01 is before start_date 2026-02-02" in sentence


def test_an_agent_is_not_compared_with_themselves(door, ids):
    twice = [ids["agent_id"][0]] * 2
    assert "agent_ids" in (sentence := refused(door, "compare_agents", {"agent_ids": twice})) and "twice" in sentence


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_what_is_no_text_is_refused(door, ids, text):
    """NUL would end a C string early; a lone surrogate is no character."""
    arguments = {"contact_id": ids["contact_id"][0], "status": "qualified", "reason": text}
    before = contents(door.crm)

    answer = door.rpc("tools/call", {"name": door.prefix + "qualify_lead", "arguments": arguments})
    body = json.loads(rpc_body(answer))

    assert "error" in body or body["result"]["isError"] is True
    assert contents(door.crm) == before


@pytest.mark.parametrize("id", ["' OR '1'='1", "%", "nobody", " ", "x" * 200, "é", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_names_nothing_is_quoted_with_where_to_find_ids(door, id):
    assert f'No agent "{id}"' in (sentence := refused(door, "analyze_agent_messages", {"agent_id": id})) and "list_agents" in sentence
    assert "find_contacts" in refused(door, "qualify_lead", {"contact_id": id, "status": "qualified"})


def test_null_counts_as_absent_for_every_optional_argument(door, ids):
    """The adapter of CrewAI sends them all."""
    for name, tool in door.tools.items():
        if not tool["annotations"]["readOnlyHint"]:
            continue
        arguments = valid_call(tool, ids)
        optional = {argument: None for argument in tool["inputSchema"]["properties"] if argument not in arguments}
        assert door.call(name, arguments | optional)


def test_the_modern_era_is_told_the_same(door, ids):
    legacy = door.refusal("get_leads_count", {"period": "decade"})
    answer = door.rpc("tools/call", {"name": door.prefix + "get_leads_count", "arguments": {"period": "decade"}}, era="modern")
    body = json.loads(rpc_body(answer))

    # MCP 2026-07-28 server/tools "Error Handling": input errors are tool results.
    assert answer.status_code == 200 and body["result"]["isError"] is True
    assert body["result"]["content"][0]["text"] == legacy

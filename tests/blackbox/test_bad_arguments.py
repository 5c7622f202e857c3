"""Arguments a tool cannot take: each is named, in words a model can act on."""

import json

import pytest

from harness import bearer, rpc_body


@pytest.fixture(autouse=True)
def still_alive(stack):
    yield
    assert stack.alive() and stack.crm.alive()


WRONG = [
    ("crm_get_leads_count", {}, "period"),
    ("crm_get_leads_count", {"period": None}, "period"),
    ("crm_get_leads_count", {"period": 5}, "period"),
    ("crm_get_leads_count", {"period": ["today"]}, "period"),
    ("crm_get_leads_count", {"period": {"is": "today"}}, "period"),
    ("crm_get_leads_count", {"period": "decade"}, "period"),
    ("crm_get_leads_count", {"period": ""}, "period"),
    ("crm_get_leads_count", {"period": "today", "status": "both"}, "status"),
    ("crm_get_leads_count", {"period": "today", "perod": "x"}, "perod"),
    ("crm_get_agent_conversion_stats", {"start_date": "yesterday"}, "start_date"),
    ("crm_get_agent_conversion_stats", {"start_date": "2026-02-30"}, "start_date"),
    ("crm_get_agent_conversion_stats", {"end_date": 20260101}, "end_date"),
    ("crm_get_agent_conversion_stats", {"agent_ids": "a"}, "agent_ids"),
    ("crm_get_agent_conversion_stats", {"agent_ids": ["a", 5]}, "agent_ids"),
    ("crm_compare_agents", {"agent_ids": [None, "only one"]}, "agent_ids"),
    ("crm_compare_agents", {"agent_ids": ["only one"]}, "agent_ids"),
    ("crm_compare_agents", {"agent_ids": ["1", "2", "3", "4", "5", "6"]}, "agent_ids"),
    ("crm_compare_agents", {}, "agent_ids"),
    ("crm_analyze_agent_messages", {"agent_id": "x", "sample_size": "many"}, "sample_size"),
    ("crm_analyze_agent_messages", {"agent_id": "x", "sample_size": 1.5}, "sample_size"),
    ("crm_analyze_agent_messages", {"agent_id": "x", "sample_size": -1}, "sample_size"),
    ("crm_analyze_agent_messages", {"agent_id": "x", "sample_size": 10**30}, "sample_size"),
    ("crm_qualify_lead", {"status": "qualified"}, "contact_id"),
    ("crm_qualify_lead", {"contact_id": "x"}, "status"),
    ("crm_qualify_lead", {"contact_id": True, "status": "qualified"}, "contact_id"),
    ("crm_qualify_lead", {"contact_id": "x", "status": "qualified", "bant_scores": {"budget": 11}}, "budget"),
    ("crm_qualify_lead", {"contact_id": "x", "status": "qualified", "bant_scores": {"budget": "high"}}, "budget"),
    ("crm_qualify_lead", {"contact_id": "x", "status": "qualified", "bant_scores": {"luck": 1}}, "luck"),
    ("crm_qualify_lead", {"contact_id": "x", "status": "qualified", "bant_scores": "10"}, "bant_scores"),
    ("crm_assign_to_agent", {"contact_id": "x", "agent_id": "y", "priority": "urgent"}, "priority"),
    ("crm_find_contacts", {"limit": 0}, "limit"),
    ("crm_find_contacts", {"query": "a\x00b"}, "query"),
    ("crm_qualify_lead", {"contact_id": "a\x00b", "status": "qualified"}, "contact_id"),
]


@pytest.mark.parametrize("name,arguments,argument", WRONG, ids=[f"{n[4:]} {str(a)[:50]}" for n, a, _ in WRONG])
def test_a_wrong_argument_is_refused_by_name(stack, name, arguments, argument):
    # MCP server/tools "Error Handling": input errors are tool results; docs/architecture.md "Failures, deadlines, repeats": the text names what to mend.
    result = stack.call(name, arguments)

    assert result["isError"] is True
    assert argument in result["content"][0]["text"]


@pytest.mark.parametrize("name,arguments,argument", WRONG[:6])
def test_a_wrong_argument_is_400_over_rest(stack, name, arguments, argument):
    answer = stack.rest(name, arguments)

    assert answer.status_code == 400
    assert argument in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "name,arguments",
    [
        ("crm_get_leads_count", {"period": "all", "status": None}),
        ("crm_get_agent_conversion_stats", {"start_date": None, "end_date": None, "agent_ids": None}),
        ("crm_get_agent_conversion_stats", {"agent_ids": []}),
        ("crm_find_contacts", {"query": None, "limit": None, "status": None, "agent_id": None}),
    ],
)
def test_null_for_an_optional_argument_counts_as_absent(stack, name, arguments):
    # docs/architecture.md "Failures, deadlines, repeats": CrewAI sends every unset optional argument as null.
    assert not stack.call(name, arguments).get("isError")


def test_nulls_inside_an_argument_count_as_absent_too(stack):
    contact = stack.call("crm_find_contacts", {"limit": 1})["structuredContent"]["contacts"][0]
    scores = {"budget": 5, "authority": None, "need": None, "timeline": None}
    result = stack.call(
        "crm_qualify_lead",
        {"contact_id": contact["contact_id"], "status": "qualified", "reason": None, "bant_scores": scores},
    )

    assert not result.get("isError"), result


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "crm_list_agents ",
        "CRM_LIST_AGENTS",
        "crm__list_agents",
        "list_agents",
        "crm_",
        "../crm_list_agents",
        "crm_list_agents\u0000",
        "crm_list_agents\n",
        "x" * 5000,
        "é" * 40,
        "%s%n",
    ],
)
def test_a_name_that_is_not_exactly_a_public_one_is_not_found(stack, name):
    # docs/architecture.md "One call": a hash lookup of the exact name
    answer = stack.rpc("tools/call", {"name": name, "arguments": {}})

    assert answer.status_code == 200
    if "error" in answer.json():  # a NUL is malformed
        assert "\x00" in name and answer.json()["error"]["code"] == -32602
    else:
        assert answer.json()["result"]["isError"] is True
        assert "not found" in answer.json()["result"]["content"][0]["text"]


@pytest.mark.parametrize("name", ["no_such_tool", 'crm_no"such\\tool'])
def test_an_unknown_tool_in_the_modern_era_is_invalid_params(stack, name):
    answer = stack.rpc("tools/call", {"name": name}, "modern")

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32602


def test_an_error_text_stays_valid_utf8_when_a_long_name_is_cut(stack):
    for length in range(18, 24):
        name = "a" * length + "é" * 200
        assert stack.call(name)["isError"] is True


@pytest.mark.parametrize("progress_token", [None, {}, [], True, 1.5])
def test_a_progress_token_is_a_string_or_an_integer(stack, progress_token):
    # MCP basic/utilities/progress
    answer = stack.rpc("tools/call", {"name": "crm_list_agents", "_meta": {"progressToken": progress_token}})

    if progress_token is None:
        assert "result" in json.loads(rpc_body(answer))
    else:
        assert answer.json()["error"]["code"] == -32602


def test_what_callers_write_cannot_break_a_log_line(stack):
    # issue part 3: outside values escaped
    name = 'x"}\n{"message":"forged","level":"info'
    request_id = stack.rpc("tools/call", {"name": name}).headers["x-request-id"]
    stack.http.post("/mcp%0a%22forged?token=1", headers=bearer())

    line = stack.line_of(request_id)
    assert line["tool"] == name
    assert not stack.lines(message="forged")

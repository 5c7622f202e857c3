"""The tools of mcp-qlik through the gateway, on the stand-in of Qlik Cloud: what they answer and whose token goes where."""

import json

import pytest

from qlik_world import ANAS, BROKEN, BRUNOS, CALLS, DEPLOYMENT, MISSING, SALES, Qlik

ERAS = ["legacy", "modern"]


def test_every_tool_is_called_by_the_tests_and_says_what_it_does(qlik):
    assert set(qlik.tools) == {*CALLS, "get_reload"}
    for name, tool in qlik.tools.items():
        assert tool["outputSchema"]["type"] == "object"
        hints = tool["annotations"]
        assert hints["readOnlyHint"] == (name != "reload_app") and hints["openWorldHint"] is True
    assert qlik.tools["reload_app"]["annotations"] | {"title": None} == {"title": None, "readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True}


@pytest.mark.parametrize("tool", CALLS)
def test_a_tool_answers_what_its_schema_promises_and_sends_the_users_token_only(qlik, tool):
    qlik.call(tool, CALLS[tool])

    sent = qlik.cloud.requests()
    assert sent
    for request in sent:
        assert request["headers"]["authorization"] == "Bearer demo-token"
        assert request["headers"].keys() <= {"host", "authorization", "accept", "content-type", "content-length", "user-agent"}
        assert "demo-token" not in request["path"] + str(request["query"]) + request["body"]


@pytest.mark.parametrize("tool", [t for t in CALLS if t != "reload_app"])
def test_nulls_and_empty_lists_for_what_is_optional_count_as_absent(qlik, tool):
    # CrewAI sends and drops them as it likes
    schema = qlik.tools[tool]["inputSchema"]
    optional = {name: None for name in schema["properties"] if name not in CALLS[tool]}
    qlik.call(tool, CALLS[tool] | optional)
    assert not [name for name in schema.get("required", []) if schema["properties"][name].get("minItems", 1) == 0]


def test_a_question_with_an_empty_list_of_apps_is_asked_of_all(qlik):
    assert qlik.call("ask_question", {"text": "sales", "app_ids": []})["answers"][0]["apps"]


# Tokens


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", [*CALLS, "get_reload"])
def test_without_a_token_the_user_is_told_to_connect(qlik, tool, era):
    arguments = CALLS.get(tool, {"reload_id": "x"})
    assert qlik.refusal(tool, arguments, user=None, era=era) == MISSING
    assert qlik.cloud.requests() == []


def test_the_gateway_may_require_the_token_with_the_same_sentence(start):
    strict = Qlik(start, row={"required_headers": {"X-Qlik-Access-Token": MISSING}})
    assert strict.refusal("get_user", user=None) == MISSING
    assert strict.call("get_user")["name"] == "Ana Souza"


@pytest.mark.parametrize("tool", CALLS)
def test_a_token_that_qlik_refuses_means_that_the_user_must_reconnect(qlik, tool):
    text = qlik.refusal(tool, CALLS[tool], user="a-token-of-last-year")
    assert "expired or was revoked" in text and "needs to reconnect" in text
    assert "a-token-of-last-year" not in text
    assert len(qlik.cloud.requests()) == 1, "it is not tried again"


def test_each_user_sees_their_own_apps(qlik):
    def ids(user):
        return {app["app_id"] for app in qlik.call("get_apps", {"limit": 100}, user)["apps"]}

    assert ANAS in ids("demo-token") and BRUNOS not in ids("demo-token")
    assert BRUNOS in ids("other-token") and ANAS not in ids("other-token")
    assert "did not find" in qlik.refusal("get_app", {"app_id": ANAS}, "other-token")


# Lists


def pages(qlik, tool, key, arguments):
    rows, cursor, count = [], None, 0
    while True:
        page = qlik.call(tool, arguments | ({"cursor": cursor} if cursor else {}))
        rows += page[key]
        count += 1
        assert page["count"] == len(page[key]) and page["has_more"] == (page["next_cursor"] is not None)
        cursor = page["next_cursor"]
        if not cursor:
            return rows, count


@pytest.mark.parametrize(
    "tool,key,arguments,id,total",
    [
        ("get_apps", "apps", {"limit": 2}, "app_id", 5),
        ("list_items", "items", {"limit": 2}, "item_id", 6),
        ("list_spaces", "spaces", {"limit": 2}, "space_id", 3),
        ("list_data_files", "files", {"limit": 20, "all_spaces": True}, "file_id", 45),
    ],
)
def test_pages_lead_to_every_row_once(qlik, tool, key, arguments, id, total):
    rows, count = pages(qlik, tool, key, arguments)

    assert len({row[id] for row in rows}) == len(rows) == total
    assert count == -(-total // arguments["limit"])


def test_lists_are_filtered_by_qlik(qlik):
    assert [a["name"] for a in qlik.call("get_apps", {"name": "TICKET"})["apps"]] == ["Support tickets"]
    assert [i["resource_id"] for i in qlik.call("list_items", {"resource_type": "automl-deployment"})["items"]] == [DEPLOYMENT]
    assert [s["space_id"] for s in qlik.call("list_spaces", {"type": "data"})["spaces"]] == ["sp-data"]
    assert {i["name"] for i in qlik.call("list_items", {"space_id": "personal"})["items"]} == {"Ana's draft"}
    assert qlik.call("get_apps", {"name": "nothing is called that"}) == {"apps": [], "count": 0, "has_more": False, "next_cursor": None}


def test_what_a_filter_holds_stays_one_value(qlik):
    qlik.call("get_apps", {"name": "a&resourceType=user#?+%26/ é"})
    (request,) = qlik.cloud.requests()
    assert request["query"]["name"] == "a&resourceType=user#?+%26/ é"
    assert request["query"]["resourceType"] == "app"


def test_an_id_stays_one_path_segment(qlik):
    qlik.refusal("get_app", {"app_id": "../users/me?x=1#"})
    (request,) = qlik.cloud.requests()
    assert request["path"] == "/api/v1/apps/..%2Fusers%2Fme%3Fx%3D1%23"


@pytest.mark.parametrize("id", ["", ".", ".."])
@pytest.mark.parametrize("tool, name", [("get_app", "app_id"), ("get_reload", "reload_id"), ("describe_app_data", "app_id"), ("recommend_analysis", "app_id"), ("predict", "deployment_id")])
def test_what_would_be_another_path_is_no_id(qlik, tool, name, id):
    text = qlik.refusal(tool, (CALLS.get(tool) or {}) | {name: id})
    assert text == f'Argument "{name}" is no id; got "{id}".'
    assert [r["path"] for r in qlik.cloud.requests() if r["path"] != "/api/v1/users/me"] == []  # that one is the probe's


def test_empty_texts_for_what_is_optional_are_not_asked_for(qlik):
    assert qlik.call("list_items", {"space_id": "", "query": ""})["count"] > 0
    assert qlik.call("get_apps", {"cursor": "", "name": ""})["count"] > 0


def test_a_table_that_is_not_there_is_told(qlik):
    assert "No field is in a table of this exact name." in qlik.text("describe_app_data", {"app_id": SALES, "table": "orders"})


def test_a_cursor_of_another_list_is_the_callers_mistake(qlik):
    cursor = qlik.call("get_apps", {"limit": 2})["next_cursor"]
    assert "cursor" in qlik.refusal("get_apps", {"limit": 2, "name": "x", "cursor": cursor})


def test_a_next_page_on_another_host_is_not_followed(qlik, start):
    elsewhere = start.standin("qlik", name="elsewhere")
    for href in (f"{elsewhere.url}/api/v1/items?next=stolen", "//evil.example/api/v1/items?next=stolen", "https://evil.example/?next=stolen"):
        qlik.cloud.fault("status", status=200, body={"data": [], "links": {"next": {"href": href}}})
        page = qlik.call("get_apps")
        assert page["has_more"] is False and page["next_cursor"] is None
    assert elsewhere.requests() == []


def test_a_next_page_without_a_host_is_the_tenants_own(qlik):
    qlik.cloud.fault("status", status=200, body={"data": [], "links": {"next": {"href": "/api/v1/items?limit=1&next=a%2Bb"}}})
    assert qlik.call("get_apps")["next_cursor"] == "a+b"


# Apps


def test_an_apps_data_is_described_in_pages_and_filtered(qlik):
    first = qlik.call("describe_app_data", {"app_id": SALES, "limit": 2})
    assert [t["table"] for t in first["tables"]] == ["Orders", "Regions"], "system tables are left out"
    assert (first["count"], first["total"], first["has_more"], first["next_offset"]) == (2, 5, True, 2)
    rest = qlik.call("describe_app_data", {"app_id": SALES, "limit": 10, "offset": 2})
    assert [f["field"] for f in first["fields"] + rest["fields"]] == ["OrderID", "RegionID", "Amount", "OrderDate", "Region"]
    assert rest["has_more"] is False and rest["next_offset"] is None
    regions = qlik.call("describe_app_data", {"app_id": SALES, "table": "Regions"})
    assert [f["field"] for f in regions["fields"]] == ["RegionID", "Region"]
    assert [f["field"] for f in qlik.call("describe_app_data", {"app_id": SALES, "query": "date"})["fields"]] == ["OrderDate"]


def test_an_app_without_data_says_so(qlik):
    assert "without data" in qlik.text("describe_app_data", {"app_id": ANAS})


def test_a_large_data_model_is_read_on_a_helper_and_shown_in_part(qlik):
    fields = [{"name": f"Field {i}", "src_tables": ["T"], "cardinal": i} for i in range(3000)]
    qlik.cloud.fault("status", status=200, body={"tables": [], "fields": fields})
    page = qlik.call("describe_app_data", {"app_id": SALES})
    assert page["total"] == 3000 and page["count"] == 50 and page["next_offset"] == 50


# Questions and predictions


def test_a_question_is_asked_without_context_and_answered_per_app(qlik):
    answers = qlik.call("ask_question", {"text": "sales by region", "app_ids": [SALES, BROKEN]})["answers"]

    assert [a["app_id"] for a in answers] == [SALES, BROKEN]
    assert answers[0]["narratives"] == ["Region South leads with 41% of Amount."]
    assert answers[0]["values"] == ["South 41%", "North 33%"] and answers[0]["follow_ups"]
    sent = [json.loads(r["body"]) for r in qlik.cloud.requests()]
    assert sent == [{"text": "sales by region", "disableConversationContext": True, "app": {"id": app}} for app in (SALES, BROKEN)]


def test_a_question_without_an_app_offers_apps(qlik):
    result = qlik.ask("ask_question", {"text": "sales"})
    assert [a["app_id"] for a in result["structuredContent"]["answers"][0]["apps"]][0] == SALES
    assert SALES in result["content"][0]["text"]


def test_one_app_that_refuses_leaves_the_others_answers(qlik):
    answers = qlik.call("ask_question", {"text": "sales", "app_ids": ["no-such-app", SALES]})["answers"]
    assert "no-such-app" in answers[0]["error"] and answers[1]["narratives"]


def test_questions_to_several_apps_report_progress(qlik):
    steps = [e for e in qlik.stream("ask_question", {"text": "sales", "app_ids": [SALES, BROKEN]}) if e["stage"] == "analyzing"]
    assert [e["progress"] for e in steps] == [0, 0.5]


def test_predictions_come_in_the_order_of_the_rows(qlik):
    rows = [{"age": 41}, {"plan": "basic"}, {"age": "39.5", "plan": "pro"}]
    predictions = qlik.call("predict", {"deployment_id": DEPLOYMENT, "rows": rows})["predictions"]

    assert [p["churn_predicted"] for p in predictions] == ["yes", None, "no"]
    assert predictions[1]["not_predicted_reason"] == "missing feature age"


@pytest.mark.parametrize("rows", [[], [1], [{}], [{"age": [1]}], [{"age": None}], "age", [{"age": 1}] * 201])
def test_rows_that_are_none_end_before_qlik(qlik, rows):
    assert "rows" in qlik.refusal("predict", {"deployment_id": DEPLOYMENT, "rows": rows})
    assert qlik.cloud.requests() == []


def test_an_unknown_deployment_and_a_missing_feature_are_told_in_qliks_words(qlik):
    assert "Deployment 'x' not found" in qlik.refusal("predict", {"deployment_id": "x", "rows": [{"age": 1}]})
    assert "'age' is missing" in qlik.refusal("predict", {"deployment_id": DEPLOYMENT, "rows": [{"plan": "x"}]})


# The user


def test_the_user_is_found_by_one_hop(qlik):
    user = qlik.call("get_user")
    assert (user["user_id"], user["name"], user["roles"]) == ("ana-1", "Ana Souza", ["AnalyticsAdmin"])
    assert [r["path"] for r in qlik.cloud.requests()] == ["/api/v1/users/me", "/api/v1/users/ana-1"]


def test_a_second_hop_is_not_taken(qlik):
    qlik.cloud.fault("redirect", path="users/ana-1", location=f"{qlik.cloud.url}/api/v1/users/bruno-2")
    assert "redirect" in qlik.refusal("get_user")
    assert len(qlik.cloud.requests()) == 2


@pytest.mark.parametrize(
    "location",
    ["{elsewhere}/api/v1/users/ana-1", "//{host}/api/v1/users/ana-1", "/api/v1/apps", "/api/v1/users/../apps", "", "{cloud}@{host}/api/v1/users/1"],
)
def test_a_user_record_elsewhere_is_not_fetched(qlik, start, location):
    elsewhere = start.standin("qlik", name="elsewhere")
    host = elsewhere.url.removeprefix("http://")
    qlik.cloud.fault("redirect", path="users/me", status=301, location=location.format(elsewhere=elsewhere.url, host=host, cloud=qlik.cloud.url))

    assert "not followed" in qlik.refusal("get_user")
    assert elsewhere.requests() == [] and len(qlik.cloud.requests()) == 1


def test_a_tenant_that_answers_the_user_at_once_is_fine_too(qlik):
    qlik.cloud.fault("status", path="users/me", status=200, body={"id": "u", "name": "U", "subject": "s"})
    assert qlik.call("get_user")["user_id"] == "u"

"""The tools of mcp-odoo through the gateway, on the stand-in of Odoo: what they answer, what they send, what they refuse."""

import pytest

import harness
from harness import token
from odoo_world import ANA, AZURE, Odoo

READING = {"search_records", "count_records", "read_records", "group_records", "describe_model", "list_models"}
WRITING = {"create_record", "update_records", "delete_records", "post_message", "call_method"}
EMOJI = "Café “Ünï” <&> 日本語 😀👩‍👧 \ue000\uf8ff\U0010fffd"


@pytest.fixture(scope="module")
def shared(start_module):
    return Odoo(start_module)


@pytest.fixture
def odoo(shared):
    shared.upstream.forget()
    return shared


def names(records):
    return [r["display_name"] for r in records]


# What is offered


def test_tools_are_those_of_the_issue_and_annotated_truly(odoo):
    assert set(odoo.tools) == READING | WRITING
    for name, tool in odoo.tools.items():
        hints = tool["annotations"]
        assert hints["readOnlyHint"] == (name in READING), name
        assert hints["destructiveHint"] == (name in {"update_records", "delete_records", "call_method"}), name
        assert hints["idempotentHint"] == (name in READING | {"delete_records"}), name
        assert hints["openWorldHint"] is True
        assert tool["outputSchema"]["type"] == "object"


def test_read_only_mode_hides_what_writes(start):
    odoo = Odoo(start, env={"ODOO_READ_ONLY": "true"})
    assert set(odoo.tools) == READING
    assert "not found" in odoo.refusal("create_record", {"model": "res.partner", "values": {"name": "x"}})
    direct = odoo.connector.http.post("/tools/list").json()
    assert {t["name"] for t in direct["tools"]} == READING


def test_call_method_is_hidden_where_nothing_is_allowed(start):
    odoo = Odoo(start, env={"ODOO_ALLOWED_METHODS": None})
    assert set(odoo.tools) == READING | WRITING - {"call_method"}


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_both_eras_and_rest_get_the_same_answer(odoo, era):
    arguments = {"model": "res.partner", "domain": [["email", "=", "ana@example.com"]]}
    expected = odoo.call("search_records", arguments)
    assert odoo.call("search_records", arguments, era=era) == expected
    rest = odoo.gateway.rest("odoo_search_records", arguments)
    assert rest.status_code == 200 and rest.json()["result"] == expected


# Searching


def test_search_shows_a_few_usual_fields_and_no_false(odoo):
    found = odoo.call("search_records", {"model": "res.partner", "domain": [["email", "=", "ana@example.com"]]})
    (ana,) = found["records"]
    assert ana["id"] == ANA and ana["display_name"] == "Ana Souza" and ana["email"] == "ana@example.com"
    assert len(ana) <= 9
    assert found["count"] == 1 and found["has_more"] is False and found["next_offset"] is None


def test_search_returns_the_fields_that_were_asked_for(odoo):
    fields = ["name", "country_id", "category_id", "parent_id", "is_company", "comment", "partner_latitude"]
    (ana,) = odoo.call("search_records", {"model": "res.partner", "domain": [["id", "=", ANA]], "fields": fields})["records"]
    assert ana == {"id": ANA, "name": "Ana Souza", "country_id": {"id": 2, "name": "Brazil"}, "category_id": [1], "parent_id": None, "is_company": False, "comment": None, "partner_latitude": 0.0}


def test_search_pages_without_gaps(odoo):
    seen, offset = [], 0
    while offset is not None:
        page = odoo.call("search_records", {"model": "product.product", "limit": 5, "offset": offset, "order": "default_code desc", "fields": ["default_code"]})
        assert page["has_more"] == (page["next_offset"] is not None)
        assert len(page["records"]) == page["count"] <= 5
        seen += [r["default_code"] for r in page["records"]]
        offset = page["next_offset"]
    assert len(seen) == 12 and seen == sorted(seen, reverse=True)


def test_search_without_matches_says_so(odoo):
    arguments = {"model": "res.partner", "domain": [["name", "=", "nobody"]]}
    assert odoo.call("search_records", arguments)["records"] == []
    assert odoo.text("search_records", arguments) == "0 records of res.partner found."


def test_search_asks_only_for_the_fields_it_shows(odoo):
    """A model of Odoo has hundreds."""
    odoo.call("search_records", {"model": "res.partner", "limit": 1, "order": ""})
    (asked,) = [e for e in odoo.executed() if e[1] == "fields_get"]
    assert 0 < len(asked[2][0]) < 30 and "display_name" in asked[2][0]


def test_text_is_what_a_model_reads(odoo):
    text = odoo.text("search_records", {"model": "res.partner", "domain": [["id", "=", ANA]], "fields": ["name", "country_id", "parent_id"]})
    assert text == "1 record of res.partner:\n- id 6: Ana Souza; country_id: Brazil (2)"
    more = odoo.text("search_records", {"model": "product.product", "limit": 2})
    assert more.endswith("\nThere are more: ask again with offset 2.")


@pytest.mark.parametrize(
    "domain, expected",
    [
        ([["parent_id", "child_of", AZURE]], {"Azure Interior, Brandon Freeman"}),
        (["|", ["name", "ilike", "SOUZA"], ["name", "=like", "Bruno%"]], {"Ana Souza", "Bruno Lima"}),
        (["&", ["is_company", "=", False], "!", ["email", "not ilike", "carla"]], {"Carla Dias"}),
        ([["country_id.code", "in", ["BE"]]], {"Gemini Furniture"}),
        ([["child_ids", "any", [["name", "=", "Brandon Freeman"]]]], {"Azure Interior"}),
        ([["active", "=", False]], {"Old Customer"}),
        ([["parent_id", "=", None], ["email", "=", False], ["active", "in", [True, False]]], {"Old Customer"}),
    ],
)
def test_domains_reach_odoo_as_they_are_meant(odoo, domain, expected):
    assert set(names(odoo.call("search_records", {"model": "res.partner", "domain": domain})["records"])) == expected


@pytest.mark.parametrize("tool", ["search_records", "count_records", "group_records"])
@pytest.mark.parametrize(
    "domain, said",
    [
        ([["name", "wat", 1]], 'domain[0] is ["name","wat",1]: the operator must be one of'),
        (["name", "=", "x"], 'write [["name","=","x"]]'),
        (["|", ["name", "=", "x"]], "there is only one"),
        (["OR", ["name", "=", "x"], ["name", "=", "y"]], 'write "|"'),
        ([["name", "=", "a"], {"x": 1}], "domain[1]"),
    ],
)
def test_a_wrong_domain_is_refused_here_and_shown(odoo, tool, domain, said):
    more = {"group_by": ["country_id"]} if tool == "group_records" else {}
    assert said in odoo.refusal(tool, {"model": "res.partner", "domain": domain} | more)
    assert odoo.executed() == []


def test_an_empty_or_absent_domain_is_everything(odoo):
    assert odoo.call("count_records", {"model": "product.product"})["count"] == 12
    assert odoo.call("count_records", {"model": "product.product", "domain": []})["count"] == 12
    assert odoo.call("count_records", {"model": "product.product", "domain": None})["count"] == 12


def test_what_is_not_there_is_named(odoo):
    assert 'no field "emial"' in odoo.refusal("search_records", {"model": "res.partner", "fields": ["name", "emial"]})
    assert 'no model "no.such.model"' in odoo.refusal("search_records", {"model": "no.such.model"})
    assert "list_models" in odoo.refusal("count_records", {"model": "Sale Orders"})
    assert "no_such" in odoo.refusal("count_records", {"model": "res.partner", "domain": [["no_such", "=", 1]]})


def test_long_text_is_cut_and_read_records_has_the_rest(odoo):
    id = odoo.rpc("res.partner", "create", [{"name": "Long", "comment": "<p>" + "é" * 5000 + "</p>"}])
    searched = odoo.ask("search_records", {"model": "res.partner", "domain": [["id", "=", id]], "fields": ["comment"]})
    assert len(searched["structuredContent"]["records"][0]["comment"].encode()) < 600
    assert "read_records" in searched["content"][0]["text"]
    short = odoo.ask("read_records", {"model": "res.partner", "ids": [id], "fields": ["comment"]})
    assert "text_limit" in short["content"][0]["text"]
    whole = odoo.ask("read_records", {"model": "res.partner", "ids": [id], "fields": ["comment"], "text_limit": 20000})
    assert whole["structuredContent"]["records"][0]["comment"] == "<p>" + "é" * 5000 + "</p>"
    assert "é" * 5000 in whole["content"][0]["text"] and "cut" not in whole["content"][0]["text"]


def test_a_reply_over_the_codecs_own_limit_is_read_on_a_helper(odoo):
    odoo.rpc("res.partner", "create", [[{"name": f"bulk {i}", "comment": "<p>" + "x😀" * 1500 + "</p>"} for i in range(120)]])
    found = odoo.call("search_records", {"model": "res.partner", "domain": [["name", "=like", "bulk %"]], "fields": ["name", "comment"], "limit": 200})
    assert found["count"] == 120 and all("😀" in r["comment"] for r in found["records"])
    odoo.rpc("res.partner", "unlink", [odoo.rpc("res.partner", "search", [[["name", "=like", "bulk %"]]])])


# Reading


def test_read_says_which_ids_are_missing(odoo):
    read = odoo.call("read_records", {"model": "res.partner", "ids": [99999, ANA, 88888], "fields": ["name"]})
    assert read == {"model": "res.partner", "records": [{"id": ANA, "name": "Ana Souza"}], "count": 1, "missing_ids": [99999, 88888]}
    assert "Not there: [99999,88888]" in odoo.text("read_records", {"model": "res.partner", "ids": [99999, ANA, 88888]})
    assert odoo.call("read_records", {"model": "res.partner", "ids": [99999]})["records"] == []


def test_binary_is_a_size_unless_it_is_asked_for(odoo):
    asked = {"model": "res.partner", "ids": [1], "fields": ["name", "image_128"]}
    note = odoo.call("read_records", asked)["records"][0]["image_128"]
    assert note.startswith("(binary, ")
    assert odoo.call("search_records", {"model": "res.partner", "domain": [["id", "=", 1]], "fields": ["image_128"]})["records"][0]["image_128"] == note
    assert odoo.call("read_records", asked | {"with_binary": True})["records"][0]["image_128"].startswith("iVBORw0KGgo")


@pytest.mark.parametrize("ids", [[], [0], [-3], [1.5], ["1"], [1, 1], list(range(1, 202))])
def test_ids_that_are_none_are_refused_here(odoo, ids):
    for tool, more in (("read_records", {}), ("delete_records", {}), ("update_records", {"values": {"name": "x"}})):
        assert "ids" in odoo.refusal(tool, {"model": "res.partner", "ids": ids} | more)
    assert odoo.executed() == []


# Groups, models


def test_groups_have_figures_and_a_domain_that_finds_their_records(odoo):
    asked = {"model": "sale.order", "group_by": ["state", "date_order:month"], "aggregates": ["amount_total:sum"], "order": "state"}
    answer = odoo.call("group_records", asked)
    assert sum(g["records"] for g in answer["groups"]) == odoo.call("count_records", {"model": "sale.order"})["count"]
    for group in answer["groups"]:
        assert set(group["group"]) == {"state", "date_order:month"} and group["figures"]["amount_total"] > 0
        assert odoo.call("count_records", {"model": "sale.order", "domain": group["domain"]})["count"] == group["records"]
    assert "state draft, date_order:month" in odoo.text("group_records", asked)


def test_groups_of_a_many2one_have_ids_and_empty_ones_are_null(odoo):
    answer = odoo.call("group_records", {"model": "res.partner", "group_by": ["country_id"]})
    by_country = {g["group"]["country_id"] and g["group"]["country_id"]["name"]: g for g in answer["groups"]}
    assert by_country["Brazil"]["group"]["country_id"]["id"] == 2
    assert None in by_country and by_country[None]["figures"] == {}
    assert odoo.executed()[-1][3]["fields"] == ["__count"]


def test_groups_of_a_many2many_are_its_records(odoo):
    """A record with two tags is in two groups."""
    answer = odoo.call("group_records", {"model": "res.partner", "group_by": ["category_id"]})
    by_tag = {g["group"]["category_id"] and g["group"]["category_id"]["name"]: g for g in answer["groups"]}
    assert None in by_tag and len(by_tag) > 1
    for group in answer["groups"]:
        assert odoo.call("count_records", {"model": "res.partner", "domain": group["domain"]})["count"] == group["records"]


def test_groups_come_in_pages(odoo):
    first = odoo.call("group_records", {"model": "product.product", "group_by": ["default_code"], "limit": 7})
    rest = odoo.call("group_records", {"model": "product.product", "group_by": ["default_code"], "limit": 7, "offset": first["next_offset"]})
    codes = [g["group"]["default_code"] for g in first["groups"] + rest["groups"]]
    assert first["has_more"] and not rest["has_more"] and len(set(codes)) == 12


@pytest.mark.parametrize(
    "more, said",
    [
        ({"group_by": []}, "group_by"),
        ({"group_by": ["create_date:fortnight"]}, "create_date:fortnight"),
        ({"group_by": ["state"], "aggregates": ["amount_total"]}, "amount_total"),
        ({"group_by": ["state"], "aggregates": ["amount_total:sum(x)"]}, "aggregates has"),
        ({"group_by": ["state"], "aggregates": ["amount_total:sum", "amount_total:avg"]}, "two figures of one field"),
        ({"group_by": ["no_such"]}, 'no field "no_such"'),
        ({"group_by": ["state"], "order": "state; drop"}, "order is"),
    ],
)
def test_groups_that_cannot_be_are_refused(odoo, more, said):
    assert said in odoo.refusal("group_records", {"model": "sale.order"} | more)


def test_describe_lists_required_fields_first_with_what_they_take(odoo):
    answer = odoo.call("describe_model", {"model": "sale.order"})
    fields = {f["name"]: f for f in answer["fields"]}
    required = [f["required"] for f in answer["fields"]]
    assert required == sorted(required, reverse=True) and fields["partner_id"]["required"]
    assert fields["partner_id"]["relation"] == "res.partner" and fields["partner_id"]["label"] == "Customer"
    assert fields["state"]["selection"][0] == ["draft", "Quotation"] and fields["state"]["readonly"] is True
    text = odoo.text("describe_model", {"model": "sale.order"})
    assert "- partner_id (Customer): many2one to res.partner, required" in text
    assert "- state (Status): selection draft|sent|sale|cancel, read-only" in text


def test_describe_narrows_and_pages(odoo):
    assert [f["name"] for f in odoo.call("describe_model", {"model": "sale.order", "query": "AMOUNT"})["fields"]] == ["amount_total", "amount_untaxed"]
    assert [f["name"] for f in odoo.call("describe_model", {"model": "res.partner", "query": "tax id"})["fields"]] == ["vat"]
    first = odoo.call("describe_model", {"model": "sale.order", "limit": 5})
    assert first["has_more"] and first["next_offset"] == 5 and first["count"] == 5
    assert "organize" in odoo.call("describe_model", {"model": "res.partner", "fields": ["type"]})["fields"][0]["help"]
    assert 'no field "nope"' in odoo.refusal("describe_model", {"model": "res.partner", "fields": ["nope"]})
    assert odoo.call("describe_model", {"model": "res.partner", "offset": 1000})["fields"] == []


def test_models_are_found_by_name_or_title(odoo):
    found = odoo.call("list_models", {"query": "sales order"})["models"]
    assert {"model": "sale.order", "name": "Sales Order"} in found and len(found) == 2
    first = odoo.call("list_models", {"limit": 3})
    assert first["has_more"] and len(first["models"]) == 3


# Writing


def test_what_is_written_is_read_back_to_the_last_character(odoo):
    text = f"{EMOJI}\nl2\ttab\r\nl3"
    created = odoo.call("create_record", {"model": "product.product", "values": {"name": EMOJI, "description_sale": text, "list_price": 0.30000000000000004}})
    read = odoo.call("read_records", {"model": "product.product", "ids": [created["id"]], "fields": ["name", "description_sale"]})["records"][0]
    assert read["name"] == EMOJI
    assert read["description_sale"] == text.replace("\r\n", "\n"), "Odoo's own answer has raw carriage returns, which XML reads as line feeds"
    (at_odoo,) = odoo.rpc("product.product", "read", [[created["id"]]], {"fields": ["list_price"]})
    assert at_odoo["list_price"] == 0.30000000000000004
    assert [p for p in odoo.executed() if p[1] == "create"][0][2][0]["description_sale"] == text
    odoo.call("delete_records", {"model": "product.product", "ids": [created["id"]]})


def test_a_control_character_is_refused_by_the_fields_name(odoo):
    text = odoo.refusal("create_record", {"model": "res.partner", "values": {"name": "a\x0bb"}})
    assert text == 'The value of "name" holds the character U+000B, which Odoo cannot be sent. Leave it out.'
    assert "U+0001" in odoo.refusal("post_message", {"model": "res.partner", "id": ANA, "body": "\x01"})
    assert "U+0008" in odoo.refusal("search_records", {"model": "res.partner", "domain": [["name", "=", "\x08"]]})


def test_update_writes_and_clears(odoo):
    id = odoo.call("create_record", {"model": "res.partner", "values": {"name": "Temp", "phone": "1", "country_id": 2}})["id"]
    assert odoo.call("update_records", {"model": "res.partner", "ids": [id], "values": {"phone": "+46 70 123"}, "clear_fields": ["country_id"]})["updated_ids"] == [id]
    assert odoo.call("read_records", {"model": "res.partner", "ids": [id], "fields": ["phone", "country_id"]})["records"] == [{"id": id, "phone": "+46 70 123", "country_id": None}]
    odoo.call("update_records", {"model": "res.partner", "ids": [id], "clear_fields": ["phone"]})
    assert odoo.call("read_records", {"model": "res.partner", "ids": [id], "fields": ["phone"]})["records"][0]["phone"] is None


@pytest.mark.parametrize(
    "more, said",
    [
        ({}, "nothing to change"),
        ({"values": {}}, "nothing to change"),
        ({"values": {"phone": None}}, "nothing to change"),
        ({"values": {"phone": "1"}, "clear_fields": ["phone"]}, "in values and in clear_fields"),
        ({"values": {"na me": 1}}, "na me"),
        ({"clear_fields": ["1x"]}, "1x"),
        ({"values": {"name": False}}, "Contacts require a name"),
        ({"values": {"type": "no-such-type"}}, "no-such-type"),
    ],
)
def test_updates_that_cannot_be_are_refused_and_change_nothing(odoo, more, said):
    before = odoo.rpc("res.partner", "read", [[ANA]])
    assert said in odoo.refusal("update_records", {"model": "res.partner", "ids": [ANA]} | more)
    assert odoo.rpc("res.partner", "read", [[ANA]]) == before


def test_update_says_which_fields_it_wrote(odoo):
    """A null is dropped on the way; who meant it to clear the field can see that it did not."""
    id = odoo.call("create_record", {"model": "res.partner", "values": {"name": "Temp", "phone": "1", "email": "x@example.com"}})["id"]
    text = odoo.text("update_records", {"model": "res.partner", "ids": [id], "values": {"phone": None, "name": "Two", "vat": "7"}, "clear_fields": ["email"]})
    assert text == f"Updated res.partner [{id}]: wrote name, vat; emptied email."
    assert odoo.text("update_records", {"model": "res.partner", "ids": [id], "clear_fields": ["phone", "vat"]}) == f"Updated res.partner [{id}]: emptied phone, vat."


def test_update_is_all_or_nothing(odoo):
    text = odoo.refusal("update_records", {"model": "res.partner", "ids": [ANA, 99999], "values": {"phone": "never"}})
    assert "does not exist" in text and "Nothing was changed." in text
    assert odoo.rpc("res.partner", "read", [[ANA]], {"fields": ["phone"]})[0]["phone"] != "never"


def test_create_says_what_is_missing(odoo):
    assert "values" in odoo.refusal("create_record", {"model": "res.partner", "values": {}})
    assert "values" in odoo.refusal("create_record", {"model": "res.partner"})
    text = odoo.refusal("create_record", {"model": "sale.order", "values": {"note": "x"}})
    assert "Customer (partner_id)" in text and "Nothing was changed." in text


def test_lines_that_are_no_commands_are_told_how_they_are_written(odoo):
    text = odoo.refusal("create_record", {"model": "sale.order", "values": {"partner_id": ANA, "order_line": [{"product_id": 5}]}})
    assert '"order_line" takes commands: [[0,0,{values}]]' in text
    assert "takes commands" not in odoo.refusal("create_record", {"model": "sale.order", "values": {"partner_id": 99999}})


def test_delete_is_idempotent_and_finds_archived_records(odoo):
    ids = odoo.rpc("res.partner", "create", [[{"name": "a"}, {"name": "b", "active": False}]])
    first = odoo.call("delete_records", {"model": "res.partner", "ids": [*ids, 99999]})
    assert sorted(first["deleted_ids"]) == ids and first["missing_ids"] == [99999]
    again = odoo.call("delete_records", {"model": "res.partner", "ids": ids})
    assert again["deleted_ids"] == [] and again["missing_ids"] == ids


def test_messages_are_notes_unless_followers_are_to_know(odoo):
    note = odoo.call("post_message", {"model": "res.partner", "id": ANA, "body": "called <back> 😀"})
    sent = odoo.call("post_message", {"model": "res.partner", "id": ANA, "body": "dear Ana", "notify_followers": True})
    kept = odoo.rpc("mail.message", "read", [[note["message_id"], sent["message_id"]]], {"fields": ["body", "is_internal", "res_id"]})
    assert [(m["body"], m["is_internal"], m["res_id"]) for m in kept] == [("<p>called &lt;back&gt; 😀</p>", True, ANA), ("<p>dear Ana</p>", False, ANA)]
    assert "body is empty" in odoo.refusal("post_message", {"model": "res.partner", "id": ANA, "body": " \n"})
    assert "message_post" in odoo.refusal("post_message", {"model": "res.country", "id": 1, "body": "x"})


def test_the_paragraphs_of_a_message_stay_apart_and_its_markup_is_text(odoo):
    note = odoo.call("post_message", {"model": "res.partner", "id": ANA, "body": "Dear Ana,\n\n5 < 7 & <b>8</b>"})
    (kept,) = odoo.rpc("mail.message", "read", [[note["message_id"]]], {"fields": ["body"]})
    assert kept["body"] == "<p>Dear Ana,<br/><br/>5 &lt; 7 &amp; &lt;b&gt;8&lt;/b&gt;</p>"


def test_an_order_is_made_confirmed_and_then_cannot_be_deleted(odoo):
    order = odoo.call("create_record", {"model": "sale.order", "values": {"partner_id": ANA, "order_line": [[0, 0, {"product_id": 5, "product_uom_qty": 2}]]}})["id"]
    confirmed = odoo.call("call_method", {"model": "sale.order", "method": "action_confirm", "ids": [order]})
    assert confirmed == {"model": "sale.order", "method": "action_confirm", "ids": [order], "result": True}
    (row,) = odoo.call("read_records", {"model": "sale.order", "ids": [order], "fields": ["state", "amount_total", "amount_untaxed"]})["records"]
    assert row == {"id": order, "state": "sale", "amount_total": 296.7, "amount_untaxed": 258.0}
    assert "must first cancel it" in odoo.refusal("delete_records", {"model": "sale.order", "ids": [order]})
    assert "not in a state requiring confirmation" in odoo.refusal("call_method", {"model": "sale.order", "method": "action_confirm", "ids": [order]})


def test_a_method_without_a_result_is_done_and_asked_once(odoo):
    """The real one answers with a fault after its commit (fixture auth-10)."""
    id = odoo.rpc("res.partner", "create", [{"name": "to archive"}])
    odoo.upstream.forget()
    asked = {"model": "res.partner", "method": "toggle_active", "ids": [id]}
    assert odoo.call("call_method", asked)["result"] is None
    assert len([m for m in odoo.executed() if m[1] == "toggle_active"]) == 1
    assert odoo.rpc("res.partner", "read", [[id]], {"fields": ["active"]}) == [{"id": id, "active": False}]
    assert "done" in odoo.text("call_method", asked)


def test_only_allowed_methods_are_called(odoo):
    for model, method in (("sale.order", "unlink"), ("sale.order", "_action_confirm"), ("res.partner", "action_confirm"), ("sale.order", "action_confirm ")):
        text = odoo.refusal("call_method", {"model": model, "method": method, "ids": [1]})
        assert "ODOO_ALLOWED_METHODS" in text and "action_confirm of sale.order" in text
    assert odoo.executed() == []


def test_further_arguments_of_a_method_are_passed_on(odoo):
    odoo.ask("call_method", {"model": "res.partner", "method": "name_search", "ids": [1], "args": ["x", []], "kwargs": {"limit": 3}})
    assert odoo.executed() == [("res.partner", "name_search", [[1], "x", []], {"limit": 3})]


# Rights


def test_what_a_user_may_not_is_said_with_the_groups_that_may(odoo):
    portal = {"headers": {"X-Odoo-Login": "portal@example.com", "X-Odoo-Api-Key": "portal-api-key"}}
    text = odoo.refusal("search_records", {"model": "crm.lead"}, **portal)
    assert "not allowed to access 'Lead/Opportunity' (crm.lead)" in text and "Sales/Administrator" in text and "\n" not in text
    assert "not allowed" in odoo.refusal("search_records", {"model": "ir.config_parameter"})
    assert odoo.gateway.rest("odoo_search_records", {"model": "crm.lead"}, headers=portal["headers"]).status_code == 403


def test_models_are_listed_for_those_who_may_not_read_ir_model(odoo):
    portal = {"headers": {"X-Odoo-Login": "portal@example.com", "X-Odoo-Api-Key": "portal-api-key"}}
    models = [m["model"] for m in odoo.call("list_models", {"limit": 500}, **portal)["models"]]
    assert "sale.order" in models and "crm.lead" not in models
    assert [m["model"] for m in odoo.call("list_models", {"query": "SALE.ORDER", "limit": 1, "offset": 1}, **portal)["models"]] == ["sale.order.line"]


def test_permissions_of_the_gateway_split_reading_from_writing(odoo):
    reader = {"Authorization": f"Bearer {token(permissions=['odoo.read'])}"}
    assert set(odoo.gateway.tool_names(auth=reader)) == {f"odoo_{n}" for n in READING}
    assert "odoo.write" in odoo.refusal("create_record", {"model": "res.partner", "values": {"name": "x"}}, auth=reader)


# Settings


@pytest.mark.parametrize(
    "env, said",
    [
        ({"ODOO_URL": "ftp://x"}, "ODOO_URL"),
        ({"ODOO_URL": "http://user:secret-word@127.0.0.1:1"}, "ODOO_URL"),
        ({"ODOO_DB": ""}, "ODOO_DB"),
        ({"ODOO_PASSWORD": ""}, "belong together"),
        ({"ODOO_ALLOWED_METHODS": "sale.order:_secret"}, "ODOO_ALLOWED_METHODS"),
        ({"ENVIRONMENT": "production", "TENANTS": ""}, "TENANTS"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_a_sentence(start, env, said):
    good = {"ODOO_URL": "http://127.0.0.1:1", "ODOO_DB": "demo", "ODOO_USERNAME": "demo", "ODOO_PASSWORD": "demo"}
    connector = start.connector("odoo", good | env, wait=False)
    start.started.remove(connector)
    assert connector.popen.wait(20 * harness.SLOW) == 2
    assert said in connector.text() and "secret-word" not in connector.text()
    connector.output.close()

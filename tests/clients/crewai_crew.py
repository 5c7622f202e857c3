"""Runs a crew of docs/examples against the gateway, with a model that follows a script instead of thinking.

A script is what a model would do, with ids and names read from the earlier results: so each result must reach the model
whole, through CrewAI's own path. A crew has a script for each of its tasks, in their order.
The scenario has `crew` (a name of CREWS) and no steps. One line, "crew", tells `tools` (all that the model was shown),
`calls` (what it asked and was told) and `text` (the crew's answer).
"""

import functools
import importlib.util
import json
import os
import re
from pathlib import Path

import crewai_quiet  # noqa: F401  must come before crewai
import driver
from crewai import BaseLLM
from pydantic import PrivateAttr

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


class ScriptedLLM(BaseLLM):
    """Answers each request with the script's next tool call, or with its last word; then the next script begins."""

    _scripts = PrivateAttr()
    _asked = PrivateAttr(default=False)  # the running script waits for the result of its call
    shown: list = []
    calls: list = []

    def supports_function_calling(self):
        return True

    def call(self, messages, tools=None, **_):
        if tools:
            self.shown = [tool["function"]["name"] for tool in tools]
        result = None
        if self._asked:
            result = self.calls[-1]["result"] = [each["content"] for each in messages if each["role"] == "tool"][-1]
        try:
            name, arguments = self._scripts[0].send(result)
        except StopIteration as end:
            self._asked = False
            self._scripts.pop(0)
            return end.value
        self._asked = True
        self.calls.append({"name": name, "arguments": arguments})
        return [self._tool_call(name, arguments)]

    def _tool_call(self, name, arguments):
        shown_as = [each for each in self.shown if each.endswith(name)]
        if not shown_as:
            raise LookupError(f"the crew shows the model no tool '{name}'")
        function = {"name": shown_as[0], "arguments": json.dumps(arguments)}
        return {"id": f"call_{len(self.calls)}", "type": "function", "function": function}


def hand_over_a_lead():
    """The script: yields tool calls, is sent their results, returns the final answer."""
    top = yield "crm_get_top_performing_agent", {"metric": "conversion_rate", "period": "quarter"}
    agent = read(top, r"1\. (.+?) \(agent_id ")
    found = yield "crm_find_contacts", {}
    contact = read(found, r"contact_id (\S+),")
    if not agent or not contact:
        return "Gave up: the results name no agent or no contact."
    reason = f"For {agent}, who converts best."
    yield "crm_qualify_lead", {"contact_id": contact, "status": "qualified", "reason": reason}
    return f"Qualified {contact} for {agent}."


def number(result, name):
    return read(result, rf"\b{name}\W+(\d+(?:\.\d+)?)")


def find_a_product():
    found = yield "qdrant_search_text", {"collection": "products", "query": "wireless headphones", "limit": 3}
    return f"Product id {number(found, 'odoo_product_id')}."


def quote_it():
    found = yield "odoo_search_records", {
        "model": "product.product",
        "domain": [["name", "ilike", "headphones"]],
        "fields": ["name", "default_code", "list_price", "qty_available"],
    }
    return f"{read(found, '(Wireless Headphones Pro)')} costs {number(found, 'list_price')}."


def order_it():
    customer = yield "odoo_search_records", {"model": "res.partner", "domain": [["email", "=", "ana@example.com"]]}
    product = yield "odoo_search_records", {"model": "product.product", "domain": [["name", "=", "Wireless Headphones Pro"]]}
    line = {"product_id": int(number(product, "id")), "product_uom_qty": 2}
    created = yield "odoo_create_record", {
        "model": "sale.order",
        "values": {"partner_id": int(number(customer, "id")), "order_line": [[0, 0, line]]},
    }
    order = int(number(created, "id"))
    yield "odoo_call_method", {"model": "sale.order", "method": "action_confirm", "ids": [order]}
    confirmed = yield "odoo_read_records", {"model": "sale.order", "ids": [order], "fields": ["name", "state", "amount_total"]}
    return f"Order {read(confirmed, '(S[0-9]+)')}, {number(confirmed, 'amount_total')} in all."


def tell_the_customer():
    customer = yield "chatwoot_search_contacts", {"query": "ana@example.com"}
    conversations = yield "chatwoot_list_conversations", {"contact_id": int(number(customer, "contact_id"))}
    conversation = int(number(conversations, "conversation_id"))
    yield "chatwoot_send_message", {"conversation_id": conversation, "content": "Your order is confirmed. Thank you!"}
    return f"Told the customer in conversation {conversation}."


def read(result, pattern):
    match = re.search(pattern, result)
    return match and match[1]


# Name: file of docs/examples, its function with the arguments that come before the model, scripts.
CREWS = {
    "sales": ("crewai_crew.py", lambda module: module.sales_crew, [hand_over_a_lead]),
    "product-search": (
        "product_search_crew.py",
        lambda module: functools.partial(module.product_search_crew, "something to listen to music"),
        [find_a_product, quote_it],
    ),
    "order-creation": (
        "order_creation_crew.py",
        lambda module: functools.partial(module.order_creation_crew, "ana@example.com", "Wireless Headphones Pro", 2),
        [order_it, tell_the_customer],
    ),
}


def example(file):
    spec = importlib.util.spec_from_file_location("example", EXAMPLES / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    scenario = driver.read_scenario()
    os.environ["GUICHE_URL"] = scenario["url"]
    os.environ["GUICHE_TOKEN"] = scenario["token"]
    file, crew, scripts = CREWS[scenario["crew"]]
    llm = ScriptedLLM(model="scripted")
    llm._scripts = [script() for script in scripts]
    with driver.told({"do": "crew"}) as line:
        try:
            line["text"] = crew(example(file))(llm=llm).kickoff().raw
        finally:
            line.update(tools=llm.shown, calls=llm.calls)
    driver.say({"do": "close"})


if __name__ == "__main__":
    main()

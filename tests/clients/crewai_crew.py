"""Runs the crew of docs/examples against the gateway, with a model that follows a script instead of thinking.

The script is what a model would do: call the top agent, then the contacts, then qualify the first of them, with ids and
names read from the earlier results. So each result must reach the model whole, through CrewAI's own path.
The scenario has no steps. One line, "crew", tells `tools` (all that the model was shown), `calls` (what it asked and
was told) and `text` (the crew's answer).
"""

import importlib.util
import json
import os
import re
from pathlib import Path

import crewai_quiet  # noqa: F401  must come before crewai
import driver
from crewai import BaseLLM
from pydantic import PrivateAttr

EXAMPLE = Path(__file__).parents[2] / "docs/examples/crewai_crew.py"


class ScriptedLLM(BaseLLM):
    """Answers each request with the script's next tool call, or with its last word."""

    _script = PrivateAttr()
    shown: list = []
    calls: list = []

    def supports_function_calling(self):
        return True

    def call(self, messages, tools=None, **_):
        if tools:
            self.shown = [tool["function"]["name"] for tool in tools]
        if self.calls:
            self.calls[-1]["result"] = [each["content"] for each in messages if each["role"] == "tool"][-1]
        try:
            name, arguments = self._script.send(self.calls[-1]["result"] if self.calls else None)
        except StopIteration as end:
            return end.value
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


def read(result, pattern):
    match = re.search(pattern, result)
    return match and match[1]


def example():
    spec = importlib.util.spec_from_file_location("example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    scenario = driver.read_scenario()
    os.environ["GUICHE_URL"] = scenario["url"]
    os.environ["GUICHE_TOKEN"] = scenario["token"]
    llm = ScriptedLLM(model="scripted")
    llm._script = hand_over_a_lead()
    with driver.told({"do": "crew"}) as line:
        try:
            line["text"] = example().sales_crew(llm).kickoff().raw
        finally:
            line.update(tools=llm.shown, calls=llm.calls)
    driver.say({"do": "close"})


if __name__ == "__main__":
    main()

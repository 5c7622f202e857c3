"""A CrewAI crew whose tools all come from the gateway. `./dev run` writes the two variables to build/run/env.

    pip install crewai "crewai-tools[mcp]"
    export GUICHE_URL=http://127.0.0.1:8080/mcp GUICHE_TOKEN=... OPENAI_API_KEY=...
    python docs/examples/crewai_crew.py
"""

import os

from crewai import Agent, Crew, Task
from crewai.mcp import MCPServerHTTP


def sales_crew(llm=None):
    """`llm` is any CrewAI model; without one CrewAI takes what MODEL names, else its own default."""
    gateway = MCPServerHTTP(
        url=os.environ["GUICHE_URL"],
        headers={"Authorization": f"Bearer {os.environ['GUICHE_TOKEN']}"},
        cache_tools_list=False,  # CrewAI's cache is by URL alone: with it, users of one process share a tool list
    )
    lead_manager = Agent(
        role="Sales lead manager",
        goal="Bring new leads to the agent who converts best",
        backstory="You work with the CRM only, and you never guess an id.",
        mcps=[gateway],
        llm=llm,
    )
    hand_over = Task(
        description="Find this quarter's top agent by conversion rate. Then find a contact and qualify it as a lead, "
        "giving that agent's name in the reason.",
        expected_output="One sentence: which lead was qualified, and for which agent.",
        agent=lead_manager,
    )
    return Crew(agents=[lead_manager], tasks=[hand_over])


def main():
    print(sales_crew().kickoff())


if __name__ == "__main__":
    main()

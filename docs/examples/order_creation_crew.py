"""A crew that writes a sale order in Odoo, confirms it, and tells the customer through Chatwoot.

Confirming needs ODOO_ALLOWED_METHODS="sale.order:action_confirm" at mcp-odoo. `./dev run` has both systems as demo
stand-ins, allows that method, and writes the two variables to build/run/env.

    pip install 'crewai==1.15.17' 'crewai-tools[mcp]==1.15.17' 'mcp==1.28.1'
    export GUICHE_URL=http://127.0.0.1:8080/mcp GUICHE_TOKEN=... OPENAI_API_KEY=...
    python docs/examples/order_creation_crew.py
"""

import os

from crewai import Agent, Crew, Task
from crewai.mcp import MCPServerHTTP


def order_creation_crew(customer, product, quantity, llm=None):
    """`llm` is any CrewAI model; without one CrewAI takes what MODEL names, else its own default."""
    gateway = MCPServerHTTP(
        url=os.environ["GUICHE_URL"],
        headers={"Authorization": f"Bearer {os.environ['GUICHE_TOKEN']}"},
        cache_tools_list=False,  # CrewAI's cache is by URL alone: with it, users of one process share a tool list
    )
    order_desk = Agent(
        role="Order desk",
        goal="Turn a customer's wish into one confirmed sale order",
        backstory="You work in Odoo. You look ids up and never guess one, and you never create an order twice.",
        mcps=[gateway],
        llm=llm,
    )
    service = Agent(
        role="Customer service",
        goal="Keep the customer informed",
        backstory="You write in the customer's open conversation in Chatwoot, in two friendly sentences.",
        mcps=[gateway],
        llm=llm,
    )
    order = Task(
        description=f"{customer} orders {quantity} x {product}. Create the sale order and confirm it.",
        expected_output="The order's number and total.",
        agent=order_desk,
    )
    tell = Task(
        description=f"Tell {customer} the order's number and total.",
        expected_output="What was written, and in which conversation.",
        agent=service,
        context=[order],
    )
    return Crew(agents=[order_desk, service], tasks=[order, tell])


def main():
    print(order_creation_crew("ana@example.com", "Wireless Headphones Pro", 2).kickoff())


if __name__ == "__main__":
    main()

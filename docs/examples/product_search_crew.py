"""A crew that finds products by what they are for (Qdrant) and quotes them with the price and stock of today (Odoo).

`./dev run` has both systems as demo stand-ins and writes the two variables to build/run/env.

    pip install 'crewai==1.15.17' 'crewai-tools[mcp]==1.15.17' 'mcp==1.28.1'
    export GUICHE_URL=http://127.0.0.1:8080/mcp GUICHE_TOKEN=... OPENAI_API_KEY=...
    python docs/examples/product_search_crew.py "something to listen to music at home"
"""

import os
import sys

from crewai import Agent, Crew, Task
from crewai.mcp import MCPServerHTTP


def product_search_crew(wish, llm=None):
    """`llm` is any CrewAI model; without one CrewAI takes what MODEL names, else its own default."""
    gateway = MCPServerHTTP(
        url=os.environ["GUICHE_URL"],
        headers={"Authorization": f"Bearer {os.environ['GUICHE_TOKEN']}"},
        cache_tools_list=False,  # CrewAI's cache is by URL alone: with it, users of one process share a tool list
    )
    researcher = Agent(
        role="Product researcher",
        goal="Find the products that serve a customer's wish",
        backstory="You search the collection `products` in Qdrant by meaning. Its payload has odoo_product_id.",
        mcps=[gateway],
        llm=llm,
    )
    clerk = Agent(
        role="Sales clerk",
        goal="Say what a product costs today and whether it is there",
        backstory="You trust Odoo only: product.product has list_price and qty_available.",
        mcps=[gateway],
        llm=llm,
    )
    find = Task(
        description=f"A customer asks for: {wish}. Find the product that fits best.",
        expected_output="Its name and its odoo_product_id.",
        agent=researcher,
    )
    quote = Task(
        description="Look the product up in Odoo and quote it.",
        expected_output="One sentence: name, price and how many are in stock.",
        agent=clerk,
        context=[find],
    )
    return Crew(agents=[researcher, clerk], tasks=[find, quote])


def main():
    print(product_search_crew(" ".join(sys.argv[1:]) or "something to listen to music at home").kickoff())


if __name__ == "__main__":
    main()

"""A server on standard streams as people write it with the Python SDK that speaks 2026-07-28 too."""

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("weather")


@server.tool()
async def forecast(city: str, days: int, ctx: Context) -> dict[str, Any]:
    """The weather of the next days."""
    for day in range(days):
        await ctx.report_progress(day + 1, days)
    return {"city": city, "days": [f"sun {n}" for n in range(days)]}


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("No such city.")


if __name__ == "__main__":
    server.run()

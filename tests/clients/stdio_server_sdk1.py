"""A server on standard streams as people write it with the Python SDK of the legacy revisions (FastMCP)."""

from typing import Any

from mcp.server.fastmcp import Context, FastMCP

server = FastMCP("weather")


@server.tool()
async def forecast(city: str, days: int, ctx: Context) -> dict[str, Any]:
    """The weather of the next days."""
    for day in range(days):
        await ctx.report_progress(day + 1, days)
        await ctx.info(f"day {day + 1}")
    return {"city": city, "days": [f"sun {n}" for n in range(days)]}


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("No such city.")


if __name__ == "__main__":
    server.run()

// A server on standard streams as people write it with the official TypeScript SDK 1.x.

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "weather", version: "1" });

server.registerTool(
  "forecast",
  {
    description: "The weather of the next days.",
    inputSchema: { city: z.string(), days: z.number() },
    outputSchema: { city: z.string(), days: z.array(z.string()) },
  },
  async ({ city, days }, extra) => {
    const progressToken = extra._meta?.progressToken;
    for (let day = 1; day <= days && progressToken !== undefined; day++) {
      const params = { progressToken, progress: day, total: days };
      await extra.sendNotification({ method: "notifications/progress", params });
    }
    const forecast = { city, days: Array.from({ length: days }, (_, n) => `sun ${n}`) };
    return { content: [{ type: "text", text: JSON.stringify(forecast) }], structuredContent: forecast };
  },
);

server.registerTool("fail", { description: "Always fails." }, async () => {
  throw new Error("No such city.");
});

await server.connect(new StdioServerTransport());

// Driver of the official TypeScript SDK 1.x, which speaks the legacy revisions only.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { headersOf, run } from "./driver.mjs";

function open(scenario) {
  const client = new Client({ name: "ts-sdk1", version: "1" });
  const requestInit = { headers: headersOf(scenario) };
  const transport = new StreamableHTTPClientTransport(new URL(scenario.url), { requestInit });
  return {
    client,
    transport,
    version: () => transport.protocolVersion,
    list: () => client.listTools(),
    call: (params, options) => client.callTool(params, undefined, options),
  };
}

run(open);

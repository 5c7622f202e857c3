// Driver of the official TypeScript client 2.x. `mode` is its version negotiation: legacy (its default), auto
// (server/discover, then initialize), or a revision such as 2026-07-28, which the server must then have.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { headersOf, run } from "./driver.mjs";

function open(scenario) {
  const client = new Client({ name: "ts-client2", version: "2" }, negotiation(scenario.mode));
  const requestInit = { headers: headersOf(scenario) };
  const transport = new StreamableHTTPClientTransport(new URL(scenario.url), { requestInit });
  return {
    client,
    transport,
    version: () => client.getNegotiatedProtocolVersion(),
    list: () => client.listTools(undefined, { cacheMode: "refresh" }),
    call: (params, options) => client.callTool(params, options),
  };
}

function negotiation(mode) {
  if (!mode) return {};
  return { versionNegotiation: { mode: /^\d/.test(mode) ? { pin: mode } : mode } };
}

run(open);

/* Keys of _meta that the protocol gives a meaning. Source: MCP 2026-07-28 basic "Per-request metadata",
 * basic/patterns/subscriptions. */
#pragma once

#define META_VERSION "io.modelcontextprotocol/protocolVersion" /* makes a request a modern one */
#define META_CLIENT "io.modelcontextprotocol/clientInfo"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define META_LOG_LEVEL "io.modelcontextprotocol/logLevel"
#define META_SERVER "io.modelcontextprotocol/serverInfo"
#define META_SUBSCRIPTION "io.modelcontextprotocol/subscriptionId"

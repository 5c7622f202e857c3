/* One call on a real loop before a fake MCP server: what the tests of calls of every kind share. */
#pragma once

#include <string.h>
#include <criterion/criterion.h>

#include "call_life.h"
#include "mcp_fake.h"

static process_settings_t process = { .call_timeout_ms = 60000 };
static runtime_t runtime;
static mcp_call_t *mcp;
static entry_t entry;

static void set_up(void)
{
    runtime = (runtime_t){
        .process = &process, .loop = loop_new(), .pool = pool_new(1, 4), .sealer = sealer_new(NULL)
    };
}

static void tear_down(void)
{
    cr_assert_eq(runtime.alive_calls, 0, "a call is still alive");
    pool_free(runtime.pool);
    loop_free(runtime.loop);
    sealer_free(runtime.sealer);
    if (mcp) {
        fake_call_free(mcp);
    }
}

/* What is asked may still be changed until start(). */
static mcp_request_t *request(mcp_era_t era, const char *arguments)
{
    if (mcp) {
        fake_call_free(mcp);
    }
    mcp = fake_call_new(era, arguments, NULL);
    fake_request(mcp)->client_capabilities = SPAN("{\"elicitation\":{}}");
    return fake_request(mcp);
}

static void start(entry_t of)
{
    entry = of;
    call_start(&runtime, &entry, mcp);
}

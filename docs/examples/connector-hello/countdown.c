/* countdown: counts to zero with a pause between the numbers, and reports each as progress. A flow of steps.
 */
#include "hello.h"

#define PAUSE_MS 200

typedef struct {
    int64_t from;
} args_t;

static const field_t args[] = {
    FIELD(args_t, from, .fallback = "3", .min = 1, .max = 50, .doc = "The number to begin with."),
    { 0 },
};

static void countdown(call_t *call, const void *decoded);
static void on_pause(void *self);

const tool_t countdown_tool = {
    .name = "countdown",
    .description = "Count down to zero, slowly. Reports progress; returns how many numbers were counted.",
    .args = args,
    .args_size = sizeof(args_t),
    .read_only = true,
    .streams = true,
    .run = countdown,
};

typedef struct {
    call_t *call;
    int64_t from, counted;
} flow_t;

static void countdown(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);

    *f = (flow_t){ call, a->from, 0 };
    pause_ms(call, PAUSE_MS, on_pause, f);
}

static void on_pause(void *self)
{
    flow_t *f = self;

    f->counted++;
    if (f->counted == f->from) {
        call_finish(f->call, json_pack("{s:I}", "counted", (json_int_t)f->counted), NULL);
        return;
    }
    call_progress(f->call, "processing", (double)f->counted, (double)f->from,
                  call_printf(f->call, "%d to go", (int)(f->from - f->counted)), NULL);
    pause_ms(f->call, PAUSE_MS, on_pause, f);
}

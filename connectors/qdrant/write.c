/* See write.h. */
#include "write.h"

#include <string.h>

write_t *write_new(call_t *call, const char *collection, const char *what)
{
    write_t *write = CALL_NEW(call, write_t);

    *write = (write_t){ call, collection, what };
    return write;
}

/* {"operation_id":7,"status":"completed"}; "acknowledged" without waiting, "wait_timeout" from 1.18 on. */
void write_on_done(void *self, const json_t *result, const err_t *err)
{
    const write_t *write = self;
    const char *status = json_string_value(json_object_get(result, "status"));
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(write->call, err);
        return;
    }
    status = status ? status : "completed";
    bool done = strcmp(status, "completed") == 0;
    buf_addf(&text, "%s%s in %s.",
             done ? "" : "Qdrant has accepted this and is still carrying it out: ", write->what,
             write->collection);
    call_finish_text(
        write->call,
        json_pack("{s:s, s:s, s:b}", "collection", write->collection, "status", status, "done", done), &text);
}

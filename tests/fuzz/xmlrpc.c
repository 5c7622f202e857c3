/* XML-RPC answers of Odoo: what is read can be written and reads the same again, nothing that could declare
 * an entity reaches the library, every text survives the escape around it, and a fault of any text gets a
 * sentence. */
#include "codec.h"
#include "fault.h"
#include "xml_guard.h"

#include <string.h>

#include "fuzz.h"
#include "mem.h"
#include "utf8.h"

#define MAX_REPLY_BYTES 1048576

/* A call of one param, as the answer that has the same value. */
static char *answer_of(buf_t *call)
{
    const char *text = buf_text(call), *params = strstr(text, "<params>"),
               *end = strstr(text, "</methodCall>");

    MUST(params && end);
    return mem_printf("<methodResponse>%.*s</methodResponse>", (int)(end - params), params);
}

static void check_writing(const json_t *value)
{
    json_auto_t *params = json_pack("[O]", value);
    AUTO_BUF call = { 0 };
    codec_reply_t again = { 0 };
    err_t err;

    MUST(codec_encode("m", params, &call, &err) == 0);
    AUTO(mem_free) char *answer = answer_of(&call);
    MUST(codec_decode(span_of(answer), &again, &err) == 0);
    MUST(json_equal(value, again.value));
    codec_reply_release(&again);
}

static void check_fault(int code, const char *text)
{
    err_t err = { 0 };

    fault_is_unwritable_result(code, text);
    fault_is_login(code, text, 7);
    MUST(fault_refuse(code, text, &err) == -1);
    MUST(err.text[0] != '\0' && utf8_is_valid(span_of(err.text)));
    MUST(code != 1 || !strstr(err.text, "Traceback (most recent call last):"));
}

static void check_reading(span_t text)
{
    codec_reply_t reply = { 0 };
    err_t err;

    if (codec_decode(text, &reply, &err)) {
        MUST(err.kind == ERR_UPSTREAM && !reply.value && !reply.fault_text);
        return;
    }
    MUST((reply.value != NULL) != (reply.fault_text != NULL));
    if (reply.value) {
        check_writing(reply.value);
    } else {
        check_fault(reply.fault_code, reply.fault_text);
    }
    codec_reply_release(&reply);
}

static void check_guard(span_t text)
{
    AUTO_BUF guarded = { 0 };
    err_t err;

    if (xml_guard_read(text, &guarded, &err) == 0) {
        MUST(!strstr(buf_text(&guarded), "<!") && !strstr(buf_text(&guarded), "<?"));
        MUST(guarded.length <= text.length / XML_GUARD_GROWTH_DENOMINATOR * XML_GUARD_GROWTH_NUMERATOR + 64);
    }
}

static void check_escape(span_t text)
{
    AUTO_BUF escaped = { 0 };
    AUTO_BUF back = { 0 };
    unsigned bad;

    if (utf8_is_valid(text) && xml_guard_escape(text, &escaped, &bad) == 0) {
        xml_guard_unescape(buf_span(&escaped), &back);
        MUST(span_equal(buf_span(&back), text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };
    AUTO(mem_free) char *copy = mem_strndup(text.at, size);

    codec_init(MAX_REPLY_BYTES);
    check_reading(text);
    check_guard(text);
    check_escape(text);
    if (utf8_is_valid(span_of(copy))) {
        for (int code = 1; code <= 4; code++) {
            check_fault(code, copy);
        }
    }
    return 0;
}

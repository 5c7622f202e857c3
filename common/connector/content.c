/* See content.h. */
#include "content.h"

#include <openssl/evp.h>

#include "mem.h"

char *content_base64(const void *bytes, size_t length)
{
    char *text = mem_alloc((length + 2) / 3 * 4 + 1);

    EVP_EncodeBlock((unsigned char *)text, bytes, (int)length); /* results are far smaller than 2 GB */
    return text;
}

json_t *content_text(const char *text)
{
    return json_pack("{s:s, s:s}", "type", "text", "text", text);
}

static json_t *with_data(const char *type, const void *bytes, size_t length, const char *mime_type)
{
    AUTO(mem_free) char *data = content_base64(bytes, length);

    return json_pack("{s:s, s:s, s:s}", "type", type, "data", data, "mimeType", mime_type);
}

json_t *content_image(const void *bytes, size_t length, const char *mime_type)
{
    return with_data("image", bytes, length, mime_type);
}

json_t *content_audio(const void *bytes, size_t length, const char *mime_type)
{
    return with_data("audio", bytes, length, mime_type);
}

json_t *content_resource(const char *uri, const char *mime_type, const char *text)
{
    return json_pack("{s:s, s:{s:s, s:s*, s:s}}", "type", "resource", "resource", "uri", uri, "mimeType",
                     mime_type, "text", text);
}

json_t *content_link(const char *uri, const char *name, const char *mime_type)
{
    return json_pack("{s:s, s:s, s:s, s:s*}", "type", "resource_link", "uri", uri, "name", name, "mimeType",
                     mime_type);
}

json_t *content_message(const char *role, json_t *block)
{
    return json_pack("{s:s, s:o}", "role", role, "content", block);
}

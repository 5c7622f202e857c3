/* Tools that answer at once, with each kind of content. */
#include "conformance.h"

/* One red pixel. */
const unsigned char red_dot_png[] = { 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
                                      0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01,
                                      0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00,
                                      0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
                                      0x00, 0x03, 0x01, 0x01, 0x00, 0xc9, 0xfe, 0x92, 0xef, 0x00, 0x00, 0x00,
                                      0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82 };
const size_t red_dot_png_bytes = sizeof(red_dot_png);

/* A WAV file of 8 kHz, mono, 8 bits, with no sample in it. */
static const unsigned char silence_wav[] = {
    'R', 'I', 'F',  'F',  36, 0, 0,    0,    'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16,  0,   0, 0, 1, 0,
    1,   0,   0x40, 0x1f, 0,  0, 0x40, 0x1f, 0,   0,   1,   0,   8,   0,   'd', 'a', 't', 'a', 0, 0, 0, 0,
};

static void simple_text(call_t *call, const void *args)
{
    (void)args;
    call_finish(call, NULL, "This is a simple text response for testing.");
}

static json_t *red_dot(void)
{
    return content_image(red_dot_png, red_dot_png_bytes, "image/png");
}

static void image_content(call_t *call, const void *args)
{
    (void)args;
    call_finish_content(call, json_pack("[o]", red_dot()), NULL);
}

static void audio_content(call_t *call, const void *args)
{
    (void)args;
    call_finish_content(call, json_pack("[o]", content_audio(silence_wav, sizeof(silence_wav), "audio/wav")),
                        NULL);
}

static void embedded_resource(call_t *call, const void *args)
{
    (void)args;
    call_finish_content(call,
                        json_pack("[o]", content_resource("test://embedded-resource", "text/plain",
                                                          "This is an embedded resource content.")),
                        NULL);
}

static void multiple_content_types(call_t *call, const void *args)
{
    (void)args;
    call_finish_content(call,
                        json_pack("[o, o, o]", content_text("Multiple content types test:"), red_dot(),
                                  content_resource("test://mixed-content-resource", "application/json",
                                                   "{\"test\":\"data\",\"value\":123}")),
                        NULL);
}

static void error_handling(call_t *call, const void *args)
{
    (void)args;
    call_failf(call, ERR_UPSTREAM, "This tool intentionally returns an error for testing.");
}

#define TOOL(tool_name, function, said)                                                                      \
    static const tool_t function##_tool = {                                                                  \
        .name = tool_name, .description = said, .read_only = true, .idempotent = true, .run = function       \
    }

TOOL("test_simple_text", simple_text, "Answers with one block of text.");
TOOL("test_image_content", image_content, "Answers with an image.");
TOOL("test_audio_content", audio_content, "Answers with a sound.");
TOOL("test_embedded_resource", embedded_resource, "Answers with a resource inside.");
TOOL("test_multiple_content_types", multiple_content_types, "Answers with a text, an image and a resource.");
TOOL("test_error_handling", error_handling, "Fails.");

const tool_t *const content_tools[] = { &simple_text_tool,
                                        &image_content_tool,
                                        &audio_content_tool,
                                        &embedded_resource_tool,
                                        &multiple_content_types_tool,
                                        &error_handling_tool,
                                        NULL };

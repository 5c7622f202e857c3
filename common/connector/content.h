/* Blocks of content: what results of tools and messages of prompts are made of. Each function returns a new
 * JSON value. Source: MCP 2026-07-28 server/tools "Tool Result", server/prompts "PromptMessage". */
#pragma once

#include <stddef.h>
#include <jansson.h>

json_t *content_text(const char *text);
json_t *content_image(const void *bytes, size_t length, const char *mime_type);
json_t *content_audio(const void *bytes, size_t length, const char *mime_type);
json_t *content_resource(const char *uri, const char *mime_type, const char *text); /* the resource itself */
json_t *content_link(const char *uri, const char *name, const char *mime_type);     /* where to read it */

json_t *content_message(const char *role, json_t *block); /* "user" or "assistant"; block is stolen */
char *content_base64(const void *bytes, size_t length);   /* the caller's to free */

/* See watch_topics.h. Those that nobody holds any more stay until the connector has been told. */
#include "watch_topics.h"

#include <search.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "mem.h"

typedef struct topic {
    TAILQ_ENTRY(topic) link;
    char *uri;
    unsigned holders;
    bool requested; /* the connector was asked for it in this session */
    bool touched;
    int64_t told_ms;
} topic_t;

struct topics {
    TAILQ_HEAD(, topic) all;
    void *by_uri; /* tsearch(3) */
    size_t count;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const topic_t *)a)->uri, ((const topic_t *)b)->uri);
}

static topic_t *find(const topics_t *topics, span_t uri)
{
    AUTO(mem_free) char *text = mem_strndup(uri.at, uri.length);
    topic_t key = { .uri = text };
    topic_t *const *found = tfind(&key, &topics->by_uri, compare);

    return found ? *found : NULL;
}

topics_t *topics_new(void)
{
    topics_t *topics = NEW(topics_t);

    TAILQ_INIT(&topics->all);
    return topics;
}

static void drop(topics_t *topics, topic_t *topic)
{
    tdelete(topic, &topics->by_uri, compare);
    TAILQ_REMOVE(&topics->all, topic, link);
    topics->count--;
    mem_free(topic->uri);
    mem_free(topic);
}

void topics_free(topics_t *topics)
{
    topic_t *topic;

    if (!topics) {
        return;
    }
    while ((topic = TAILQ_FIRST(&topics->all))) {
        drop(topics, topic);
    }
    mem_free(topics);
}

bool topics_is_empty(const topics_t *topics)
{
    return topics->count == 0;
}

static topic_t *add(topics_t *topics, span_t uri)
{
    topic_t *topic = NEW(topic_t);

    topic->uri = mem_strndup(uri.at, uri.length);
    TAILQ_INSERT_TAIL(&topics->all, topic, link);
    if (!tsearch(topic, &topics->by_uri, compare)) {
        abort(); /* only without memory */
    }
    topics->count++;
    return topic;
}

bool topics_hold(topics_t *topics, span_t uri)
{
    topic_t *topic = find(topics, uri);

    topic = topic ? topic : add(topics, uri);
    return topic->holders++ == 0;
}

bool topics_release(topics_t *topics, span_t uri)
{
    topic_t *topic = find(topics, uri);

    if (!topic || topic->holders == 0 || --topic->holders > 0) {
        return false;
    }
    if (!topic->requested) {
        drop(topics, topic);
    }
    return true;
}

void topics_render(const topics_t *topics, buf_t *out)
{
    size_t begin = out->length, count = 0;
    const topic_t *topic;

    buf_add_char(out, '[');
    TAILQ_FOREACH(topic, &topics->all, link)
    {
        bool fits = count < TOPICS_MAX_ASKED && out->length - begin < TOPICS_MAX_ASKED_BYTES;
        if (topic->holders > 0 && fits) {
            buf_add_text(out, count++ > 0 ? "," : "");
            buf_add_json_string(out, span_of(topic->uri));
        }
    }
    buf_add_char(out, ']');
}

bool topics_touch(topics_t *topics, span_t uri, int64_t now_ms)
{
    topic_t *topic = find(topics, uri);

    if (!topic || topic->holders == 0) {
        return false;
    }
    topic->touched = true;
    return now_ms - topic->told_ms >= TOPICS_PAUSE_MS;
}

void topics_touch_all(topics_t *topics)
{
    topic_t *topic;

    TAILQ_FOREACH(topic, &topics->all, link)
    {
        topic->touched = topic->holders > 0;
    }
}

const char *topics_next_touched(topics_t *topics, int64_t now_ms, int64_t *ret_wait_ms)
{
    topic_t *topic;

    *ret_wait_ms = -1;
    TAILQ_FOREACH(topic, &topics->all, link)
    {
        int64_t wait_ms = topic->told_ms + TOPICS_PAUSE_MS - now_ms;
        if (topic->touched && wait_ms <= 0) {
            topic->touched = false;
            topic->told_ms = now_ms;
            TAILQ_REMOVE(&topics->all, topic, link); /* those that wait are found at the head */
            TAILQ_INSERT_TAIL(&topics->all, topic, link);
            return topic->uri;
        }
        if (topic->touched && (*ret_wait_ms < 0 || wait_ms < *ret_wait_ms)) {
            *ret_wait_ms = wait_ms;
        }
    }
    return NULL;
}

const char *topics_next_request(topics_t *topics, bool *ret_subscribe)
{
    topic_t *topic, *next;

    for (topic = TAILQ_FIRST(&topics->all); topic; topic = next) {
        next = TAILQ_NEXT(topic, link);
        if (topic->requested != (topic->holders > 0)) {
            topic->requested = topic->holders > 0;
            *ret_subscribe = topic->requested;
            return topic->uri;
        }
        if (topic->holders == 0) {
            drop(topics, topic);
        }
    }
    return NULL;
}

void topics_forget_requests(topics_t *topics)
{
    topic_t *topic, *next;

    for (topic = TAILQ_FIRST(&topics->all); topic; topic = next) {
        next = TAILQ_NEXT(topic, link);
        topic->requested = false;
        if (topic->holders == 0) {
            drop(topics, topic);
        }
    }
}

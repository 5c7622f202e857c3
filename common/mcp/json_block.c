/* The inside of long JSON strings, 64 bytes at a time: a block becomes a few integers in which bit i is about
 * byte i, and what is asked of its bytes is arithmetic on those. An object that is handed on as text has an
 * escape every few bytes; so read it costs a fifth of looking at each escape by itself (64 KB: 6 us, 28 us).
 *
 * By the vector types of gcc and clang: SSE2 and NEON are part of both machines we run on. Both are
 * little-endian, so the lowest bit set is of the first such byte.
 */
#include <stdbool.h>
#include <stdint.h>

#include "json_bytes.h"

#define EVEN 0x5555555555555555u

typedef struct {
    json_sixteen_t part[JSON_BLOCK_BYTES / 16];
} block_t;

static inline uint64_t equal_to(const block_t *block, char c)
{
    return json_bits(block->part[0] == c) | json_bits(block->part[1] == c) << 16 |
           json_bits(block->part[2] == c) << 32 | json_bits(block->part[3] == c) << 48;
}

/* Bytes have a sign here: those above ASCII are below 0. */
static inline uint64_t below(const block_t *block, int8_t limit)
{
    return json_bits(block->part[0] < limit) | json_bits(block->part[1] < limit) << 16 |
           json_bits(block->part[2] < limit) << 32 | json_bits(block->part[3] < limit) << 48;
}

/* The bytes behind a backslash that is not escaped itself. In a run of backslashes every second one is, so
 * what follows a run is escaped when the run is odd. Added to the run its first bit leaves a single bit, just
 * behind: the parity of that place and of the run's begin tells. *pending: the same for the byte behind the
 * block, and from the block before. (What is escaped within a run, a backslash, needs no bit.) */
static inline uint64_t escaped_bytes(uint64_t slashes, bool *pending)
{
    uint64_t before = *pending, run = slashes & ~before;
    uint64_t begins = run & ~(run << 1), behind_odd;
    uint64_t behind_even = run + (begins & EVEN);

    *pending = __builtin_add_overflow(run, begins & ~EVEN, &behind_odd);
    return before | (((behind_even & ~EVEN) | (behind_odd & EVEN)) & ~run);
}

static inline uint64_t short_escapes(const block_t *block)
{
    return equal_to(block, 'n') | equal_to(block, 't') | equal_to(block, 'r') | equal_to(block, '/') |
           equal_to(block, 'b') | equal_to(block, 'f');
}

/* What is wrong with characters of two bytes, or is none: a second byte without its first, the byte that
 * stands where a second one should. *ret_seconds: where second bytes should be. */
static inline uint64_t odd_characters(const block_t *block, uint64_t low, bool *pending,
                                      uint64_t *ret_seconds)
{
    uint64_t seconds = below(block, (int8_t)0xC0);
    uint64_t firsts = below(block, (int8_t)0xE0) & ~below(block, (int8_t)0xC2);
    uint64_t should = firsts << 1 | *pending;

    *ret_seconds = should;
    *pending = firsts >> (JSON_BLOCK_BYTES - 1);
    return (seconds ^ should) | (low & ~(seconds | firsts));
}

const char *json_skip_simple(const char *at, const char *end)
{
    bool escape = false, character = false;

    for (; end - at >= JSON_BLOCK_BYTES; at += JSON_BLOCK_BYTES) {
        block_t block;
        memcpy(&block, at, sizeof(block));
        uint64_t quotes = equal_to(&block, '"'), slashes = equal_to(&block, '\\');
        uint64_t low = below(&block, ' '), seconds = 0, stops = low;
        uint64_t escaped = slashes || escape ? escaped_bytes(slashes, &escape) : 0;

        if (low || character) {
            stops = odd_characters(&block, low, &character, &seconds);
        }
        if (escaped & ~(quotes | slashes)) {
            stops |= escaped & ~(quotes | slashes | short_escapes(&block));
        }
        stops |= quotes & ~escaped;
        if (stops) {
            int first = __builtin_ctzll(stops);
            /* Escaped or the second byte of a character: begin with what stands before it. */
            return at + first - ((escaped | seconds) >> first & 1);
        }
    }
    return at - (escape || character);
}

const char *json_string_end(const char *at, const char *end)
{
    bool escape = false;

    for (; end - at >= JSON_BLOCK_BYTES; at += JSON_BLOCK_BYTES) {
        block_t block;
        memcpy(&block, at, sizeof(block));
        uint64_t quotes = equal_to(&block, '"');
        uint64_t escaped = escaped_bytes(equal_to(&block, '\\'), &escape);
        if (quotes & ~escaped) {
            return at + __builtin_ctzll(quotes & ~escaped) + 1;
        }
    }
    for (at += escape; *at != '"'; at++) {
        at += *at == '\\';
    }
    return at + 1;
}

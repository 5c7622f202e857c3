/* The counter in front of evhttp must say the same whatever pieces the bytes come in. */
#include <criterion/criterion.h>

#include <string.h>

#include "intake.h"

static intake_t whole(const char *text)
{
    intake_t intake = { 0 };

    intake_feed(&intake, text, strlen(text));
    return intake;
}

Test(intake, finds_the_end_of_a_head_and_leaves_the_body)
{
    const char *text = "POST / HTTP/1.1\r\nHost: x\r\n\r\nbody";
    intake_t intake = { 0 };

    cr_expect_eq(intake_feed(&intake, text, strlen(text)), strlen(text) - 4);
    cr_expect(intake.ended);
    cr_expect_eq(intake.lines, 3u);
    cr_expect_eq(intake.bytes, strlen(text) - 4);
    cr_expect_eq(intake_feed(&intake, "more", 4), 0u);
}

Test(intake, reads_the_declared_length_in_any_spelling)
{
    cr_expect_eq(whole("GET / HTTP/1.1\r\nContent-Length: 123\r\n\r\n").content_length, 123u);
    cr_expect_eq(whole("GET / HTTP/1.1\ncONTENT-lENGTH:\t 7 \n\n").content_length, 7u);
    cr_expect_eq(whole("GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n").content_length, 0u);
    cr_expect_eq(whole("GET / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n").content_length,
                 UINT64_MAX);
    cr_expect_eq(whole("GET / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n").content_length,
                 UINT64_MAX);
    cr_expect_eq(
        whole("GET / HTTP/1.1\r\nContent-Length: 0000000000000000000000000000012\r\n\r\n").content_length,
        UINT64_MAX);
    cr_expect_eq(whole("GET / HTTP/1.1\r\nX-Content-Length: 5\r\nContent-Lengthy: 6\r\n\r\n").lengths, 0u);
}

Test(intake, counts_lengths_that_are_given_twice)
{
    cr_expect_eq(whole("GET / HTTP/1.1\r\nContent-Length: 1\r\nA: b\r\ncontent-length: 1\r\n\r\n").lengths,
                 2u);
}

Test(intake, says_the_same_for_every_cut_in_two_and_byte_by_byte)
{
    const char *text = "POST /a HTTP/1.1\r\nHost: example\r\nContent-Length: 4194304\r\nX: y\n\r\nrest";
    intake_t all = whole(text), bytewise = { 0 };

    for (size_t cut = 0; cut <= strlen(text); cut++) {
        intake_t intake = { 0 };
        size_t first = intake_feed(&intake, text, cut);
        size_t second = intake_feed(&intake, text + first, strlen(text) - first);
        cr_assert_eq(first + second, strlen(text) - 4);
        cr_assert(intake.ended && intake.lines == all.lines && intake.bytes == all.bytes, "cut at %zu", cut);
        cr_assert_eq(intake.content_length, 4194304u, "cut at %zu", cut);
    }
    for (const char *at = text; *at; at++) {
        intake_feed(&bytewise, at, 1);
    }
    cr_expect_eq(bytewise.bytes, all.bytes);
    cr_expect_eq(bytewise.content_length, all.content_length);
}

Test(intake, does_not_end_before_the_empty_line)
{
    cr_expect_not(whole("GET / HTTP/1.1\r\nHost: x\r\n").ended);
    cr_expect_not(whole("GET / HTTP/1.1\r\nHost: x\r\n \r\n").ended);
    cr_expect(whole("\r\n").ended, "evhttp will have its say");
}

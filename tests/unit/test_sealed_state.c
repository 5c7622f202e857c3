/* Sealed states: who can open them, and what spoils them. */
#include <string.h>
#include <criterion/criterion.h>

#include "mem.h"
#include "sealed_state.h"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NOW 1800000000

static sealer_t *sealer;
static buf_t sealed, opened;
static err_t err;

static void set_up(void)
{
    sealer = sealer_new(KEY);
    sealer_seal(sealer, SPAN("anna\0tool"), SPAN("{\"a\":1}"), NOW, &sealed);
}

static void tear_down(void)
{
    sealer_free(sealer);
    buf_free(&sealed);
    buf_free(&opened);
}

TestSuite(sealed_state, .init = set_up, .fini = tear_down);

static int open_with(const sealer_t *with, span_t bound, int64_t now_unix)
{
    buf_clear(&opened);
    return sealer_open(with, bound, buf_span(&sealed), now_unix, &opened, &err);
}

Test(sealed_state, opens_in_another_process_with_the_same_hop_key)
{
    sealer_t *replica = sealer_new(KEY);

    cr_assert_eq(open_with(replica, SPAN("anna\0tool"), NOW), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&opened), "{\"a\":1}");
    sealer_free(replica);
}

Test(sealed_state, opens_under_no_other_key)
{
    sealer_t *other = sealer_new("another"), *random = sealer_new(NULL);

    cr_assert_eq(open_with(other, SPAN("anna\0tool"), NOW), -1);
    cr_assert_eq(open_with(random, SPAN("anna\0tool"), NOW), -1);
    sealer_free(other);
    sealer_free(random);
}

Test(sealed_state, is_good_for_what_it_was_bound_to_and_for_ten_minutes)
{
    cr_assert_eq(open_with(sealer, SPAN("bert\0tool"), NOW), -1);
    cr_assert_eq(err.kind, ERR_CALLER);
    cr_assert_eq(open_with(sealer, SPAN("anna\0tool"), NOW + STATE_HOLDS_S - 1), 0);
    cr_assert_eq(open_with(sealer, SPAN("anna\0tool"), NOW + STATE_HOLDS_S), -1);
    cr_assert(strstr(err.text, "10 minutes"), "%s", err.text);
}

Test(sealed_state, breaks_with_any_changed_missing_or_added_letter)
{
    for (size_t i = 0; i < sealed.length; i++) {
        char was = sealed.data[i];
        sealed.data[i] = was == 'A' ? 'B' : 'A';
        cr_expect_eq(open_with(sealer, SPAN("anna\0tool"), NOW), -1, "letter %zu", i);
        sealed.data[i] = was;
    }
    for (size_t length = 0; length < sealed.length; length++) {
        buf_t cut = { sealed.data, length, length };
        cr_expect_eq(sealer_open(sealer, SPAN("anna\0tool"), buf_span(&cut), NOW, &opened, &err), -1);
    }
    buf_add_text(&sealed, "-TAMPERED");
    cr_assert_eq(open_with(sealer, SPAN("anna\0tool"), NOW), -1);
    cr_assert_eq(opened.length, 0, "nothing of what did not open is seen");
}

Test(sealed_state, shows_nothing_of_itself_and_is_never_the_same)
{
    AUTO_BUF again = { 0 };

    sealer_seal(sealer, SPAN("anna\0tool"), SPAN("{\"a\":1}"), NOW, &again);
    cr_assert_not(span_equal(buf_span(&again), buf_span(&sealed)));
    cr_assert_eq(again.length, sealed.length);
}

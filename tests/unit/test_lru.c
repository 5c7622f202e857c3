/* The map that forgets what was used longest ago. */
#include "lru.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "mem.h"

static int freed;

static void free_counted(void *value)
{
    freed++;
    mem_free(value);
}

static span_t key(int number)
{
    static char text[4][16];
    char *at = text[number % 4];

    return (span_t){ at, (size_t)snprintf(at, 16, "key %d", number) };
}

static void put(lru_t *lru, int number, size_t bytes)
{
    lru_put(lru, key(number), mem_printf("%d", number), bytes);
}

Test(lru, keeps_what_was_used_last)
{
    lru_t *lru = lru_new(3, 1000, free_counted);

    put(lru, 1, 1);
    put(lru, 2, 1);
    put(lru, 3, 1);
    cr_assert_str_eq(lru_get(lru, key(1)), "1");
    put(lru, 4, 1);
    cr_assert_null(lru_get(lru, key(2)), "2 was the oldest");
    cr_assert_not_null(lru_get(lru, key(1)));
    cr_assert_not_null(lru_get(lru, key(4)));
    lru_free(lru);
    cr_assert_eq(freed, 4);
}

Test(lru, is_bounded_by_weight_too)
{
    lru_t *lru = lru_new(100, 10, free_counted);

    for (int i = 0; i < 20; i++) {
        put(lru, i, 4);
    }
    cr_assert_eq(lru_count(lru), 2);
    put(lru, 99, 500);
    cr_assert_eq(lru_count(lru), 1, "the newest stays for who has just put it there");
    cr_assert_str_eq(lru_get(lru, key(99)), "99");
    lru_free(lru);
}

Test(lru, puts_a_new_value_in_place_of_the_old_one)
{
    lru_t *lru = lru_new(3, 1000, free_counted);

    put(lru, 1, 5);
    lru_put(lru, key(1), mem_strdup("new"), 5);
    cr_assert_str_eq(lru_get(lru, key(1)), "new");
    cr_assert_eq(lru_count(lru), 1);
    cr_assert_eq(freed, 1);
    lru_remove(lru, key(1));
    lru_remove(lru, key(1));
    cr_assert_null(lru_get(lru, key(1)));
    lru_free(lru);
}

Test(lru, tells_keys_apart_by_all_their_bytes)
{
    lru_t *lru = lru_new(8, 1000, free_counted);

    lru_put(lru, SPAN("a\0b"), mem_strdup("first"), 1);
    lru_put(lru, SPAN("a\0c"), mem_strdup("second"), 1);
    cr_assert_str_eq(lru_get(lru, SPAN("a\0b")), "first");
    cr_assert_null(lru_get(lru, SPAN("a")));
    lru_free(lru);
}

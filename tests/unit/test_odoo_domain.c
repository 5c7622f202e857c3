/* Domains that are sent, and those that are refused with the term they fail at. */
#include <criterion/criterion.h>
#include <string.h>

#include "buf.h"
#include "domain.h"
#include "mem.h"

static int check(const char *text, err_t *err)
{
    json_auto_t *domain = json_loads(text, 0, NULL);

    cr_assert(json_is_array(domain), "%s", text);
    return domain_check(domain, err);
}

static void expect_good(const char *text)
{
    err_t err = { 0 };

    cr_expect_eq(check(text, &err), 0, "%s: %s", text, err.text);
}

static void expect_bad(const char *text, const char *said)
{
    err_t err = { 0 };

    cr_expect_eq(check(text, &err), -1, "%s", text);
    cr_expect_eq(err.kind, ERR_CALLER);
    cr_expect(strstr(err.text, said), "%s: %s", text, err.text);
}

Test(odoo_domain, everything_without_one)
{
    err_t err;

    cr_expect_eq(domain_check(NULL, &err), 0);
    expect_good("[]");
}

Test(odoo_domain, takes_every_operator)
{
    static const char *const scalar[] = { "=", "!=", ">", ">=", "<", "<=", "=?" };
    static const char *const text[] = { "like", "ilike", "not like", "not ilike", "=like", "=ilike" };

    for (size_t i = 0; i < COUNT_OF(scalar); i++) {
        AUTO(mem_free) char *domain = mem_printf("[[\"amount_total\",\"%s\",10.5]]", scalar[i]);
        expect_good(domain);
    }
    for (size_t i = 0; i < COUNT_OF(text); i++) {
        AUTO(mem_free) char *domain = mem_printf("[[\"partner_id.name\",\"%s\",\"ana%%\"]]", text[i]);
        expect_good(domain);
    }
    expect_good("[[\"id\",\"in\",[1,2]],[\"id\",\"not in\",[]],[\"state\",\"in\",[\"a\",false]]]");
    expect_good("[[\"parent_id\",\"child_of\",3],[\"parent_id\",\"parent_of\",[3,4]],[\"parent_id\",\"child_"
                "of\",\"Azure\"]]");
    expect_good("[[\"order_line\",\"any\",[[\"price_unit\",\">\",5]]],[\"order_line\",\"not any\",[]]]");
    expect_good("[[\"active\",\"=\",false],[\"parent_id\",\"=\",null],[1,\"=\",1],[0,\"=\",1]]");
}

Test(odoo_domain, takes_connectives_that_have_their_terms)
{
    expect_good("[\"|\",[\"a\",\"=\",1],[\"b\",\"=\",2]]");
    expect_good("[\"&\",\"|\",[\"a\",\"=\",1],[\"b\",\"=\",2],\"!\",[\"c\",\"=\",3]]");
    expect_good("[[\"a\",\"=\",1],\"|\",[\"b\",\"=\",2],[\"c\",\"=\",3],[\"d\",\"=\",4]]");
    expect_good("[\"!\",\"!\",\"|\",[\"a\",\"=\",1],\"!\",[\"b\",\"=\",1]]");
}

Test(odoo_domain, says_which_connective_lacks_a_term)
{
    expect_bad("[\"|\",[\"a\",\"=\",1]]",
               "domain[0] is \"|\", which joins the two terms after it, and there is only one");
    expect_bad("[[\"a\",\"=\",1],\"&\"]",
               "domain[1] is \"&\", which joins the two terms after it, and there is none");
    expect_bad("[\"!\"]", "domain[0] is \"!\"");
    expect_bad("[\"|\",\"|\",[\"a\",\"=\",1],[\"b\",\"=\",1]]", "domain[0] is \"|\"");
}

Test(odoo_domain, shows_the_term_that_is_wrong)
{
    expect_bad("[[\"a\",\"=\",1],[\"name\",\"wat\",1]]",
               "domain[1] is [\"name\",\"wat\",1]: the operator must be one of");
    expect_bad("[[\"name\",\"==\",1]]", "write = instead of ==");
    expect_bad("[[\"name\",\"<>\",1]]", "write != instead of <>");
    expect_bad("[[\"name\",\"=\"]]", "a term has three items");
    expect_bad("[[\"name\",\"=\",1,2]]", "a term has three items");
    expect_bad("[[]]", "a term has three items");
    expect_bad("[[5,\"=\",1]]", "must be the name of a field");
    expect_bad("[[\"na me\",\"=\",1]]", "must be the name of a field");
    expect_bad("[[\"a..b\",\"=\",1]]", "must be the name of a field");
    expect_bad("[[\"a.\",\"=\",1]]", "must be the name of a field");
    expect_bad("[[\"\",\"=\",1]]", "must be the name of a field");
    expect_bad("[[\"a\",[\"=\"],1]]", "the operator must be one of");
    expect_bad("[[\"id\",\"in\",3]]", "must be an array");
    expect_bad("[[\"id\",\"in\",[[1]]]]", "must be an array");
    expect_bad("[[\"id\",\"=\",[1,2]]]", "for several use in");
    expect_bad("[[\"name\",\"ilike\",5]]", "must be a string");
    expect_bad("[[\"parent_id\",\"child_of\",{}]]", "must be an id");
    expect_bad("[[\"line\",\"any\",3]]", "must be a domain");
    expect_bad("[{\"name\":1}]", "domain[0] is {\"name\":1}: an item must be a term");
    expect_bad("[[\"name\",\"contains\",\"a\"]]", "write ilike instead of contains");
    expect_bad("[[\"name\",\"IS NOT\",false]]", "write != instead");
    expect_bad("[\"name\",\"=\"]", "domain[0] is \"name\": an item must be a term");
}

Test(odoo_domain, tells_a_single_term_from_a_domain)
{
    expect_bad("[\"name\",\"ilike\",\"ana\"]", "write [[\"name\",\"ilike\",\"ana\"]]");
}

Test(odoo_domain, knows_the_words_that_other_languages_have_for_connectives)
{
    expect_bad("[\"or\",[\"a\",\"=\",1],[\"b\",\"=\",1]]", "domain[0] is \"or\": write \"|\"");
    expect_bad("[[\"a\",\"=\",1],\"AND\",[\"b\",\"=\",1]]", "domain[1] is \"AND\": write \"&\"");
    expect_bad("[\"not\",[\"a\",\"=\",1]]", "domain[0] is \"not\": write \"!\"");
}

Test(odoo_domain, looks_into_domains_within_domains_and_not_forever)
{
    AUTO_BUF deep = { 0 };

    expect_bad("[[\"line\",\"any\",[[\"id\",\"in\",3]]]]", "domain[0][2][0] is [\"id\",\"in\",3]");
    for (int i = 0; i < 12; i++) {
        buf_add_text(&deep, "[[\"a\",\"any\",");
    }
    buf_add_text(&deep, "[]");
    for (int i = 0; i < 12; i++) {
        buf_add_text(&deep, "]]");
    }
    expect_bad(buf_text(&deep), "domains within each other");
}

Test(odoo_domain, has_an_end)
{
    json_auto_t *domain = json_array();
    err_t err;

    for (int i = 0; i < 501; i++) {
        json_array_append_new(domain, json_pack("[s, s, i]", "id", "=", i));
    }
    cr_expect_eq(domain_check(domain, &err), -1);
    cr_expect(strstr(err.text, "500"), "%s", err.text);
}

Test(odoo_domain, cuts_what_it_shows)
{
    AUTO_BUF text = { 0 };

    buf_add_text(&text, "[[\"name\",\"wat\",\"");
    for (int i = 0; i < 500; i++) {
        buf_add_text(&text, "\xF0\x9F\x98\x80");
    }
    buf_add_text(&text, "\"]]");
    expect_bad(buf_text(&text), "...: the operator must be");
}

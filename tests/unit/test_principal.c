/* Who is asking: what a principal holds and how long. */
#include "principal.h"

#include <criterion/criterion.h>

Test(principal, keeps_its_permissions_sorted_and_once)
{
    const char *given[] = { "crm.write", "crm.read", "crm.write" };
    principal_t *anna = principal_new("anna", "acme", given, 3);

    cr_assert_eq(anna->permission_count, 2);
    cr_assert_str_eq(anna->permissions[0], "crm.read");
    cr_assert_str_eq(anna->permissions[1], "crm.write");
    principal_unref(anna);
}

Test(principal, has_what_it_was_given_and_no_prefix_of_it)
{
    const char *given[] = { "crm.read" };
    principal_t *anna = principal_new("anna", "acme", given, 1);

    cr_assert(principal_has(anna, "crm.read"));
    cr_assert(!principal_has(anna, "crm"));
    cr_assert(!principal_has(anna, "crm.reader"));
    cr_assert(!principal_has(anna, "*"));
    principal_unref(anna);
}

Test(principal, has_everything_by_a_star_alone)
{
    const char *star[] = { "*" }, *glob[] = { "crm.*" };
    principal_t *admin = principal_new("root", "acme", star, 1);
    principal_t *other = principal_new("other", "acme", glob, 1);

    cr_assert(principal_has(admin, "anything"));
    cr_assert(!principal_has(other, "crm.read"), "permissions are words, not patterns");
    principal_unref(admin);
    principal_unref(other);
}

Test(principal, copies_and_lives_until_its_last_holder)
{
    char name[] = "anna";
    principal_t *anna = principal_new(name, "acme", NULL, 0);

    name[0] = 'x';
    cr_assert_eq(principal_ref(anna), anna);
    principal_unref(anna);
    cr_assert_str_eq(anna->subject, "anna");
    principal_unref(anna);
    principal_unref(NULL);
}

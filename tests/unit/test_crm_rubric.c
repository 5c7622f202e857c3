/* The fixed rules: what each is worth, and that no text breaks them. */
#include <criterion/criterion.h>
#include <string.h>

#include "analysis.h"
#include "mem.h"
#include "rubric.h"

static judgement_t judge(const char *text)
{
    return rubric_judge(text);
}

Test(rubric, a_careful_message_scores_high_everywhere)
{
    judgement_t j =
        judge("Good morning, thank you for writing. How can I help you? I will send the proposal today.");

    cr_assert_eq(j.score[RUBRIC_GRAMMAR], 10);
    cr_assert_eq(j.score[RUBRIC_TONE], 10);
    cr_assert_eq(j.score[RUBRIC_BRAND], 10);
    cr_assert_null(j.fault[RUBRIC_TONE]);
}

Test(rubric, a_rude_message_scores_low_and_says_why)
{
    judgement_t j = judge("THAT IS NOT MY PROBLEM!!!");

    cr_assert_eq(j.score[RUBRIC_TONE], 0);
    cr_assert_str_eq(j.fault[RUBRIC_TONE], "sounds dismissive");
    cr_assert_str_eq(j.fault[RUBRIC_GRAMMAR], "written in capital letters");
    cr_assert_eq(j.score[RUBRIC_GRAMMAR], 7);
}

Test(rubric, each_grammar_rule_costs_what_the_docs_say)
{
    static const struct {
        const char *text;
        double score;
    } cases[] = {
        { "The plan costs 290 per month.", 10 },     { "the plan costs 290 per month.", 9 },
        { "The plan costs 290 per month", 9 },       { "Ok", 10 },
        { "The plan plan costs 290 per month.", 8 }, { "The plan , it costs 290 per month.", 9 },
        { "The plan costs 290 per month, thx.", 8 }, { "THE PLAN COSTS 290 PER MONTH.", 8 },
        { "The plan costs 290 per month!!", 9 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_assert_eq(judge(cases[i].text).score[RUBRIC_GRAMMAR], cases[i].score, "%s: %g", cases[i].text,
                     judge(cases[i].text).score[RUBRIC_GRAMMAR]);
    }
}

Test(rubric, words_are_whole_words_and_languages_are_known)
{
    cr_assert_eq(judge("Menu.").score[RUBRIC_GRAMMAR], 10, "the u of menu is no abbreviation");
    cr_assert_str_eq(judge("Olá, posso ajudar?").merit[RUBRIC_TONE], "greets");
    cr_assert_str_eq(judge("Muchas gracias.").merit[RUBRIC_TONE], "says please or thank you");
    cr_assert_eq(judge("Isso não é problema meu.").score[RUBRIC_TONE], 1);
}

Test(rubric, the_same_text_gets_the_same_scores)
{
    judgement_t a = judge("hi what do u want"), b = judge("hi what do u want");

    cr_assert_arr_eq(a.score, b.score, sizeof(a.score));
}

Test(rubric, odd_texts_are_survived_and_stay_in_range)
{
    static const char *const texts[] = { "",  " ",   "\n\n",     "!", "!!!!", "é", "\xff\xfe", "🙂🙂🙂",
                                         "'", " , ", "a a a a a" };
    char *longest = mem_alloc(20001);

    memset(longest, 'A', 20000);
    for (size_t i = 0; i <= COUNT_OF(texts); i++) {
        judgement_t j = judge(i < COUNT_OF(texts) ? texts[i] : longest);
        for (int d = 0; d < RUBRIC_COUNT; d++) {
            cr_assert(j.score[d] >= 0 && j.score[d] <= 10);
        }
    }
    free(longest);
}

Test(analysis, scores_are_means_and_examples_are_the_worst_then_the_best)
{
    static const char *const texts[] = { "Hello, thank you.", "Whatever.", "That is not my problem!!",
                                         "Sure.", "That is not my problem!!" };
    judgement_t judged[5];
    message_t messages[5];

    for (size_t i = 0; i < 5; i++) {
        messages[i] = (message_t){ "id", texts[i], 0 };
        judged[i] = judge(texts[i]);
    }
    analysis_t a = analysis_by_rubric(messages, judged, 5);
    cr_assert_float_eq(a.score[RUBRIC_TONE], 3.2, 1e-9, "9, 1, 0, 6 and 0: %g", a.score[RUBRIC_TONE]);
    cr_assert_eq(a.example_count[RUBRIC_TONE], 3);
    cr_assert_eq(a.examples[RUBRIC_TONE][0].message, 2);
    cr_assert_eq(a.examples[RUBRIC_TONE][1].message, 1);
    cr_assert_eq(a.examples[RUBRIC_TONE][2].message, 0);
}

Test(analysis, no_messages_are_zeros_without_examples)
{
    analysis_t a = analysis_by_rubric(NULL, NULL, 0);

    cr_assert_eq(a.score[RUBRIC_BRAND], 0);
    cr_assert_eq(a.example_count[RUBRIC_BRAND], 0);
}

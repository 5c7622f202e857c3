/* See rubric.h. First the facts about a text (does it greet, does it shout ...), then a table of what each
 * fact is worth.
 *
 * Words are known in English, Portuguese and Spanish. Letters are compared in ASCII lower case, so accented
 * words stand here in small letters and are found in that form. */
#include "rubric.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

#define TEXT_MAX_BYTES 4096
#define WORDS_FOR_END_MARK 4    /* "Ok" needs no full stop */
#define LETTERS_FOR_SHOUTING 10 /* "OK" and "CRM" do not shout */

const char *const rubric_names[RUBRIC_COUNT] = { "grammar", "tone", "brand" };

typedef struct {
    bool small_start, no_end_mark, repeated_marks, space_before_mark, repeated_word, shouting, abbreviation;
    bool greeting, courtesy, apology, offers_help, next_step, harsh;
} facts_t;

typedef struct {
    rubric_dimension_t dimension;
    size_t fact;
    double points;
    const char *finding;
} rule_t;

#define FACT(name) offsetof(facts_t, name)
static const double starts_at[RUBRIC_COUNT] = { 10, 6, 6 };
static const rule_t rules[] = {
    { RUBRIC_GRAMMAR, FACT(shouting), -2, "written in capital letters" },
    { RUBRIC_GRAMMAR, FACT(repeated_word), -2, "a word stands twice in a row" },
    { RUBRIC_GRAMMAR, FACT(abbreviation), -2, "chat abbreviations instead of words" },
    { RUBRIC_GRAMMAR, FACT(small_start), -1, "begins with a small letter" },
    { RUBRIC_GRAMMAR, FACT(no_end_mark), -1, "no mark at the end of the sentence" },
    { RUBRIC_GRAMMAR, FACT(repeated_marks), -1, "repeated exclamation or question marks" },
    { RUBRIC_GRAMMAR, FACT(space_before_mark), -1, "a space before a comma or full stop" },

    { RUBRIC_TONE, FACT(harsh), -5, "sounds dismissive" },
    { RUBRIC_TONE, FACT(shouting), -3, "shouts" },
    { RUBRIC_TONE, FACT(repeated_marks), -1, "repeated exclamation or question marks" },
    { RUBRIC_TONE, FACT(courtesy), +2, "says please or thank you" },
    { RUBRIC_TONE, FACT(apology), +1, "shows understanding" },
    { RUBRIC_TONE, FACT(greeting), +1, "greets" },
    { RUBRIC_TONE, FACT(offers_help), +1, "offers help" },

    { RUBRIC_BRAND, FACT(abbreviation), -3, "chat abbreviations" },
    { RUBRIC_BRAND, FACT(harsh), -3, "turns the customer away" },
    { RUBRIC_BRAND, FACT(shouting), -2, "shouts" },
    { RUBRIC_BRAND, FACT(next_step), +2, "says what happens next" },
    { RUBRIC_BRAND, FACT(courtesy), +1, "courteous" },
    { RUBRIC_BRAND, FACT(greeting), +1, "greets" },
    { RUBRIC_BRAND, FACT(offers_help), +1, "offers help" },
};

/* Phrases are looked for between spaces, in a copy where every mark has become one. */
static const char *const abbreviations[] = { "u",   "ur",  "pls", "plz", "thx", "tks", "asap", "lol",
                                             "btw", "idk", "vc",  "vcs", "pq",  "tb",  "tbm",  "blz",
                                             "vlw", "flw", "obg", "msm", "xq",  "tmb", NULL };
static const char *const greetings[] = { "hello",        "hi",          "good morning",  "good afternoon",
                                         "good evening", "dear",        "olá",           "ola",
                                         "oi",           "bom dia",     "boa tarde",     "boa noite",
                                         "hola",         "buenos días", "buenas tardes", NULL };
static const char *const courtesies[] = { "please",    "thank you", "thanks",   "you are welcome",
                                          "por favor", "obrigado",  "obrigada", "gentileza",
                                          "gracias",   NULL };
static const char *const apologies[] = { "sorry",    "i understand", "i see",   "apologize",  "apologies",
                                         "desculpe", "desculpa",     "entendo", "compreendo", "lamento",
                                         "entiendo", "perdón",       NULL };
static const char *const offers[] = {
    "can i help",      "may i help",        "happy to help", "glad to help", "let me help", "posso ajudar",
    "posso te ajudar", "fico à disposição", "à disposição",  "puedo ayudar", NULL
};
static const char *const next_steps[] = { "i will", "i'll",      "we will",          "we'll",
                                          "let me", "will send", "come back to you", "vou",
                                          "vamos",  "envio",     "enviarei",         "retorno",
                                          "voy a",  "vamos a",   "le envío",         NULL };
static const char *const harsh_words[] = {
    "not my problem",     "not my job",        "calm down",   "whatever",
    "what do u want",     "what do you want",  "stop asking", "i already told you",
    "read the site",      "obviously",         "shut up",     "stupid",
    "não é problema meu", "se vira",           "já te falei", "já falei",
    "calma aí",           "no es mi problema", NULL
};

static bool has_any(const char *spaced, const char *const *phrases)
{
    char needle[40];

    for (; *phrases; phrases++) {
        snprintf(needle, sizeof(needle), " %s ", *phrases);
        if (strstr(spaced, needle)) {
            return true;
        }
    }
    return false;
}

static bool is_word_byte(unsigned char c)
{
    return isalnum(c) || c >= 0x80 || c == '\'';
}

/* " good morning thank you " of "Good morning, thank you!" */
static void space_out(const char *text, char *out, size_t size)
{
    size_t length = 1;

    out[0] = ' ';
    for (; *text != '\0' && length + 2 < size; text++) {
        if (is_word_byte((unsigned char)*text)) {
            out[length++] = (char)tolower((unsigned char)*text);
        } else if (out[length - 1] != ' ') {
            out[length++] = ' ';
        }
    }
    if (out[length - 1] != ' ') {
        out[length++] = ' ';
    }
    out[length] = '\0';
}

/* How many words; *ret_repeated: one of two letters or more stands twice in a row. */
static size_t count_words(const char *spaced, bool *ret_repeated)
{
    const char *last = NULL;
    size_t count = 0, last_length = 0;

    for (const char *word = spaced + 1; *word != '\0'; count++) {
        size_t length = strcspn(word, " ");
        if (length > 1 && length == last_length && isalpha((unsigned char)*word) &&
            memcmp(word, last, length) == 0) {
            *ret_repeated = true;
        }
        last = word;
        last_length = length;
        word += length + 1;
    }
    return count;
}

static bool shouts(const char *text)
{
    size_t capitals = 0, letters = 0;

    for (; *text != '\0'; text++) {
        letters += isalpha((unsigned char)*text) != 0;
        capitals += isupper((unsigned char)*text) != 0;
    }
    return letters >= LETTERS_FOR_SHOUTING && capitals * 10 >= letters * 6;
}

static bool has_pair(const char *text, const char *pairs)
{
    for (; *text != '\0' && text[1] != '\0'; text++) {
        for (const char *pair = pairs; *pair != '\0'; pair += 2) {
            if (text[0] == pair[0] && text[1] == pair[1]) {
                return true;
            }
        }
    }
    return false;
}

static facts_t facts_of(const char *text)
{
    char spaced[TEXT_MAX_BYTES];
    bool repeated = false;

    text += strspn(text, " \t\r\n");
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    space_out(text, spaced, sizeof(spaced));
    size_t words = count_words(spaced, &repeated);
    unsigned char last = length > 0 ? (unsigned char)text[length - 1] : '.';
    return (facts_t){
        .small_start = islower((unsigned char)*text),
        .no_end_mark = words >= WORDS_FOR_END_MARK && isalnum(last),
        .repeated_marks = has_pair(text, "!!??"),
        .space_before_mark = has_pair(text, " , . ! ?"),
        .repeated_word = repeated,
        .shouting = shouts(text),
        .abbreviation = has_any(spaced, abbreviations),
        .greeting = has_any(spaced, greetings),
        .courtesy = has_any(spaced, courtesies),
        .apology = has_any(spaced, apologies),
        .offers_help = has_any(spaced, offers),
        .next_step = has_any(spaced, next_steps),
        .harsh = has_any(spaced, harsh_words),
    };
}

judgement_t rubric_judge(const char *text)
{
    facts_t facts = facts_of(text);
    judgement_t judgement = { 0 };

    memcpy(judgement.score, starts_at, sizeof(starts_at));
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        const rule_t *rule = &rules[i];
        if (!*((const bool *)((const char *)&facts + rule->fact))) {
            continue;
        }
        /* The rules of a dimension stand in the order of their weight, so the first finding is the
         * heaviest. */
        const char **finding = rule->points < 0 ? judgement.fault : judgement.merit;
        if (!finding[rule->dimension]) {
            finding[rule->dimension] = rule->finding;
        }
        judgement.score[rule->dimension] += rule->points;
    }
    for (int i = 0; i < RUBRIC_COUNT; i++) {
        judgement.score[i] = judgement.score[i] < 0 ? 0 : judgement.score[i] > 10 ? 10 : judgement.score[i];
    }
    return judgement;
}

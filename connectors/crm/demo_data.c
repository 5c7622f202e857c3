/* --demo-data. Per tenant: a team of ten (one has too few sessions to be ranked, one is not active, one was
 * deleted), 300 leads and about 600 sessions spread over a year up to now, their messages, two pipelines,
 * qualifications.
 *
 * Every question should have a clear answer at any hour of any day, also in the first minutes of a week: so
 * the three agents who lead the three metrics get a batch of sessions between midnight and now, and some
 * leads are from today. What differs between agents is dealt out by fixed quotas, not by chance: chance only
 * varies names, hours and texts. */
#include "demo_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "period.h"

#define DAY_MS (24 * 3600 * 1000LL)
#define DAYS 365
#define CONTACTS 300
#define CONTACTS_TODAY 9
#define CONTACTS_DELETED 12
#define SESSIONS_PER_CONTACT 2
#define SESSIONS_TODAY 6
#define TEAM_SIZE 10
#define PIPELINES 2
#define STAGES 6
#define ID_TEXT 37

typedef struct {
    const char *name, *type;
    int conversions_of_20; /* of 20 sessions */
    int response_seconds;
    double satisfaction;
    int manners; /* which set of sentences this agent writes: 0 careful .. 2 careless */
    bool active, deleted;
    int sessions_max; /* 0: any */
} agent_t;

/* In the order of their shares of work. Ana converts best, Bruno answers fastest, Carla is liked best. */
static const agent_t teams[2][TEAM_SIZE] = {
    {
        { "Ana Souza", "human", 11, 95, 0.55, 0, true, false, 0 },
        { "Bruno Lima", "human", 7, 28, 0.42, 1, true, false, 0 },
        { "Carla Mendes", "human", 8, 140, 0.86, 0, true, false, 0 },
        { "Diego Rocha", "human", 5, 210, 0.31, 2, true, false, 0 },
        { "Elisa Prado", "human", 6, 120, 0.47, 1, true, false, 0 },
        { "Felipe Nunes", "human", 4, 175, 0.12, 2, true, false, 0 },
        { "Gabi, the assistant", "bot", 3, 40, 0.25, 0, true, false, 0 },
        { "Hugo Farias", "human", 10, 60, 0.90, 1, true, false, 3 },
        { "Wanda Reis", "human", 6, 160, 0.35, 1, false, false, 30 },
        { "Zeca Torres", "human", 19, 5, 0.99, 0, true, true, 30 },
    },
    {
        { "Irene Castro", "human", 12, 80, 0.50, 0, true, false, 0 },
        { "João Batista", "human", 6, 25, 0.33, 1, true, false, 0 },
        { "Karin Vogel", "human", 7, 130, 0.81, 0, true, false, 0 },
        { "Luca Bianchi", "human", 5, 190, 0.28, 2, true, false, 0 },
        { "Marta Dias", "human", 6, 110, 0.44, 1, true, false, 0 },
        { "Nina Alves", "human", 3, 165, 0.10, 2, true, false, 0 },
        { "Otto, the assistant", "bot", 2, 35, 0.22, 0, true, false, 0 },
        { "Paulo Teles", "human", 9, 55, 0.88, 1, true, false, 3 },
        { "Xenia Moraes", "human", 5, 150, 0.36, 1, false, false, 30 },
        { "Yuri Campos", "human", 18, 6, 0.97, 0, true, true, 30 },
    },
};

static const char *const tenants[2] = { "demo", "other" };
static const char *const first_names[] = { "Alice",    "Beatriz", "Caio",   "Davi",    "Enzo",
                                           "Fernanda", "Gustavo", "Helena", "Igor",    "Júlia",
                                           "Kevin",    "Laura",   "Miguel", "Natália", "Otávio",
                                           "Patrícia", "Rafael",  "Sofia",  "Tiago",   "Valentina" };
static const char *const last_names[] = { "Almeida",  "Barros",    "Cardoso",   "Duarte",   "Esteves",
                                          "Ferreira", "Gonçalves", "Henriques", "Jardim",   "Klein",
                                          "Lopes",    "Moreira",   "Nogueira",  "Oliveira", "Pereira",
                                          "Queiroz",  "Ribeiro" };
static const char *const channels[] = { "whatsapp", "website", "instagram", "e-mail", "referral" };
static const char *const pipeline_names[PIPELINES] = { "Sales", "Onboarding" };
static const char *const stage_names[PIPELINES][STAGES] = {
    { "New", "Contacted", "Proposal sent", "Negotiation", "Won", "Lost" },
    { "Contract signed", "Kick-off", "Data import", "Training", "Live", "Cancelled" },
};

/* What agents write, by manners. */
static const char *const agent_lines[3][6] = {
    {
        "Good morning, thank you for writing to us. How can I help you today?",
        "I understand. Could you please tell me how many people will use it?",
        "Thank you for the details. I will send you a proposal by e-mail this afternoon.",
        "Of course. The price includes training and support for the first year.",
        "I am sorry for the delay. Let me check this with our team and come back to you within the hour.",
        "Thank you for your time. Have a great day, and please write to us whenever you need.",
    },
    {
        "Hello! How can I help?",
        "Sure, I can do that. Which plan did you look at?",
        "The plan costs 290 per month.",
        "I will check and let you know.",
        "Our support is open from 9 to 18.",
        "Thanks, talk to you soon.",
    },
    {
        "hi what do u want",
        "that is not my problem , ask the support",
        "pls read the site it is all there",
        "I ALREADY TOLD YOU THE PRICE!!!",
        "wait wait i will look at at it later",
        "ok bye",
    },
};
static const char *const contact_lines[6] = {
    "Hi, I saw your offer and would like to know more.",
    "We are a team of 12.",
    "Do you have a plan with support?",
    "That is more than we planned to spend.",
    "When could we start?",
    "Thank you, I will think about it.",
};

typedef struct {
    db_admin_t *admin;
    err_t *err;
    uint64_t random;
    int64_t now_ms, today_ms;
    const char *tenant;
    const agent_t *team;
    int contacts; /* of the year, beside those of today */
    char agents[TEAM_SIZE][ID_TEXT];
    int sessions_of[TEAM_SIZE];
    int turn; /* whose session is next */
    char pipelines[PIPELINES][ID_TEXT], stages[PIPELINES][STAGES][ID_TEXT];
    int failed; /* the first failure; later inserts do nothing */
} demo_t;

/* splitmix64: small, and the same everywhere. */
static uint64_t next_random(demo_t *demo)
{
    uint64_t z = (demo->random += 0x9e3779b97f4a7c15u);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int64_t below(demo_t *demo, int64_t limit)
{
    return limit > 0 ? (int64_t)(next_random(demo) % (uint64_t)limit) : 0;
}

static const char *new_id(demo_t *demo, char out[ID_TEXT])
{
    uint64_t a = next_random(demo), b = next_random(demo);

    snprintf(out, ID_TEXT, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64, a >> 32,
             a >> 16 & 0xffff, a & 0xfff, 0x8000 | (b >> 48 & 0x3fff), b & 0xffffffffffff);
    return out;
}

static void insert(demo_t *demo, const char *sql, const db_value_t *values, size_t count)
{
    if (!demo->failed) {
        demo->failed = db_admin_run(demo->admin, sql, values, count, NULL, demo->err);
    }
}

static void add_agents(demo_t *demo)
{
    for (int i = 0; i < TEAM_SIZE; i++) {
        const agent_t *agent = &demo->team[i];
        char email[64];

        snprintf(email, sizeof(email), "agent%d@%s.example", i + 1, demo->tenant);
        insert(demo,
               "INSERT INTO agents (id, tenant_id, name, email, type, status, active, sessions_handled, "
               "average_response_ms, last_activity_at, created_at, updated_at, deleted_at) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)",
               DB_VALUES(DB_TEXT(new_id(demo, demo->agents[i])), DB_TEXT(demo->tenant), DB_TEXT(agent->name),
                         DB_TEXT(email), DB_TEXT(agent->type),
                         DB_TEXT(agent->active ? "available" : "offline"), DB_BOOL(agent->active), DB_INT(0),
                         DB_INT(agent->response_seconds * 1000), DB_TIME(demo->now_ms - (i + 1) * 3600000LL),
                         DB_TIME(demo->now_ms - DAYS * DAY_MS),
                         agent->deleted ? DB_TIME(demo->now_ms - 20 * DAY_MS) : DB_NO_VALUE));
    }
}

static const char *stage_type(int stage)
{
    return stage == 4 ? "won" : stage == 5 ? "lost" : "open";
}

static void add_pipelines(demo_t *demo)
{
    for (int p = 0; p < PIPELINES; p++) {
        insert(demo,
               "INSERT INTO pipelines (id, tenant_id, name, position, active) VALUES ($1, $2, $3, $4, $5)",
               DB_VALUES(DB_TEXT(new_id(demo, demo->pipelines[p])), DB_TEXT(demo->tenant),
                         DB_TEXT(pipeline_names[p]), DB_INT(p + 1), DB_BOOL(true)));
        for (int s = 0; s < STAGES; s++) {
            insert(demo,
                   "INSERT INTO pipeline_statuses (id, pipeline_id, name, status_type, position, active) "
                   "VALUES ($1, $2, $3, $4, $5, $6)",
                   DB_VALUES(DB_TEXT(new_id(demo, demo->stages[p][s])), DB_TEXT(demo->pipelines[p]),
                             DB_TEXT(stage_names[p][s]), DB_TEXT(stage_type(s)), DB_INT(s + 1),
                             DB_BOOL(true)));
        }
    }
}

/* Whose turn it is among those who may still take one. */
static int next_agent(demo_t *demo)
{
    for (;;) {
        int i = demo->turn++ % TEAM_SIZE;
        if (demo->team[i].sessions_max == 0 || demo->sessions_of[i] < demo->team[i].sessions_max) {
            return i;
        }
    }
}

static void add_message(demo_t *demo, const char *contact, const char *session, const char *agent,
                        const char *text, int64_t at_ms)
{
    char id[ID_TEXT];

    insert(demo,
           "INSERT INTO messages (id, tenant_id, \"timestamp\", from_me, contact_id, session_id, "
           "content_type, text, agent_id, status, language) "
           "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
           DB_VALUES(DB_TEXT(new_id(demo, id)), DB_TEXT(demo->tenant), DB_TIME(at_ms), DB_BOOL(agent != NULL),
                     DB_TEXT(contact), DB_TEXT(session), DB_TEXT("text"), DB_TEXT(text), DB_TEXT(agent),
                     DB_TEXT("read"), DB_TEXT("en")));
}

static void join_session(demo_t *demo, const char *session, const char *agent, const char *role,
                         int64_t at_ms)
{
    char id[ID_TEXT];

    insert(demo,
           "INSERT INTO agent_sessions (id, agent_id, session_id, role_in_session, joined_at, is_active) "
           "VALUES ($1, $2, $3, $4, $5, $6)",
           DB_VALUES(DB_TEXT(new_id(demo, id)), DB_TEXT(agent), DB_TEXT(session), DB_TEXT(role),
                     DB_TIME(at_ms), DB_BOOL(false)));
}

static void add_session(demo_t *demo, const char *contact, int who, int64_t at_ms)
{
    const agent_t *agent = &demo->team[who];
    char id[ID_TEXT], agent_ids[ID_TEXT + 4];
    int nth = demo->sessions_of[who]++;
    /* Quota, spread evenly: session n converts when the running share crosses a whole number. */
    bool converted = (nth + 1) * agent->conversions_of_20 / 20 > nth * agent->conversions_of_20 / 20;
    int64_t length_ms = 60000 * (3 + below(demo, 20));
    double mood = agent->satisfaction + ((double)(nth % 5) - 2) / 50;
    if (at_ms + length_ms > demo->now_ms) {
        length_ms = demo->now_ms - at_ms;
    }

    new_id(demo, id);
    snprintf(agent_ids, sizeof(agent_ids), "[\"%s\"]", demo->agents[who]);
    insert(demo,
           "INSERT INTO sessions (id, contact_id, tenant_id, pipeline_id, started_at, ended_at, status, "
           "last_activity_at, message_count, messages_from_contact, messages_from_agent, duration_seconds, "
           "agent_response_time_seconds, agent_ids, agent_transfers, summary, sentiment, sentiment_score, "
           "resolved, escalated, converted) VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $8, $9, $9, $10, $11, "
           "$12, $13, $14, $15, $16, $17, $18, $19)",
           DB_VALUES(DB_TEXT(id), DB_TEXT(contact), DB_TEXT(demo->tenant), DB_TEXT(demo->pipelines[0]),
                     DB_TIME(at_ms), DB_TIME(at_ms + length_ms), DB_TEXT("closed"), DB_INT(6), DB_INT(3),
                     DB_INT(length_ms / 1000), DB_INT(agent->response_seconds + nth % 7), DB_TEXT(agent_ids),
                     DB_INT(nth % 9 == 0), DB_TEXT("Asked about plans and prices."),
                     DB_TEXT(mood > 0.4 ? "positive" : "neutral"), DB_REAL(mood), DB_BOOL(nth % 3 != 0),
                     DB_BOOL(nth % 11 == 0), DB_BOOL(converted)));
    join_session(demo, id, demo->agents[who], "owner", at_ms);
    if (nth % 9 == 0) { /* came back after a transfer: in the session twice, counted once */
        join_session(demo, id, demo->agents[who], "owner", at_ms + length_ms / 2);
    }
    for (int i = 0; i < 3; i++) {
        add_message(demo, contact, id, NULL, contact_lines[(nth + i * 2) % 6],
                    at_ms + length_ms * (2 * i) / 6);
        add_message(demo, contact, id, demo->agents[who], agent_lines[agent->manners][(nth + i) % 6],
                    at_ms + length_ms * (2 * i + 1) / 6);
    }
}

static void enter_stage(demo_t *demo, const char *contact, int stage, int64_t at_ms, int64_t until_ms)
{
    char id[ID_TEXT];

    insert(demo,
           "INSERT INTO contact_pipeline_statuses (id, contact_id, pipeline_id, status_id, tenant_id, "
           "entered_at, exited_at, duration) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
           DB_VALUES(DB_TEXT(new_id(demo, id)), DB_TEXT(contact), DB_TEXT(demo->pipelines[0]),
                     DB_TEXT(demo->stages[0][stage]), DB_TEXT(demo->tenant), DB_TIME(at_ms),
                     until_ms ? DB_TIME(until_ms) : DB_NO_VALUE,
                     until_ms ? DB_INT((until_ms - at_ms) / 1000) : DB_NO_VALUE));
}

static void add_qualification(demo_t *demo, const char *contact, bool qualified, int64_t at_ms)
{
    char id[ID_TEXT];

    insert(demo,
           "INSERT INTO lead_qualifications (id, tenant_id, contact_id, status, reason, budget, authority, "
           "need, timeline, qualified_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
           DB_VALUES(DB_TEXT(new_id(demo, id)), DB_TEXT(demo->tenant), DB_TEXT(contact),
                     DB_TEXT(qualified ? "qualified" : "unqualified"),
                     DB_TEXT(qualified ? "Has a budget and a date." : "Only looking around."),
                     DB_REAL(qualified ? 8 : 2), DB_REAL(qualified ? 7 : 3), DB_REAL(qualified ? 9 : 4),
                     DB_REAL(qualified ? 6 : 1), DB_TEXT("demo data"), DB_TIME(at_ms)));
}

static void add_contact_row(demo_t *demo, const char *id, int n, int64_t created_ms, bool deleted)
{
    char name[64], email[64], phone[24], external_id[24];

    snprintf(name, sizeof(name), "%s %s", first_names[below(demo, COUNT_OF(first_names))],
             last_names[n % (int)COUNT_OF(last_names)]);
    snprintf(email, sizeof(email), "lead%d@%s-customers.example", n + 1, demo->tenant);
    snprintf(phone, sizeof(phone), "+55119%08d", 10000000 + n);
    snprintf(external_id, sizeof(external_id), "demo-%04d", n + 1);
    insert(demo,
           "INSERT INTO contacts (id, tenant_id, name, email, phone, external_id, source_channel, language, "
           "tags, first_interaction_at, last_interaction_at, created_at, updated_at, deleted_at) "
           "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10, $10, $11)",
           DB_VALUES(DB_TEXT(id), DB_TEXT(demo->tenant), DB_TEXT(name), DB_TEXT(email), DB_TEXT(phone),
                     DB_TEXT(external_id), DB_TEXT(channels[n % (int)COUNT_OF(channels)]), DB_TEXT("pt"),
                     DB_TEXT(n % 4 == 0 ? "[\"vip\"]" : "[]"), DB_TIME(created_ms),
                     deleted ? DB_TIME(created_ms + DAY_MS / 2) : DB_NO_VALUE));
}

/* Somewhere between the moment and now, at most a month later. */
static int64_t later(demo_t *demo, int64_t at_ms)
{
    int64_t room_ms = demo->now_ms - at_ms;

    return at_ms + below(demo, room_ms < 30 * DAY_MS ? room_ms : 30 * DAY_MS);
}

static void add_contact(demo_t *demo, int n, int64_t created_ms, bool deleted)
{
    char id[ID_TEXT];

    add_contact_row(demo, new_id(demo, id), n, created_ms, deleted);
    int64_t second_ms = later(demo, created_ms);
    enter_stage(demo, id, 0, created_ms, n % 2 ? second_ms : 0);
    if (n % 2) {
        enter_stage(demo, id, 1 + n % (STAGES - 1), second_ms, 0);
    }
    if (n % 5 == 0) { /* first not, then yes: the latest counts */
        add_qualification(demo, id, false, created_ms);
    }
    if (n % 5 < 2) {
        add_qualification(demo, id, true, second_ms);
    } else if (n % 5 == 2) {
        add_qualification(demo, id, false, second_ms);
    }
    for (int i = 0; i < SESSIONS_PER_CONTACT; i++) {
        add_session(demo, id, next_agent(demo), i == 0 ? created_ms : later(demo, second_ms));
    }
}

static void add_contacts(demo_t *demo)
{
    int64_t step_ms = (demo->today_ms - (demo->now_ms - DAYS * DAY_MS)) / demo->contacts;
    int64_t today_step_ms = (demo->now_ms - demo->today_ms) / (CONTACTS_TODAY + 1);
    int n = 0;

    for (int i = 0; i < demo->contacts; i++) {
        int64_t at_ms = demo->now_ms - DAYS * DAY_MS + i * step_ms + below(demo, step_ms);
        add_contact(demo, n++, at_ms, false);
    }
    for (int i = 0; i < CONTACTS_DELETED; i++) {
        add_contact(demo, n++, demo->now_ms - (i + 1) * 20 * DAY_MS, true);
    }
    for (int i = 0; i < CONTACTS_TODAY; i++) {
        add_contact(demo, n++, demo->today_ms + (i + 1) * today_step_ms, false);
    }
}

/* The leaders work today, with a contact of their own. */
static void add_today(demo_t *demo)
{
    char id[ID_TEXT];
    int64_t step_ms = (demo->now_ms - demo->today_ms) / (SESSIONS_TODAY + 1);

    add_contact_row(demo, new_id(demo, id), demo->contacts + CONTACTS_DELETED + CONTACTS_TODAY,
                    demo->now_ms - DAYS * DAY_MS, false);
    for (int i = 0; i < SESSIONS_TODAY; i++) {
        for (int who = 0; who < 3; who++) {
            add_session(demo, id, who, demo->today_ms + (i + 1) * step_ms);
        }
    }
}

static void count_sessions(demo_t *demo)
{
    for (int i = 0; i < TEAM_SIZE; i++) {
        insert(demo, "UPDATE agents SET sessions_handled = $1 WHERE id = $2 AND tenant_id = $3",
               DB_VALUES(DB_INT(demo->sessions_of[i]), DB_TEXT(demo->agents[i]), DB_TEXT(demo->tenant)));
    }
}

static int fill_tenant(db_admin_t *admin, int which, int64_t now_ms, err_t *err)
{
    demo_t demo = { .admin = admin,
                    .err = err,
                    .random = 20260728u + (uint64_t)which,
                    .now_ms = now_ms,
                    .today_ms = period_named("today", now_ms).from_ms,
                    .tenant = tenants[which],
                    .team = teams[which],
                    /* One sees at a glance whose figures they are. */
                    .contacts = which == 0 ? CONTACTS : CONTACTS / 2 };

    add_agents(&demo);
    add_pipelines(&demo);
    add_contacts(&demo);
    add_today(&demo);
    count_sessions(&demo);
    return demo.failed;
}

static int has_contacts(db_admin_t *admin, bool *ret, err_t *err)
{
    db_rows_t *rows = NULL;

    if (db_admin_run(admin, "SELECT COUNT(*) FROM contacts WHERE tenant_id = $1 OR tenant_id = $2",
                     DB_VALUES(DB_TEXT(tenants[0]), DB_TEXT(tenants[1])), &rows, err)) {
        return -1;
    }
    *ret = db_int(rows, 0, 0) > 0;
    db_rows_free(rows);
    return 0;
}

int demo_data_fill(db_admin_t *admin, int64_t now_ms, bool *ret_filled, err_t *err)
{
    bool there = false;

    if (has_contacts(admin, &there, err)) {
        return -1;
    }
    *ret_filled = !there;
    if (there) {
        return 0;
    }
    if (db_admin_run(admin, "BEGIN", NULL, 0, NULL, err)) {
        return -1;
    }
    if (fill_tenant(admin, 0, now_ms, err) || fill_tenant(admin, 1, now_ms, err) ||
        db_admin_run(admin, "COMMIT", NULL, 0, NULL, err)) {
        db_admin_run(admin, "ROLLBACK", NULL, 0, NULL, NULL);
        return -1;
    }
    return 0;
}

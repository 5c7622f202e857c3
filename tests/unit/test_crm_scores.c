/* Ranking: what wins, what breaks ties, and who is left out. */
#include <criterion/criterion.h>
#include <math.h>

#include "scores.h"

static const score_t ana = { "id-a", "Ana", 20, 11, 95, 0.5 };
static const score_t bruno = { "id-b", "Bruno", 10, 3, 30, 0.4 };
static const score_t carla = { "id-c", "Carla", 10, 4, 140, 0.9 };
static const score_t few = { "id-d", "Few", 4, 4, 1, 1 };

Test(scores, conversion_rate_is_zero_without_sessions)
{
    score_t nobody = { "x", "X", 0, 0, NAN, NAN };

    cr_assert_eq(score_value(&nobody, METRIC_CONVERSION_RATE), 0);
    cr_assert(fabs(score_value(&ana, METRIC_CONVERSION_RATE) - 0.55) < 1e-12);
}

Test(scores, higher_conversion_and_lower_response_time_win)
{
    score_t scores[] = { bruno, carla, ana };

    cr_assert_eq(score_rank(scores, 3, METRIC_CONVERSION_RATE), 3);
    cr_assert_str_eq(scores[0].name, "Ana");
    cr_assert_str_eq(scores[2].name, "Bruno");
    score_rank(scores, 3, METRIC_RESPONSE_TIME);
    cr_assert_str_eq(scores[0].name, "Bruno");
    cr_assert_str_eq(scores[2].name, "Carla");
    score_rank(scores, 3, METRIC_SATISFACTION);
    cr_assert_str_eq(scores[0].name, "Carla");
}

Test(scores, fewer_than_five_sessions_are_not_ranked)
{
    char reason[SCORE_REASON_SIZE];
    score_t scores[] = { few, ana };

    cr_assert_eq(score_rank(scores, 2, METRIC_CONVERSION_RATE), 1);
    cr_assert_str_eq(scores[0].name, "Ana");
    cr_assert(strstr(score_not_ranked(&few, METRIC_CONVERSION_RATE, reason), "4 sessions"));
    score_t enough = few;
    enough.sessions = SCORE_MIN_SESSIONS;
    cr_assert_null(score_not_ranked(&enough, METRIC_CONVERSION_RATE, reason));
}

Test(scores, a_metric_that_was_never_recorded_is_not_ranked)
{
    char reason[SCORE_REASON_SIZE];
    score_t silent = { "id-e", "Silent", 9, 1, NAN, NAN };

    cr_assert(strstr(score_not_ranked(&silent, METRIC_SATISFACTION, reason), "no satisfaction"));
    cr_assert_null(score_not_ranked(&silent, METRIC_CONVERSION_RATE, reason));
}

Test(scores, ties_go_to_more_sessions_then_to_the_smaller_id)
{
    score_t scores[] = { { "z", "Z", 10, 5, 1, 1 }, { "m", "M", 20, 10, 1, 1 }, { "a", "A", 10, 5, 1, 1 } };

    cr_assert_eq(score_rank(scores, 3, METRIC_CONVERSION_RATE), 3);
    cr_assert_str_eq(scores[0].id, "m");
    cr_assert_str_eq(scores[1].id, "a");
    cr_assert_str_eq(scores[2].id, "z");
}

Test(scores, contest_goes_to_who_wins_most_dimensions)
{
    score_t scores[] = { { "a", "A", 10, 9, 50, 0.1 }, { "b", "B", 10, 1, 10, 0.9 } };
    contest_t contest = score_contest(scores, 2);

    cr_assert_eq(contest.winner, &scores[1]);
    cr_assert_eq(contest.points, 2);
    cr_assert_not(contest.by_conversion);
    cr_assert_eq(contest.best[METRIC_CONVERSION_RATE], &scores[0]);
}

Test(scores, equal_points_are_decided_by_conversion)
{
    score_t scores[] = { bruno, carla, ana };
    contest_t contest = score_contest(scores, 3);

    cr_assert_eq(contest.winner, &scores[2], "one point each; Ana converts best");
    cr_assert(contest.by_conversion);
}

Test(scores, contest_without_anybody_ranked_has_no_winner)
{
    score_t scores[] = { few, few };
    contest_t contest = score_contest(scores, 2);

    cr_assert_null(contest.winner);
    cr_assert_null(contest.best[METRIC_SATISFACTION]);
}

Test(scores, names_of_metrics_are_known_exactly)
{
    cr_assert_eq(metric_from_name("response_time"), METRIC_RESPONSE_TIME);
    cr_assert_eq(metric_from_name("Response_time"), METRIC_COUNT);
}

/* Who is in the directory, in which order, and when a change shows. */
#include "../lib/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../db/directory.h"
#include "../../server/base/json_write.h"
#include "../../server/base/str.h"
#include "../lib/pgtest.h"

static struct pool *pool;
static struct lanes *lanes;

/* Files as the workflow leaves them; only what the directory looks at. */
static void person(int id, const char *state, const char *effective, const char *confirmed, const char *more)
{
	pgtest_sql(pgtest_cluster()->owner_dsn,
		   pool_printf(pool,
			       "insert into account (email, email_key) values ('p%d@example.org', 'p%d');"
			       "insert into file (id, account, state, version, eligible, caisse, document, "
			       "effective_date, rpps)"
			       " overriding system value select %d, max(id), '%s', 1, true, '595', 'd', %s, 'r%d' from "
			       "account;"
			       "insert into profile (file, name, public, languages, confirmed_on) values (%d, "
			       "'Personne %d', '{adults}', '{}', %s);%s",
			       id, id, id, state, effective, id, id, id, confirmed, more));
}

static void place(int id, int n, const char *commune, double lon, double lat)
{
	pgtest_sql(pgtest_cluster()->owner_dsn, pool_printf(pool,
							    "insert into place values (%d, %d, '%d rue des Lilas', "
							    "'59000', '%s', %.5f, %.5f, point(%.5f, %.5f))",
							    id, n, n, commune, lon, lat, lon, lat));
}

static void change(const char *sql)
{
	pgtest_sql(pgtest_cluster()->owner_dsn, sql);
}

static int setup(void **state)
{
	(void)state;
	pool = pool_new();
	lanes = pgtest_lanes(1, "directory_test");
	person(1, "conventioned", "current_date - 1", "current_date", "");
	place(1, 1, "59350", 3.06, 50.63);
	person(2, "conventioned", "current_date - 1", "current_date",
	       "update profile set remote = true, languages = '{Anglais,Langue des signes française}', public = "
	       "'{teens,children}', phone = '0320000000',"
	       " email = 'a@example.org', show_phone = true where file = 2");
	place(2, 1, "59512", 3.17, 50.69);
	place(2, 2, "59350", 3.061, 50.631);
	person(3, "leaving", "current_date - 1", "current_date",
	       "update profile set unavailable_until = current_date + 10 where file = 3");
	place(3, 1, "75056", 2.34, 48.85);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lanes_close(lanes);
	pool_free(pool);
	return 0;
}

static struct directory find(struct directory_question q)
{
	struct arg args[DIRECTORY_ARGS];
	const struct rows *r;
	struct directory d;
	struct err e;

	directory_args(&q, pool, args);
	if (db_run(lanes, pool, LANE_FAST, q.located || q.commune ? &directory_near : &directory_latest, args,
		   DIRECTORY_ARGS, &r, &e))
		fail_msg("%s", e.detail);
	directory_read(&q, r, pool, &d);
	return d;
}

static bool listed(int64_t id, struct directory_question q)
{
	struct directory d = find(q);

	for (size_t i = 0; i < d.count; i++)
		if (d.items[i].id == id)
			return true;
	return false;
}

static const struct directory_question lille = { .commune = "59350" };

static void the_nearest_place_counts_and_comes_first(void **state)
{
	(void)state;
	struct directory d = find(lille);
	assert_int_equal(d.total, 3);
	assert_true(d.items[0].km <= d.items[1].km && d.items[1].km <= d.items[2].km);
	assert_int_equal(d.items[2].id, 3);
	assert_true(d.items[2].km > 180 && d.items[2].km < 230);
	assert_int_equal(d.near, 2);
	for (size_t i = 0; i < 2; i++)
		if (d.items[i].id == 2) {
			assert_int_equal(d.items[i].place_count, 2);
			assert_string_equal(d.items[i].places[0].commune, "Lille");
			assert_true(d.items[i].places[0].km < d.items[i].places[1].km);
			assert_true(fabs(d.items[i].km - d.items[i].places[0].km) < 1e-9);
		}
	d = find((struct directory_question){ .located = true, .lon = 2.35, .lat = 48.86 });
	assert_int_equal(d.items[0].id, 3);
	assert_true(d.items[0].km < 2);
	d = find((struct directory_question){ .commune = "99999" });
	assert_int_equal(d.total, 0);
	d = find((struct directory_question){ .located = true, .lon = -4.49, .lat = 48.39 }); /* Brest */
	assert_int_equal(d.total, 3);
	assert_int_equal(d.near, 0);
	d = find((struct directory_question){ 0 });
	assert_int_equal(d.total, 3);
	assert_int_equal(d.near, 0);
	assert_int_equal(d.items[0].id, 3);
}

static void kilometres_are_those_of_the_sphere_not_of_degrees(void **state)
{
	(void)state;
	assert_true(fabs(directory_km(2.3522, 48.8566, 5.3698, 43.2965) - 660.5) < 3); /* Paris, Marseille */
	/* 0.02° to the east is nearer than 0.015° to the north */
	person(11, "conventioned", "current_date - 1", "current_date", "");
	place(11, 1, "67482", 7.77, 48.58);
	person(12, "conventioned", "current_date - 1", "current_date", "");
	place(12, 1, "67482", 7.75, 48.595);
	struct directory d = find((struct directory_question){ .located = true, .lon = 7.75, .lat = 48.58 });
	assert_int_equal(d.items[0].id, 11);
	assert_int_equal(d.items[1].id, 12);
	change("delete from place where file in (11, 12); delete from profile where file in (11, 12)");
}

static void filters_keep_who_answers_to_all_of_them(void **state)
{
	struct directory_question q = lille;

	(void)state;
	q.public = "teens";
	assert_true(listed(2, q) && !listed(1, q));
	q.language = "langue des signes francaise";
	assert_true(listed(2, q));
	q.language = "anglais";
	q.remote = true;
	assert_true(listed(2, q));
	q.language = "allemand";
	assert_int_equal(find(q).total, 0);
	q = lille;
	q.language = "Français";
	assert_int_equal(find(q).total, 3);
	q = lille;
	q.available = true;
	assert_false(listed(3, q));
	assert_true(listed(1, q));
}

static void phone_and_email_show_only_when_agreed(void **state)
{
	(void)state;
	struct directory d = find(lille);
	struct json j = json_in(pool);
	directory_json(&d, NULL, &j);
	assert_non_null(strstr(j.out.s, "\"phone\":\"0320000000\""));
	assert_null(strstr(j.out.s, "a@example.org"));
	assert_null(strstr(j.out.s, "\"email\""));
	assert_non_null(strstr(j.out.s, "\"available\":false"));
	assert_non_null(strstr(j.out.s, "\"next\":null,\"total\":3"));
}

static void D4_a_profile_change_reaches_the_directory_at_once(void **state)
{
	(void)state;
	struct directory_question q = lille;
	q.public = "children";
	assert_false(listed(1, q));
	change("update profile set public = '{adults,children}' where file = 1");
	assert_true(listed(1, q));
	q = (struct directory_question){ .commune = "13055" };
	change("delete from place where file = 1");
	place(1, 1, "13055", 5.42, 43.29);
	struct directory d = find(q);
	assert_int_equal(d.items[0].id, 1);
	assert_true(d.items[0].km < 1);
	change("delete from place where file = 1; update profile set public = '{adults}' where file = 1");
	place(1, 1, "59350", 3.06, 50.63);
}

static void only_who_is_in_good_standing_and_in_force_is_published(void **state)
{
	(void)state;
	person(21, "suspended", "current_date - 1", "current_date", "");
	place(21, 1, "59350", 3.06, 50.63);
	person(22, "conventioned", "current_date + 3", "current_date", "");
	place(22, 1, "59350", 3.06, 50.63);
	person(23, "leaving", "current_date - 1", "current_date", "update file set was_suspended = true where id = 23");
	place(23, 1, "59350", 3.06, 50.63);
	person(24, "conventioned", "current_date - 900", "current_date - 800", "");
	place(24, 1, "59350", 3.06, 50.63);
	person(25, "in_review", "null", "current_date", "");
	place(25, 1, "59350", 3.06, 50.63);
	for (int id = 21; id <= 25; id++) {
		assert_false(listed(id, lille));
		assert_false(listed(id, (struct directory_question){ 0 }));
	}
	/* The day comes; the suspension ends; the profile is confirmed again. */
	change("update file set effective_date = current_date where id = 22; update file set state = 'conventioned' "
	       "where id = 21;"
	       "update profile set confirmed_on = current_date where file = 24");
	assert_true(listed(22, lille) && listed(21, lille) && listed(24, lille));
	change("update file set state = 'ended' where id in (21, 22, 24)");
	assert_false(listed(22, lille));
}

static void pages_hold_twenty_and_never_repeat(void **state)
{
	bool seen[200] = { 0 };
	size_t total = 0;

	(void)state;
	for (int id = 100; id < 170; id++) {
		person(id, "conventioned", "current_date - 1", "current_date", "");
		place(id, 1, "31555", 1.43 + id * 0.0001, 43.6);
	}
	for (int page = 1; page <= 4; page++) {
		struct directory d = find((struct directory_question){ .commune = "31555", .page = page });
		assert_int_equal(d.total, DIRECTORY_MOST);
		assert_int_equal(d.pages, 3);
		assert_int_equal(d.count, page < 4 ? DIRECTORY_PAGE : 0);
		for (size_t i = 0; i < d.count; i++) {
			assert_true(d.items[i].id >= 100 && d.items[i].id < 170);
			assert_false(seen[d.items[i].id]);
			seen[d.items[i].id] = true;
			total++;
		}
	}
	assert_int_equal(total, DIRECTORY_MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_place_counts_and_comes_first),
		cmocka_unit_test(kilometres_are_those_of_the_sphere_not_of_degrees),
		cmocka_unit_test(filters_keep_who_answers_to_all_of_them),
		cmocka_unit_test(phone_and_email_show_only_when_agreed),
		cmocka_unit_test(D4_a_profile_change_reaches_the_directory_at_once),
		cmocka_unit_test(only_who_is_in_good_standing_and_in_force_is_published),
		cmocka_unit_test(pages_hold_twenty_and_never_repeat),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

#include <string.h>

#include "../base/str.h"
#include "../text.h"
#include "pages.h"

/* Pages that anyone may read and that ask the database nothing. */

#define PLAIN(name, title_id)                                                           \
	static const struct page name##_page = { "server/pages/" #name ".html", NULL }; \
	PAGE(name##_page);                                                              \
	int name##_answer(struct job *j, struct err *e)                                 \
	{                                                                               \
		(void)e;                                                                \
		return job_page(j, 200, text(title_id), &name##_page, NULL);            \
	}

PLAIN(home, "home.title")
PLAIN(accessibility, "accessibility.title")
PLAIN(legal, "legal.title")
PLAIN(personal_data, "personal_data.title")

/* ---- the self-test: GET parameters, nothing stored ---- */

struct self_test {
	bool ars_missing, ars_no, ars_yes, diploma_foreign, diploma_missing, diploma_no, diploma_yes,
		experience_missing, experience_no, experience_partly, experience_yes, fit, missing, path_missing,
		path_no, path_yes, practice_missing, practice_no, practice_yes, unfit, unsure;
};
static const struct slot self_test_slots[] = {
	SLOT_B(struct self_test, ars_missing),      SLOT_B(struct self_test, ars_no),
	SLOT_B(struct self_test, ars_yes),          SLOT_B(struct self_test, diploma_foreign),
	SLOT_B(struct self_test, diploma_missing),  SLOT_B(struct self_test, diploma_no),
	SLOT_B(struct self_test, diploma_yes),      SLOT_B(struct self_test, experience_missing),
	SLOT_B(struct self_test, experience_no),    SLOT_B(struct self_test, experience_partly),
	SLOT_B(struct self_test, experience_yes),   SLOT_B(struct self_test, fit),
	SLOT_B(struct self_test, missing),          SLOT_B(struct self_test, path_missing),
	SLOT_B(struct self_test, path_no),          SLOT_B(struct self_test, path_yes),
	SLOT_B(struct self_test, practice_missing), SLOT_B(struct self_test, practice_no),
	SLOT_B(struct self_test, practice_yes),     SLOT_B(struct self_test, unfit),
	SLOT_B(struct self_test, unsure),
};
static const struct view self_test_view = VIEW(struct self_test, self_test_slots);
static const struct page eligibility_page = { "server/pages/eligibility.html", &self_test_view };
PAGE(eligibility_page);

static void not_answered(struct problems *p, bool missing, const char *question, const char *answer)
{
	if (missing)
		problems_add(p, question, *answer ? "choice" : "missing", text2("eligibility.missing", question));
}

int eligibility_answer(struct job *j, struct err *e)
{
	const char *diploma = values_text(&j->query, "diplome"), *ars = values_text(&j->query, "ars");
	const char *experience = values_text(&j->query, "experience"), *path = values_text(&j->query, "parcours");
	const char *practice = values_text(&j->query, "exercice");
	bool asked = *diploma || *ars || *experience || *path || *practice || values_get(&j->query, "repondu");
	struct self_test v = {
		.diploma_yes = str_eq(diploma, "oui"),
		.diploma_foreign = str_eq(diploma, "etranger"),
		.diploma_no = str_eq(diploma, "non"),
		.ars_yes = str_eq(ars, "oui"),
		.ars_no = str_eq(ars, "non"),
		.experience_yes = str_eq(experience, "oui"),
		.experience_partly = str_eq(experience, "partie"),
		.experience_no = str_eq(experience, "non"),
		.path_yes = str_eq(path, "oui"),
		.path_no = str_eq(path, "non"),
		.practice_yes = str_eq(practice, "oui"),
		.practice_no = str_eq(practice, "non"),
	};
	bool no, doubt;

	(void)e;
	v.diploma_missing = asked && !v.diploma_yes && !v.diploma_foreign && !v.diploma_no;
	v.ars_missing = asked && !v.ars_yes && !v.ars_no;
	v.experience_missing = asked && !v.experience_yes && !v.experience_partly && !v.experience_no;
	v.path_missing = asked && !v.path_yes && !v.path_no;
	v.practice_missing = asked && !v.practice_yes && !v.practice_no;
	v.missing = v.diploma_missing || v.ars_missing || v.experience_missing || v.path_missing || v.practice_missing;
	no = v.diploma_no || v.ars_no || v.experience_no || v.path_no || v.practice_no;
	doubt = v.diploma_foreign || v.experience_partly;
	v.unfit = asked && !v.missing && no;
	v.unsure = asked && !v.missing && !no && doubt;
	v.fit = asked && !v.missing && !no && !doubt;
	if (j->json && v.missing) {
		struct problems p = problems_in(j->pool);

		not_answered(&p, v.diploma_missing, "diplome", diploma);
		not_answered(&p, v.ars_missing, "ars", ars);
		not_answered(&p, v.experience_missing, "experience", experience);
		not_answered(&p, v.path_missing, "parcours", path);
		not_answered(&p, v.practice_missing, "exercice", practice);
		return job_problems(j, &p);
	}
	if (j->json) {
		struct json out = json_in(j->pool);

		json_obj(&out);
		json_kt(&out, "result", v.fit ? "fit" : v.unsure ? "unsure" : v.unfit ? "unfit" : NULL);
		json_key(&out, "criteria");
		json_arr(&out);
		for (size_t i = 1; i <= 5; i++)
			json_text(&out, text(pool_printf(j->pool, "criterion.%zu", i)));
		json_end(&out);
		json_end(&out);
		return job_json(j, 200, &out);
	}
	return job_page(j, v.missing ? 422 : 200, text("eligibility.title"), &eligibility_page, &v);
}

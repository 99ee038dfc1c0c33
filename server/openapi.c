#include "routes.h"

#include <pthread.h>
#include <string.h>

#include "form_html.h"
#include "json.h"

/* "/dossiers/:id" → "/dossiers/{id}"; "*" → "{path}" */
static char *template_of(const char *path, struct pool *pool)
{
	struct str out = str_in(pool);
	for (const char *p = path; *p;) {
		if (*p == ':') {
			size_t n = strcspn(p, "/");
			str_add_c(&out, '{');
			str_add_n(&out, p + 1, n - 1);
			str_add_c(&out, '}');
			p += n;
		} else if (*p == '*') {
			str_add(&out, "{path}");
			p++;
		} else {
			str_add_c(&out, *p++);
		}
	}
	return out.s;
}

static void parameter(const char *name, const char *in, struct json *j)
{
	json_obj(j);
	json_kt(j, "name", name);
	json_kt(j, "in", in);
	json_kb(j, "required", true);
	json_key(j, "schema");
	json_obj(j);
	json_kt(j, "type", "string");
	json_end(j);
	json_end(j);
}

static void parameters(const struct route *r, struct json *j, struct pool *pool)
{
	const char *path = r->path;
	json_key(j, "parameters");
	json_arr(j);
	for (const char *p = strpbrk(path, ":*"); p; p = strpbrk(p + 1, ":*")) {
		size_t n = strcspn(p, "/");
		parameter(*p == '*' ? "path" : pool_strndup(pool, p + 1, n - 1), "path", j);
	}
	for (const char *p = r->heads; p && *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ",");
		parameter(pool_strndup(pool, p, n), "header", j);
		p += n;
	}
	json_end(j);
}

static void body(const struct route *r, struct json *j, struct pool *pool)
{
	static const char *const types[] = { "application/json", "application/x-www-form-urlencoded" };
	json_key(j, "requestBody");
	json_obj(j);
	json_key(j, "content");
	json_obj(j);
	for (size_t i = 0; i < (r->upload || r->slice ? 1 : COUNT(types)); i++) {
		json_key(j, r->upload ? "multipart/form-data" : r->slice ? "application/partial-upload" : types[i]);
		json_obj(j);
		json_key(j, "schema");
		json_obj(j);
		if (r->form && form_get(r->form))
			json_kt(j, "$ref", pool_printf(pool, "#/components/schemas/%s", r->form));
		else
			json_kt(j, "type", r->slice ? "string" : "object");
		json_end(j);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

static void answers(const struct route *r, struct json *j)
{
	json_key(j, "responses");
	json_obj(j);
	json_key(j, "200");
	json_obj(j);
	json_kt(j, "description", "La représentation demandée");
	json_end(j);
	json_key(j, "default");
	json_obj(j);
	json_kt(j, "description",
		r->who & VISITOR ? "Un problème" : "Un problème : 401 sans identité, 403 pour un autre rôle");
	json_key(j, "content");
	json_obj(j);
	json_key(j, "application/problem+json");
	json_obj(j);
	json_key(j, "schema");
	json_obj(j);
	json_kt(j, "$ref", "#/components/schemas/Problem");
	json_end(j);
	json_end(j);
	json_end(j);
	json_end(j);
	json_end(j);
}

static void operation(const struct route *r, struct json *j, struct pool *pool)
{
	static const char *const names[] = { "get", "post", "delete", "patch" };
	json_key(j, names[r->method]);
	json_obj(j);
	json_kt(j, "summary", r->doc ? r->doc : r->path);
	json_key(j, "x-roles");
	json_arr(j);
	for (unsigned bit = 1; bit <= SYSTEM; bit <<= 1)
		if (r->who & bit)
			json_text(j, role_id((enum role)bit));
	json_end(j);
	json_kt(j, "x-listener", r->listener == BOTH ? "both" : r->listener == PUBLIC ? "public" : "agents");
	parameters(r, j, pool);
	if (r->method == METHOD_POST || r->method == METHOD_PATCH)
		body(r, j, pool);
	answers(r, j);
	if (!(r->who & VISITOR) || r->certified) {
		json_key(j, "security");
		json_arr(j);
		if (r->listener & PUBLIC) {
			json_obj(j);
			json_key(j, "bearer");
			json_arr(j);
			json_end(j);
			json_end(j);
		}
		if (r->listener & AGENTS) {
			json_obj(j);
			json_key(j, "certificate");
			json_arr(j);
			json_end(j);
			json_end(j);
		}
		json_end(j);
	}
	json_end(j);
}

static void problem_schema(struct json *j)
{
	static const char *const texts[] = { "type", "title", "detail", "reference" };
	static const char *const parts[] = { "field", "code", "text" };
	json_key(j, "Problem");
	json_obj(j);
	json_kt(j, "type", "object");
	json_key(j, "properties");
	json_obj(j);
	for (size_t i = 0; i < COUNT(texts); i++) {
		json_key(j, texts[i]);
		json_raw(j, "{\"type\":\"string\"}");
	}
	json_key(j, "status");
	json_raw(j, "{\"type\":\"integer\"}");
	json_key(j, "problems");
	json_obj(j);
	json_kt(j, "type", "array");
	json_key(j, "items");
	json_obj(j);
	json_kt(j, "type", "object");
	json_key(j, "properties");
	json_obj(j);
	for (size_t i = 0; i < COUNT(parts); i++) {
		json_key(j, parts[i]);
		json_raw(j, "{\"type\":\"string\"}");
	}
	json_end(j);
	json_end(j);
	json_end(j);
	json_end(j);
	json_end(j);
}

static bool path_seen(size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (!strcmp(routes[i].path, routes[before].path))
			return true;
	return false;
}

static char *write_document(struct pool *pool)
{
	struct json j = json_in(pool);
	const struct form *const *forms;
	size_t form_count = forms_all(&forms);
	json_obj(&j);
	json_kt(&j, "openapi", "3.1.0");
	json_key(&j, "info");
	json_obj(&j);
	json_kt(&j, "title", "Rejoindre Mon soutien psy");
	json_kt(&j, "version", "1");
	json_kt(&j, "description",
		"Les mêmes adresses que les pages, en JSON avec Accept: application/json. Les écritures prennent la "
		"version lue "
		"et l’en-tête Idempotency-Key. Dates AAAA-MM-JJ, instants RFC 3339 en UTC.");
	json_end(&j);
	json_key(&j, "paths");
	json_obj(&j);
	for (size_t i = 0; i < route_count; i++) {
		if (path_seen(i))
			continue;
		unsigned told = 0;
		json_key(&j, template_of(routes[i].path, pool));
		json_obj(&j);
		/* The two listeners may answer one path by two rows: the first tells. */
		for (size_t k = i; k < route_count; k++)
			if (!strcmp(routes[k].path, routes[i].path) && !(told & 1U << routes[k].method)) {
				told |= 1U << routes[k].method;
				operation(&routes[k], &j, pool);
			}
		json_end(&j);
	}
	json_end(&j);
	json_key(&j, "components");
	json_obj(&j);
	json_key(&j, "schemas");
	json_obj(&j);
	problem_schema(&j);
	for (size_t i = 0; i < form_count; i++) {
		json_key(&j, forms[i]->id);
		form_openapi(forms[i], &j);
	}
	json_end(&j);
	json_key(&j, "securitySchemes");
	json_raw(&j, "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},\"certificate\":{\"type\":\"mutualTLS\"}}");
	json_end(&j);
	json_end(&j);
	return j.out.s;
}

static char *document;

/* Routes and forms do not change while the program runs. */
static void write_once(void)
{
	struct pool *pool = pool_new();
	const char *text = write_document(pool);
	document = strdup(text);
	pool_free(pool);
}

const char *openapi_document(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, write_once);
	return document ? document : "{}";
}

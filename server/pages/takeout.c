#include "takeout.h"

#include <stdatomic.h>
#include <string.h>

#include "../../db/document.h"
#include "../../db/file_read.h"
#include "../../db/piece.h"
#include "../../db/takeout.h"
#include "../audit.h"
#include "../document.h"
#include "../file_view.h"
#include "../letters.h"
#include "../takeout.h"

struct one_file {
	int64_t id;
	const char *number;
	const struct file_asked *asked;
	struct file_view *view;
	size_t document;
	size_t *piece, *chunks; /* indexes, a piece each */
};
struct my_data {
	size_t account, messages, files;
	struct takeout *zip;
	struct one_file *list;
	size_t count;
	struct json index;
};

static const char readme[] = "Vos données\r\n===========\r\n\r\n"
			     "donnees.json            votre compte, vos dossiers et la liste de vos messages\r\n"
			     "messages/               les lettres reçues\r\n"
			     "dossiers/…/dossier.json     les réponses et l’état du dossier\r\n"
			     "dossiers/…/historique.json  l’historique, vérifiable : chaque empreinte se recalcule à "
			     "partir de la précédente\r\n"
			     "dossiers/…/pieces/          les pièces envoyées\r\n"
			     "dossiers/…/convention.pdf   la convention, s’il y en a une\r\n\r\n"
			     "Le numéro de sécurité sociale et l’IBAN sont masqués.\r\n";

int my_data_ask(struct job *j, struct err *e)
{
	struct my_data *d = j->state = POOL_NEW(j->pool, struct my_data);
	(void)e;
	d->account = job_ask(j, &takeout_account, NO_ARGS);
	d->messages = job_ask(j, &takeout_messages, NO_ARGS);
	d->files = job_ask(j, &file_mine, NO_ARGS);
	return 0;
}

static int letters(struct job *j, struct my_data *d, const struct rows *r, struct err *e)
{
	json_key(&d->index, "messages");
	json_arr(&d->index);
	for (size_t i = 0; i < rows_count(r); i++) {
		size_t n = 0;
		const char *html;
		int64_t id = rows_i64(r, i, "id");
		const unsigned char *body = rows_bytes(r, i, "body", j->pool, &n);
		if (letter_open(j->service->keys, id, body, n, j->pool, &html, e))
			return -1;
		json_obj(&d->index);
		json_ki(&d->index, "id", id);
		json_kt(&d->index, "dossier", rows_text(r, i, "number"));
		json_kt(&d->index, "subject", rows_str(r, i, "subject"));
		json_kinstant(&d->index, "at", rows_instant(r, i, "at"));
		json_kinstant(&d->index, "opened_at", rows_instant(r, i, "opened_at"));
		json_kt(&d->index, "mail", rows_str(r, i, "mail_state"));
		json_end(&d->index);
		if (html)
			takeout_add(
				d->zip,
				pool_printf(j->pool, "messages/%lld-%s.html", (long long)id, rows_str(r, i, "kind")),
				html, strlen(html));
	}
	json_end(&d->index);
	return 0;
}

static int built(struct job *j, struct err *e)
{
	struct my_data *d = j->state;
	if (d->zip->err.kind != ERR_NONE) {
		*e = d->zip->err;
		return -1;
	}
	return job_bytes(j, 200, "application/zip", d->zip->zip, d->zip->size, "mes-donnees.zip");
}

static void add_json(struct job *j, struct my_data *d, const struct one_file *f, const char *name,
		     const struct json *text)
{
	takeout_add(d->zip, pool_printf(j->pool, "dossiers/%s/%s", f->number, name), text->out.s, text->out.len);
}

static int gathered(struct job *j, struct err *e)
{
	struct my_data *d = j->state;
	for (size_t i = 0; i < d->count; i++) {
		struct one_file *f = &d->list[i];
		const struct rows *document = job_rows(j, f->document);
		for (size_t p = 0; p < f->view->piece_count; p++) {
			struct piece_read *read = POOL_NEW(j->pool, struct piece_read);
			struct err gone;
			/* erased, or known as infected: not given out */
			if (!str_eq(f->view->pieces[p].scan, "infected") &&
			    !piece_read_rows(read, j->service->keys, job_rows(j, f->piece[p]),
					     job_rows(j, f->chunks[p]), j->pool, &gone))
				takeout_add_piece(d->zip, pool_printf(j->pool, "dossiers/%s/pieces", f->number), read);
		}
		if (rows_count(document) && !rows_null(document, 0, "data")) {
			unsigned char *pdf;
			size_t n;
			if (document_open(j->service->keys, document, rows_str(document, 0, "digest"), j->pool, &pdf,
					  &n, e))
				return -1;
			takeout_add(d->zip, pool_printf(j->pool, "dossiers/%s/convention.pdf", f->number), pdf, n);
		}
	}
	job_work(j, takeout_build, d->zip, built);
	return 0;
}

static int viewed(struct job *j, struct err *e)
{
	struct my_data *d = j->state;
	for (size_t i = 0; i < d->count; i++) {
		d->list[i].view = POOL_NEW(j->pool, struct file_view);
		if (file_view_read(j, d->list[i].asked, d->list[i].view, e))
			return -1;
	}
	json_key(&d->index, "dossiers");
	json_arr(&d->index);
	for (size_t i = 0; i < d->count; i++) {
		struct one_file *f = &d->list[i];
		struct json file = json_in(j->pool), history = json_in(j->pool);
		file_view_json(j, f->view, &file);
		audit_write(f->view, &history);
		add_json(j, d, f, "dossier.json", &file);
		if (f->view->event_count)
			add_json(j, d, f, "historique.json", &history);
		json_raw(&d->index, file.out.s);
		f->document = job_ask(j, &document_of_file, ARGS(arg_i64(j->pool, f->id)));
		f->piece = POOL_ARRAY(j->pool, size_t, f->view->piece_count + 1);
		f->chunks = POOL_ARRAY(j->pool, size_t, f->view->piece_count + 1);
		for (size_t p = 0; p < f->view->piece_count; p++) {
			struct arg piece = arg_i64(j->pool, f->view->pieces[p].id);
			f->chunks[p] = job_ask(j, &piece_chunks, ARGS(piece));
			f->piece[p] = job_ask(j, &piece_one, ARGS(arg_i64(j->pool, f->id), piece));
		}
	}
	json_end(&d->index);
	json_end(&d->index);
	takeout_add(d->zip, "donnees.json", d->index.out.s, d->index.out.len);
	if (!d->count)
		return gathered(j, e);
	job_then(j, gathered);
	return 0;
}

/* A whole archive stands in memory, several times over: one at once, for as long as its job lives. */
static atomic_flag taken = ATOMIC_FLAG_INIT;

static void give_back(void *unused)
{
	(void)unused;
	atomic_flag_clear(&taken);
}

int my_data_answer(struct job *j, struct err *e)
{
	struct my_data *d = j->state;
	if (atomic_flag_test_and_set(&taken))
		return fail(e, ERR_BUSY, "takeout.busy");
	pool_defer(j->pool, give_back, NULL);
	const struct rows *account = job_rows(j, d->account), *files = job_rows(j, d->files);
	d->zip = takeout_new(j->pool);
	takeout_add(d->zip, "LISEZMOI.txt", readme, sizeof readme - 1);
	d->index = json_in(j->pool);
	json_obj(&d->index);
	json_key(&d->index, "compte");
	json_obj(&d->index);
	json_kt(&d->index, "email", rows_text(account, 0, "email"));
	json_kinstant(&d->index, "created_at", rows_instant(account, 0, "created_at"));
	json_kinstant(&d->index, "confirmed_at", rows_instant(account, 0, "confirmed_at"));
	json_end(&d->index);
	if (letters(j, d, job_rows(j, d->messages), e))
		return -1;
	d->count = rows_count(files);
	d->list = POOL_ARRAY(j->pool, struct one_file, d->count + 1);
	for (size_t i = 0; i < d->count; i++)
		d->list[i] = (struct one_file){
			.id = rows_i64(files, i, "id"),
			.number = pool_strdup(j->pool, rows_str(files, i, "number")),
		};
	if (!d->count)
		return viewed(j, e);
	for (size_t i = 0; i < d->count; i++)
		d->list[i].asked = file_view_ask(j, d->list[i].id);
	job_then(j, viewed);
	return 0;
}

/*
 * The steps that routes.c names of everything a psychologist and an employer see. A subject a file: account.c,
 * own_account.c, sign_in.c, pieces.c, form_steps.c, messages.c, documents.c, employer.c, profile.c. The file's own page
 * is file_applicant.h.
 */
#ifndef SERVER_PAGES_APPLICANT_H
#define SERVER_PAGES_APPLICANT_H

#include "../job.h"

#define STEP(name) int name(struct job *j, struct err *e)

/* account.c */
STEP(account_new_answer);
STEP(account_create_answer);
STEP(account_confirm_ask);
STEP(account_confirm_answer);
STEP(account_confirmed_answer);
STEP(account_forgot_answer);
STEP(account_forgot_sent_answer);
STEP(account_reset_ask);
STEP(account_reset_answer);
STEP(account_reset_done_answer);
/* own_account.c */
STEP(password_change_answer);
STEP(password_changed_answer);
/* sign_in.c */
STEP(sign_in_answer);
STEP(sign_in_try_answer);
STEP(sign_out_answer);
/* pieces.c */
STEP(piece_in_ask);
STEP(piece_in_answer);
STEP(piece_out_ask);
STEP(piece_out_answer);
STEP(piece_away_ask);
STEP(piece_away_answer);
/* uploads.c */
STEP(upload_start_ask);
STEP(upload_start_answer);
STEP(upload_ask);
STEP(upload_answer);
STEP(upload_append_answer);
/* form_steps.c, step_pieces.c */
STEP(step_ask);
STEP(step_answer);
STEP(step_save_answer);
STEP(step_pieces_ask);
STEP(step_pieces_answer);
STEP(resume_ask);
STEP(resume_answer);
/* action_applicant.c */
STEP(action_ask);
STEP(action_answer);
/* messages.c */
STEP(messages_answer);
STEP(message_answer);
/* signing.c */
STEP(code_ask);
STEP(code_answer);
/* documents.c */
STEP(convention_pdf_ask);
STEP(convention_pdf_answer);
STEP(receipt_ask);
STEP(receipt_answer);
STEP(history_ask);
STEP(history_answer);
/* employer.c */
STEP(employer_ask);
STEP(employer_answer);
STEP(employer_pdf_answer);
STEP(employer_code_answer);
STEP(employer_event_answer);
/* profile.c */
STEP(profile_ask);
STEP(profile_answer);
STEP(profile_save_answer);

/* account.c: "sign_in.good", "password.changed" …: who, as an id, and from where; 0: an address without an account. */
void account_log(struct job *j, const char *what, int64_t account);

/* own_account.c: "Mon compte". Ends the job. */
int own_account_show(struct job *j);

/* documents.c: the convention of the row of document_of_file, opened elsewhere. Takes j->state. */
int convention_pdf_show(struct job *j, const struct rows *r, struct err *e);

#undef STEP

#endif

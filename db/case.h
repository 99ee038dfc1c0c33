/*
 * The statements about one file: what is read of it under its lock and what an event writes. workflow/fire.c puts them
 * into flights; pages read files with those of db/file_read.h.
 */
#ifndef DB_CASE_H
#define DB_CASE_H

#include "db.h"

/* reads; $1 is the file */
extern const struct statement case_key_claim;   /* actor, key, hmac: 1 row affected when the key is new */
extern const struct statement case_key_read;    /* actor, key */
extern const struct statement case_key_done;    /* actor, key, status, location, version, state */
extern const struct statement case_parent_lock; /* child */
extern const struct statement case_lock;
extern const struct statement case_facts;   /* file, now-independent policy hours, actor, document digest, party */
extern const struct statement case_working; /* for update */
extern const struct statement case_working_read;
extern const struct statement case_frozen;       /* the latest */
extern const struct statement case_items;        /* open items */
extern const struct statement case_proposal;     /* code: of the last propose_ineligible */
extern const struct statement case_route;        /* commune → caisse, rule, confidence, departement */
extern const struct statement case_live_other;   /* rpps, nir hmac, kind, file */
extern const struct statement case_caisse_known; /* code */
extern const struct statement case_profile_kept; /* lists by line, ticks, website: what a psychologist keeps of it */

/* writes */
extern const struct statement case_event;          /* 18 columns of event */
extern const struct statement case_event_personal; /* file, seq, data */
extern const struct statement case_frozen_insert;  /* file, seq, data, sha256 */
extern const struct statement case_person;      /* file, rpps, nir_hmac, iban_hmac, last, first, last_fold, first_fold,
						   birth, search_key, email_key, commune, mode */
extern const struct statement case_route_store; /* file, caisse, rule, confidence, explained */
extern const struct statement case_fnps;        /* file, fnps */
extern const struct statement case_item_insert; /* file, seq, field, piece, code */
extern const struct statement case_item_answer; /* item, seq, maintained */
extern const struct statement case_opinion;     /* file, seq, code, kind, evidence_hash, actor, at */
extern const struct statement case_check;   /* file, seq, code, result, reason, source, at, evidence, evidence_hash */
extern const struct statement case_message; /* account, audience, file, seq, kind, at, params */
extern const struct statement case_message_queue;   /* file, seq: the message just written */
extern const struct statement case_outbox;          /* file, seq, kind, ref, due */
extern const struct statement case_signature;       /* file, seq, party, actor, at, method, digest */
extern const struct statement case_signatures_void; /* file, seq */
extern const struct statement case_code_used;       /* file, party */
extern const struct statement case_code_wrong;      /* file, party */
extern const struct statement case_profile; /* file, name, public, languages, remote, website, email, phone, show_email,
					       show_phone, day, parent, the day it was sent */
extern const struct statement case_places_clear;   /* file */
extern const struct statement case_place;          /* file, n, address, postcode, commune */
extern const struct statement case_employer_link;  /* file, digest, token */
extern const struct statement case_employer_void;  /* file */
extern const struct statement case_child_id;       /* a new file's id */
extern const struct statement case_child;          /* amends, parent, account, id */
extern const struct statement case_working_insert; /* file, data */
extern const struct statement case_discard;        /* file */
extern const struct statement case_draft_gone;     /* day, cause */

#endif

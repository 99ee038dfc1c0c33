CREATE CONSTRAINT TRIGGER event_is_told AFTER INSERT ON enroll.event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_is_told()
CREATE INDEX agent_certificate_subject ON enroll.agent_certificate USING btree (issuer, subject)
CREATE INDEX check_result_file ON enroll.check_result USING btree (file, id)
CREATE INDEX closed_total_measure ON enroll.closed_total USING btree (measure, day) INCLUDE (caisse, total)
CREATE INDEX commune_postcode ON enroll.commune USING gin (postcodes)
CREATE INDEX commune_search ON enroll.commune USING btree (search_key text_pattern_ops)
CREATE INDEX correction_item_file ON enroll.correction_item USING btree (file, seq)
CREATE INDEX delta_day ON enroll.delta USING btree (day, measure, caisse) INCLUDE (n)
CREATE INDEX delta_file ON enroll.delta USING btree (file, measure)
CREATE INDEX event_at ON enroll.event USING btree (at)
CREATE INDEX file_account ON enroll.file USING btree (account)
CREATE INDEX file_birth ON enroll.file USING btree (last_fold, birth_date)
CREATE INDEX file_caisse_name ON enroll.file USING btree (caisse, search_key text_pattern_ops)
CREATE INDEX file_caisse_state ON enroll.file USING btree (caisse, state, queue_since)
CREATE INDEX file_due ON enroll.file USING btree (deadline) WHERE (deadline IS NOT NULL)
CREATE INDEX file_effective ON enroll.file USING btree (effective_date) WHERE ((state = 'conventioned'::text) OR ((state = 'leaving'::text) AND (NOT was_suspended)))
CREATE INDEX file_iban ON enroll.file USING btree (iban_hmac)
CREATE INDEX file_leaving ON enroll.file USING btree (effective_date) WHERE ((state = 'leaving'::text) AND (NOT was_suspended))
CREATE INDEX file_parent ON enroll.file USING btree (parent) WHERE (parent IS NOT NULL)
CREATE INDEX file_state ON enroll.file USING btree (state)
CREATE INDEX file_unopened ON enroll.file USING btree (decided_at) WHERE ((notified_at IS NULL) AND (decided_at IS NOT NULL))
CREATE INDEX idempotency_at ON enroll.idempotency USING btree (at)
CREATE INDEX message_account ON enroll.message USING btree (account, at DESC)
CREATE INDEX message_file ON enroll.message USING btree (file)
CREATE INDEX outbox_due ON enroll.outbox USING btree (due) WHERE (done_at IS NULL)
CREATE INDEX piece_file ON enroll.piece USING btree (file)
CREATE INDEX piece_opening_file ON enroll.piece_opening USING btree (file, at)
CREATE INDEX piece_waiting ON enroll.piece USING btree (id) WHERE ((scan = 'waiting'::text) AND (erased_at IS NULL))
CREATE INDEX place_at ON enroll.place USING gist (at)
CREATE INDEX place_to_ask ON enroll.place USING btree (file) WHERE (asked_at IS NULL)
CREATE INDEX profile_confirmed ON enroll.profile USING btree (confirmed_on)
CREATE INDEX rate_recent ON enroll.rate USING btree (bucket, at)
CREATE INDEX registry_line_copy ON enroll.registry_line USING btree (copy)
CREATE INDEX registry_line_rpps ON enroll.registry_line USING btree (rpps, copy)
CREATE INDEX session_account ON enroll.session USING btree (account)
CREATE INDEX sign_in_failure_recent ON enroll.sign_in_failure USING btree (email_key, at)
CREATE INDEX stage_day ON enroll.stage USING btree (day, state, caisse)
CREATE INDEX upload_account ON enroll.upload USING btree (account)
CREATE INDEX upload_file ON enroll.upload USING btree (file)
CREATE TRIGGER event_apply BEFORE INSERT ON enroll.event FOR EACH ROW EXECUTE FUNCTION event_apply()
CREATE TRIGGER event_is_final BEFORE DELETE OR UPDATE ON enroll.event FOR EACH ROW EXECUTE FUNCTION event_is_final()
CREATE TRIGGER event_second_person BEFORE INSERT ON enroll.event FOR EACH ROW EXECUTE FUNCTION event_second_person()
CREATE TRIGGER piece_when_open BEFORE INSERT ON enroll.piece FOR EACH ROW EXECUTE FUNCTION piece_when_open()
CREATE TRIGGER policy_changed AFTER UPDATE ON enroll.policy FOR EACH ROW WHEN ((old.value <> new.value)) EXECUTE FUNCTION policy_changed()
CREATE TRIGGER upload_once BEFORE UPDATE OF piece ON enroll.upload FOR EACH ROW EXECUTE FUNCTION upload_once()
CREATE UNIQUE INDEX account_email ON enroll.account USING btree (email_key)
CREATE UNIQUE INDEX account_pkey ON enroll.account USING btree (id)
CREATE UNIQUE INDEX account_token_pkey ON enroll.account_token USING btree (digest)
CREATE UNIQUE INDEX agent_caisse_pkey ON enroll.agent_caisse USING btree (agent, caisse)
CREATE UNIQUE INDEX agent_certificate_pkey ON enroll.agent_certificate USING btree (serial)
CREATE UNIQUE INDEX agent_email ON enroll.agent USING btree (email_key)
CREATE UNIQUE INDEX agent_pkey ON enroll.agent USING btree (id)
CREATE UNIQUE INDEX caisse_pkey ON enroll.caisse USING btree (code)
CREATE UNIQUE INDEX chain_root_pkey ON enroll.chain_root USING btree (at)
CREATE UNIQUE INDEX check_result_pkey ON enroll.check_result USING btree (id)
CREATE UNIQUE INDEX closed_day_pkey ON enroll.closed_day USING btree (day)
CREATE UNIQUE INDEX closed_stage_pkey ON enroll.closed_stage USING btree (day, caisse, state)
CREATE UNIQUE INDEX closed_total_pkey ON enroll.closed_total USING btree (day, caisse, measure) INCLUDE (total)
CREATE UNIQUE INDEX commune_pkey ON enroll.commune USING btree (code)
CREATE UNIQUE INDEX correction_item_pkey ON enroll.correction_item USING btree (id)
CREATE UNIQUE INDEX delta_pkey ON enroll.delta USING btree (id)
CREATE UNIQUE INDEX departement_pkey ON enroll.departement USING btree (code)
CREATE UNIQUE INDEX document_pkey ON enroll.document USING btree (file, kind, version, digest)
CREATE UNIQUE INDEX document_sealed ON enroll.document USING btree (file, version) WHERE (kind = 'convention_sealed'::text)
CREATE UNIQUE INDEX employer_link_digest_key ON enroll.employer_link USING btree (digest)
CREATE UNIQUE INDEX employer_link_pkey ON enroll.employer_link USING btree (file)
CREATE UNIQUE INDEX event_personal_pkey ON enroll.event_personal USING btree (file, seq)
CREATE UNIQUE INDEX event_pkey ON enroll.event USING btree (file, seq)
CREATE UNIQUE INDEX file_live_nir ON enroll.file USING btree (nir_hmac, kind) WHERE (state = ANY (ARRAY['submitted'::text, 'expert_review'::text, 'correction'::text, 'unrouted'::text, 'in_review'::text, 'to_sign'::text, 'to_countersign'::text, 'conventioned'::text, 'suspended'::text, 'leaving'::text, 'appealed'::text]))
CREATE UNIQUE INDEX file_live_rpps ON enroll.file USING btree (rpps, kind) WHERE (state = ANY (ARRAY['submitted'::text, 'expert_review'::text, 'correction'::text, 'unrouted'::text, 'in_review'::text, 'to_sign'::text, 'to_countersign'::text, 'conventioned'::text, 'suspended'::text, 'leaving'::text, 'appealed'::text]))
CREATE UNIQUE INDEX file_number_key ON enroll.file USING btree (number)
CREATE UNIQUE INDEX file_one_draft ON enroll.file USING btree (account, kind) WHERE (state = 'draft'::text)
CREATE UNIQUE INDEX file_pkey ON enroll.file USING btree (id)
CREATE UNIQUE INDEX frozen_copy_pkey ON enroll.frozen_copy USING btree (file, seq)
CREATE UNIQUE INDEX geography_pkey ON enroll.geography USING btree (digest, caisse)
CREATE UNIQUE INDEX idempotency_pkey ON enroll.idempotency USING btree (actor, key)
CREATE UNIQUE INDEX message_pkey ON enroll.message USING btree (id)
CREATE UNIQUE INDEX meta_pkey ON enroll.meta USING btree (key)
CREATE UNIQUE INDEX notice_file_kind_seq_key ON enroll.notice USING btree (file, kind, seq)
CREATE UNIQUE INDEX notice_pkey ON enroll.notice USING btree (id)
CREATE UNIQUE INDEX opinion_pkey ON enroll.opinion USING btree (file, seq, code, kind)
CREATE UNIQUE INDEX outbox_pkey ON enroll.outbox USING btree (id)
CREATE UNIQUE INDEX piece_chunk_pkey ON enroll.piece_chunk USING btree (piece, n)
CREATE UNIQUE INDEX piece_pkey ON enroll.piece USING btree (id)
CREATE UNIQUE INDEX place_pkey ON enroll.place USING btree (file, n)
CREATE UNIQUE INDEX policy_change_pkey ON enroll.policy_change USING btree (id)
CREATE UNIQUE INDEX policy_pkey ON enroll.policy USING btree (name)
CREATE UNIQUE INDEX profile_pkey ON enroll.profile USING btree (file)
CREATE UNIQUE INDEX published_cell_pkey ON enroll.published_cell USING btree (day, level, code, measure)
CREATE UNIQUE INDEX purge_log_pkey ON enroll.purge_log USING btree (id)
CREATE UNIQUE INDEX region_pkey ON enroll.region USING btree (code)
CREATE UNIQUE INDEX registry_copy_current ON enroll.registry_copy USING btree (current) WHERE current
CREATE UNIQUE INDEX registry_copy_pkey ON enroll.registry_copy USING btree (id)
CREATE UNIQUE INDEX schema_migration_pkey ON enroll.schema_migration USING btree (number)
CREATE UNIQUE INDEX session_pkey ON enroll.session USING btree (digest)
CREATE UNIQUE INDEX signature_pkey ON enroll.signature USING btree (id)
CREATE UNIQUE INDEX signature_standing ON enroll.signature USING btree (file, party) WHERE (voided_seq IS NULL)
CREATE UNIQUE INDEX signing_code_pkey ON enroll.signing_code USING btree (file, party)
CREATE UNIQUE INDEX stage_pkey ON enroll.stage USING btree (file, seq)
CREATE UNIQUE INDEX transition_pkey ON enroll.transition USING btree (from_state, event, role, to_state)
CREATE UNIQUE INDEX upload_chunk_pkey ON enroll.upload_chunk USING btree (upload, at)
CREATE UNIQUE INDEX upload_pkey ON enroll.upload USING btree (id)
CREATE UNIQUE INDEX working_copy_pkey ON enroll.working_copy USING btree (file)
column account.confirmed_at timestamptz
column account.created_at timestamptz not null default enroll_now()
column account.email text not null
column account.email_key text not null
column account.id int8 not null
column account.password_hash text
column account_token.account int8 not null
column account_token.created_at timestamptz not null default enroll_now()
column account_token.digest text not null
column account_token.expires_at timestamptz not null
column account_token.kind text not null
column account_token.password_hash text
column account_token.used_at timestamptz
column agent.active bool not null default true
column agent.created_at timestamptz not null default enroll_now()
column agent.email text not null
column agent.email_key text not null
column agent.id int8 not null
column agent.may_sign bool not null default false
column agent.name text not null
column agent.region text
column agent.role text not null
column agent_caisse.agent int8 not null
column agent_caisse.caisse text not null
column agent_certificate.agent int8 not null
column agent_certificate.fingerprint text not null
column agent_certificate.issued_at timestamptz not null default enroll_now()
column agent_certificate.issuer text not null
column agent_certificate.not_after timestamptz not null
column agent_certificate.revoked_at timestamptz
column agent_certificate.serial text not null
column agent_certificate.subject text not null
column caisse.code text not null
column caisse.departement text not null
column caisse.name text not null
column caisse.region text not null
column caisse.type text not null
column chain_root.at timestamptz not null default enroll_now()
column chain_root.files int8 not null
column chain_root.root text not null
column chain_root.signature text not null
column check_result.at timestamptz not null default enroll_now()
column check_result.code text not null
column check_result.evidence text
column check_result.evidence_hash text not null
column check_result.file int8 not null
column check_result.id int8 not null
column check_result.reason text not null
column check_result.result text not null
column check_result.seq int8 not null
column check_result.source text not null
column closed_day.closed_at timestamptz not null default enroll_now()
column closed_day.day date not null
column closed_day.geography text not null
column closed_day.last_delta int8 not null
column closed_stage.caisse text not null
column closed_stage.day date not null
column closed_stage.days text not null
column closed_stage.state text not null
column closed_total.caisse text not null
column closed_total.day date not null
column closed_total.measure text not null
column closed_total.total int8 not null
column commune.caisse text
column commune.code text not null
column commune.confidence text
column commune.departement text
column commune.lat float8
column commune.lon float8
column commune.method text
column commune.name text not null
column commune.population int8
column commune.postcodes _text not null default '{}'::text[]
column commune.region text
column commune.search_key text not null
column commune.type text not null
column commune.valid_since date not null default '2026-01-01'::date
column correction_item.answered_seq int8
column correction_item.code text not null
column correction_item.field text
column correction_item.file int8 not null
column correction_item.id int8 not null
column correction_item.maintained bool
column correction_item.piece text
column correction_item.seq int8 not null
column delta.caisse text not null default ''::text
column delta.day date not null
column delta.file int8 not null
column delta.id int8 not null
column delta.measure text not null
column delta.n int4 not null
column delta.seq int8 not null
column departement.code text not null
column departement.name text not null
column departement.path text
column departement.region text not null
column departement.seat text
column departement.viewbox text
column departement.zone text not null
column directory_count.conventioned int8
column directory_count.later int8
column directory_count.leaving int8
column directory_count.listed int8
column directory_count.unlisted int8
column document.at timestamptz not null default enroll_now()
column document.data bytea
column document.digest text not null
column document.file int8 not null
column document.kind text not null
column document.version int8 not null
column draft_gone.cause text not null
column draft_gone.day date not null
column draft_gone.n int4 not null
column employer_link.created_at timestamptz not null default enroll_now()
column employer_link.digest text not null
column employer_link.file int8 not null
column employer_link.token bytea not null
column employer_link.void bool not null default false
column event.actor text not null
column event.at timestamptz not null
column event.body text not null
column event.caisse text
column event.deadline timestamptz
column event.deadline_event text
column event.document text
column event.effective_date date
column event.eligible bool not null
column event.event text not null
column event.file int8 not null
column event.from_state text not null
column event.hash text not null
column event.holder int8
column event.prev_hash text not null
column event.return_to text
column event.role text not null
column event.seq int8 not null
column event.to_state text not null
column event.until_date date
column event_personal.data bytea not null
column event_personal.file int8 not null
column event_personal.seq int8 not null
column export_log.agent int8
column export_log.at timestamptz not null default enroll_now()
column export_log.rows int8
column export_log.what text not null
column file.account int8 not null
column file.amends text
column file.appealed bool not null default false
column file.birth_date date
column file.caisse text
column file.commune text
column file.correction_at timestamptz
column file.created_at timestamptz not null default enroll_now()
column file.deadline timestamptz
column file.deadline_event text
column file.decided_at timestamptz
column file.deposited_at timestamptz
column file.document text
column file.effective_date date
column file.eligible bool not null default false
column file.email_key text
column file.entered_review bool not null default false
column file.first_fold text
column file.first_name text
column file.fnps text
column file.from_caisse text
column file.from_caisse_at timestamptz
column file.holder int8
column file.holder_acted_at timestamptz
column file.holder_since timestamptz
column file.iban_hmac text
column file.id int8 not null
column file.kind text not null default 'convention'::text
column file.last_fold text
column file.last_name text
column file.nir_hmac text
column file.notified_at timestamptz
column file.number text not null default ((('MSP-'::text || to_char(enroll_now(), 'YYYY'::text)) || '-'::text) || lpad((nextval('file_number'::regclass))::text, 7, '0'::text))
column file.parent int8
column file.paused_days int4 not null default 0
column file.practice_mode text
column file.queue_since timestamptz
column file.refused_actor text
column file.refused_by text
column file.return_to text
column file.route_caisse text
column file.route_confidence text
column file.route_explained text
column file.route_rule text
column file.routed_as text
column file.rpps text
column file.search_key text
column file.state text not null default 'draft'::text
column file.state_since timestamptz not null default enroll_now()
column file.submitted_at timestamptz
column file.term date
column file.until_date date
column file.version int8 not null default 0
column file.was_suspended bool not null default false
column frozen_copy.data bytea
column frozen_copy.file int8 not null
column frozen_copy.seq int8 not null
column frozen_copy.sha256 text not null
column geography.caisse text not null
column geography.departement text
column geography.digest text not null
column geography.name text
column geography.population int8 not null
column geography.region text
column geography_now.caisse text
column geography_now.departement text
column geography_now.name text
column geography_now.population int8
column geography_now.region text
column idempotency.actor text not null
column idempotency.at timestamptz not null default enroll_now()
column idempotency.hmac text not null
column idempotency.key text not null
column idempotency.location text
column idempotency.state text
column idempotency.status int4
column idempotency.version int8
column invariant_1_caisse_before_eligible.file int8
column invariant_2_decided_not_notified.file int8
column invariant_3_conventioned_not_eligible.file int8
column invariant_4_decided_alone.file int8
column invariant_5_eligible_without_caisse.file int8
column invariant_6_conventioned_unsigned.file int8
column invariant_7_published_wrongly.file int8
column invariant_8_two_live_files.file int8
column message.account int8
column message.at timestamptz not null default enroll_now()
column message.audience text not null
column message.body bytea
column message.file int8
column message.id int8 not null
column message.kind text not null
column message.mail_at timestamptz
column message.mail_state text not null default 'waiting'::text
column message.opened_at timestamptz
column message.params text not null default '{}'::text
column message.seq int8
column message.subject text
column meta.key text not null
column meta.value text not null
column notice.at timestamptz not null default enroll_now()
column notice.file int8 not null
column notice.id int8 not null
column notice.kind text not null
column notice.seq int8 not null default 0
column opinion.actor text not null
column opinion.at timestamptz not null default enroll_now()
column opinion.code text not null
column opinion.evidence_hash text not null
column opinion.file int8 not null
column opinion.kind text not null
column opinion.seq int8 not null
column outbox.at timestamptz not null default enroll_now()
column outbox.attempts int4 not null default 0
column outbox.done_at timestamptz
column outbox.due timestamptz not null default enroll_now()
column outbox.error text
column outbox.file int8
column outbox.id int8 not null
column outbox.kind text not null
column outbox.leased_until timestamptz
column outbox.payload text not null default '{}'::text
column outbox.ref int8
column outbox.seq int8
column piece.erased_at timestamptz
column piece.file int8 not null
column piece.for_row text
column piece.id int8 not null
column piece.kind text not null
column piece.name bytea not null
column piece.pages int4
column piece.problem text
column piece.removed_at timestamptz
column piece.scan text not null default 'waiting'::text
column piece.scanned_at timestamptz
column piece.sha256 text not null
column piece.size int8 not null
column piece.type text not null
column piece.uploaded_at timestamptz not null default enroll_now()
column piece_chunk.data bytea not null
column piece_chunk.n int4 not null
column piece_chunk.piece int8 not null
column piece_opening.actor text not null
column piece_opening.agent int8
column piece_opening.at timestamptz not null default enroll_now()
column piece_opening.file int8 not null
column piece_opening.piece int8 not null
column piece_opening.reason text
column place.address text not null
column place.asked_at timestamptz
column place.at point
column place.commune text not null
column place.file int8 not null
column place.lat float8
column place.lon float8
column place.n int4 not null
column place.postcode text not null
column place.precision text not null default 'commune'::text
column policy.highest int4 not null
column policy.lowest int4 not null
column policy.name text not null
column policy.value int4 not null
column policy_change.at timestamptz not null default enroll_now()
column policy_change.by text not null default SESSION_USER
column policy_change.id int8 not null
column policy_change.name text not null
column policy_change.value int4 not null
column policy_change.was int4 not null
column profile.confirmed_on date not null
column profile.email text
column profile.file int8 not null
column profile.languages _text not null default '{}'::text[]
column profile.name text not null
column profile.phone text
column profile.public _text not null default '{}'::text[]
column profile.remote bool not null default false
column profile.show_email bool not null default false
column profile.show_phone bool not null default false
column profile.unavailable_until date
column profile.website text
column published.caisse text
column published.confirmed_on date
column published.effective_date date
column published.email text
column published.file int8
column published.languages _text
column published.name text
column published.phone text
column published.public _text
column published.remote bool
column published.show_email bool
column published.show_phone bool
column published.unavailable_until date
column published.version int8
column published.website text
column published_cell.code text not null
column published_cell.day date not null
column published_cell.hidden bool not null
column published_cell.level text not null
column published_cell.measure text not null
column published_cell.total int8
column published_place.address text
column published_place.at point
column published_place.commune text
column published_place.file int8
column published_place.lat float8
column published_place.lon float8
column published_place.n int4
column published_place.postcode text
column purge_log.at timestamptz not null default enroll_now()
column purge_log.file int8 not null
column purge_log.id int8 not null
column purge_log.kinds _text not null
column rate.at timestamptz not null default enroll_now()
column rate.bucket text not null
column region.ars text not null
column region.code text not null
column region.name text not null
column region.seat text
column region.zone text not null
column registry_copy.current bool not null default false
column registry_copy.id int8 not null
column registry_copy.imported_at timestamptz not null default enroll_now()
column registry_copy.lines_kept int8 not null default 0
column registry_copy.lines_read int8 not null default 0
column registry_copy.lines_refused int8 not null default 0
column registry_copy.refused_lines jsonb not null default '[]'::jsonb
column registry_copy.source_day date
column registry_copy.source_name text
column registry_line.authority text
column registry_line.commune text
column registry_line.copy int8 not null
column registry_line.departement text
column registry_line.first_name text
column registry_line.last_name text
column registry_line.line int8
column registry_line.mode text
column registry_line.postcode text
column registry_line.profession text not null
column registry_line.rpps text not null
column registry_line.structure text
column schema_migration.at timestamptz not null default clock_timestamp()
column schema_migration.name text not null
column schema_migration.number int4 not null
column schema_migration.sha256 text not null
column session.account int8 not null
column session.created_at timestamptz not null default enroll_now()
column session.csrf text not null
column session.digest text not null
column session.expires_at timestamptz not null
column session.seen_at timestamptz not null default enroll_now()
column sign_in_failure.at timestamptz not null default enroll_now()
column sign_in_failure.email_key text not null
column signature.actor text not null
column signature.at timestamptz not null
column signature.digest text not null
column signature.file int8 not null
column signature.id int8 not null
column signature.method text not null
column signature.party text not null
column signature.seq int8 not null
column signature.voided_seq int8
column signing_code.attempts int4 not null default 0
column signing_code.digest text not null
column signing_code.expires_at timestamptz not null
column signing_code.file int8 not null
column signing_code.party text not null
column signing_code.sent_at timestamptz not null default enroll_now()
column stage.before_caisse text
column stage.before_seconds int8
column stage.caisse text not null default ''::text
column stage.day date not null
column stage.file int8 not null
column stage.seconds int8 not null
column stage.seq int8 not null
column stage.state text not null
column transition.event text not null
column transition.from_state text not null
column transition.role text not null
column transition.to_state text not null
column upload.account int8 not null default my_account()
column upload.file int8 not null
column upload.for_row text
column upload.got int8 not null default 0
column upload.id int8 not null
column upload.kind text not null
column upload.name bytea not null
column upload.piece int8
column upload.size int8 not null
column upload.touched_at timestamptz not null default enroll_now()
column upload_chunk.at int8 not null
column upload_chunk.data bytea not null
column upload_chunk.upload int8 not null
column working_copy.data bytea not null
column working_copy.file int8 not null
column working_copy.noticed_at timestamptz
column working_copy.revision int8 not null default 1
column working_copy.touched_at timestamptz not null default enroll_now()
constraint account.account_email UNIQUE (email_key)
constraint account.account_pkey PRIMARY KEY (id)
constraint account_token.account_token_account_fkey FOREIGN KEY (account) REFERENCES account(id) ON DELETE CASCADE
constraint account_token.account_token_kind_check CHECK ((kind = ANY (ARRAY['confirm'::text, 'reset'::text])))
constraint account_token.account_token_pkey PRIMARY KEY (digest)
constraint agent.agent_email UNIQUE (email_key)
constraint agent.agent_pkey PRIMARY KEY (id)
constraint agent.agent_region_fkey FOREIGN KEY (region) REFERENCES region(code)
constraint agent.agent_role_check CHECK ((role = ANY (ARRAY['expert'::text, 'delegate'::text, 'region'::text, 'admin'::text])))
constraint agent_caisse.agent_caisse_agent_fkey FOREIGN KEY (agent) REFERENCES agent(id) ON DELETE CASCADE
constraint agent_caisse.agent_caisse_caisse_fkey FOREIGN KEY (caisse) REFERENCES caisse(code)
constraint agent_caisse.agent_caisse_pkey PRIMARY KEY (agent, caisse)
constraint agent_certificate.agent_certificate_agent_fkey FOREIGN KEY (agent) REFERENCES agent(id) ON DELETE CASCADE
constraint agent_certificate.agent_certificate_pkey PRIMARY KEY (serial)
constraint caisse.caisse_pkey PRIMARY KEY (code)
constraint caisse.caisse_region_fkey FOREIGN KEY (region) REFERENCES region(code)
constraint chain_root.chain_root_pkey PRIMARY KEY (at)
constraint check_result.check_result_evidence CHECK (((evidence IS NULL) OR (evidence_hash = encode(sha256(convert_to(evidence, 'UTF8'::name)), 'hex'::text))))
constraint check_result.check_result_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint check_result.check_result_pkey PRIMARY KEY (id)
constraint check_result.check_result_result_check CHECK ((result = ANY (ARRAY['pass'::text, 'fail'::text, 'review'::text, 'unavailable'::text])))
constraint closed_day.closed_day_pkey PRIMARY KEY (day)
constraint closed_stage.closed_stage_day_fkey FOREIGN KEY (day) REFERENCES closed_day(day)
constraint closed_stage.closed_stage_pkey PRIMARY KEY (day, caisse, state)
constraint closed_total.closed_total_day_fkey FOREIGN KEY (day) REFERENCES closed_day(day)
constraint closed_total.closed_total_pkey PRIMARY KEY (day, caisse, measure) INCLUDE (total)
constraint commune.commune_caisse_fkey FOREIGN KEY (caisse) REFERENCES caisse(code)
constraint commune.commune_pkey PRIMARY KEY (code)
constraint correction_item.correction_item_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint correction_item.correction_item_pkey PRIMARY KEY (id)
constraint delta.delta_pkey PRIMARY KEY (id)
constraint departement.departement_pkey PRIMARY KEY (code)
constraint departement.departement_region_fkey FOREIGN KEY (region) REFERENCES region(code)
constraint document.document_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint document.document_kind_check CHECK ((kind = ANY (ARRAY['convention'::text, 'convention_sealed'::text, 'receipt'::text, 'letter'::text])))
constraint document.document_pkey PRIMARY KEY (file, kind, version, digest)
constraint draft_gone.draft_gone_cause_check CHECK ((cause = ANY (ARRAY['discarded'::text, 'lapsed'::text])))
constraint employer_link.employer_link_digest_key UNIQUE (digest)
constraint employer_link.employer_link_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint employer_link.employer_link_pkey PRIMARY KEY (file)
constraint event.event_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint event.event_is_told TRIGGER DEFERRABLE INITIALLY DEFERRED
constraint event.event_pkey PRIMARY KEY (file, seq)
constraint event_personal.event_personal_file_seq_fkey FOREIGN KEY (file, seq) REFERENCES event(file, seq)
constraint event_personal.event_personal_pkey PRIMARY KEY (file, seq)
constraint export_log.export_log_agent_fkey FOREIGN KEY (agent) REFERENCES agent(id)
constraint file.file_account_fkey FOREIGN KEY (account) REFERENCES account(id)
constraint file.file_amends_check CHECK ((amends = ANY (ARRAY['address'::text, 'employer'::text, 'bank'::text])))
constraint file.file_caisse_eligible CHECK (((state <> ALL (ARRAY['in_review'::text, 'to_sign'::text, 'to_countersign'::text, 'conventioned'::text, 'suspended'::text, 'leaving'::text])) OR (eligible AND (caisse IS NOT NULL))))
constraint file.file_caisse_fkey FOREIGN KEY (caisse) REFERENCES caisse(code)
constraint file.file_check CHECK (((state = 'draft'::text) OR (version > 0)))
constraint file.file_check1 CHECK (((kind = 'convention'::text) OR (parent IS NOT NULL)))
constraint file.file_convention_eligible CHECK (((state <> ALL (ARRAY['conventioned'::text, 'suspended'::text, 'leaving'::text])) OR (eligible AND (document IS NOT NULL) AND (effective_date IS NOT NULL))))
constraint file.file_holder_fkey FOREIGN KEY (holder) REFERENCES agent(id)
constraint file.file_kind_check CHECK ((kind = ANY (ARRAY['convention'::text, 'amendment'::text])))
constraint file.file_number_key UNIQUE (number)
constraint file.file_parent_fkey FOREIGN KEY (parent) REFERENCES file(id)
constraint file.file_pkey PRIMARY KEY (id)
constraint file.file_route_caisse_fkey FOREIGN KEY (route_caisse) REFERENCES caisse(code)
constraint file.file_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'expert_review'::text, 'correction'::text, 'unrouted'::text, 'in_review'::text, 'to_sign'::text, 'to_countersign'::text, 'conventioned'::text, 'suspended'::text, 'leaving'::text, 'ended'::text, 'refused'::text, 'appealed'::text, 'withdrawn'::text, 'closed'::text])))
constraint frozen_copy.frozen_copy_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint frozen_copy.frozen_copy_pkey PRIMARY KEY (file, seq)
constraint geography.geography_pkey PRIMARY KEY (digest, caisse)
constraint idempotency.idempotency_pkey PRIMARY KEY (actor, key)
constraint message.message_account_fkey FOREIGN KEY (account) REFERENCES account(id)
constraint message.message_file_fkey FOREIGN KEY (file) REFERENCES file(id) ON DELETE SET NULL
constraint message.message_mail_state_check CHECK ((mail_state = ANY (ARRAY['waiting'::text, 'sent'::text, 'failed'::text, 'none'::text])))
constraint message.message_pkey PRIMARY KEY (id)
constraint meta.meta_pkey PRIMARY KEY (key)
constraint notice.notice_file_fkey FOREIGN KEY (file) REFERENCES file(id) ON DELETE CASCADE
constraint notice.notice_file_kind_seq_key UNIQUE (file, kind, seq)
constraint notice.notice_pkey PRIMARY KEY (id)
constraint opinion.opinion_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint opinion.opinion_kind_check CHECK ((kind = ANY (ARRAY['maintained'::text, 'opinion'::text])))
constraint opinion.opinion_pkey PRIMARY KEY (file, seq, code, kind)
constraint outbox.outbox_pkey PRIMARY KEY (id)
constraint piece.piece_file_fkey FOREIGN KEY (file) REFERENCES file(id) ON DELETE CASCADE
constraint piece.piece_kind_check CHECK ((kind = ANY (ARRAY['diploma'::text, 'diploma_extra'::text, 'experience'::text, 'identity'::text, 'rights'::text, 'rib'::text, 'foreign_authorisation'::text, 'message'::text])))
constraint piece.piece_pkey PRIMARY KEY (id)
constraint piece.piece_scan_check CHECK ((scan = ANY (ARRAY['waiting'::text, 'clean'::text, 'infected'::text])))
constraint piece.piece_size_check CHECK (((size >= 1) AND (size <= 10485760)))
constraint piece.piece_type_check CHECK ((type = ANY (ARRAY['application/pdf'::text, 'image/jpeg'::text, 'image/png'::text])))
constraint piece_chunk.piece_chunk_piece_fkey FOREIGN KEY (piece) REFERENCES piece(id) ON DELETE CASCADE
constraint piece_chunk.piece_chunk_pkey PRIMARY KEY (piece, n)
constraint piece_opening.piece_opening_agent_fkey FOREIGN KEY (agent) REFERENCES agent(id)
constraint place.place_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint place.place_pkey PRIMARY KEY (file, n)
constraint place.place_precision_check CHECK (("precision" = ANY (ARRAY['housenumber'::text, 'street'::text, 'locality'::text, 'commune'::text])))
constraint policy.policy_bounds CHECK (((value >= lowest) AND (value <= highest)))
constraint policy.policy_pkey PRIMARY KEY (name)
constraint policy.policy_sense CHECK (((lowest >= 0) AND (highest <= 1000)))
constraint policy_change.policy_change_name_fkey FOREIGN KEY (name) REFERENCES policy(name)
constraint policy_change.policy_change_pkey PRIMARY KEY (id)
constraint profile.profile_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint profile.profile_pkey PRIMARY KEY (file)
constraint published_cell.published_cell_pkey PRIMARY KEY (day, level, code, measure)
constraint purge_log.purge_log_pkey PRIMARY KEY (id)
constraint region.region_pkey PRIMARY KEY (code)
constraint registry_copy.registry_copy_pkey PRIMARY KEY (id)
constraint schema_migration.schema_migration_pkey PRIMARY KEY (number)
constraint session.session_account_fkey FOREIGN KEY (account) REFERENCES account(id) ON DELETE CASCADE
constraint session.session_pkey PRIMARY KEY (digest)
constraint signature.signature_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint signature.signature_party_check CHECK ((party = ANY (ARRAY['applicant'::text, 'employer'::text, 'caisse'::text])))
constraint signature.signature_pkey PRIMARY KEY (id)
constraint signing_code.signing_code_file_fkey FOREIGN KEY (file) REFERENCES file(id)
constraint signing_code.signing_code_party_check CHECK ((party = ANY (ARRAY['applicant'::text, 'employer'::text])))
constraint signing_code.signing_code_pkey PRIMARY KEY (file, party)
constraint stage.stage_pkey PRIMARY KEY (file, seq)
constraint transition.transition_pkey PRIMARY KEY (from_state, event, role, to_state)
constraint upload.upload_account_fkey FOREIGN KEY (account) REFERENCES account(id) ON DELETE CASCADE
constraint upload.upload_check CHECK (((got >= 0) AND (got <= size)))
constraint upload.upload_file_fkey FOREIGN KEY (file) REFERENCES file(id) ON DELETE CASCADE
constraint upload.upload_pkey PRIMARY KEY (id)
constraint upload.upload_size_check CHECK (((size >= 1) AND (size <= 10485760)))
constraint upload_chunk.upload_chunk_pkey PRIMARY KEY (upload, at)
constraint upload_chunk.upload_chunk_upload_fkey FOREIGN KEY (upload) REFERENCES upload(id) ON DELETE CASCADE
constraint working_copy.working_copy_file_fkey FOREIGN KEY (file) REFERENCES file(id) ON DELETE CASCADE
constraint working_copy.working_copy_pkey PRIMARY KEY (file)
function clock_offset() 2e6c4fbe25c177563f8c7e66978786eb
function enroll_now() f5ea5b1a44b4d6324267d15e67412a4d
function event_apply() security definer 1d883e8688154a794d3124b67d712f07
function event_is_final() 3d4d2a94c338002a766f4f5f0a19244e
function event_is_told() security definer a54d4678ba958f48ef259b188f3e3104
function event_second_person() security definer 9c9ecb50a74710ff0c0c7275861a9d1e
function failed_mails() security definer 19bfaaf2ee65f5220409c09c0ef6161d
function file_ask(p_file bigint) 319f42d20755e4f1c77ea7c3d0d5d16c
function file_seen(p_file bigint) 67a4bb9ceee9cb69d761c566b1a2e587
function identity_join(kind text, token text, p_issuer text, p_subject text, p_fingerprint text) security definer 9bdf66bb50d0c8a2cb3ac39635ddf8e9
function identity_set(role text, account bigint, agent bigint, caisses text, file bigint) 0462bd865760b3c7d522af34c3dd3ca0
function live_file_exists(p_rpps text, p_nir_hmac text, p_kind text, p_except bigint) security definer 12b547bdccc28197a024539f06a816ff
function my_account() 2f508ecfd213853f7953a4774f5895d1
function my_agent() 93ff83e43e28766a1f60aab6cc3f3132
function my_caisses() b6d2d2812d6e54a9a03b188075bc904a
function my_file() 0386cdf1fe938232d5bfd3383424d2a0
function my_role() c271692c89311c3c7cbd96010954b31d
function open_child(p_parent bigint) security definer b8bfbac890565073a67c4a98155ca114
function parent_lock(p_child bigint) security definer e511e4b7b1903d6ee988261e8a8712fc
function parent_state(p_child bigint) security definer 6baf8c9e0c767c923b513542e1bb099b
function paris_day(at timestamp with time zone) a46fc222381b817066ae13aba06a4e14
function paris_today() 53d7609b8930a4bc71a406f0ca8401da
function piece_when_open() security definer b702222408f38d683c809da29459118d
function policy_at(p_name text, p_at timestamp with time zone) c8d39c4a165138867bac6614df4f49d1
function policy_changed() security definer 0fad595a2d2efeb1bdf4f9bb78154b41
function search_everywhere(p_key text, p_limit integer) security definer 2e10c630b38bce47e4b6c76c34bed01e
function sign_in_wait(p_key text) b9a7db4d42c2d619ff3b3570f68ebab6
function stage_days(seconds bigint) 4c0de2c6c15b5097372a9eb60f9406d3
function upload_once() 84a088a4c77b3703e8f51476f4b002f4

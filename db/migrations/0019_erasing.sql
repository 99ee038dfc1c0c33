-- What a retention that is over erases was not all of it (domain.md §8).

-- The proof of a check stays: result, codes, source, time, and the hash of the evidence. The evidence itself goes (NULL);
-- until then it is what its hash says, whoever may write it.
alter table check_result alter column evidence drop not null,
	add constraint check_result_evidence check (evidence is null or evidence_hash = encode(sha256(convert_to(evidence, 'UTF8')), 'hex'));
grant update (evidence) on check_result to enroll_purge;

-- Who opened which piece, and when, stays as well; what was typed to open it goes.
revoke delete on piece_opening from enroll_purge;
grant update (reason) on piece_opening to enroll_purge;

grant update (fnps, commune, route_explained) on file to enroll_purge;

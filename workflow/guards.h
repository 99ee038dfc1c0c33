/*
 * The conditions of workflow/table.c. A guard reads stored facts and answers NULL (allowed) or the text id of the first
 * thing that stands in the way, in the order in which a person can do something about it.
 *
 * Where one event may lead to two states, each row has its own guard: they share their conditions and differ by the
 * direction, of which exactly one holds. A row whose direction is not taken answers WHY_OTHER_WAY, which decide()
 * passes over.
 */
#ifndef WORKFLOW_GUARDS_H
#define WORKFLOW_GUARDS_H

#include "workflow.h"

#define WHY_OTHER_WAY "why.other_way"
#define WHY_CODE "why.code" /* fire.c counts the tries */

typedef const char *guard_fn(const struct facts *f);

/* the applicant before the deposit, and in correction */
guard_fn guard_submit, guard_own, guard_resubmit;
/* time */
guard_fn guard_due, guard_due_not_eligible, guard_term, guard_retention;
/* the verdict of the checks */
guard_fn guard_checks_failed, guard_checks_human, guard_passed_back_to_expert, guard_passed_back, guard_passed_rerouted,
	guard_passed_routed, guard_passed_unrouted;
/* experts */
guard_fn guard_found_back, guard_found_rerouted, guard_found_routed, guard_found_unrouted, guard_propose_first,
	guard_propose_alone, guard_second_expert, guard_items;
/* the caisse */
guard_fn guard_route, guard_claim, guard_release, guard_take_over, guard_transfer, guard_items_holder, guard_approve,
	guard_refuse, guard_recall, guard_countersign, guard_countersign_amendment;
/* signatures */
guard_fn guard_sign_wait, guard_sign_last, guard_employer_wait, guard_employer_last, guard_employer_decline;
/* the convention's life */
guard_fn guard_amend_own, guard_amend_caisse, guard_replace, guard_orphan, guard_warn, guard_findings, guard_observe,
	guard_suspend, guard_reinstate, guard_exclude;
/* appeals */
guard_fn guard_appeal_caisse, guard_appeal_experts, guard_answer, guard_overturn_routed, guard_overturn_unrouted;

#endif

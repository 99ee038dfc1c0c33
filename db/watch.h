/*
 * What the operator's figures are made of: how late, how old, how big. Asked as `system`, once a minute, never for a
 * visitor.
 */
#ifndef DB_WATCH_H
#define DB_WATCH_H

#include "db.h"

/*
 * One row. Seconds count on enroll_now(); NULL where there is nothing to count from.
 * outbox_waiting, outbox_late_seconds (the oldest row that is due), outbox_retrying (five attempts or more),
 * deadlines_late (files whose deadline passed ten minutes ago), scans_waiting, root_late_seconds (since the hourly root
 * of the history was due), registry_age_seconds, standbys, standby_lag_bytes (NULL without the right to see it),
 * database_bytes.
 */
extern const struct statement watch_state;
extern const struct statement watch_sizes; /* part, bytes: the tables that grow, with their indexes */

#endif

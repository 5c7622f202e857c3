/* What a lead is, in SQL: a contact that is not deleted; its status is its latest qualification, unqualified
 * without one. */
#pragma once

/* A join for contacts c that leaves the latest qualification as q, or nulls. */
#define JOIN_LATEST_QUALIFICATION                                                                            \
    " LEFT JOIN lead_qualifications q ON q.tenant_id = c.tenant_id AND q.contact_id = c.id"                  \
    " AND NOT EXISTS (SELECT 1 FROM lead_qualifications n"                                                   \
    " WHERE n.tenant_id = q.tenant_id AND n.contact_id = q.contact_id"                                       \
    " AND (n.created_at > q.created_at OR (n.created_at = q.created_at AND n.id > q.id)))"
#define LEAD_STATUS "COALESCE(q.status, 'unqualified')"

/* A join for contacts c that leaves the agent it is assigned to now as a (and the assignment as g), or nulls.
 * Should two assignments be open, the latest counts. */
#define JOIN_CURRENT_AGENT                                                                                   \
    " LEFT JOIN contact_assignments g ON g.tenant_id = c.tenant_id AND g.contact_id = c.id AND g.ended_at "  \
    "IS NULL"                                                                                                \
    " AND NOT EXISTS (SELECT 1 FROM contact_assignments h"                                                   \
    " WHERE h.tenant_id = g.tenant_id AND h.contact_id = g.contact_id AND h.ended_at IS NULL AND h.id > "    \
    "g.id)"                                                                                                  \
    " LEFT JOIN agents a ON a.id = g.agent_id AND a.tenant_id = g.tenant_id AND a.deleted_at IS NULL"

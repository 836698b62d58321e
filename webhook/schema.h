/* schema.h - the store's tables, as steps from one schema version to the next.
 *
 * Version n is what the first n steps make. A store of an older version is brought up by the steps that it lacks,
 * all in one transaction: a crash leaves the old version or the new one, never a part. A newer store is refused: this
 * guardraild does not know what it would break. A step, once released, is never changed; to change the tables, add a
 * row at the end of schema_steps (schema.c) and a line to its comment. */
#ifndef GUARDRAIL_WEBHOOK_SCHEMA_H
#define GUARDRAIL_WEBHOOK_SCHEMA_H
#include "db.h"

struct schema {
    const char *const *steps; /* steps[v] brings version v to v + 1; SQL, without BEGIN and COMMIT */
    int64_t version;          /* how many steps there are */
};
extern const struct schema schema_current;

/* Brings the open database to the schema's version; foreign keys must be off, as they are by default (a step may then
 * rebuild a table; they are checked before the commit). *from: the version found, 0 in a new file.
 * GR_ESTATE: *from is newer than ours, or -1: the file holds foreign tables. */
GR_MUST_USE enum gr_err schema_migrate(struct db *db, const struct schema *schema, int64_t *from);
#endif

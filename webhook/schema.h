/* schema.h - the store's tables, as steps from one schema version to the next. A step, once released, is
 * never changed. */
#ifndef GUARDRAIL_WEBHOOK_SCHEMA_H
#define GUARDRAIL_WEBHOOK_SCHEMA_H
#include "store.h"

/* schema_steps[v] brings version v to v + 1. */
extern const char *const schema_steps[STORE_SCHEMA_VERSION];
#endif

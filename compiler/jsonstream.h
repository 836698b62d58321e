/* jsonstream.h - writing JSON as it is composed, for outputs that are too large to be built as a tree first (jsonout.h does that).
 *
 * The same bytes as jsonout's: indented by two blanks, members in the order of the calls. An object or list is named by what opened it
 * (struct json_at) and stays open as long as members are added to it or to something within it: adding to an outer one closes all inner
 * ones for good. Adding to a closed one is our bug. Errors stick in the buffer. */
#ifndef GUARDRAIL_COMPILER_JSONSTREAM_H
#define GUARDRAIL_COMPILER_JSONSTREAM_H
#include "guardrail/buf.h"

#define JSONSTREAM_DEPTH_MAX 16u

struct json_at {
    uint32_t depth, id;
};
struct jsonstream {
    struct gr_buf *out; /* borrowed */
    struct {
        uint32_t id;
        bool list, any; /* any: has a member */
    } open[JSONSTREAM_DEPTH_MAX];
    uint32_t depth, next_id; /* depth: how many are open */
    uint32_t flat; /* what lies deeper than so many is written on one line; JSONSTREAM_DEPTH_MAX at first */
};
/* Starts the text with an object. */
struct json_at jsonstream_begin(struct jsonstream *j, struct gr_buf *out);
/* Closes everything and ends the text with a line end. */
void jsonstream_end(struct jsonstream *j);
/* A member of `at`: in a list the key must be empty. */
struct json_at jsonstream_object(struct jsonstream *j, struct json_at at, struct gr_str key);
struct json_at jsonstream_array(struct jsonstream *j, struct json_at at, struct gr_str key);
void jsonstream_str(struct jsonstream *j, struct json_at at, struct gr_str key, struct gr_str s);
void jsonstream_num(struct jsonstream *j, struct json_at at, struct gr_str key, double v);
void jsonstream_bool(struct jsonstream *j, struct json_at at, struct gr_str key, bool v);
#endif

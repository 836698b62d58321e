#include "config.h"
#include "pagetext.h"

/* The next part: its first line and all that follow up to the next line that begins a part. The lines in front of the
 * first part belong to it. */
static bool
next_part(struct gr_str *rest, struct gr_str *part, struct gr_str *name)
{
    struct gr_str left = *rest, line;
    bool named = false;

    *name = GR_STR_NONE;
    *part = (struct gr_str){left.p, 0};
    while (left.n > 0) {
        size_t end = gr_str_find(left, GR_STR("\n"), 0);

        line = gr_str_sub(left, 0, end == SIZE_MAX ? left.n : end + 1);
        if (gr_str_find(line, GR_STR(":"), 0) != SIZE_MAX && line.p[0] != ' ' && line.p[0] != '#' &&
            line.p[0] != '-' && line.p[0] != '\t') {
            if (named)
                break;
            named = true;
            *name = gr_str_sub(line, 0, gr_str_find(line, GR_STR(":"), 0));
        }
        part->n += line.n;
        left = gr_str_sub(left, line.n, left.n);
    }
    *rest = left;
    return part->n > 0;
}

/* "# no sampling" in the text says that a part is left out. */
static bool
leaves_out(struct gr_str text, struct gr_str name)
{
    struct gr_str line;

    while (gr_str_next(&text, '\n', &line))
        if (gr_str_starts(line, GR_STR("# no ")) && gr_str_eq(gr_str_sub(line, 5, line.n), name))
            return true;
    return false;
}

/* Puts the parts of this name (all parts: no name), or only tells whether there are any. */
static bool
put_named(struct gr_buf *out, struct gr_str parts, struct gr_str wanted)
{
    struct gr_str part, name;
    bool any = false;

    while (next_part(&parts, &part, &name)) {
        if (!gr_str_eq(name, wanted))
            continue;
        if (out)
            gr_buf_put(out, part);
        any = true;
    }
    return any;
}

void
pagetext_complete(struct gr_buf *out, struct gr_str frame, struct gr_str parts)
{
    struct gr_str rest = frame, part, name;

    while (next_part(&rest, &part, &name))
        if (!put_named(out, parts, name) && !leaves_out(parts, name))
            gr_buf_put(out, part);
    rest = parts;
    while (next_part(&rest, &part, &name))
        if (!put_named(NULL, frame, name))
            gr_buf_put(out, part);
}

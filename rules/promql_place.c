/* promql_place.c - finds a text again in the YAML scalar that it was read from.
 *
 * YAML changes nothing but blanks and line ends (indentation goes, folding joins lines) and quotes and
 * escapes. So both are walked at once: blanks of the scalar are skipped where the text has none, anything
 * else must be the same. */
#include "config.h"
#include "promql_tree.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Where the content starts: behind the quote, or behind the line of a block's indicator. */
static size_t
content_start(struct gr_str raw)
{
    size_t end;

    if (raw.n == 0)
        return 0;
    if (raw.p[0] == '"' || raw.p[0] == '\'')
        return 1;
    if (raw.p[0] != '|' && raw.p[0] != '>')
        return 0;
    end = gr_str_find(raw, GR_STR("\n"), 0);
    return end == SIZE_MAX ? raw.n : end + 1;
}

/* How many bytes at r stand for c; 0: it does not stand there. */
static size_t
covers(struct gr_str raw, size_t r, char c)
{
    char next = r + 1 < raw.n ? raw.p[r + 1] : '\0';

    if (raw.p[0] == '"' && raw.p[r] == '\\')
        return next == c || (c == '\n' && next == 'n') || (c == '\t' && next == 't') ? 2 : 0;
    if (raw.p[0] == '\'' && raw.p[r] == '\'')
        return c == '\'' && next == '\'' ? 2 : 0;
    return raw.p[r] == c || (is_blank(raw.p[r]) && is_blank(c)) ? 1 : 0;
}

bool
promql_align(struct gr_arena *a, struct gr_str text, struct gr_str raw, uint32_t **map)
{
    uint32_t *at = gr_arena_array(a, text.n + 1, sizeof *at);
    size_t r = content_start(raw);

    if (!at)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        size_t n;

        while (!is_blank(text.p[i]) && r < raw.n && is_blank(raw.p[r]))
            r++;
        if (r >= raw.n && is_blank(text.p[i]))
            n = 0; /* the line end that a block adds */
        else if (r >= raw.n || (n = covers(raw, r, text.p[i])) == 0)
            return false;
        at[i] = (uint32_t)r;
        r += n;
    }
    *map = at;
    return true;
}

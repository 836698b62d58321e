/* line.c - see line.h. */
#include "config.h"
#include "line.h"

bool
line_next(struct gr_str *rest, struct gr_str *line, size_t *number)
{
    struct gr_str piece;

    while (gr_str_next(rest, '\n', &piece)) {
        *number += 1;
        piece = gr_str_trim(piece);
        if (piece.n == 0 || piece.p[0] == '#')
            continue;
        *line = piece;
        return true;
    }
    return false;
}

bool
word_next(struct gr_str *rest, struct gr_str *word)
{
    size_t end = 0;

    *rest = gr_str_trim(*rest);
    if (rest->n == 0)
        return false;
    while (end < rest->n && rest->p[end] != ' ' && rest->p[end] != '\t')
        end++;
    *word = gr_str_sub(*rest, 0, end);
    *rest = gr_str_sub(*rest, end, rest->n);
    return true;
}

/* base.h - what every file of guardrail starts from: error numbers, string slices, checked sizes, assertions.
 *
 * Three kinds of trouble never mix: the user's mistake is a finding (diag.h), the machine's is an enum gr_err, our own
 * is a GR_ASSERT. Nothing here allocates. */
#ifndef GUARDRAIL_BASE_H
#define GUARDRAIL_BASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GR_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GR_MUST_USE __attribute__((warn_unused_result))
#define GR_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define GR_NORETURN __attribute__((noreturn))

/* What a library function answers. Everything but GR_OK leaves the outputs untouched unless its header says otherwise. */
enum gr_err {
    GR_OK = 0,
    GR_EUSER,    /* the user's input is wrong; the findings say where */
    GR_ESYNTAX,  /* text does not have the wanted form (small parsers that have no place to report to) */
    GR_ERANGE,   /* the form is right, the value is outside what was asked for */
    GR_ELIMIT,   /* larger, deeper or more than we accept */
    GR_ENOMEM,   /* no memory, or an arena's or buffer's ceiling */
    GR_ENOENT,   /* no such file, row or key */
    GR_EEXIST,   /* it is there already */
    GR_EACCES,   /* not permitted */
    GR_EBUSY,    /* locked by another process */
    GR_EAGAIN,   /* try later; nothing is wrong with the request */
    GR_ENOSPC,   /* disk or quota full */
    GR_EIO,      /* read, write, fsync or database failed; errno or a message tells more */
    GR_ENET,     /* could not reach or talk to a peer */
    GR_ETIMEOUT, /* the deadline passed */
    GR_ESTATE,   /* not possible in the present state */
    GR_ERR_COUNT
};

/* "out of memory", "no such file" …; never NULL. */
const char *gr_err_name(enum gr_err err);
/* The enum gr_err for an errno value; GR_EIO when none fits better. */
enum gr_err gr_err_from_errno(int errnum);

/* Our own bugs. Stays on in releases; prints the place and aborts. Never on input, a peer, or an allocation. */
#define GR_ASSERT(cond) ((cond) ? (void)0 : gr_assert_failed(#cond, __FILE__, __LINE__))
GR_NORETURN void gr_assert_failed(const char *cond, const char *file, int line);

/* A borrowed slice of bytes: not NUL-terminated, may hold NULs. p may be NULL only when n is 0. */
struct gr_str {
    const char *p;
    size_t n;
};
#define GR_STR(literal) ((struct gr_str){"" literal, sizeof(literal) - 1})
#define GR_STR_INIT(literal)                                                                                 \
    {                                                                                                        \
        "" literal, sizeof(literal) - 1                                                                      \
    } /* for static tables */
#define GR_STR_NONE ((struct gr_str){NULL, 0})
#define GR_FMT "%.*s" /* with GR_ARG(s); n is cut at INT_MAX */
#define GR_ARG(s) ((int)((s).n > INT32_MAX ? INT32_MAX : (s).n)), ((s).n ? (s).p : "")

/* The slice of a NUL-terminated string; NULL gives the empty slice. */
static inline struct gr_str
gr_str(const char *cstr)
{
    return cstr ? (struct gr_str){cstr, strlen(cstr)} : GR_STR_NONE;
}
static inline bool
gr_str_eq(struct gr_str a, struct gr_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool
gr_str_is(struct gr_str a, const char *cstr)
{
    return gr_str_eq(a, gr_str(cstr));
}
/* Byte order, shorter first on a tie: <0, 0, >0. */
int gr_str_cmp(struct gr_str a, struct gr_str b);
bool gr_str_starts(struct gr_str s, struct gr_str prefix);
bool gr_str_ends(struct gr_str s, struct gr_str suffix);
/* Offset of the first occurrence at or after `from`, or SIZE_MAX. */
size_t gr_str_find(struct gr_str s, struct gr_str what, size_t from);
/* s without leading and trailing spaces, tabs, CR and LF. */
struct gr_str gr_str_trim(struct gr_str s);
/* Bytes [start, end) of s; both are cut to its length. */
struct gr_str gr_str_sub(struct gr_str s, size_t start, size_t end);
/* Cuts *rest at the first `sep`: returns what stands before it and moves *rest behind it; false when *rest is used up
 * (p == NULL). The last piece has no separator behind it. "a,,b" gives "a", "", "b". */
bool gr_str_next(struct gr_str *rest, char sep, struct gr_str *piece);
/* Whether s is valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). NUL bytes count as valid. */
bool gr_str_is_utf8(struct gr_str s);
/* Edits (insert, delete, replace, swap neighbours) that turn a into b, or SIZE_MAX if more than max. For "did you mean". */
size_t gr_str_distance(struct gr_str a, struct gr_str b, size_t max);
/* The entry of names nearest to s within 2 edits (1 for up to 4 bytes), or empty. Ties go to the first. */
struct gr_str gr_str_nearest(struct gr_str s, const struct gr_str *names, size_t count);

/* Checked arithmetic on sizes: false on overflow, *out untouched. */
GR_MUST_USE bool gr_size_add(size_t a, size_t b, size_t *out);
GR_MUST_USE bool gr_size_mul(size_t a, size_t b, size_t *out);
#endif

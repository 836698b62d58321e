/* fault.h - what can be broken in the fleet, by one line of text each: KIND [MAGNITUDE] [LABEL=VALUE]…
 *
 *   error_rate x2 track=canary venue=XNAS     factor
 *   pnl +9                                    offset
 *   cpu 0.95 track=canary                     set
 *   silent venue=XNYS                         no magnitude
 *   nan risk_latency                          the gauge that becomes NaN
 *
 * A fault acts on every series that carries each named label with the named value. Faults stack: they apply
 * in the order in which they were given. Parsing never changes anything but its outputs. No allocation;
 * texts inside a fault are static. */
#ifndef FLEET_FAULT_H
#define FLEET_FAULT_H
#include "guardrail/buf.h"
#include "topology.h"

enum fault_act {
    ACT_LEVEL,   /* moves the level of one family */
    ACT_TRAFFIC, /* moves the event rate */
    ACT_HIDE,    /* the series vanish from the exposition, and go on unseen */
    ACT_FLAT,    /* the counters stand still */
    ACT_RESET,   /* the counters restart from 0: done at once, never kept */
    ACT_NAN      /* the gauge says NaN */
};
enum fault_form { FORM_NONE = 0, FORM_FACTOR = 1, FORM_OFFSET = 2, FORM_SET = 4 };

struct fault_kind {
    const char *name;
    const char *help; /* one line, for --help and the README */
    enum fault_act act;
    unsigned forms;        /* enum fault_form bits; 0: takes no magnitude */
    enum family_id family; /* of ACT_LEVEL */
    const char *track;     /* the cohort that the kind stands for, or NULL */
};
#define FAULT_KIND_COUNT 22
extern const struct fault_kind fault_kinds[FAULT_KIND_COUNT]; /* sorted by name */

struct fault {
    const struct fault_kind *kind;
    const struct fault_kind *target; /* of ACT_NAN */
    const char *metric;              /* of ACT_HIDE: only this metric; or NULL */
    const char *filter[LABEL_COUNT]; /* NULL: any value, and also series without the label */
    enum fault_form form;
    double value;
};

#define FAULTS_MAX 64
#define FAULT_LINE_BYTES_MAX 512
struct faults {
    struct fault list[FAULTS_MAX];
    size_t count;
};

/* GR_EUSER: the line is wrong, and *why gets one sentence that names the legal choices. */
GR_MUST_USE enum gr_err fault_parse(const struct topology *t, struct gr_str line, struct fault *out,
                                    struct gr_buf *why);
/* The line that parses to the same fault. */
void fault_print(struct gr_buf *b, const struct fault *f);
/* The kind of that name, or NULL. */
const struct fault_kind *fault_kind_find(struct gr_str name);
/* Whether the fault acts on the series at all. */
bool fault_hits(const struct fault *f, const struct series *s);

/* A series' level under all faults, cut to its family's range. */
double faults_level(const struct faults *all, const struct series *s, double level);
/* The factor on its event rate. */
double faults_traffic(const struct faults *all, const struct series *s);
/* Whether any fault of that sort acts on it. */
bool faults_have(const struct faults *all, enum fault_act act, const struct series *s);
/* Whether this metric of the series is hidden; a ratio has two metrics. */
bool faults_hide(const struct faults *all, const struct series *s, const char *metric);
#endif

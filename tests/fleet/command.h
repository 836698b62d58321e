/* command.h - changes to a running fleet, from text: the bodies of POST /fault, /share, /step, and the same
 * on the command line.
 *
 * A body is lines; blank ones and # comments are skipped. All of it is applied, or nothing: GR_EUSER puts
 * one sentence into *why ("line 2: …") and changes nothing. */
#ifndef FLEET_COMMAND_H
#define FLEET_COMMAND_H
#include "guardrail/buf.h"
#include "world.h"

#define COMMAND_BYTES_MAX ((size_t)16 << 10)

/* Fault lines, see fault.h; GR_EUSER also when more than FAULTS_MAX would be active. */
GR_MUST_USE enum gr_err command_fault(struct world *w, struct gr_str body, struct gr_buf *why);
/* Lines "[share] FLOW RATIO [cluster=NAME] [venue=NAME]": the canary's share of a flow's orders, in all
 * venues or some. */
GR_MUST_USE enum gr_err command_share(struct world *w, struct gr_str body, struct gr_buf *why);
/* One number, the simulated seconds to let pass. */
GR_MUST_USE enum gr_err command_step(struct world *w, struct gr_str body, struct gr_buf *why);
#endif

/* confine.h - what the main process gives up before it opens a listener: it can start no program and no process, for good.
 *
 * Called once, after the runners are forked and before the first thread, so that every thread inherits it:
 *   no new privileges, no core dump, not dumpable (no ptrace by equals, /proc/PID closed to them), and a seccomp filter that refuses
 *   execve, execveat, fork, vfork, clone without CLONE_THREAD, ptrace, process_vm_*, and the calls that change what a process
 *   is or sees (setns, unshare, mount, modules, kexec, bpf, io_uring …) with EPERM; clone3 with ENOSYS, because its flags cannot be
 *   read by a filter, whereupon libc uses clone. A foreign system call table (32-bit, x32) ends the process.
 * The filter is installed by prctl(2), not seccomp(2): systemd's @system-service holds the first and not the second. It needs no
 * library. Known for x86-64 and 64-bit ARM; elsewhere it is left out and the log says so.
 * Builds with AddressSanitizer keep fork, ptrace and dumpable: its leak check works by them. exec is refused there too. */
#ifndef GUARDRAIL_WEBHOOK_CONFINE_H
#define GUARDRAIL_WEBHOOK_CONFINE_H
#include "guardrail/base.h"

enum confine_state {
    CONFINE_ON,
    CONFINE_NO_ARCHITECTURE, /* no filter is written for this one */
    CONFINE_NO_KERNEL,       /* the kernel, or what we run in, refuses filters */
    CONFINE_STATES
};
/* "on", "off: …" for the log. */
const char *confine_state_name(enum confine_state state);
/* GR_OK: *out says what the filter is; all else holds. GR_EIO: no new privileges, core or dumpable could not be set. */
GR_MUST_USE enum gr_err confine_self(enum confine_state *out);
/* Whether the filter leaves fork and ptrace alone (sanitizer builds). */
bool confine_spares_fork(void);
#endif

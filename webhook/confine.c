/* confine.c - see the header. Runs on the main thread while it is the only one. */
#include "config.h"
#include "confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#if defined(__SANITIZE_ADDRESS__)
#define SPARES_FORK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARES_FORK 1
#endif
#endif
#ifndef SPARES_FORK
#define SPARES_FORK 0
#endif

#if defined(__x86_64__) && defined(__LP64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define FOREIGN_CALLS 0x40000000u /* x32 numbers begin here */
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

const char *
confine_state_name(enum confine_state state)
{
    static const char *const names[CONFINE_STATES] = {
        "on", "off: no filter is known for this processor",
        "off: the kernel, or what this runs in, refuses filters"};

    GR_ASSERT((size_t)state < CONFINE_STATES);
    return names[state];
}

bool
confine_spares_fork(void)
{
    return SPARES_FORK;
}

#ifdef ARCHITECTURE
/* Each is refused with EPERM. The first two are the point; the rest would be ways around them, or into other processes. */
static const uint32_t refused[] = {
    SYS_execve,
    SYS_execveat,
#if !SPARES_FORK
#ifdef SYS_fork /* 64-bit ARM has only clone */
    SYS_fork,
    SYS_vfork,
#endif
    SYS_ptrace,
#endif
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_unshare,
    SYS_setns,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_perf_event_open,
    SYS_open_by_handle_at,
    SYS_bpf,
    SYS_userfaultfd,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_io_uring_setup
    SYS_io_uring_setup, /* its requests pass no filter */
#endif
#ifdef SYS_pidfd_getfd
    SYS_pidfd_getfd,
#endif
};

#define FIELD(name) (uint32_t) offsetof(struct seccomp_data, name)
#define LOAD(offset) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset))
#define RETURN(what) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what))
#define JUMP(test, k, if_true, if_false)                                                                     \
    ((struct sock_filter)BPF_JUMP(BPF_JMP | (test) | BPF_K, k, if_true, if_false))
#define FILTER_MAX (GR_COUNT(refused) * 2 + 16)

static uint16_t
write_filter(struct sock_filter *f)
{
    size_t n = 0;

    f[n++] = LOAD(FIELD(arch));
    f[n++] = JUMP(BPF_JEQ, ARCHITECTURE, 1, 0);
    f[n++] = RETURN(SECCOMP_RET_KILL_PROCESS);
    f[n++] = LOAD(FIELD(nr));
#ifdef FOREIGN_CALLS
    f[n++] = JUMP(BPF_JGE, FOREIGN_CALLS, 0, 1);
    f[n++] = RETURN(SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < GR_COUNT(refused); i++) {
        f[n++] = JUMP(BPF_JEQ, refused[i], 0, 1);
        f[n++] = RETURN(SECCOMP_RET_ERRNO | EPERM);
    }
#if !SPARES_FORK
    f[n++] = JUMP(BPF_JEQ, SYS_clone3, 0, 1);
    f[n++] = RETURN(SECCOMP_RET_ERRNO | ENOSYS);
    f[n++] = JUMP(BPF_JEQ, SYS_clone, 0, 3);
    f[n++] = LOAD(FIELD(args[0])); /* the low half: both processors are little-endian here */
    f[n++] = JUMP(BPF_JSET, CLONE_THREAD, 1, 0);
    f[n++] = RETURN(SECCOMP_RET_ERRNO | EPERM);
#endif
    f[n++] = RETURN(SECCOMP_RET_ALLOW);
    GR_ASSERT(n <= FILTER_MAX);
    return (uint16_t)n;
}

static enum confine_state
filter_self(void)
{
    struct sock_filter filter[FILTER_MAX];
    struct sock_fprog program = {.len = write_filter(filter), .filter = filter};

    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? CONFINE_ON : CONFINE_NO_KERNEL;
}
#else
static enum confine_state
filter_self(void)
{
    return CONFINE_NO_ARCHITECTURE;
}
#endif

enum gr_err
confine_self(enum confine_state *out)
{
    const struct rlimit no_core = {0, 0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &no_core) != 0 ||
        (!SPARES_FORK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0))
        return GR_EIO;
    *out = filter_self();
    return GR_OK;
}

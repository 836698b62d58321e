/* promtool.c - starting promtool. */
#include "config.h"
#include "promtool.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardrail/number.h"

bool
promtool_exists(void)
{
    const char *promtool = getenv("PROMTOOL");

    return promtool && *promtool;
}

int
promtool_run(const char *verb, const char *path, const char *out)
{
    const char *promtool = getenv("PROMTOOL");
    int status = -1;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
            execl(promtool, promtool, verb, "rules", path, (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

size_t
promtool_number_behind(struct gr_str line, const char *mark)
{
    size_t at = gr_str_find(line, gr_str(mark), 0), end;
    uint64_t v;

    if (at == SIZE_MAX)
        return SIZE_MAX;
    at += strlen(mark);
    for (end = at; end < line.n && line.p[end] >= '0' && line.p[end] <= '9';)
        end++;
    return gr_parse_u64(gr_str_sub(line, at, end), SIZE_MAX - 1, &v) == GR_OK ? (size_t)v : SIZE_MAX;
}

size_t
promtool_env(const char *name, size_t otherwise, size_t max)
{
    const char *text = getenv(name);
    uint64_t v;

    if (!text || gr_parse_u64(gr_str(text), max, &v) != GR_OK)
        return otherwise;
    return (size_t)v;
}

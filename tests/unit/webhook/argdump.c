/* argdump: stands in for a policy's programs; appends what it was called with to the file that ARGDUMP names, one line a run.
 *
 *     ["freeze","d1","--cluster=equities"] GR_ATTEMPT=1 … < "first bytes of standard input"
 *
 * Everything that is not printable ASCII, and '"' and '\', as \xNN, so that a line shows bytes. It is no shell, so that a test that looks for
 * shells finds none of its own. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void
put(FILE *f, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c < ' ' || c > '~' || c == '"' || c == '\\')
            (void)fprintf(f, "\\x%02x", c);
        else
            (void)fputc(c, f);
    }
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
put_environment(FILE *f)
{
    size_t n = 0;

    while (environ[n])
        n++;
    qsort(environ, n, sizeof *environ, by_name);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "ARGDUMP=", 8) != 0) {
            (void)fputs(" ", f);
            put(f, environ[i], strlen(environ[i]));
        }
}

int
main(int argc, char **argv)
{
    const char *path = getenv("ARGDUMP");
    FILE *f = path ? fopen(path, "a") : NULL;
    char input[256];
    ssize_t n;

    if (!f)
        return 2;
    for (int i = 1; i < argc; i++) {
        (void)fputs(i == 1 ? "[\"" : ",\"", f);
        put(f, argv[i], strlen(argv[i]));
        (void)fputc('"', f);
    }
    (void)fputc(']', f);
    put_environment(f);
    n = read(STDIN_FILENO, input, sizeof input);
    (void)fputs(" < \"", f);
    put(f, input, n > 0 ? (size_t)n : 0);
    (void)fputs("\"\n", f);
    if (fclose(f) != 0)
        return 2;
    return puts("$(touch pwned); `touch pwned`") < 0 ? 2 : 0; /* its output is foreign text too */
}

/* replay.c - runs a fuzz target over its saved corpus, so that `make check` needs no fuzzer.
 *
 * The program is called fuzz_NAME and reads every file of tests/fuzz/corpus/NAME, whole and cut at each of a few places,
 * from memory that ends where the text does. With arguments: these files instead. */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "guardrail/buf.h"

#define FILE_BYTES_MAX ((size_t)4 << 20)

static void
run(struct gr_str text)
{
    uint8_t *copy = malloc(text.n ? text.n : 1);

    if (!copy)
        abort();
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    LLVMFuzzerTestOneInput(copy, text.n);
    free(copy);
}

static bool
run_file(const char *path)
{
    struct gr_buf text = GR_BUF_INIT(FILE_BYTES_MAX);
    FILE *f = fopen(path, "rb");
    char part[4096];
    size_t n;
    bool ok;

    if (!f) {
        perror(path);
        return false;
    }
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        gr_buf_put(&text, (struct gr_str){part, n});
    ok = !ferror(f) && gr_buf_err(&text) == GR_OK;
    fclose(f);
    for (size_t eighth = 1; ok && eighth <= 8; eighth++)
        run(gr_str_sub(gr_buf_str(&text), 0, text.n * eighth / 8));
    gr_buf_fini(&text);
    if (!ok)
        fprintf(stderr, "%s: unreadable or too long\n", path);
    return ok;
}

/* tests/fuzz/corpus/NAME for the program .../fuzz_NAME. */
static void
corpus_path(struct gr_buf *path, const char *program)
{
    const char *srcdir = getenv("GR_SRCDIR"), *slash = strrchr(program, '/');
    const char *name = slash ? slash + 1 : program;

    if (strncmp(name, "fuzz_", 5) == 0)
        name += 5;
    gr_buf_printf(path, "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name);
}

static int
run_corpus(const char *dir_path)
{
    DIR *dir = opendir(dir_path);
    struct dirent *entry;
    int count = 0, bad = 0;

    if (!dir) {
        perror(dir_path);
        return EXIT_FAILURE;
    }
    while ((entry = readdir(dir)) != NULL) {
        struct gr_buf path = GR_BUF_INIT(4096);

        if (entry->d_name[0] == '.')
            continue;
        gr_buf_printf(&path, "%s/%s", dir_path, entry->d_name);
        bad += !run_file(gr_buf_cstr(&path));
        gr_buf_fini(&path);
        count++;
    }
    closedir(dir);
    printf("%s: %d files\n", dir_path, count);
    return bad > 0 || count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    struct gr_buf path = GR_BUF_INIT(4096);
    int status = EXIT_SUCCESS;

    for (int i = 1; i < argc; i++)
        if (!run_file(argv[i]))
            status = EXIT_FAILURE;
    if (argc < 2) {
        corpus_path(&path, argv[0]);
        status = run_corpus(gr_buf_cstr(&path));
    }
    gr_buf_fini(&path);
    return status;
}

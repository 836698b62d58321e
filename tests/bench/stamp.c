/* stamp - the first step of a rollback that is measured: appends "NAME MICROSECONDS" (Unix, when it was executed) to the file "stamps"
 * of its working folder. No shell and no library start-up to speak of, so that what is measured is guardraild. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    struct timespec ts;
    char line[256];
    int n, fd;

    if (argc != 2 || clock_gettime(CLOCK_REALTIME, &ts) != 0)
        return 2;
    n = snprintf(line, sizeof line, "%s %lld\n", argv[1], (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    if (n < 0 || (size_t)n >= sizeof line || (fd = open("stamps", O_WRONLY | O_CREAT | O_APPEND, 0644)) < 0)
        return 3;
    return write(fd, line, (size_t)n) == n && close(fd) == 0 ? 0 : 3;
}

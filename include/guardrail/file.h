/* file.h - files read whole under a limit, and written so that a reader sees the old or the new one, never a part.
 *
 * Write protocol: temporary file beside the target (O_EXCL|O_CLOEXEC, 0600 then the wanted mode), write all, fsync, check close,
 * rename, fsync the folder. A failed fsync is final: the temporary file is removed, the target is as before. Only when the
 * folder's fsync, the last step, fails does the new content stand although the answer is GR_EIO: it may not survive a power cut. */
#ifndef GUARDRAIL_FILE_H
#define GUARDRAIL_FILE_H
#include <sys/types.h>
#include "guardrail/buf.h"

/* Appends the file's bytes to b (whose max is the limit: GR_ELIMIT past it). path "-" is standard input. Refuses what is no
 * regular file, pipe or terminal (standard input may be anything). GR_ENOENT, GR_EACCES, GR_EIO, GR_ELIMIT, GR_ENOMEM. */
GR_MUST_USE enum gr_err gr_file_read(const char *path, struct gr_buf *b);
/* Replaces path by the given content, durably. GR_ENOENT, GR_EACCES, GR_ENOSPC, GR_EIO, GR_ENOMEM; GR_ELIMIT for a path past
 * PATH_MAX. Two fsyncs, no more, no less. */
GR_MUST_USE enum gr_err gr_file_write(const char *path, struct gr_str content, mode_t mode);
/* Makes path and its missing parents (0755 each, less the umask). Not an error if it is there; GR_EEXIST if
 * something else is. */
GR_MUST_USE enum gr_err gr_dir_make(const char *path);
/* A private file (secret): GR_EACCES for one that group or others may touch in any way, or that is no regular file; GR_ELIMIT
 * past b's max, the newline included. One trailing newline is cut. The content is appended to b. Checked by fstat on the
 * open descriptor, so a symbolic link to a private file is fine. */
GR_MUST_USE enum gr_err gr_file_read_private(const char *path, struct gr_buf *b);
#endif

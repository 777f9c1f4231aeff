/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_identity.c - files by device, inode, size and time of their last change; flags by their
 * text.
 */
#include "dataplane/supervisor/worker_identity.h"

#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/random.h"

#define IDENTITY_BYTES_MAX 65536

static void append_file(struct buf *out, const struct stat *file, bool program)
{
    buf_appendf(out, "%llu:%llu;", (unsigned long long)file->st_dev,
                (unsigned long long)file->st_ino);
    if (program)
        buf_appendf(out, "%lld:%lld.%09ld;", (long long)file->st_size,
                    (long long)file->st_mtim.tv_sec, file->st_mtim.tv_nsec);
}

struct digest worker_identity_digest(const struct worker_identity *identity)
{
    struct buf text;
    struct stat file;
    buf_init(&text, IDENTITY_BYTES_MAX);
    if (stat(identity->program, &file) == 0)
        append_file(&text, &file, true);
    else
        buf_append_u64(&text, random_below(UINT64_MAX));
    if (identity->access_log_fd >= 0 && fstat(identity->access_log_fd, &file) == 0)
        append_file(&text, &file, false);
    for (size_t i = 0; identity->argv[i]; i++) {
        buf_append_str(&text, identity->argv[i]);
        buf_append_byte(&text, 0);
    }
    ASSERT(!text.overflowed);
    struct digest digest = digest_of(buf_span(&text));
    buf_release(&text);
    return digest;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter_pages.c - one memfd: a page that says what it is, then a page for each slot.
 */
#include "dataplane/net/counter_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/model/digest.h"
#include "common/model/limits.h"

#define PAGE_BYTES 4096
#define MEMORY_BYTES ((size_t)PAGE_BYTES * (1 + LIMIT_WORKERS))
#define NAMES_BYTES_MAX 65536
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

_Static_assert(sizeof(struct counters) <= PAGE_BYTES, "a slot's counters take more than its page");

static struct digest names_digest(void)
{
    struct buf names;
    buf_init(&names, NAMES_BYTES_MAX);
    for (int i = 0; i < COUNTER_COUNT; i++)
        buf_appendf(&names, "%s\n", counter_name((enum counter)i));
    ASSERT(!names.overflowed);
    struct digest digest = digest_of(buf_span(&names));
    buf_release(&names);
    return digest;
}

static enum err map_memory(int fd, struct counter_pages *out)
{
    void *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return ERR_IO;
    *out = (struct counter_pages){.fd = fd, .memory = memory};
    return ERR_OK;
}

enum err counter_pages_make(struct counter_pages *out, struct problem *problem)
{
    int fd = memfd_create("trunkline-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)MEMORY_BYTES) != 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0 ||
        map_memory(fd, out) != ERR_OK) {
        problem_set(problem, ERR_IO, "counters", "no memory to share: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    struct digest digest = names_digest();
    memcpy(out->memory, &digest, sizeof(digest));
    return ERR_OK;
}

/* Sealed memory of this size cannot be taken away under who reads it. */
static bool is_whole(int fd)
{
    struct stat stat;
    return fcntl(fd, F_GET_SEALS) == SEALS && fstat(fd, &stat) == 0 &&
           stat.st_size == (off_t)MEMORY_BYTES;
}

enum err counter_pages_map(int fd, struct counter_pages *out)
{
    struct digest digest = names_digest();
    if (is_whole(fd) && map_memory(fd, out) == ERR_OK) {
        if (memcmp(out->memory, &digest, sizeof(digest)) == 0)
            return ERR_OK;
        munmap(out->memory, MEMORY_BYTES);
    }
    close(fd);
    *out = (struct counter_pages){.fd = -1};
    return ERR_INVALID;
}

void counter_pages_release(struct counter_pages *pages)
{
    if (pages->memory == NULL)
        return;
    munmap(pages->memory, MEMORY_BYTES);
    close(pages->fd);
    *pages = (struct counter_pages){.fd = -1};
}

struct counters *counter_pages_of(const struct counter_pages *pages, unsigned slot)
{
    ASSERT(slot < LIMIT_WORKERS);
    return (struct counters *)(void *)(pages->memory + (size_t)PAGE_BYTES * (1 + slot));
}

uint64_t counter_pages_sum(const struct counter_pages *pages, enum counter which)
{
    uint64_t sum = 0;
    for (unsigned slot = 0; slot < LIMIT_WORKERS; slot++)
        sum += counters_read(counter_pages_of(pages, slot), which);
    return sum;
}

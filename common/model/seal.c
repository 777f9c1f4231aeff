/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c - XChaCha20-Poly1305 by libsodium, and the file that its key lives in.
 *
 *      0      1         25                    len - 16    len
 *      | form | nonce   | the secret, encrypted | tag     |
 */
#include "common/model/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/hex.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/text.h"

#define SEAL_FORM 1
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_TEXT_BYTES (2 * SEAL_KEY_BYTES + 1) /* digits and a newline */

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "one key length");
_Static_assert(SEAL_OVERHEAD_BYTES == 1 + NONCE_BYTES + TAG_BYTES, "form, nonce, tag");

static enum err refuse_errno(struct problem *problem, const char *path, const char *verb)
{
    const char *why = strerrordesc_np(errno);
    return problem_set(problem, ERR_IO, "", "cannot %s %s: %s", verb, path, why ? why : "unknown");
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, text, len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        text += wrote;
        len -= (size_t)wrote;
    }
    return true;
}

/* Reads up to len bytes; fewer at the end of the file. */
static ssize_t read_all(int fd, char *text, size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t got = read(fd, text + have, len - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static enum err sync_directory_of(const char *path, struct problem *problem)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    text_format(folder, sizeof(folder), "%.*s", len ? (int)len : 1, len ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return refuse_errno(problem, folder, "open");
    bool synced = fsync(fd) == 0;
    close(fd);
    return synced ? ERR_OK : refuse_errno(problem, folder, "sync");
}

/* Under a name of its own first, so that nobody ever reads half a key; link, unlike rename, does
 * not replace the key that another process has made meanwhile. */
static enum err create_key_file(const char *path, struct problem *problem)
{
    uint8_t key[SEAL_KEY_BYTES], suffix[8];
    char text[KEY_TEXT_BYTES + 1], suffix_text[2 * sizeof(suffix) + 1], own_path[PATH_MAX + 32];
    random_bytes(suffix, sizeof(suffix));
    hex_encode(span_of(suffix, sizeof(suffix)), suffix_text);
    text_format(own_path, sizeof(own_path), "%s.%s", path, suffix_text);

    int fd = open(own_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (fd < 0)
        return refuse_errno(problem, own_path, "create");
    random_bytes(key, sizeof(key));
    hex_encode(span_of(key, sizeof(key)), text);
    text[KEY_TEXT_BYTES - 1] = '\n';
    bool written = write_all(fd, text, KEY_TEXT_BYTES) && fsync(fd) == 0;
    mem_wipe(key, sizeof(key));
    mem_wipe(text, sizeof(text));
    if (close(fd) != 0)
        written = false;
    bool linked = written && (link(own_path, path) == 0 || errno == EEXIST);
    enum err err = linked ? ERR_OK : refuse_errno(problem, path, "create");
    unlink(own_path);
    return err == ERR_OK ? sync_directory_of(path, problem) : err;
}

static enum err check_key_file(int fd, const char *path, struct problem *problem)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return refuse_errno(problem, path, "read");
    if (!S_ISREG(status.st_mode))
        return problem_set(problem, ERR_INVALID, "", "%s is not a regular file", path);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return problem_set(problem, ERR_FORBIDDEN, "",
                           "%s is open to others (mode %04o): chmod it to 0400", path,
                           (unsigned)(status.st_mode & 07777));
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return problem_set(problem, ERR_FORBIDDEN, "", "%s belongs to another user", path);
    return ERR_OK;
}

static enum err read_key_file(int fd, const char *path, struct seal_key *out,
                              struct problem *problem)
{
    char text[KEY_TEXT_BYTES + 1];
    TRY(check_key_file(fd, path, problem));
    ssize_t len = read_all(fd, text, sizeof(text));
    if (len < 0)
        return refuse_errno(problem, path, "read");
    enum err err = ERR_INVALID;
    if (len == KEY_TEXT_BYTES && text[KEY_TEXT_BYTES - 1] == '\n')
        err = hex_decode(span_of(text, KEY_TEXT_BYTES - 1), out->bytes, SEAL_KEY_BYTES);
    mem_wipe(text, sizeof(text));
    if (err != ERR_OK)
        return problem_set(problem, ERR_INVALID, "",
                           "%s must hold exactly 64 lowercase hex digits and a newline", path);
    return ERR_OK;
}

enum err seal_key_load(const char *path, bool create, struct seal_key *out, struct problem *problem)
{
    if (strlen(path) >= PATH_MAX)
        return problem_set(problem, ERR_INVALID, "", "the path of the key file is too long");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && create) {
        TRY(create_key_file(path, problem));
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0 && errno == ENOENT)
        return problem_set(problem, ERR_NOT_FOUND, "", "there is no key file %s", path);
    if (fd < 0)
        return refuse_errno(problem, path, "open");
    enum err err = read_key_file(fd, path, out, problem);
    close(fd);
    return err;
}

void seal_key_wipe(struct seal_key *key)
{
    mem_wipe(key->bytes, sizeof(key->bytes));
}

void seal_close(const struct seal_key *key, struct span bound_to, struct span secret,
                struct buf *out)
{
    ASSERT(sodium_init() >= 0);
    size_t tail_bytes = secret.len + TAG_BYTES;
    uint8_t nonce[NONCE_BYTES];
    random_bytes(nonce, sizeof(nonce));
    uint8_t *place = buf_reserve(out, SEAL_OVERHEAD_BYTES + secret.len);
    if (place == NULL) {
        out->overflowed = true;
        return;
    }
    place[0] = SEAL_FORM;
    memcpy(place + 1, nonce, sizeof(nonce));
    ASSERT(crypto_aead_xchacha20poly1305_ietf_encrypt(place + 1 + NONCE_BYTES, NULL, secret.ptr,
                                                      secret.len, bound_to.ptr, bound_to.len, NULL,
                                                      nonce, key->bytes) == 0);
    buf_added(out, 1 + NONCE_BYTES + tail_bytes);
}

enum err seal_open(const struct seal_key *key, struct span bound_to, struct span sealed,
                   struct buf *out)
{
    ASSERT(sodium_init() >= 0);
    if (sealed.len < SEAL_OVERHEAD_BYTES || sealed.ptr[0] != SEAL_FORM)
        return ERR_CORRUPT;
    struct span nonce = span_first(span_skip(sealed, 1), NONCE_BYTES);
    struct span tail = span_skip(sealed, 1 + NONCE_BYTES);
    size_t secret_bytes = tail.len - TAG_BYTES;
    uint8_t *place = buf_reserve(out, secret_bytes);
    if (place == NULL)
        return ERR_TOO_LARGE;
    int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
        place, NULL, NULL, tail.ptr, tail.len, bound_to.ptr, bound_to.len, nonce.ptr, key->bytes);
    if (opened != 0) {
        mem_wipe(place, secret_bytes);
        return ERR_CORRUPT;
    }
    buf_added(out, secret_bytes);
    return ERR_OK;
}

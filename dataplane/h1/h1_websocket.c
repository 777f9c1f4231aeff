/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_websocket.c - the key of a WebSocket handshake and its answer.
 */
#include "dataplane/h1/h1_websocket.h"

#include "common/base/random.h"
#include "common/model/digest.h"

#define NONCE_BYTES 16
#define MAGIC SPAN("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
/* Of a key; a longer one is digested up to here, which no origin answers. */
#define KEY_BYTES_MAX 128

/* Groups of three bytes to four letters; what is left over at the end is padded. */
static void encode_base64(const uint8_t *bytes, size_t len, char *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (left > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        *out++ = letters[group >> 18];
        *out++ = letters[group >> 12 & 63];
        *out++ = left > 1 ? letters[group >> 6 & 63] : '=';
        *out++ = left > 2 ? letters[group & 63] : '=';
    }
}

void h1_websocket_make_key(char out[H1_WEBSOCKET_KEY_BYTES])
{
    uint8_t nonce[NONCE_BYTES];
    random_bytes(nonce, sizeof(nonce));
    encode_base64(nonce, sizeof(nonce), out);
}

void h1_websocket_answer_key(struct span key, char out[H1_WEBSOCKET_ACCEPT_BYTES])
{
    uint8_t text[KEY_BYTES_MAX + 36], digest[DIGEST_SHA1_BYTES];
    struct span magic = MAGIC;
    if (key.len > KEY_BYTES_MAX)
        key.len = KEY_BYTES_MAX;
    if (key.len > 0)
        memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, magic.ptr, magic.len);
    digest_sha1(span_of(text, key.len + magic.len), digest);
    encode_base64(digest, sizeof(digest), out);
}

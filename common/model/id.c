/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id.c - identities: made and read.
 */
#include "common/model/id.h"

#include "common/base/hex.h"
#include "common/base/random.h"

struct id id_new(void)
{
    uint8_t raw[ID_TEXT_BYTES / 2];
    struct id id = {.text = ""};
    random_bytes(raw, sizeof(raw));
    hex_encode(span_of(raw, sizeof(raw)), id.text);
    return id;
}

enum err id_parse(struct span text, struct id *out)
{
    uint8_t raw[ID_TEXT_BYTES / 2];
    *out = (struct id){.text = ""};
    TRY(hex_decode(text, raw, sizeof(raw)));
    memcpy(out->text, text.ptr, ID_TEXT_BYTES);
    return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_setting.h - the value of a setting, to JSON and from it.
 */
#ifndef TRUNKLINE_CONTROL_API_API_SETTING_H
#define TRUNKLINE_CONTROL_API_API_SETTING_H

#include "control/api/api.h"
#include "control/change/change_setting.h"

/* A new value. */
json_t *api_setting_value_json(enum setting_id id, struct setting_value value);

/* What a client sent, into item's kind, word and number.  What is neither text nor a whole number,
 * also NULL, becomes a word that no setting has, so that the problem can list what it has. */
void api_setting_read(const json_t *value, struct change_setting *item);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_admit.c - authentication between two questions about rates.
 */
#include "control/api/api_admit.h"

#include "common/model/address_policy.h"
#include "control/api/api_auth.h"

#define V6_NETWORK_BYTES 8

/* An IPv6 host has the whole /64 for itself. */
static struct span network_of(struct span remote, struct address *address)
{
    if (address_parse(remote, address) != ERR_OK || address_is_v4(address))
        return remote;
    return span_of(address->bytes, V6_NETWORK_BYTES);
}

static enum err too_often(struct api_reply *reply)
{
    return api_fail(reply, API_ERROR_RATE, "", "More than %llu requests in %d seconds: wait %llu",
                    (unsigned long long)reply->rate.quota, LIMIT_API_RATE_WINDOW_S,
                    (unsigned long long)reply->rate.reset_s);
}

static enum err count_caller(struct api_request *request, struct api_reply *reply)
{
    const struct change_actor *actor = &request->actor;
    enum api_rate_caller caller = actor->scope.platform_wide ? API_RATE_OPERATOR : API_RATE_TOKEN;
    const struct id *who = actor->token_id.text[0] ? &actor->token_id : &actor->scope.user_id;
    if (api_rates_spend(request->api->rates, caller, id_span(who), &reply->rate))
        return ERR_OK;
    return too_often(reply);
}

enum err api_admit(struct api_request *request, struct api_reply *reply)
{
    struct address address;
    enum err err = api_auth_require(request, reply);
    if (request->inner || request->waited)
        return err;
    if (err == ERR_OK)
        return count_caller(request, reply);
    if (api_rates_spend(request->api->rates, API_RATE_ADDRESS,
                        network_of(request->remote, &address), &reply->rate))
        return err;
    return too_often(reply);
}

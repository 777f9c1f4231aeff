/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_admit.c - authentication, then the count of who it found.
 */
#include "control/api/api_admit.h"

#include "common/model/address_policy.h"
#include "control/api/api_auth.h"

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
    bool nobody = request->route->permission == PERMISSION_PUBLIC;
    if (nobody)
        api_auth_nobody(request);
    enum err err = nobody ? ERR_OK : api_auth_require(request, reply);
    if (request->inner || request->waited)
        return err;
    if (err == ERR_OK && !nobody)
        return count_caller(request, reply);
    if (api_rates_spend(request->api->rates, API_RATE_ADDRESS,
                        address_network(request->remote, &address), &reply->rate))
        return err;
    return too_often(reply);
}

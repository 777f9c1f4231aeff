/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_users.c - /user: who the token belongs to.
 */
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/store/store_users.h"

static enum err user_details(struct api_request *request, struct api_reply *reply)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    struct store_user user;
    TRY(store_user_get(conn, &request->actor.scope.user_id, &request->arena, &user));
    return api_reply_result(
        reply, json_pack("{s:o, s:o, s:o, s:n, s:n, s:n, s:n, s:n, s:b, s:b, s:[], s:o, s:o}", "id",
                         api_json_id(&user.id), "email", api_json_text(user.email), "username",
                         api_json_text(user.email), "first_name", "last_name", "telephone",
                         "country", "zipcode", "two_factor_authentication_enabled", 0, "suspended",
                         0, "organizations", "created_on", api_json_time(user.created_at_us),
                         "modified_on", api_json_time(user.created_at_us)));
}

/* Whoever comes this far has a token that works. */
static enum err token_verify(struct api_request *request, struct api_reply *reply)
{
    return api_reply_result(
        reply,
        json_pack("{s:o, s:s}", "id", api_json_id(&request->actor.token_id), "status", "active"));
}

static const struct api_error_map verify_errors[] = {
    {ERR_UNAUTHENTICATED, API_ERROR_VERIFY_INVALID},
    {ERR_OK, API_ERROR_NONE},
};

const struct api_route api_users_routes[] = {
    {API_GET, "/user", PERMISSION_USER_READ, user_details, NULL, false},
    {API_GET, "/user/tokens/verify", PERMISSION_CALLER, token_verify, verify_errors, false},
    API_ROUTES_END,
};

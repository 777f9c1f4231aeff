/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_setting_fixed_table.h - the settings of the original that Trunkline has no use for, once.
 *
 * Columns: id, value as JSON text.  They are answered with `editable` false, so that clients which
 * read a fixed list one by one do not stop, and refused when somebody sets them.  A setting that
 * setting_table.h has does not stand here (test_api_settings).
 */
#ifndef TRUNKLINE_CONTROL_API_API_SETTING_FIXED_TABLE_H
#define TRUNKLINE_CONTROL_API_API_SETTING_FIXED_TABLE_H

/* clang-format off */
#define API_SETTING_FIXED_TABLE(X)                               \
    X("0rtt",                           "\"off\"")               \
    X("advanced_ddos",                  "\"off\"")               \
    X("always_online",                  "\"off\"")               \
    X("automatic_https_rewrites",       "\"off\"")               \
    X("automatic_platform_optimization", "{\"enabled\":false,\"cf\":false,\"wordpress\":false,\"wp_plugin\":false,\"hostnames\":[],\"cache_by_device_type\":false}") \
    X("binary_ast",                     "\"off\"")               \
    X("brotli",                         "\"off\"")               \
    X("browser_cache_ttl",              "0")                     \
    X("browser_check",                  "\"off\"")               \
    X("cache_level",                    "\"basic\"")             \
    X("challenge_ttl",                  "1800")                  \
    X("china_network_enabled",          "\"off\"")               \
    X("ciphers",                        "[]")                    \
    X("cname_flattening",               "\"flatten_at_root\"")   \
    X("content_converter",              "\"off\"")               \
    X("development_mode",               "\"off\"")               \
    X("early_hints",                    "\"off\"")               \
    X("ech",                            "\"off\"")               \
    X("edge_cache_ttl",                 "7200")                  \
    X("email_obfuscation",              "\"off\"")               \
    X("filter_logs_to_cloudflare",      "\"off\"")               \
    X("fonts",                          "\"off\"")               \
    X("h2_prioritization",              "\"off\"")               \
    X("hotlink_protection",             "\"off\"")               \
    X("http3",                          "\"off\"")               \
    X("image_resizing",                 "\"off\"")               \
    X("ip_geolocation",                 "\"off\"")               \
    X("ipv6",                           "\"on\"")                \
    X("log_to_cloudflare",              "\"off\"")               \
    X("max_upload",                     "100")                   \
    X("minify",                         "{\"css\":\"off\",\"html\":\"off\",\"js\":\"off\"}") \
    X("mirage",                         "\"off\"")               \
    X("mobile_redirect",                "{\"status\":\"off\",\"mobile_subdomain\":null,\"strip_uri\":false}") \
    X("nel",                            "{\"enabled\":false}")   \
    X("opportunistic_encryption",       "\"off\"")               \
    X("opportunistic_onion",            "\"off\"")               \
    X("orange_to_orange",               "\"off\"")               \
    X("origin_error_page_pass_thru",    "\"on\"")                \
    X("polish",                         "\"off\"")               \
    X("prefetch_preload",               "\"off\"")               \
    X("privacy_pass",                   "\"off\"")               \
    X("pseudo_ipv4",                    "\"off\"")               \
    X("replace_insecure_js",            "\"off\"")               \
    X("response_buffering",             "\"off\"")               \
    X("rocket_loader",                  "\"off\"")               \
    X("security_header",                "{\"strict_transport_security\":{\"enabled\":false,\"include_subdomains\":false,\"max_age\":0,\"nosniff\":false,\"preload\":false}}") \
    X("security_level",                 "\"off\"")               \
    X("server_side_exclude",            "\"off\"")               \
    X("sha1_support",                   "\"off\"")               \
    X("sort_query_string_for_cache",    "\"off\"")               \
    X("speed_brain",                    "\"off\"")               \
    X("ssl_recommender",                "\"off\"")               \
    X("tls_1_2_only",                   "\"off\"")               \
    X("transformations",                "\"off\"")               \
    X("true_client_ip_header",          "\"off\"")               \
    X("visitor_ip",                     "\"on\"")                \
    X("waf",                            "\"off\"")               \
    X("webp",                           "\"off\"")
/* clang-format on */

#endif

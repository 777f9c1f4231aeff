/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_absent.c - resources of the original that Trunkline does not have, told by name.
 */
#include "control/api/api_absent.h"

static const char *const names[] = {
    "access",
    "acm",
    "addressing",
    "ai",
    "ai-gateway",
    "alerting",
    "analytics",
    "api_gateway",
    "argo",
    "billing",
    "bot_management",
    "brand-protection",
    "builds",
    "cache",
    "calls",
    "challenges",
    "client_certificates",
    "content-upload-scan",
    "custom_hostnames",
    "custom_ns",
    "custom_pages",
    "d1",
    "dcv_delegation",
    "diagnostics",
    "dlp",
    "dns_analytics",
    "dns_firewall",
    "dns_settings",
    "dnssec",
    "email",
    "filters",
    "firewall",
    "fraud_detection",
    "gateway",
    "healthchecks",
    "hold",
    "hyperdrive",
    "images",
    "intel",
    "keyless_certificates",
    "leaked-credential-checks",
    "load_balancers",
    "logpush",
    "logs",
    "magic",
    "managed_headers",
    "media",
    "mnm",
    "mtls_certificates",
    "page_shield",
    "pages",
    "pcaps",
    "queues",
    "r2",
    "radar",
    "railguns",
    "rate_limits",
    "registrar",
    "rules",
    "rulesets",
    "rum",
    "secondary_dns",
    "secrets_store",
    "security-center",
    "smart_shield",
    "snippets",
    "spectrum",
    "speed_api",
    "ssl",
    "storage",
    "stream",
    "teamnet",
    "tunnels",
    "url_normalization",
    "urlscanner",
    "vectorize",
    "waiting_rooms",
    "web3",
    "workers",
    "workflows",
    "zaraz",
    "zerotrust",
};

static bool known(struct span name)
{
    for (size_t i = 0; i < countof(names); i++)
        if (span_equal(name, span_str(names[i])))
            return true;
    return false;
}

struct span api_absent_name(struct span path)
{
    struct span rest = path;
    (void)span_split(&rest, '/');
    struct span name = span_split(&rest, '/');
    if (span_equal(name, SPAN("zones")) || span_equal(name, SPAN("accounts"))) {
        (void)span_split(&rest, '/');
        name = span_split(&rest, '/');
    } else if (span_equal(name, SPAN("user"))) {
        name = span_split(&rest, '/');
    }
    return known(name) ? name : SPAN_EMPTY;
}

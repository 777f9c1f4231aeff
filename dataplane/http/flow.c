/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow.c - the names of a flow's states.
 */
#include "dataplane/http/flow.h"

const char *flow_state_name(enum flow_state state)
{
    switch (state) {
    case FLOW_IDLE:
        return "idle";
    case FLOW_OPEN:
        return "open";
    case FLOW_ENDED:
        return "ended";
    case FLOW_STOPPED:
        return "stopped";
    case FLOW_FAILED:
        return "failed";
    }
    UNREACHABLE();
}

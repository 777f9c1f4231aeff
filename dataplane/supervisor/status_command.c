/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_command.c - asks the admin endpoint, blocking, and prints what it says.
 */
#include "dataplane/supervisor/status_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/model/limits.h"
#include "dataplane/net/listen.h"

#define ANSWER_BYTES_MAX (LIMIT_HEAD_BYTES + LIMIT_FLOW_BYTES)
#define PATIENCE_S 5

struct status_question {
    const char *admin;
    bool json;
};

static int usage(FILE *out)
{
    fputs("trunkline-edge status --admin ADDR:PORT [--json]: asks a running edge how it is\n"
          "  exit status: 0 every slot has a worker; 1 one has not, or nobody answers; 2 usage\n",
          out);
    return out == stdout ? 0 : 2;
}

static bool parse(int argc, const char *const *argv, struct status_question *out)
{
    *out = (struct status_question){0};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            out->json = true;
        else if (strcmp(argv[i], "--admin") == 0 && i + 1 < argc)
            out->admin = argv[++i];
        else
            return false;
    }
    return out->admin != NULL;
}

/* HTTP/1.0: the answer ends with the connection. */
static enum err ask(int fd, const char *path, struct buf *out)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    char request[128];
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nhost: edge\r\n\r\n", path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        return ERR_IO;
    for (;;) {
        uint8_t *room = buf_reserve(out, 4096);
        if (room == NULL)
            return ERR_LIMIT;
        ssize_t got = recv(fd, room, 4096, 0);
        if (got <= 0)
            return got == 0 ? ERR_OK : ERR_IO;
        buf_added(out, (size_t)got);
    }
}

/* The status, and where the body begins; 0: this is no answer. */
static int read_answer(struct span answer, struct span *body)
{
    size_t at = 0;
    if (!span_starts_with(answer, SPAN("HTTP/1.")) || answer.len < 12)
        return 0;
    while (at + 4 <= answer.len && memcmp(answer.ptr + at, "\r\n\r\n", 4) != 0)
        at++;
    if (at + 4 > answer.len)
        return 0;
    *body = span_skip(answer, at + 4);
    return (answer.ptr[9] - '0') * 100 + (answer.ptr[10] - '0') * 10 + (answer.ptr[11] - '0');
}

static int fetch(const char *admin, const char *path, struct buf *out, struct span *body)
{
    struct problem problem;
    int fd, status = 0;
    if (listen_reach(admin, &fd, &problem) != ERR_OK) {
        fprintf(stderr, "trunkline-edge status: %s\n", problem.text);
        return 0;
    }
    buf_init(out, ANSWER_BYTES_MAX);
    if (ask(fd, path, out) == ERR_OK)
        status = read_answer(buf_span(out), body);
    if (status == 0)
        fprintf(stderr, "trunkline-edge status: %s gives no answer that an edge would\n", admin);
    close(fd);
    return status;
}

int status_command(int argc, const char *const *argv)
{
    struct status_question question;
    struct buf answer = {0}, ready = {0};
    struct span body, ignored;
    if (argc == 1 && strcmp(argv[0], "--help") == 0)
        return usage(stdout);
    if (!parse(argc, argv, &question))
        return usage(stderr);
    bool told =
        fetch(question.admin, question.json ? "/status" : "/status.txt", &answer, &body) == 200;
    if (told)
        fwrite(body.ptr, 1, body.len, stdout);
    bool whole = told && fetch(question.admin, "/readyz", &ready, &ignored) == 200;
    buf_release(&answer);
    buf_release(&ready);
    return whole ? 0 : 1;
}

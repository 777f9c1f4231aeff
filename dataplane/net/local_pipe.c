/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local_pipe.c - a uv_pipe_t with copies of what is being written.
 */
#include "dataplane/net/local_pipe.h"

#include "common/base/mem.h"

#define PIPE_TAG 0x70697065u

struct local_pipe {
    uint32_t tag;
    uv_pipe_t uv;
    uv_connect_t connecting;
    struct local_pipe_options options;
    struct wake failed;
    enum err err; /* not OK: on_closed is on its way, or told */
    bool opened;
    bool closing;
    size_t out_bytes;
};

struct pipe_write {
    uv_write_t request;
    struct local_pipe *pipe;
    size_t len;
    uint8_t bytes[];
};

static struct local_pipe *pipe_of(void *handle_data)
{
    struct local_pipe *pipe = handle_data;
    TAG_CHECK(pipe, PIPE_TAG);
    return pipe;
}

static void tell_closed(struct wake *wake)
{
    struct local_pipe *pipe = container_of(wake, struct local_pipe, failed);
    pipe->options.events->on_closed(pipe->options.owner, pipe->err);
}

static void fail(struct local_pipe *pipe, enum err err)
{
    if (pipe->err != ERR_OK || pipe->closing)
        return;
    pipe->err = err;
    if (pipe->opened)
        uv_read_stop((uv_stream_t *)&pipe->uv);
    wake_post(&pipe->options.loop->wakeq, &pipe->failed);
}

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct local_pipe *pipe = pipe_of(handle->data);
    *out = uv_buf_init((char *)pipe->options.loop->read_buffer, LOOP_READ_BYTES);
}

static void take_bytes(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct local_pipe *pipe = pipe_of(stream->data);
    if (len > 0) {
        pipe->options.events->on_bytes(pipe->options.owner, span_of(buffer->base, (size_t)len));
        mem_wipe(buffer->base, (size_t)len); /* keys come this way */
    }
    if (len < 0)
        fail(pipe, len == UV_EOF ? ERR_CLOSED : ERR_IO);
}

static struct local_pipe *pipe_new(const struct local_pipe_options *options)
{
    struct local_pipe *pipe = mem_new(struct local_pipe);
    TAG_SET(pipe, PIPE_TAG);
    pipe->options = *options;
    wake_init(&pipe->failed, tell_closed);
    int status = uv_pipe_init(&options->loop->uv, &pipe->uv, 0);
    ASSERT(status == 0);
    pipe->uv.data = pipe;
    return pipe;
}

static void start_reading(struct local_pipe *pipe)
{
    pipe->opened = true;
    if (uv_read_start((uv_stream_t *)&pipe->uv, lend_buffer, take_bytes) != 0)
        fail(pipe, ERR_IO);
}

struct local_pipe *local_pipe_open_fd(const struct local_pipe_options *options, int fd)
{
    struct local_pipe *pipe = pipe_new(options);
    if (uv_pipe_open(&pipe->uv, fd) == 0)
        start_reading(pipe);
    else
        fail(pipe, ERR_IO);
    return pipe;
}

static void dialled(uv_connect_t *request, int status)
{
    struct local_pipe *pipe = pipe_of(request->data);
    if (pipe->closing)
        return;
    if (status != 0) {
        fail(pipe, ERR_IO);
        return;
    }
    start_reading(pipe);
    pipe->options.events->on_opened(pipe->options.owner);
}

struct local_pipe *local_pipe_dial(const struct local_pipe_options *options, const char *path)
{
    ASSERT(strlen(path) <= LOCAL_PIPE_PATH_BYTES_MAX);
    struct local_pipe *pipe = pipe_new(options);
    pipe->connecting.data = pipe;
    uv_pipe_connect(&pipe->connecting, &pipe->uv, path, dialled);
    return pipe;
}

static void written(uv_write_t *request, int status)
{
    struct pipe_write *write = request->data;
    struct local_pipe *pipe = write->pipe;
    pipe->out_bytes -= write->len;
    mem_wipe(write->bytes, write->len);
    mem_free(&write);
    if (status != 0)
        fail(pipe, ERR_IO);
}

void local_pipe_write(struct local_pipe *pipe, struct span bytes)
{
    if (!pipe->opened || pipe->err != ERR_OK || bytes.len == 0)
        return;
    if (pipe->out_bytes + bytes.len > pipe->options.out_bytes_max) {
        fail(pipe, ERR_LIMIT);
        return;
    }
    struct pipe_write *write = mem_alloc(sizeof(*write) + bytes.len);
    *write = (struct pipe_write){.pipe = pipe, .len = bytes.len};
    memcpy(write->bytes, bytes.ptr, bytes.len);
    write->request.data = write;
    pipe->out_bytes += bytes.len;
    uv_buf_t buffer = uv_buf_init((char *)write->bytes, (unsigned)bytes.len);
    if (uv_write(&write->request, (uv_stream_t *)&pipe->uv, &buffer, 1, written) != 0)
        written(&write->request, UV_EIO);
}

static void closed(uv_handle_t *handle)
{
    struct local_pipe *pipe = pipe_of(handle->data);
    mem_free(&pipe);
}

void local_pipe_close(struct local_pipe **pipe)
{
    struct local_pipe *p = *pipe;
    if (p == NULL)
        return;
    *pipe = NULL;
    p->closing = true;
    wake_cancel(&p->options.loop->wakeq, &p->failed);
    uv_close((uv_handle_t *)&p->uv, closed);
}

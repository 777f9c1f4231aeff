/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hasher.c - a few threads that check and make password hashes.
 */
#include "control/auth/hasher.h"

#include <pthread.h>

#include "common/base/mem.h"

struct queue {
    struct list jobs;
    size_t count;
};

struct hasher {
    pthread_t threads[LIMIT_HASHERS];
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct queue reserved, waiting;
    size_t running;
    bool stopped;
};

static struct password_job *pop(struct queue *queue)
{
    struct list_node *node = list_pop_front(&queue->jobs);
    if (!node)
        return NULL;
    queue->count--;
    return container_of(node, struct password_job, node);
}

static struct password_job *next_job(struct hasher *hasher)
{
    struct password_job *job = pop(&hasher->reserved);
    return job ? job : pop(&hasher->waiting);
}

static void run(struct password_job *job)
{
    job->result = ERR_OK;
    if (job->known_hash[0] != '\0')
        job->result = password_verify(job->known_hash, span_of(job->password, job->password_bytes));
    if (job->result == ERR_OK && job->new_password_bytes > 0)
        job->result =
            password_hash(span_of(job->new_password, job->new_password_bytes), job->made_hash);
}

static void *work(void *cls)
{
    struct hasher *hasher = cls;
    ASSERT(pthread_mutex_lock(&hasher->lock) == 0);
    for (;;) {
        struct password_job *job = next_job(hasher);
        if (!job && hasher->stopped)
            break;
        if (!job) {
            ASSERT(pthread_cond_wait(&hasher->changed, &hasher->lock) == 0);
            continue;
        }
        bool refused = hasher->stopped;
        hasher->running++;
        ASSERT(pthread_mutex_unlock(&hasher->lock) == 0);
        if (refused)
            job->result = ERR_BUSY;
        else
            run(job);
        job->done(job);
        ASSERT(pthread_mutex_lock(&hasher->lock) == 0);
        hasher->running--;
        ASSERT(pthread_cond_broadcast(&hasher->changed) == 0);
    }
    ASSERT(pthread_mutex_unlock(&hasher->lock) == 0);
    return NULL;
}

struct hasher *hasher_open(void)
{
    struct hasher *hasher = mem_new(struct hasher);
    list_init(&hasher->reserved.jobs);
    list_init(&hasher->waiting.jobs);
    ASSERT(pthread_mutex_init(&hasher->lock, NULL) == 0);
    ASSERT(pthread_cond_init(&hasher->changed, NULL) == 0);
    for (size_t i = 0; i < LIMIT_HASHERS; i++)
        ASSERT(pthread_create(&hasher->threads[i], NULL, work, hasher) == 0);
    return hasher;
}

enum err hasher_submit(struct hasher *hasher, struct password_job *job)
{
    struct queue *queue = job->reserved ? &hasher->reserved : &hasher->waiting;
    ASSERT(pthread_mutex_lock(&hasher->lock) == 0);
    bool taken = !hasher->stopped && queue->count < LIMIT_HASHES_WAITING;
    if (taken) {
        list_push_back(&queue->jobs, &job->node);
        queue->count++;
        ASSERT(pthread_cond_broadcast(&hasher->changed) == 0);
    }
    ASSERT(pthread_mutex_unlock(&hasher->lock) == 0);
    return taken ? ERR_OK : ERR_BUSY;
}

void hasher_stop(struct hasher *hasher)
{
    ASSERT(pthread_mutex_lock(&hasher->lock) == 0);
    hasher->stopped = true;
    ASSERT(pthread_cond_broadcast(&hasher->changed) == 0);
    while (hasher->running > 0 || hasher->reserved.count > 0 || hasher->waiting.count > 0)
        ASSERT(pthread_cond_wait(&hasher->changed, &hasher->lock) == 0);
    ASSERT(pthread_mutex_unlock(&hasher->lock) == 0);
}

void hasher_close(struct hasher **slot)
{
    struct hasher *hasher = *slot;
    if (!hasher)
        return;
    hasher_stop(hasher);
    for (size_t i = 0; i < LIMIT_HASHERS; i++)
        ASSERT(pthread_join(hasher->threads[i], NULL) == 0);
    ASSERT(pthread_cond_destroy(&hasher->changed) == 0);
    ASSERT(pthread_mutex_destroy(&hasher->lock) == 0);
    mem_free(slot);
}

struct password_job *password_job_new(struct span password, struct span new_password)
{
    struct password_job *job = mem_new(struct password_job);
    ASSERT(password.len <= sizeof(job->password) && new_password.len <= sizeof(job->new_password));
    if (password.len > 0)
        memcpy(job->password, password.ptr, password.len);
    if (new_password.len > 0)
        memcpy(job->new_password, new_password.ptr, new_password.len);
    job->password_bytes = password.len;
    job->new_password_bytes = new_password.len;
    return job;
}

void password_job_free(struct password_job **slot)
{
    if (*slot)
        mem_wipe(*slot, sizeof(**slot));
    mem_free(slot);
}

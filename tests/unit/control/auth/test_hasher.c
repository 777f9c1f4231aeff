/* SPDX-License-Identifier: Apache-2.0 */
/* test_hasher.c - jobs are done once each, so many wait, and an end leaves nobody waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "control/auth/hasher.h"

#define JOBS_MAX (2 * LIMIT_HASHES_WAITING + 2 * LIMIT_HASHERS)

/* Counts what is done.  A job with gate_done keeps its thread until the gate of its round is open;
 * a round is as many such jobs as there are threads. */
struct desk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t open_count; /* of gates */
    size_t done_count, gated_count;
    struct password_job *order[JOBS_MAX];
};

static void note(struct desk *desk, struct password_job *job)
{
    assert_true(desk->done_count < countof(desk->order));
    desk->order[desk->done_count++] = job;
    assert_int_equal(pthread_cond_broadcast(&desk->changed), 0);
}

static void job_done(struct password_job *job)
{
    struct desk *desk = job->owner;
    assert_int_equal(pthread_mutex_lock(&desk->lock), 0);
    note(desk, job);
    assert_int_equal(pthread_mutex_unlock(&desk->lock), 0);
}

static void gate_done(struct password_job *job)
{
    struct desk *desk = job->owner;
    assert_int_equal(pthread_mutex_lock(&desk->lock), 0);
    size_t round = desk->gated_count++ / LIMIT_HASHERS;
    assert_int_equal(pthread_cond_broadcast(&desk->changed), 0);
    while (desk->open_count <= round)
        assert_int_equal(pthread_cond_wait(&desk->changed, &desk->lock), 0);
    note(desk, job);
    assert_int_equal(pthread_mutex_unlock(&desk->lock), 0);
}

static void desk_wait(struct desk *desk, const size_t *counter, size_t count)
{
    assert_int_equal(pthread_mutex_lock(&desk->lock), 0);
    while (*counter < count)
        assert_int_equal(pthread_cond_wait(&desk->changed, &desk->lock), 0);
    assert_int_equal(pthread_mutex_unlock(&desk->lock), 0);
}

static void open_gate(struct desk *desk)
{
    assert_int_equal(pthread_mutex_lock(&desk->lock), 0);
    desk->open_count++;
    assert_int_equal(pthread_cond_broadcast(&desk->changed), 0);
    assert_int_equal(pthread_mutex_unlock(&desk->lock), 0);
}

/* Without a hash to check and a password to hash a job costs nothing. */
static struct password_job *new_job(struct desk *desk, password_done_fn *done)
{
    struct password_job *job = password_job_new(SPAN("a password"), SPAN(""));
    job->owner = desk;
    job->done = done;
    return job;
}

static void hold_all_threads(struct hasher *hasher, struct desk *desk, struct password_job **out)
{
    for (size_t i = 0; i < LIMIT_HASHERS; i++) {
        out[i] = new_job(desk, gate_done);
        assert_int_equal(hasher_submit(hasher, out[i]), ERR_OK);
    }
    desk_wait(desk, &desk->gated_count, LIMIT_HASHERS);
}

static void desk_init(struct desk *desk)
{
    *desk = (struct desk){.open_count = 0};
    assert_int_equal(pthread_mutex_init(&desk->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&desk->changed, NULL), 0);
}

static void a_right_password_is_right_and_a_wrong_one_wrong(void **state)
{
    struct desk desk;
    struct hasher *hasher = hasher_open();
    (void)state;
    desk_init(&desk);
    struct password_job *made = password_job_new(SPAN(""), SPAN("a password"));
    made->owner = &desk;
    made->done = job_done;
    assert_int_equal(hasher_submit(hasher, made), ERR_OK);
    desk_wait(&desk, &desk.done_count, 1);
    assert_int_equal(made->result, ERR_OK);

    static const char *const words[] = {"a password", "another one"};
    for (size_t i = 0; i < countof(words); i++) {
        struct password_job *job = password_job_new(span_str(words[i]), SPAN("a new one"));
        memcpy(job->known_hash, made->made_hash, sizeof(job->known_hash));
        job->owner = &desk;
        job->done = job_done;
        assert_int_equal(hasher_submit(hasher, job), ERR_OK);
        desk_wait(&desk, &desk.done_count, 2 + i);
        assert_int_equal(job->result, i == 0 ? ERR_OK : ERR_UNAUTHENTICATED);
        /* Who does not know the old one gets no new one. */
        assert_int_equal(job->made_hash[0] != '\0', i == 0);
        password_job_free(&job);
    }
    password_job_free(&made);
    hasher_close(&hasher);
}

static void so_many_wait_in_each_queue(void **state)
{
    struct desk desk;
    struct hasher *hasher = hasher_open();
    struct password_job *held[LIMIT_HASHERS], *jobs[2 * LIMIT_HASHES_WAITING];
    (void)state;
    desk_init(&desk);
    hold_all_threads(hasher, &desk, held);

    for (size_t i = 0; i < countof(jobs); i++) {
        jobs[i] = new_job(&desk, job_done);
        jobs[i]->reserved = i >= LIMIT_HASHES_WAITING;
        assert_int_equal(hasher_submit(hasher, jobs[i]), ERR_OK);
    }
    struct password_job *late = new_job(&desk, job_done);
    assert_int_equal(hasher_submit(hasher, late), ERR_BUSY);
    late->reserved = true;
    assert_int_equal(hasher_submit(hasher, late), ERR_BUSY);
    password_job_free(&late);

    open_gate(&desk);
    desk_wait(&desk, &desk.done_count, LIMIT_HASHERS + countof(jobs));
    hasher_close(&hasher);
    for (size_t i = 0; i < desk.done_count; i++)
        password_job_free(&desk.order[i]);
}

static void known_devices_go_first(void **state)
{
    struct desk desk;
    struct hasher *hasher = hasher_open();
    struct password_job *held[LIMIT_HASHERS], *known;
    (void)state;
    desk_init(&desk);
    hold_all_threads(hasher, &desk, held);

    struct password_job *other = new_job(&desk, job_done);
    assert_int_equal(hasher_submit(hasher, other), ERR_OK);
    for (size_t i = 0; i < LIMIT_HASHERS; i++) {
        known = new_job(&desk, gate_done);
        known->reserved = true;
        assert_int_equal(hasher_submit(hasher, known), ERR_OK);
    }
    open_gate(&desk);
    desk_wait(&desk, &desk.gated_count, 2 * LIMIT_HASHERS);
    desk_wait(&desk, &desk.done_count, LIMIT_HASHERS);
    for (size_t i = 0; i < LIMIT_HASHERS; i++)
        assert_true(desk.order[i] != other);

    open_gate(&desk);
    desk_wait(&desk, &desk.done_count, 2 * LIMIT_HASHERS + 1);
    hasher_close(&hasher);
    for (size_t i = 0; i < desk.done_count; i++)
        password_job_free(&desk.order[i]);
}

static void *stop(void *cls)
{
    hasher_stop(cls);
    return NULL;
}

static void an_end_leaves_nobody_waiting(void **state)
{
    struct desk desk;
    pthread_t stopper;
    struct hasher *hasher = hasher_open();
    struct password_job *held[LIMIT_HASHERS], *waiting = new_job(&desk, job_done);
    (void)state;
    desk_init(&desk);
    hold_all_threads(hasher, &desk, held);
    assert_int_equal(hasher_submit(hasher, waiting), ERR_OK);

    assert_int_equal(pthread_create(&stopper, NULL, stop, hasher), 0);
    struct password_job *late = new_job(&desk, job_done);
    late->reserved = true;
    /* Taken before the stop or refused after it. */
    size_t taken = 0;
    enum err err;
    while ((err = hasher_submit(hasher, late)) == ERR_OK) {
        taken++;
        late = new_job(&desk, job_done);
        late->reserved = true;
    }
    assert_int_equal(err, ERR_BUSY);
    open_gate(&desk);
    assert_int_equal(pthread_join(stopper, NULL), 0);

    assert_int_equal(desk.done_count, LIMIT_HASHERS + 1 + taken);
    assert_int_equal(hasher_submit(hasher, late), ERR_BUSY);
    hasher_close(&hasher);
    assert_null(hasher);
    for (size_t i = 0; i < desk.done_count; i++)
        password_job_free(&desk.order[i]);
    password_job_free(&late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_password_is_right_and_a_wrong_one_wrong),
        cmocka_unit_test(so_many_wait_in_each_queue),
        cmocka_unit_test(known_devices_go_first),
        cmocka_unit_test(an_end_leaves_nobody_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * proc.c - the only file that starts a process. Between fork and exec it makes system calls only: the
 * program may have threads.
 */
#include "io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_MS = 20,       /* how often the command is looked at */
    GRACE_MS = 2000,    /* between SIGTERM and SIGKILL */
    READS_A_LOOK = 256, /* a writer without end must not keep us from looking */
    BLOCK = 16384,
    GROUPS_MAX = 256,
    CANNOT_EXEC = 127
};

/* The last bytes that were written. */
struct tail {
    char bytes[DCS_OUTPUT_KEPT];
    int64_t len; /* of all */
};

struct run {
    const struct dcs_env *env;
    pid_t pid;
    int fd; /* our end of its output, -1 at its end */
    struct tail *tail;
};

void dcs_outcome_drop(struct dcs_outcome *outcome)
{
    dcs_buf_clear(&outcome->output);
}

/* ---- in the child ---- */

struct who {
    bool changes;
    uid_t uid;
    gid_t gid;
    gid_t groups[GROUPS_MAX];
    int group_count;
};

_Noreturn static void give_up(const char *why)
{
    ssize_t ignored = write(STDERR_FILENO, why, strlen(why));

    (void)ignored;
    _exit(CANNOT_EXEC);
}

_Noreturn static void become(const struct dcs_command *command, const struct who *who, int output)
{
    char *const argv[] = { (char *)"sh", (char *)"-c", (char *)command->text, NULL };
    const struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t none;

    sigemptyset(&none);
    for (int i = 1; i < NSIG; i++)
        sigaction(i, &plain, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    umask(022);
    output = fcntl(output, F_DUPFD, STDERR_FILENO + 1); /* it may stand in the place of another */
    int input = openat(AT_FDCWD, "/dev/null", O_RDONLY);
    if (input < 0 || output < 0 || dup2(input, STDIN_FILENO) < 0 ||
        dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(CANNOT_EXEC);
    if (close_range(STDERR_FILENO + 1, ~0u, 0) != 0)
        give_up("cannot close the descriptors of digicert-store\n");
    if (who->changes && (setgroups((size_t)who->group_count, who->groups) != 0 ||
                         setgid(who->gid) != 0 || setuid(who->uid) != 0))
        give_up("cannot become the owner of the state directory\n");
    if (chdir("/") != 0)
        give_up("cannot enter /\n");
    execve("/bin/sh", argv, (char *const *)command->environment);
    give_up("/bin/sh cannot be run\n");
}

/* Its groups are looked up before the fork. */
static void find_who(const struct dcs_command *command, struct who *ret_who)
{
    char room[8192];
    struct passwd entry;
    struct passwd *found = NULL;

    *ret_who = (struct who){ .changes = command->uid != (uid_t)-1,
                             .uid = command->uid,
                             .gid = command->gid,
                             .groups = { command->gid },
                             .group_count = 1 };
    if (!ret_who->changes || getpwuid_r(command->uid, &entry, room, sizeof(room), &found) != 0 ||
        !found)
        return;
    int count = GROUPS_MAX;
    if (getgrouplist(found->pw_name, command->gid, ret_who->groups, &count) >= 0)
        ret_who->group_count = count;
}

/* ---- in the parent ---- */

static void tail_add(struct tail *tail, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t at = (size_t)(tail->len % DCS_OUTPUT_KEPT);
        size_t part = len - done < DCS_OUTPUT_KEPT - at ? len - done : DCS_OUTPUT_KEPT - at;
        memcpy(tail->bytes + at, data + done, part);
        tail->len += (int64_t)part;
        done += part;
    }
}

static void tail_out(const struct tail *tail, struct dcs_buf *out)
{
    size_t at = (size_t)(tail->len % DCS_OUTPUT_KEPT);

    if (tail->len > DCS_OUTPUT_KEPT)
        dcs_buf_add(out, tail->bytes + at, DCS_OUTPUT_KEPT - at);
    dcs_buf_add(out, tail->bytes, at);
    if (tail->len == DCS_OUTPUT_KEPT)
        dcs_buf_add(out, tail->bytes, DCS_OUTPUT_KEPT);
}

/* What is there now, up to a bound. */
static void read_some(struct run *run)
{
    char block[BLOCK];

    for (int i = 0; run->fd >= 0 && i < READS_A_LOOK; i++) {
        ssize_t got = read(run->fd, block, sizeof(block));
        if (got > 0) {
            tail_add(run->tail, block, (size_t)got);
            continue;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 || errno != EAGAIN) {
            close(run->fd);
            run->fd = -1;
        }
        return;
    }
}

/* True: it has ended, with *ret_status as waitpid has it. */
static bool look(struct run *run, int64_t wait_ms, int *ret_status)
{
    int64_t pause = wait_ms < LOOK_MS ? wait_ms : LOOK_MS;
    struct pollfd ready = { .fd = run->fd, .events = POLLIN };

    if (run->fd >= 0)
        poll(&ready, 1, (int)pause);
    else
        dcs_env_sleep_ms(run->env, pause);
    read_some(run);
    pid_t ended = waitpid(run->pid, ret_status, WNOHANG);
    if (ended == run->pid)
        return true;
    *ret_status = -1;
    return ended < 0 && errno != EINTR;
}

static bool wait_until(struct run *run, int64_t ms, int *ret_status)
{
    struct dcs_deadline deadline = dcs_deadline_in(run->env, ms);

    for (;;) {
        int64_t left = dcs_deadline_left_ms(run->env, deadline);
        if (look(run, left, ret_status))
            return true;
        if (left == 0)
            return false;
    }
}

static void end_group(const struct run *run, int number)
{
    if (kill(-run->pid, number) != 0) /* before its setsid there is no group */
        kill(run->pid, number);
}

static void await(struct run *run, const struct dcs_command *command, struct dcs_outcome *outcome)
{
    int status = -1;

    if (!wait_until(run, command->deadline_ms, &status)) {
        outcome->timed_out = true;
        end_group(run, SIGTERM);
        bool ended = wait_until(run, GRACE_MS, &status);
        /* What of the group did not heed SIGTERM, though the shell may have. */
        end_group(run, SIGKILL);
        if (!ended)
            (void)wait_until(run, GRACE_MS, &status);
    }
    read_some(run);
    outcome->exit_status = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    outcome->signal = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool start(struct run *run, const struct dcs_command *command, struct dcs_err *err)
{
    struct sigaction children;
    struct who who;
    int ends[2];

    /* Where children are ignored, how they end cannot be asked. */
    if (sigaction(SIGCHLD, NULL, &children) == 0 && children.sa_handler == SIG_IGN)
        signal(SIGCHLD, SIG_DFL);
    find_who(command, &who);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return dcs_fail_errno(err, errno, "making a pipe");
    run->pid = fork();
    if (run->pid == 0)
        become(command, &who, ends[1]);
    int why = errno;
    close(ends[1]);
    if (run->pid < 0) {
        close(ends[0]);
        return dcs_fail_errno(err, why, "starting a process");
    }
    run->fd = ends[0];
    fcntl(run->fd, F_SETFL, O_NONBLOCK);
    return true;
}

bool dcs_command_run(const struct dcs_env *env, const struct dcs_command *command,
                     struct dcs_outcome *ret_outcome, struct dcs_err *err)
{
    struct run run = { .env = env, .fd = -1 };
    struct dcs_outcome outcome = { .output = { .max = DCS_OUTPUT_KEPT + 1 } };

    run.tail = dcs_alloc(1, sizeof(*run.tail), err);
    if (!run.tail)
        return false;
    if (!start(&run, command, err)) {
        free(run.tail);
        return false;
    }
    await(&run, command, &outcome);
    if (run.fd >= 0)
        close(run.fd);
    outcome.output_len = run.tail->len;
    tail_out(run.tail, &outcome.output);
    free(run.tail);
    *ret_outcome = outcome;
    return true;
}

void dcs_outcome_words(const struct dcs_outcome *outcome, int64_t deadline_ms, char *out,
                       size_t capacity)
{
    if (outcome->timed_out)
        snprintf(out, capacity, "not done after %lld s", (long long)(deadline_ms + 999) / 1000);
    else if (outcome->signal)
        snprintf(out, capacity, "killed by signal %d (%s)", outcome->signal,
                 strsignal(outcome->signal));
    else if (outcome->exit_status != 0)
        snprintf(out, capacity, "exit status %d", outcome->exit_status);
    else
        out[0] = '\0';
}

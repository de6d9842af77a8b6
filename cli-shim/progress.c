// SPDX-License-Identifier: Apache-2.0
/*
 * progress.c - one line on a terminal for work that takes longer than a second: a bar, counts, and how long it
 * will take. Nothing where stderr is no terminal.
 */
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { SHOWN_AFTER_MS = 1000, BAR = 24 };

void cli_progress_begin(struct cli_progress *progress, bool wanted)
{
    *progress = (struct cli_progress){ .is_on = wanted && isatty(STDERR_FILENO),
                                       .began_ms = dcs_env_mono_ms(dcs_env_real()) };
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (progress->is_drawn)
        fputs("\r\033[K", stderr);
    progress->is_drawn = false;
}

/* "2 h 05 min", "3 min", "20 s" */
void cli_duration_text(int64_t seconds, char out[32])
{
    if (seconds >= 3600)
        snprintf(out, 32, "%lld h %02lld min", (long long)seconds / 3600,
                 (long long)seconds % 3600 / 60);
    else if (seconds >= 120)
        snprintf(out, 32, "%lld min", (long long)(seconds + 30) / 60);
    else
        snprintf(out, 32, "%lld s", (long long)seconds);
}

void cli_progress_show(struct cli_progress *progress, const struct dcs_sync_progress *at)
{
    char bar[BAR + 1];
    char eta[32];

    if (!progress->is_on || at->to_do == 0 ||
        dcs_env_mono_ms(dcs_env_real()) - progress->began_ms < SHOWN_AFTER_MS)
        return;
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)(at->done * BAR / at->to_do));
    bar[BAR] = '\0';
    fprintf(stderr, "\r\033[K[%s] %lld of %lld orders", bar, (long long)at->done,
            (long long)at->to_do);
    if (at->not_done)
        fprintf(stderr, ", %lld not done", (long long)at->not_done);
    if (at->eta_s >= 0 && at->done < at->to_do) {
        cli_duration_text(at->eta_s, eta);
        fprintf(stderr, ", about %s", eta);
    }
    fflush(stderr);
    progress->is_drawn = true;
}

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# maintenance.sh - windows from the configuration, a calendar and a status page; what waits for their
# end and what does not; sources that fail. The CLI and the sandbox stand at the same simulated time.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
# One maximum for ever: steps have tests of their own.
LIFE="tls_limit = 2020-01-01:200:199, 2027-03-15:200:199, 2029-03-15:200:199"
control POST /settings '{"max_days": [{"from": "2020-01-01", "days": 199}], "switches": {"dcv": "valid"}}'
BASE=${SB_url%/services/v2}
NOW=$(date +%s)
iso() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
# at SECONDS COMMAND...: the sandbox and the command at that time.
at() {
    control POST /clock "{\"now\": $1, \"freeze\": true}" >/dev/null
    TZ=UTC faketime -f "@$(date -u -d "@$1" '+%Y-%m-%d %H:%M:%S')" "$DIGICERT_STORE" "${@:2}"
}
posts() { control GET "/requests?method=POST" | jq '[.[] | select(.path | test("/reissue$"))] | length'; }
asked() { requests '^GET /(status-page|calendar)'; }
settings() { control POST /settings "$1"; }
# announce FROM UNTIL [ANSWERS [COMPONENT]]: one window, and one that concerns others.
announce() {
    settings "{\"maintenance\": [
        {\"name\": \"CertCentral upgrade\", \"from\": \"$(iso "$1")\", \"until\": \"$(iso "$2")\",
         \"components\": [\"${4:-CertCentral Services API}\"], \"answers\": \"${3:-html503}\"},
        {\"name\": \"QuoVadis\", \"from\": \"$(iso $(($1 - 86400)))\", \"until\": \"$(iso $(($2 - 86400)))\",
         \"components\": [\"QuoVadis TrustLink\"], \"answers\": \"up\"}]}"
}
page() { # LINE...: a configuration with the sandbox's status page
    configure "maintenance_status_page = $BASE/status-page/" "maintenance_ca_file = $SB_ca" \
        "maintenance_components = CertCentral, certcentral services api" "$LIFE" "$@"
}
AUTO=$(printf '[order/125]\nreissue = auto\n')

# ---- announced on the status page: the plan moves, and what moved it is said ----
page "$AUTO"
at "$NOW" sync >/dev/null
DUE=$(date -u -d "$(at "$NOW" show --json order/125 | jq -r .plan.due)" +%s)
FROM=$((DUE - 3600)) UNTIL=$((DUE + 3600))
announce "$FROM" "$UNTIL"
SOON=$((DUE - 2 * 86400))
at "$SOON" sync >/dev/null
equal "maintenance lists the window that concerns us, in UTC and local time" \
    "CertCentral upgrade $(iso "$FROM") $(iso "$UNTIL") scheduled true" \
    "$(at "$SOON" maintenance --json | jq -r '.windows[] | [.title, .start, .end, .status, (.planned_by | tostring)] | join(" ")')"
equal "local time has its offset" "+00:00" \
    "$(at "$SOON" maintenance --json | jq -r '.windows[0].start_local[-6:]')"
check "and in words" bash -c "TZ=UTC '$DIGICERT_STORE' maintenance | grep -q 'CertCentral upgrade (status page, scheduled)'"
check "status tells of the next one" bash -c "'$DIGICERT_STORE' status | grep -q 'maintenance, next .*CertCentral upgrade'"
MOVED=$(date -u -d "$(at "$SOON" show --json order/125 | jq -r .plan.moved_to)" +%s)
check "what becomes due inside is moved behind it, by a day at most" \
    [ "$MOVED" -ge "$UNTIL" -a "$MOVED" -lt $((UNTIL + 86400)) ]
check "show says so" bash -c "'$DIGICERT_STORE' show --at '$(iso "$SOON")' order/125 | grep -q 'because of the maintenance window'"

# ---- the window is on: the API answers 503 to whoever asks ----
forget_requests
IN=$((DUE + 600))
equal "sync lets it wait" "waiting" "$(at "$IN" sync --json | jq -r '.orders[] | select(.order_id == 125) | .action')"
equal "and asks nothing about it" "0 0" "$(posts) $(requests '^GET /order/certificate/[0-9]')"
check "the plan names the end and the time after it" bash -c \
    "TZ=UTC faketime -f '@$(date -u -d "@$IN" '+%Y-%m-%d %H:%M:%S')' '$DIGICERT_STORE' show order/125 | grep -q 'waits for the end of the maintenance window'"
equal "status tells of it" "CertCentral upgrade in_progress" \
    "$(at "$IN" maintenance --json --refresh | jq -r '.windows[0] | .title + " " + .status')"
check_fails "a person is not held back, the service is away" 6 "away|503" at "$IN" reissue order/125
forget_requests

# ---- it passes ----
[ "$MOVED" -le $((UNTIL + 60)) ] || at $((MOVED - 30)) sync --now >/dev/null
equal "nothing is asked for before its own time" 0 "$(posts)"
equal "at its own time it is reissued, once" "changed 1" \
    "$(at $((MOVED + 60)) sync --now --json | jq -r '.orders[] | select(.order_id == 125) | .action') $(posts)"
LAST=$((MOVED + 60))

# ---- an outage that answers 404 for every call, with the API's own body ----
announce $((LAST + 3600)) $((LAST + 7200)) json404
at $((LAST + 1800)) maintenance --refresh >/dev/null
check_fails "in an announced window no order is gone" 6 "maintenance is announced until" \
    at $((LAST + 5400)) show --refresh order/125
check "the pair is served all the same" test -n "$(kinds digicert://order/125)"
check_fails "an unknown order is unknown, outside of windows" 3 "no such order" \
    at $((LAST + 9000)) show --refresh order/99999

# ---- how often sources are asked, and by whom ----
LAST=$((LAST + 10 * 86400))
announce $((LAST + 86400)) $((LAST + 90000)) up
configure "maintenance_status_page = $BASE/status-page" "maintenance_ca_file = $SB_ca" \
    "maintenance_calendar = $BASE/calendar.ics" "$LIFE" "$AUTO"
forget_requests
at "$LAST" sync >/dev/null
equal "sync reads two lists and a calendar" 3 "$(asked)"
at $((LAST + 6 * 3600 - 60)) sync >/dev/null
at $((LAST + 6 * 3600 - 30)) maintenance >/dev/null
equal "and not again within six hours" 3 "$(asked)"
storeutl digicert://order/125 >/dev/null 2>&1
equal "an application never asks" 3 "$(asked)"
at $((LAST + 8 * 3600)) sync >/dev/null
equal "later it does" 6 "$(asked)"
equal "nobody was refused for bringing an API key" "200" \
    "$(control GET /requests | jq -r '[.[] | select(.path | test("status-page|calendar")) | .status] | unique | join(",")')"
equal "which the sandbox would have told" 400 \
    "$(curl -s --cacert "$SB_ca" -o /dev/null -w '%{http_code}' -H "X-DC-DEVKEY: $SB_key" "$BASE/calendar.ics")"
equal "both sources are there" "calendar 2,status_page 2" \
    "$(at $((LAST + 8 * 3600)) maintenance --json | jq -r '[.sources[] | "\(.source) \(.windows)"] | join(",")')"

# ---- sources that fail ----
LAST=$((LAST + 9 * 3600))
fails() { # NAME PATTERN FAULT: for the calendar; what was read before stands
    fault "$3"
    check_fails "$1" 6 "$2" at "$LAST" maintenance --refresh
    equal "... and its windows stand" 2 "$(at "$LAST" maintenance --json 2>/dev/null | jq '.sources[] | select(.source == "calendar") | .windows')"
}
M='"match": "GET /calendar.ics"'
fails "a calendar that is gone" "HTTP 404.*read before stands" "{$M, \"status\": 404}"
fails "a redirect is not followed" "redirects are not followed" "{$M, \"status\": 302}"
fails "a page instead of a calendar" "no iCalendar file" "{$M, \"body\": \"<html>\"}"
fails "half a calendar" "ends early|no iCalendar" "{$M, \"truncate\": 120}"
fails "a calendar without end" "larger than" "{$M, \"size\": 3000000}"
fault "{$M, \"status\": 503}"
check "sync does not mind" at "$LAST" sync
configure "maintenance_calendar = $BASE/calendar.ics" "$AUTO"
fresh_state
check_fails "a server with an unknown CA is not believed" 6 "certificate" at "$LAST" maintenance
check_fails "a plain URL is a mistake" 2 "https:// URLs" bash -c \
    "printf 'maintenance_calendar = http://127.0.0.1/a.ics\n' >'$T/plain.conf'; DIGICERT_STORE_CONF=$T/plain.conf '$DIGICERT_STORE' maintenance"

# ---- the configuration alone, and a file; Mountain Time over its changes ----
printf 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:from a file\r\nDTSTART;TZID=America/Denver:20270306T220000\r\nDURATION:PT2H\r\nRRULE:FREQ=WEEKLY;COUNT=2\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nDTSTART;TZID=Mars/Olympus:20270306T220000\r\nDURATION:PT2H\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' >"$T/own.ics"
configure "maintenance = 2026-01-03T22:00/2h America/Denver FREQ=MONTHLY;BYDAY=1SA" "maintenance_calendar = $T/own.ics"
fresh_state
MARCH=$(date -u -d 2027-03-01T00:00:00Z +%s)
equal "22:00 in Denver is 05:00 in winter and 04:00 in summer, UTC" \
    "2027-03-07T05:00:00Z 2027-03-07T05:00:00Z 2027-03-14T05:00:00Z 2027-04-04T04:00:00Z" \
    "$(at "$MARCH" maintenance --json 2>/dev/null | jq -r '[.windows[:4][].start] | join(" ")')"
check "an event in an unknown zone is left out and said" bash -c \
    "'$DIGICERT_STORE' maintenance 2>&1 >/dev/null | grep -q '1 of 2 events left out: a time zone'"
equal "the local times follow the clock there" "2027-03-06T22:00:00-07:00 2027-04-03T22:00:00-06:00" \
    "$(TZ=America/Denver faketime -f '@2027-03-01 00:00:00' "$DIGICERT_STORE" maintenance --json 2>/dev/null | jq -r '[.windows[] | select(.source == "configuration")][:2] | map(.start_local) | join(" ")')"
configure "maintenance = 2026-12-05T22:00/2h Mars/Olympus"
check_fails "a zone that nobody knows is said" 2 "time zone" "$DIGICERT_STORE" maintenance
configure "maintenance = 2026-12-05T22:00/2h FREQ=MONTHLY;BYDAY=XX"
check_fails "so is a rule that means nothing" 2 "rule that cannot be read" "$DIGICERT_STORE" maintenance
configure "maintenance = 2026-12-05 22:00/2h"
check_fails "so is what cannot be read" 2 "START/LENGTH" "$DIGICERT_STORE" maintenance
configure
check "without any source there is a hint" bash -c "'$DIGICERT_STORE' maintenance 2>&1 | grep -q 'https://status.digicert.com'"
check "and no record is left" test ! -e "$T/state/maintenance.json"

done_testing

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# status.sh - status for machines: JSON, one line, metrics; at given times; with hostile texts of the CA.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
metrics() { python3 "$DCS_SOURCE_ROOT/tests/support/metrics.py" "$@"; }
D=$DIGICERT_STORE

start_sandbox
configure "[order/123]" "reissue = auto" "[order/124]" "[order/150]" "[order/160]"
import_key 123
hostile=$(jq -rn '"<script>alert(\"1\")</script>|\\ \u0027&amp;\n\u202egnp.exe m\u00fcnchen ]]>"')
"$D" sync >/dev/null 2>&1
# What stands in order.json came from the CA. A failure's text is the CA's, too.
jq --arg h "$hostile" '.certificate.common_name = $h | .product.name_id = $h' "$T/state/orders/150/order.json" >"$T/order.json"
cat "$T/order.json" >"$T/state/orders/150/order.json"
fault "$(jq -n --arg h "$hostile" '{match: "GET /order/certificate/160", times: 9, status: 400,
    body: ({errors: [{code: "no", message: $h}]} | tojson)}')" >/dev/null
"$D" show --refresh 160 >/dev/null 2>&1

# ---- JSON ----
"$D" status --json >"$T/status.json"
order() { jq -r ".orders[] | select(.order_id == $1) | $2" "$T/status.json"; }
equal "an order that is well is good" "good ok" "$(order 123 '"\(.health.state) \(.health.level)"')"
equal "an order that waits for its first certificate is pending" "pending warning" "$(order 150 '"\(.health.state) \(.health.level)"')"
check "a failure is told with its number, its first and its next time" \
    jq -e '.orders[] | select(.order_id == 160) | .failures == 1 and .failing_since == .last_attempt and .next_try > .failing_since' "$T/status.json"
equal "all are added up" "4 1 warning" "$(jq -r '"\(.health.orders) \(.health.states.pending) \(.health.level)"' "$T/status.json")"
check "show says the same of an order as status" \
    test "$("$D" show 150 --json | jq -S .health)" = "$(order 150 .health | jq -S .)"

# ---- metrics ----
check "status --prometheus is in the text format, strictly" bash -c "'$D' status --prometheus >$T/m.prom && python3 '$DCS_SOURCE_ROOT/tests/support/metrics.py' $T/m.prom"
if [ -n "${DCS_PROMTOOL:-$(command -v promtool)}" ]; then
    check "promtool has nothing to say of it" bash -c "'${DCS_PROMTOOL:-promtool}' check metrics <$T/m.prom 2>&1 | grep . && exit 1 || exit 0"
else
    skip "promtool has nothing to say of it" "promtool (Debian package prometheus) is not here"
fi
seconds() { date -u -d "$(order "$1" "$2")" +%s; }
equal "the end of a certificate is the one of show" "$(seconds 123 .current.not_after)" \
    "$(metrics "$T/m.prom" --get 'digicert_store_certificate_not_after_timestamp_seconds{order="123"}')"
equal "and when it is due" "$(seconds 123 .current.due)" \
    "$(metrics "$T/m.prom" --get 'digicert_store_certificate_due_timestamp_seconds{order="123"}')"
equal "the key is here" 1 "$(metrics "$T/m.prom" --get 'digicert_store_certificate_key_present{order="123"}')"
equal "or it is not" 0 "$(metrics "$T/m.prom" --get 'digicert_store_certificate_key_present{order="124"}')"
equal "no failure is 0" 0 "$(metrics "$T/m.prom" --get 'digicert_store_order_failures{order="123"}')"
equal "one is 1" 1 "$(metrics "$T/m.prom" --get 'digicert_store_order_failures{order="160"}')"
equal "what is pending has its problem" 1 \
    "$(metrics "$T/m.prom" --get 'digicert_store_order_problem{order="150",state="pending",level="warning"}')"
equal "what is unknown has no sample" "" "$(grep 'not_after.*order="150"' "$T/m.prom")"
check "a hostile name stays one label" \
    grep -qF 'digicert_store_order_info{order="150",common_name="<script>alert(\"1\")</script>|\\ '"'"'&amp; ?gnp.exe' "$T/m.prom"

# ---- one line ----
"$D" status --nagios >"$T/line"
equal "one line, with one bar" "1 1" "$(wc -l <"$T/line") $(tr -cd '|' <"$T/line" | wc -c)"

# ---- a file that appears whole ----
check "--out writes it for everybody" bash -c "umask 077; '$D' status --prometheus --out $T/x.prom && [ \$(stat -c %a $T/x.prom) = 644 ]"
check "and nothing else beside it" bash -c "[ \"\$(ls $T | grep -c x.prom)\" = 1 ]"
ln -s "$T/x.prom" "$T/link.prom"
check "a link stays a link" bash -c "'$D' status --prometheus --out $T/link.prom && [ -L $T/link.prom ]"
check_fails "a device is not replaced" 2 'no regular file' "$D" status --prometheus --out /dev/null
check_fails "a directory that is not there is said" 7 'No such file' "$D" status --prometheus --out "$T/none/x.prom"
check_fails "--out alone is refused" 2 'goes with --prometheus' "$D" status --out "$T/none"
inode=$(stat -c %i "$T/x.prom")
echo nonsense >>"$DIGICERT_STORE_CONF"
check_fails "a configuration with an error leaves the file as it is" 2 nonsense "$D" status --prometheus --out "$T/x.prom"
sed -i '$d' "$DIGICERT_STORE_CONF"
equal "and it is the old one" "$inode" "$(stat -c %i "$T/x.prom")"

# ---- at given times ----
at() { faketime -f "@$(date -u -d "$1" '+%Y-%m-%d %H:%M:%S')" "$D" "${@:2}"; }
export TZ=UTC
rm -rf "$T/state/orders/150" "$T/state/orders/160"
configure "[order/123]" "reissue = never" "[order/124]"
while read -r field offset status word; do
    when=$(order 123 ".current.$field")
    check_fails "$offset s from $field on it ends with $status" "$status" "DIGICERT-STORE $word " \
        at "$when + $offset seconds" status --check
done <<'EOT'
not_before 0 0 OK
urgent -1 0 OK
urgent 1 8 CRITICAL
not_after 1 3 CRITICAL
EOT

# ---- nothing is due, and the CA is not to be asked ----
configure "[order/123]"
check "a sync with nothing to do" "$D" sync
tr 0-9A-F 1-9A-F0 <"$T/sandbox/api.key" >"$T/etc/api.key"
"$D" sync >/dev/null 2>&1 # of another key nothing is known; the few orders here were just read
check_fails "sync says that the API key is denied" 4 'asking the CA what has changed: .*HTTP 40' "$D" sync
equal "with --json, too" denied "$("$D" sync --json 2>/dev/null | jq -r .trouble.code)"
equal "and status, as a run that did nothing" "false true" \
    "$("$D" status --json | jq -r '.last_sync | "\(.done) \(.text | test("asking the CA"))"')"
rm "$T/etc/api.key"
check_fails "as that there is none" 2 'asking the CA what has changed: ' "$D" sync

# ---- the service away ----
configure "[order/123]"
fault '{"match": "GET *", "status": 503, "html": true, "times": 9}' >/dev/null
"$D" show --refresh 123 >/dev/null 2>&1
check_fails "an away service is told while every order is good" 6 'WARNING - .* all good, but the service is away' "$D" status --check
"$D" status --prometheus >"$T/away.prom"
equal "and since when" "$(date -u -d "$("$D" status --json | jq -r .service.away_since)" +%s)" \
    "$(metrics "$T/away.prom" --get digicert_store_service_away_since_timestamp_seconds)"
equal "it is not up" 0 "$(metrics "$T/away.prom" --get digicert_store_service_up)"
check "the metrics are still sound" metrics "$T/away.prom"
control DELETE /faults >/dev/null

# ---- nobody is asked ----
forget_requests
for args in "" --json --check --nagios --prometheus; do "$D" status $args >/dev/null 2>&1; done
equal "status sends no request" 0 "$(requests .)"
done_testing

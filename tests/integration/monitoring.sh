#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# monitoring.sh - metrics, manual, alert rules and dashboard speak of the same; the rules fire when they should.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
here=$DCS_SOURCE_ROOT/tests
examples=$DCS_SOURCE_ROOT/examples/monitoring

check "a state that has everything gives sound metrics" \
    bash -c "'$DCS_TEST_TOOLS/metrics-tool' <'$here/integration/status-full.json' >$T/full.prom && python3 '$here/support/metrics.py' $T/full.prom"
value() { # value SERIES WANT
    equal "$1 is $2" "$2" "$(python3 "$here/support/metrics.py" "$T/full.prom" --get "digicert_store_$1")"
}
value 'service_up' 0
value 'service_away_since_timestamp_seconds' "$(date -u -d 2027-03-20T11:00:00Z +%s)"
value 'issuance_up' 0
value 'orders_waiting' 3
value 'request_budget_left{window="3min"}' 17
value 'maintenance_active' 1
value 'sync_last_run_duration_seconds' 8.009
value 'sync_last_run_orders{result="failed"}' 4
value 'order_failures{order="123"}' 2
value 'order_failures{order="124"}' 0
value 'order_problem{order="123",state="away",level="warning"}' 1
value 'certificate_ct_in_step{order="123"}' 1
value 'certificate_ct_in_step{order="124"}' 0
value 'certificate_scts{order="124"}' ""
value 'delivery_failures{order="123"}' 1
value 'orders{state="away"}' 1

python3 "$here/support/metrics.py" "$T/full.prom" --names >"$T/names"
sed -n 's/^\.It digicert_store_\([a-z0-9_]*\).*/digicert_store_\1/p' "$DCS_SOURCE_ROOT/docs/digicert-store.1" | sort >"$T/manual"
equal "the manual names each metric" "" "$(diff "$T/names" "$T/manual")"
check "rules and dashboard are what their programs read" \
    bash -c "python3 '$here/support/dashboard.py' '$examples/alerts.yml' '$examples/dashboard.json' >$T/asked"
check "they ask for a good part of the metrics" test "$(wc -l <"$T/asked")" -gt 20
equal "and for no other" "" "$(comm -13 "$T/names" "$T/asked")"

promtool=${DCS_PROMTOOL:-$(command -v promtool)}
if [ -n "$promtool" ]; then
    check "promtool has nothing to say of the metrics" bash -c "! '$promtool' check metrics <$T/full.prom 2>&1 | grep ."
    check "promtool accepts the rules" "$promtool" check rules "$examples/alerts.yml"
    check "each alert fires when it should, and not before" bash -c "cd '$examples' && '$promtool' test rules alerts-test.yml"
    jq -r '.panels[].targets[].expr' "$examples/dashboard.json" | sed 's/\$[a-z]*/.*/g' |
        jq -R '{record: "a:b", expr: .}' | jq -s '{groups: [{name: "panels", rules: .}]}' >"$T/panels.yml"
    check "promtool reads each panel's expression" "$promtool" check rules --lint=none "$T/panels.yml"
else
    skip "promtool accepts metrics and rules" "promtool (Debian package prometheus) is not here"
fi

# ---- as shipped ----
start_sandbox
configure "[order/123]"
import_key 123
"$DIGICERT_STORE" sync >/dev/null
"$DIGICERT_STORE" status --prometheus --out "$T/real.prom"
equal "what a host tells is named in the manual" "" "$(comm -23 <(python3 "$here/support/metrics.py" "$T/real.prom" --names) "$T/manual")"
equal "the last sync is told" 1 "$(python3 "$here/support/metrics.py" "$T/real.prom" --get digicert_store_sync_last_run_success)"
ended=$(python3 "$here/support/metrics.py" "$T/real.prom" --get digicert_store_sync_last_run_timestamp_seconds)
equal "and when it was" "$("$DIGICERT_STORE" status --json | jq -r '.last_sync.ended | fromdate')" "$ended"
echo broken >"$T/state/last-sync.json"
check "a damaged record of it costs nothing" bash -c "'$DIGICERT_STORE' status --json | jq -e '.last_sync == null'"
configure "maintenance = $(date -u -d '-1 hour' +%Y-%m-%dT%H:%M)/2h, $(date -u -d '+3 days' +%Y-%m-%dT%H:%M)/2h" "[order/123]"
"$DIGICERT_STORE" status --prometheus --out "$T/real.prom"
equal "announced maintenance is told while it lasts" 1 "$(python3 "$here/support/metrics.py" "$T/real.prom" --get digicert_store_maintenance_active)"
equal "and when the next begins" "$(date -u -d "$(date -u -d '+3 days' +%Y-%m-%dT%H:%M)" +%s)" \
    "$(python3 "$here/support/metrics.py" "$T/real.prom" --get digicert_store_maintenance_start_timestamp_seconds)"
check "the page tells it" bash -c "'$DIGICERT_STORE' report --html $T/m.html && python3 '$here/support/report.py' $T/m.html --text 'Maintenance now'"
sed "s|/usr/bin/digicert-store|$DIGICERT_STORE|; /^Documentation/d" "$examples/digicert-store-metrics.service" >"$T/digicert-store-metrics.service"
cp "$examples/digicert-store-metrics.timer" "$T"
check "the unit is one" bash -c "! systemd-analyze verify $T/digicert-store-metrics.service $T/digicert-store-metrics.timer 2>&1 | grep ."
# The line of cron runs: its command, into another directory.
while read -r _ _ _ _ _ _ command; do
    check "cron's line works: $command" bash -c "cd $T && PATH=$(dirname "$DIGICERT_STORE"):\$PATH ${command//\/var\/*\//$T/}"
done < <(grep '^[*0-9]' "$examples/digicert-store.cron")
done_testing

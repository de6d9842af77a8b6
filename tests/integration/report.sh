#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# report.sh - the page for people: its structure, hostile texts, ten thousand orders, a real browser.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
page() { python3 "$DCS_SOURCE_ROOT/tests/support/report.py" "$@"; }
D=$DIGICERT_STORE

start_sandbox
configure "[order/123]" "[order/127]" "[order/150]" "[order/160]"
import_key 123
hostile=$(jq -rn '"<script>document.title=1</script>\"|\\\\ \u0027&amp;\n\u202egnp.exe m\u00fcnchen ]]>--><svg onload=x>"')
shown=$(jq -rn '"<script>document.title=1</script>\"|\\\\ \u0027&amp; ?gnp.exe m\u00fcnchen ]]>--><svg onload=x>"')
"$D" sync >/dev/null 2>&1
jq --arg h "$hostile" '.certificate.common_name = $h | .product.name_id = $h' "$T/state/orders/150/order.json" >"$T/order.json"
cat "$T/order.json" >"$T/state/orders/150/order.json"
fault "$(jq -n --arg h "$hostile" '{match: "GET /order/certificate/160", times: 9, status: 400,
    body: ({errors: [{code: "no", message: $h}]} | tojson)}')" >/dev/null
for _ in 1 2 3; do "$D" show --refresh 160 >/dev/null 2>&1; done

forget_requests
check "report --html writes the page" "$D" report --html "$T/r.html"
equal "for everybody to read" 644 "$(stat -c %a "$T/r.html")"
equal "and asks nobody" 0 "$(requests .)"
check "it is well-formed, self-contained, and has its structure" page "$T/r.html"
check "a hostile name is text" page "$T/r.html" --text "order 150 $shown"
check "the CA's words are text" page "$T/r.html" --text "the service said \"$shown\""
equal "there is no script" 0 "$(page "$T/r.html" --count script)"
check "problems come before good orders" bash -c "grep -n 'id=\"h-problems\"\|id=\"h-orders\"' $T/r.html | head -n 1 | grep -q problems"
equal "each problem has its card" "$("$D" status --json | jq '[.orders[] | select(.health.level != "ok")] | length')" "$(page "$T/r.html" --count h3)"
check "- is stdout" bash -c "'$D' report --html - >$T/out.html && python3 '$DCS_SOURCE_ROOT/tests/support/report.py' $T/out.html"
equal "--json tells what was written" "$T/r.html 4" "$("$D" report --html "$T/r.html" --json | jq -r '"\(.file) \(.orders)"')"
check_fails "it wants a file" 2 'wants --html FILE' "$D" report
check_fails "a full disk leaves the old page" 7 'No space left|cannot be written' bash -c "trap '' XFSZ; ulimit -f 0; '$D' report --html $T/r.html"
check "and the old page is whole" page "$T/r.html"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
# dom FILE: what the browser made of the page.
dom() {
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$T/browser" \
        --dump-dom "file://$1" 2>/dev/null
}
if [ -n "$browser" ]; then
    dom "$T/r.html" >"$T/dom.html"
    check "a real browser shows it" grep -q '<h2 id="h-orders">All orders</h2>' "$T/dom.html"
    equal "with the same rows" "$(page "$T/r.html" --count tr)" "$(grep -o '<tr' "$T/dom.html" | wc -l)"
    equal "and the same bars" "$(page "$T/r.html" --count rect)" "$(grep -o '<rect' "$T/dom.html" | wc -l)"
    check "nothing of the CA ran" grep -q '<title>[0-9]* of [0-9]* orders need' "$T/dom.html"
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$T/browser" \
        --hide-scrollbars --window-size=600,200 --screenshot="$T/shot.png" "file://$T/r.html" 2>/dev/null
    # Unstyled, the page would be white where the verdict has its bar: the policy lets the style in.
    check "the policy lets the style in" python3 - "$T/shot.png" <<'EOT'
import struct, sys, zlib
data, pixels, at = open(sys.argv[1], "rb").read(), b"", 8
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    if kind == b"IHDR":
        width, height, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
    if kind == b"IDAT":
        pixels += data[at + 8:at + 8 + size]
    at += size + 12
raw, step = zlib.decompress(pixels), {2: 3, 6: 4}[colour]
line, before, found = width * step, bytearray(width * step), set()
for y in range(height):
    kind, row = raw[y * (line + 1)], bytearray(raw[y * (line + 1) + 1:(y + 1) * (line + 1)])
    for x in range(line):
        a, b, c = (row[x - step] if x >= step else 0), before[x], (before[x - step] if x >= step else 0)
        p = a + b - c
        guess = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        row[x] = (row[x] + (0, a, b, (a + b) // 2, guess)[kind]) & 255
    found.update(bytes(row[x:x + 3]) for x in range(0, line, step))
    before = row
sys.exit(not any(abs(p[0] - 0xB3) < 24 and p[1] < 40 and p[2] < 60 for p in found) and
         not any(abs(p[0] - 0x8A) < 24 and abs(p[1] - 0x53) < 24 and p[2] < 40 for p in found))
EOT
else
    skip "a real browser shows it" "no chromium is here"
fi

# ---- ten thousand ----
configure
python3 "$DCS_SOURCE_ROOT/tests/support/copies.py" "$T/state" 123 1000000 10000 210
check "ten thousand orders are a page" timeout 120 "$D" report --html "$T/many.html"
check "of the same structure" page "$T/many.html"
check "it names all of them" test "$(page "$T/many.html" --count tr)" -gt 10000
check "folded, so that it opens" test "$(page "$T/many.html" --count details)" -ge 20
check "with few pictures" test "$(page "$T/many.html" --count rect)" -lt 600
check "and is small enough to send" test "$(stat -c %s "$T/many.html")" -lt 10000000
if [ -n "$browser" ]; then
    check "a real browser opens it" bash -c "timeout 120 '$browser' --headless --no-sandbox --disable-gpu --user-data-dir=$T/browser \
        --dump-dom file://$T/many.html 2>/dev/null | grep -c '<tr' | grep -qE '^[0-9]{5}$'"
fi
check "their metrics are sound" bash -c "'$D' status --prometheus --out $T/many.prom && python3 '$DCS_SOURCE_ROOT/tests/support/metrics.py' $T/many.prom"
done_testing

#!/usr/bin/env bash
# Many base matches in little memory: ten million rows that all match, correlated in several ways.
# usage: benchmarks/correlation.sh [SIZE]      default 3100000000 bytes, about ten million rows
set -euo pipefail
cd "$(dirname "$0")/.."
size=${1:-3100000000}
limit=300000000
target=${CARGO_TARGET_DIR:-target}
cargo build --release --locked --quiet -p assay-cli
cargo build --release --locked --quiet -p assay-forge --example forge
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/rules.yml" <<'RULES'
title: Any request
id: 6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2e01
name: request
logsource: {category: webserver}
detection: {s: {cs-method: [GET, POST]}, condition: s}
---
title: Many requests of one user
id: 6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2e02
correlation:
  type: event_count
  rules: [request]
  group-by: [cs-username]
  timespan: 1h
  condition: {gte: 3}
---
title: Addresses in a day
id: 6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2e03
correlation:
  type: value_count
  rules: [request]
  timespan: 1d
  condition: {field: cs-uri-query, gte: 1000}
---
title: Slow in the middle
id: 6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2e04
correlation:
  type: value_median
  rules: [request]
  timespan: 1h
  condition: {field: time-taken, gte: 500}
RULES
mkfifo "$work/u_ex210301.log"
"$target/release/examples/forge" bulk iis "$size" > "$work/u_ex210301.log" 2> "$work/truth.txt" &
"$target/release/assay" assess "$work/u_ex210301.log" --rules "$work/rules.yml" --out "$work/out" | tail -2
wait
python3 - "$work" "$limit" <<'PY'
import json, sys
work, limit = sys.argv[1], int(sys.argv[2])
case = json.load(open(f"{work}/out/_unattributed-1/case.json"))
run = json.load(open(f"{work}/out/_unattributed-1/run.json"))
rows = sum(c["records"] for c in case["coverage"] if c["logsource"].startswith("iis/"))
for f in case["findings"]:
    if f["rule"]["engine"] == "correlation":
        print(f"{f['event_count']:>12} events  {f['rule']['title']}  {f['matched'][-1]['field']} {f['matched'][-1]['value']}")
peak = run["peak_memory_bytes"]
print(f"{rows} rows, {run['seconds']:.0f} s, peak {peak / 1e6:.0f} MB")
print("PASS" if peak < limit else "FAIL", f"peak below {limit / 1e6:.0f} MB")
sys.exit(peak >= limit)
PY

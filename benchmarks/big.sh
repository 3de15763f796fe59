#!/usr/bin/env bash
# Much evidence in little memory: SIZE bytes of valid IIS rows, made on the fly, with an attack in the last one.
# usage: benchmarks/big.sh [SIZE]      default 20000000000
set -euo pipefail
cd "$(dirname "$0")/.."
size=${1:-20000000000}
limit=300000000
target=${CARGO_TARGET_DIR:-target}
cargo build --release --locked --quiet -p assay-cli
cargo build --release --locked --quiet -p assay-forge --example forge
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkfifo "$work/u_ex210301.log"
"$target/release/examples/forge" bulk iis "$size" > "$work/u_ex210301.log" 2> "$work/truth.txt" &
"$target/release/assay" assess "$work/u_ex210301.log" --out "$work/out" | tail -2
wait
python3 - "$work" "$limit" <<'PY'
import json, re, sys
work, limit = sys.argv[1], int(sys.argv[2])
case = json.load(open(f"{work}/out/_unattributed-1/case.json"))
run = json.load(open(f"{work}/out/_unattributed-1/run.json"))
offset = int(re.search(r"attack_offset: (\d+)", open(f"{work}/truth.txt").read()).group(1))
found = any(e["locator"].get("offset") == offset for e in case["events"])
peak = run["peak_memory_bytes"]
print(f"{case['custody'][0]['size']} bytes, {run['seconds']:.0f} s, peak {peak / 1e6:.0f} MB")
print("PASS" if found else "FAIL", f"the attack in the last row, at byte {offset}")
print("PASS" if peak < limit else "FAIL", f"peak below {limit / 1e6:.0f} MB")
sys.exit(not (found and peak < limit))
PY

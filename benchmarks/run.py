#!/usr/bin/env python3
"""Throughput of the whole program beside `cat` of the same file in the same run.

usage: benchmarks/run.py [--mb 500] [--runs 3] [--only evtx] [--before ASSAY] [--out benchmarks/runs/NAME]
Builds the release program (ASSAY names a built one instead), makes inputs with forge (IIS, HttpProxy) and, where the
shared folder is there, dense event logs (ASSAY_SHARED, default ../shared), and prints MB per CPU second and peak memory at
one and two threads. `--before` measures an older build beside it; where `evtx_dump` is on the PATH, so is it on event logs.
Figures are ratios to read, not sizes to plan machines by: forged rows repeat, so caches are flattered. Python 3.8,
standard library.
"""
import argparse, csv, os, platform, resource, shutil, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
ASSAY = os.environ.get("ASSAY", os.path.join(TARGET, "release", "assay"))
FORGE = os.path.join(TARGET, "release", "examples", "forge")


def build():
    if "ASSAY" in os.environ:
        return
    for args in (["-p", "assay-cli"], ["-p", "assay-forge", "--example", "forge"]):
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", *args], cwd=ROOT, check=True)


def inputs(folder, megabytes, only):
    made = {}
    for name, file in (("iis", "u_ex210301.log"), ("httpproxy", "HttpProxy_2021030100-1.LOG")):
        if only not in name:
            continue
        path = os.path.join(folder, name)
        os.mkdir(path)
        with open(os.path.join(path, file), "wb") as out:
            subprocess.run([FORGE, "bulk", name, str(megabytes * 1_000_000)], stdout=out, stderr=subprocess.DEVNULL, check=True)
        made[name] = path
    shared = os.environ.get("ASSAY_SHARED", os.path.join(ROOT, "..", "shared"))
    dense = os.path.join(shared, "tools", "dense_evtx.py")
    if only not in "evtx+sigma":
        pass
    elif os.path.exists(dense):
        path = os.path.join(folder, "evtx")
        subprocess.run([sys.executable, dense, os.path.join(shared, "corpus", "evtx"), path, "--mb", str(megabytes), "--files", "4"],
                       stdout=subprocess.DEVNULL, check=True)
        made["evtx"] = path
        rules = os.path.join(shared, "corpus", "sigma")
        made["evtx+sigma"] = (path, ["--rules", rules])
    else:
        print(f"NOT RUN: evtx: no {dense} (set ASSAY_SHARED)")
    return made


def measure(command):
    """CPU seconds, wall seconds and peak bytes of one run."""
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, command
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss * 1024


def files(path):
    return [os.path.join(d, f) for d, _, names in os.walk(path) for f in sorted(names)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="inputs whose name holds this")
    parser.add_argument("--before", help="an older build of assay")
    parser.add_argument("--out")
    args = parser.parse_args()
    build()
    rows = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        for name, entry in inputs(folder, args.mb, args.only).items():
            path, more = entry if isinstance(entry, tuple) else (entry, [])
            size = sum(os.path.getsize(f) for f in files(path)) / 1e6
            commands = {"cat": ["cat", *files(path)]}
            if name == "evtx" and shutil.which("evtx_dump"):
                commands["evtx_dump -o jsonl -t 1"] = ["sh", "-c", 'for f; do evtx_dump -o jsonl -t 1 "$f" || exit; done', "sh", *files(path)]
            programs = [("assay", ASSAY, (1, 2))] + [("assay before", args.before, (1,))] * bool(args.before)
            for what, program, counts in programs:
                for threads in counts:
                    commands[f"{what}, {threads} thread{'s' * (threads > 1)}"] = [
                        program, "assess", path, "--out", os.path.join(folder, "out"), "--force", "--threads", str(threads), *more]
            for what, command in commands.items():
                measure(command)
                runs = [measure(command) for _ in range(args.runs)]
                cpu, wall, peak = (statistics.median(r[i] for r in runs) for i in range(3))
                rows.append([name, what, f"{size:.0f}", f"{cpu:.2f}", f"{wall:.2f}", f"{size / max(cpu, 0.01):.0f}", f"{peak / 1e6:.0f}"])
            base = float(next(r[3] for r in rows if r[0] == name and r[1] == "cat"))
            for row in rows:
                if row[0] == name:
                    row.append(f"{float(row[3]) / max(base, 0.01):.1f}")
    head = ["input", "command", "MB", "CPU s", "wall s", "MB per CPU s", "peak MB", "x cat (CPU)"]
    widths = [max(len(str(r[i])) for r in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(str(c).ljust(w) for c, w in zip(row, widths)))
    if args.out:
        os.makedirs(args.out)
        with open(os.path.join(args.out, "raw.csv"), "w", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows([head, *rows])
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        with open(os.path.join(args.out, "README.md"), "w") as out:
            out.write(f"# {os.path.basename(args.out)}\n\n`benchmarks/run.py --mb {args.mb} --runs {args.runs}` at {commit}, "
                      f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}; medians of {args.runs}. "
                      "Inputs are forged or repeated: read ratios.\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How often each Sigma rule fires on the shared event logs: assay beside rsigma and Zircolite, record by record.

usage: benchmarks/agreement.py [--work FOLDER] [--zircolite FILE] [--top 20] [--rule ID]
Needs the shared corpus (ASSAY_SHARED, default ../shared). In FOLDER (default ~/.cache/assay-agreement, never in the
checkout) it installs rsigma from the Rust registry and, in a Python environment of its own, the package `evtx`, whose
JSON is flattened for rsigma. Zircolite is not in a registry: --zircolite names the zircolite.py of a checkout whose
requirements are installed in FOLDER/venv; without it that comparison is not run. Every tool gets the same rules (those
for Windows, and `antivirus`) and the same files. A hit is (file, record number, rule); what a tool says several times
of one record counts as often. --rule prints the records of one rule on which the tools differ. Python 3.8, standard
library; docs/sigma-agreement.md explains what it prints.
"""
import argparse, collections, json, os, re, shutil, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("ASSAY_SHARED", os.path.join(ROOT, "..", "shared"))
EVIDENCE = os.path.join(SHARED, "corpus", "evtx")
RULES = os.path.join(SHARED, "corpus", "sigma")
RSIGMA = "0.23.0"
EVTX = "0.14.0"
# What a flattened record is numbered by; no rule has the name, and a number is no keyword.
NUMBER = "assay_number"


def rules(folder):
    """Copies the rules that an event log can be for; gives their titles."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    titles = {}
    for top in ("rules", "rules-emerging-threats", "rules-threat-hunting"):
        for where, _, names in os.walk(os.path.join(RULES, top)):
            for name in sorted(n for n in names if n.endswith(".yml")):
                with open(os.path.join(where, name), encoding="utf-8") as file:
                    text = file.read()
                if re.search(r"^\s+(product: windows|category: antivirus)\s*$", text, re.M):
                    rule = re.search(r"^id: (\S+)", text, re.M).group(1)
                    titles[rule] = re.search(r"^title: (.+)", text, re.M).group(1)
                    shutil.copy(os.path.join(where, name), os.path.join(folder, f"{rule}.yml"))
    return titles


def run(command, log, out=None, cwd=None):
    """Runs a tool; what it says goes to a file."""
    with open(log, "ab") as err, open(out or log, "wb" if out else "ab") as to:
        subprocess.run(command, stdout=to, stderr=err, cwd=cwd, check=True)


def install(work, log):
    rsigma = os.path.join(work, "rsigma", "bin", "rsigma")
    if not os.path.exists(rsigma):
        run(["cargo", "install", "rsigma", "--version", RSIGMA, "--locked", "--root", os.path.join(work, "rsigma")], log)
    python = os.path.join(work, "venv", "bin", "python")
    if not os.path.exists(python):
        run([sys.executable, "-m", "venv", os.path.join(work, "venv")], log)
    if subprocess.run([python, "-c", "import evtx"], stderr=subprocess.DEVNULL).returncode:
        run([python, "-m", "pip", "install", "--quiet", f"evtx=={EVTX}"], log)
    return rsigma, python


# --- assay ---

def assay(work, folder, log):
    build = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "assay-investigate", "--example", "rule_hits"]
    subprocess.run(build, cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    out = os.path.join(work, "assay.tsv")
    run([os.path.join(target, "release", "examples", "rule_hits"), folder, EVIDENCE], log, out)
    hits = collections.Counter()
    with open(out, encoding="utf-8") as lines:
        for line in lines:
            path, record, _, whole, rule = line.rstrip("\n").split("\t")
            hits[os.path.basename(path), record, rule] += 1
    return hits


# --- rsigma ---

FLATTEN = """
import json, os, sys
from evtx import PyEvtxParser
folder, number, out = sys.argv[1], sys.argv[2], open(sys.argv[3], "w")
names, n = open(sys.argv[4], "w"), 0

def text(node):
    return node.get("#text") if isinstance(node, dict) else node

def leaves(node, flat):
    for name, value in node.items():
        if name == "#attributes":
            continue
        if isinstance(value, dict) and "#text" in value:
            value = value["#text"]
        if isinstance(value, dict):
            leaves(value, flat)
        elif value is not None:
            flat.setdefault(name, value)

def flatten(event):
    flat = {}
    for name, body in event.items():
        if name not in ("System", "#attributes", "RenderingInfo") and isinstance(body, dict):
            leaves(body, flat)
    # Sigma strips the blanks of names.
    for name in [name for name in flat if " " in name]:
        flat.setdefault(name.replace(" ", ""), flat[name])
    # What rules for antivirus call them.
    for name, own in (("Signature", "Threat Name"), ("Filename", "Path")):
        if "Threat Name" in flat and own in flat:
            flat.setdefault(name, flat[own])
    system = event["System"]
    for name, element in system.items():
        if isinstance(element, dict):
            for attribute, value in (element.get("#attributes") or {}).items():
                flat.setdefault(name + "_" + attribute, value)
        flat.setdefault(name, text(element))
        # The body may have a field of this name (event 104 names the channel that was cleared).
        if name in ("Channel", "EventID"):
            flat["System_" + name] = text(element)
    return {name: value for name, value in flat.items() if value is not None}

for name in sorted(os.listdir(folder)):
    try:
        for record in PyEvtxParser(os.path.join(folder, name)).records_json():
            event = json.loads(record["data"])["Event"]
            n += 1
            flat = flatten(event)
            flat[number] = n
            out.write(json.dumps(flat) + "\\n")
            names.write("%s\\t%s\\n" % (name, text(event["System"].get("EventRecordID", record["event_record_id"]))))
    except (RuntimeError, OSError) as error:
        print(name, error, file=sys.stderr)
"""


def flattened(work, python, log):
    events, names = os.path.join(work, "flat.jsonl"), os.path.join(work, "flat.tsv")
    run([python, "-c", FLATTEN, EVIDENCE, NUMBER, events, names], log)
    with open(names, encoding="utf-8") as lines:
        return events, [tuple(line.rstrip("\n").split("\t")) for line in lines]


def channel_pipeline(file):
    """A pipeline that ties each log source to the channels and event ids that assay's content gives it first."""
    with open(os.path.join(ROOT, "content", "logsources", "sigma.yaml"), encoding="utf-8") as content:
        text = content.read()
    channels = {name: json.loads(names) for name, names in re.findall(r"^  (\S+):\n    channel: (\[.*\])$", text, re.M)}
    steps = []
    for entry in text.split("  - logsource: ")[1:]:
        source = dict(re.findall(r"(product|category|service): ([\w-]+)", entry.split("}")[0]))
        meant = re.search(r"channels: ([\w-]+)(.*)", entry)
        if not meant:
            continue
        ids = re.search(r"event_id: (\[.*?\])", entry)
        only = re.search(r"only: \{(\w+): \[(.*?)\]", meant.group(2))
        conditions = {"System_Channel": channels[meant.group(1)]}
        if ids:
            conditions["System_EventID"] = json.loads(ids.group(1))
        if only:
            conditions[only.group(1)] = only.group(2).split(", ")
        rule = {"type": "logsource", **source}
        steps.append({"id": f"step{len(steps)}", "type": "add_condition", "conditions": conditions, "rule_conditions": [rule]})
    with open(file, "w", encoding="utf-8") as out:
        json.dump({"name": "channels", "priority": 10, "transformations": steps}, out)
    return file


def rsigma(work, program, folder, events, names, pipeline, log):
    out = os.path.join(work, "rsigma-" + os.path.basename(pipeline) + ".jsonl")
    run([program, "engine", "eval", "-r", folder, "-p", pipeline, "--include-event", "-e", f"@{events}"], log, out)
    hits = collections.Counter()
    with open(out, encoding="utf-8") as lines:
        for line in lines:
            hit = json.loads(line)
            file, record = names[hit["event"][NUMBER] - 1]
            hits[file, record, hit["rule_id"]] += 1
    return hits


# --- Zircolite ---

def zircolite(work, python, script, folder, log):
    home = os.path.dirname(os.path.abspath(script))
    out = os.path.join(work, "zircolite.json")
    run([python, os.path.abspath(script), "-e", os.path.abspath(EVIDENCE), "-r", folder, "-p", "sysmon", "windows-logsources",
         "-o", out, "-l", os.path.join(work, "zircolite.log"), "-q"], log, cwd=home)
    hits = collections.Counter()
    with open(out, encoding="utf-8") as file:
        for rule in json.load(file):
            for match in rule["matches"]:
                record = match.get("EventRecordID") or match.get("EventRecordId")
                hits[os.path.basename(match["OriginalLogfile"]), str(record), rule["id"]] += 1
    return hits


# --- what they say ---

def table(titles, ours, theirs, name, top):
    rows = []
    counts = [collections.Counter() for _ in range(4)]
    for key in ours.keys() | theirs.keys():
        a, b = ours[key], theirs[key]
        for count, n in zip(counts, (a, b, max(a - b, 0), max(b - a, 0))):
            count[key[2]] += n
    for rule in titles:
        only = counts[2][rule], counts[3][rule]
        if any(only):
            rows.append((sum(only), rule, counts[0][rule], counts[1][rule], *only))
    rows.sort(key=lambda row: (-row[0], row[1]))
    total = [sum(count[rule] for rule in titles) for count in counts]
    print(f"\n{name}: assay {total[0]} hits, {name} {total[1]}; both {total[0] - total[2]}, only assay {total[2]}, "
          f"only {name} {total[3]}; {len(rows)} rules differ")
    print(f"{'assay':>7}{'peer':>7}{'-peer':>7}{'-assay':>7}  rule")
    for _, rule, a, b, more, less in rows[:top]:
        print(f"{a:>7}{b:>7}{more:>7}{less:>7}  {rule} {titles[rule]}")


def records(rule, tools):
    for key in sorted({key for hits in tools.values() for key in hits if key[2] == rule}):
        said = {name: hits[key] for name, hits in tools.items()}
        if len(set(said.values())) > 1:
            print(key[0], key[1], said)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default=os.path.expanduser("~/.cache/assay-agreement"))
    parser.add_argument("--zircolite")
    parser.add_argument("--top", type=int, default=20)
    parser.add_argument("--rule")
    args = parser.parse_args()
    if not os.path.isdir(EVIDENCE):
        sys.exit(f"NOT RUN: no {EVIDENCE} (set ASSAY_SHARED)")
    work = os.path.abspath(args.work)
    os.makedirs(work, exist_ok=True)
    log = os.path.join(work, "log.txt")
    folder = os.path.join(work, "rules")
    titles = rules(folder)
    program, python = install(work, log)
    tools = {"assay": assay(work, folder, log)}
    events, names = flattened(work, python, log)
    tools["rsigma"] = rsigma(work, program, folder, events, names, "sysmon", log)
    channels = channel_pipeline(os.path.join(work, "channels.yml"))
    tools["rsigma with channels"] = rsigma(work, program, folder, events, names, channels, log)
    if args.zircolite:
        tools["Zircolite"] = zircolite(work, python, args.zircolite, folder, log)
    else:
        print("NOT RUN: Zircolite (name its zircolite.py with --zircolite)")
    ours = tools["assay"]
    known = collections.Counter({key: n for key, n in ours.items() if key[2] in titles})
    print(f"{len(titles)} rules, {len(os.listdir(EVIDENCE))} files, {len(names)} records flattened")
    for name in list(tools)[1:]:
        table(titles, known, tools[name], name, args.top)
    if args.rule:
        records(args.rule, tools)


if __name__ == "__main__":
    main()

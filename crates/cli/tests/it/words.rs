//! What the program prints beside verdicts, and the contract of what it writes.

use crate::support::{Session, iis_log, tool};

#[test]
fn the_schema_is_the_committed_one() {
    let session = Session::new();
    let ran = session.run(&["schema"]);
    let committed = include_str!("../../../publish/schema/case-1.schema.json");
    assert_eq!((ran.code, ran.out.trim()), (0, committed.trim()));
}

const VALIDATE: &str = "
import glob, json, jsonschema
schema = json.load(open('schema.json'))
jsonschema.Draft202012Validator.check_schema(schema)
check = jsonschema.Draft202012Validator(schema)
cases = glob.glob('out*/*/case.json')
assert len(cases) > 10, cases
for path in cases:
    for error in check.iter_errors(json.load(open(path))):
        raise SystemExit(f'INVALID {path}: {error.message} at {list(error.absolute_path)}')
assert list(check.iter_errors({'schema': 'assay.case/1'})), 'the schema demands nothing'
";

#[test]
fn cases_keep_the_schema() {
    let session = Session::new();
    for scenario in forge::builtin_names() {
        session.forge(scenario, scenario);
        let (from, out) = (format!("{scenario}/evidence"), format!("out-{scenario}"));
        session.run(&["assess", &from, "--out", &out]).ended(0, &[]);
        for host in session.names(&out) {
            // What the types do not know would be lost here.
            let path = format!("{out}/{host}");
            let value: serde_json::Value =
                serde_json::from_slice(&session.read(&format!("{path}/case.json"))).unwrap();
            assert!(serde_json::to_value(session.case(&path)).unwrap() == value, "{path}");
        }
    }
    session.write("schema.json", session.run(&["schema"]).out);
    if !tool(&session, "python3", &["-c", "import jsonschema"]) {
        return;
    }
    let mut command = std::process::Command::new("python3");
    let output = command.args(["-c", VALIDATE]).current_dir(session.path(".")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn formats_names_what_is_read() {
    let ran = Session::new().run(&["formats"]);
    for kind in ["evtx", "json-events", "iis-w3c", "exchange-httpproxy", "test-proxylogon", "7z"] {
        assert!(ran.out.contains(kind), "{kind}");
    }
}

#[test]
fn without_a_terminal_there_is_no_colour_and_no_progress() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    let ran = session.assess(&["u_ex210301.log"]);
    ran.is_inert();
    assert_eq!(ran.err, "");
    assert!(ran.out.starts_with("VERDICT"), "{}", ran.out);
    assert!(ran.out.contains("TOOK"), "{}", ran.out);
}

#[test]
fn help_has_examples_and_exit_codes() {
    let session = Session::new();
    let help = session.run(&["--help"]);
    help.ended(0, &[]);
    assert!(help.out.contains("Exit codes:"));
    for command in [
        "assess",
        "demo",
        "show",
        "rules check",
        "rules list",
        "rules test",
        "rules explain",
        "rules coverage",
    ] {
        let mut words: Vec<&str> = command.split(' ').collect();
        words.push("--help");
        let ran = session.run(&words);
        ran.ended(0, &[]);
        assert!(ran.out.contains("Examples:"), "{command}: {}", ran.out);
        assert!(ran.out.contains(&format!("  assay {command}")), "{command}: {}", ran.out);
    }
    let version = session.run(&["--version"]);
    assert_eq!((version.code, version.out), (0, format!("assay {}\n", env!("CARGO_PKG_VERSION"))));
}

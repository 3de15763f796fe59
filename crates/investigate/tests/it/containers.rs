//! One tree in five containers, made by other tools, gives one verdict.

use std::path::{Path, PathBuf};
use std::process::Command;

use model::case::Case;
use serde_json::Value;

use crate::support::{forged, run, scenario, scratch};

const ZIPS: &str = r"
import os, sys, zipfile
tree, velociraptor, backslash = sys.argv[1:]
with zipfile.ZipFile(velociraptor, 'w', zipfile.ZIP_DEFLATED) as v, zipfile.ZipFile(backslash, 'w', zipfile.ZIP_DEFLATED) as b:
    for folder, _, names in sorted(os.walk(tree)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            parts = os.path.relpath(path, tree).split(os.sep)
            data = open(path, 'rb').read()
            v.writestr('uploads/auto/' + '/'.join([parts[0] + '%3A'] + parts[1:]), data)
            info = zipfile.ZipInfo('x')
            info.filename = '\\'.join(parts)
            info.compress_type = zipfile.ZIP_DEFLATED
            b.writestr(info, data)
";

fn made(program: &str, args: &[&str], folder: &Path) -> bool {
    match Command::new(program).args(args).current_dir(folder).output() {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{program}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            true
        }
        Err(error) => {
            println!("\n*** NOT RUN: {program}: {error} ***\n");
            false
        }
    }
}

/// A case without what may differ: names of containers and places in them, and ids that come from those.
fn essence(case: &Case) -> Value {
    let mut value = serde_json::to_value(case).unwrap();
    let hashes: std::collections::BTreeMap<String, String> =
        case.events.iter().map(|e| (e.id.clone(), format!("{:?} {}", e.time, e.sha256))).collect();
    let object = value.as_object_mut().unwrap();
    object.remove("custody");
    for event in object["events"].as_array_mut().unwrap() {
        let event = event.as_object_mut().unwrap();
        event.remove("item");
        event.remove("locator");
        event.remove("id");
    }
    rename_ids(&mut value, &hashes);
    sort_lists(&mut value);
    value
}

fn rename_ids(value: &mut Value, names: &std::collections::BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text) {
                text.clone_from(name);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|v| rename_ids(v, names)),
        Value::Object(map) => map.values_mut().for_each(|v| rename_ids(v, names)),
        _ => {}
    }
}

fn sort_lists(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(sort_lists);
            list.sort_by_key(ToString::to_string);
        }
        Value::Object(map) => map.values_mut().for_each(sort_lists),
        _ => {}
    }
}

#[test]
fn a_tree_is_judged_the_same_in_every_container() {
    let folder = scratch();
    let tree = forged(&scenario("compromised"), folder.path()).join("EX01");
    let mut containers: Vec<PathBuf> = Vec::new();
    let mut add = |name: &str, made: bool| {
        if made {
            containers.push(folder.path().join(name));
        }
    };
    add("t.tar.gz", made("tar", &["czf", "../../t.tar.gz", "."], &tree));
    add("t.7z", made("7z", &["a", "-mx=1", "../../t.7z", "C"], &tree));
    let zips = made("python3", &["-c", ZIPS, ".", "../../v.zip", "../../b.zip"], &tree);
    add("v.zip", zips);
    add("b.zip", zips);

    let plain = run(&[tree], 2, None, None);
    let [plain] = plain.as_slice() else { panic!("one host") };
    assert_eq!(plain.verdict.headline, "COMPROMISED");
    for container in containers {
        let found = run(std::slice::from_ref(&container), 2, None, None);
        let [case] = found.as_slice() else { panic!("{}: one host", container.display()) };
        let (a, b) = (essence(plain), essence(case));
        for key in a.as_object().unwrap().keys() {
            assert_eq!(a[key], b[key], "{} in {}", key, container.display());
        }
    }
}

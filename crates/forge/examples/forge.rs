//! Writes a scenario to a folder: `cargo run -p assay-forge --example forge -- NAME|FILE FOLDER`,
//! or streams a long log to standard output: `... -- bulk iis|httpproxy BYTES`.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use assay_forge::bulk::{BulkLog, bulk};
use assay_forge::{Scenario, builtin, builtin_names, write_to_folder};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bulk", log, bytes] => {
            let log = if *log == "iis" { BulkLog::Iis } else { BulkLog::HttpProxy };
            let truth = bulk(log, bytes.parse()?, 1, &mut io::stdout().lock())?;
            writeln!(io::stderr(), "{truth:?}")?;
        }
        [name, folder] => {
            let text = match builtin(name) {
                Some(text) => text.to_owned(),
                None => fs_err::read_to_string(name)?,
            };
            let truth = write_to_folder(&Scenario::parse(&text)?, Path::new(folder))?;
            for source in &truth.sources {
                writeln!(
                    io::stdout(),
                    "{:24} {:6} files {:8} records {:10} bytes",
                    source.source.to_string(),
                    source.files,
                    source.records,
                    source.bytes
                )?;
            }
        }
        _ => {
            let names: Vec<&str> = builtin_names().collect();
            writeln!(
                io::stderr(),
                "forge NAME|FILE FOLDER | forge bulk iis|httpproxy BYTES\nnames: {}",
                names.join(" ")
            )?;
        }
    }
    Ok(())
}

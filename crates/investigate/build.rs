//! Packs the content tree into one compressed file that the library embeds, and the samples of its rules into another.

use std::io::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    files.sort();
    let is_sample = |(_, path): &(String, PathBuf)| path.extension().is_some_and(|e| e == "jsonl");
    let (samples, files): (Vec<_>, Vec<_>) = files.into_iter().partition(is_sample);
    pack("content.bin", &files)?;
    pack("samples.bin", &samples)
}

fn pack(name: &str, files: &[(String, PathBuf)]) -> std::io::Result<()> {
    let mut packed = Vec::new();
    for (name, path) in files {
        let bytes = fs_err::read(path)?;
        for part in [name.as_bytes(), &bytes] {
            packed.extend((part.len() as u64).to_le_bytes());
            packed.extend(part);
        }
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join(name);
    let mut encoder =
        flate2::write::ZlibEncoder::new(fs_err::File::create(out)?, flate2::Compression::best());
    encoder.write_all(&packed)?;
    encoder.finish()?;
    Ok(())
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<(String, PathBuf)>) -> std::io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name =
                path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push((name, path));
        }
    }
    Ok(())
}

//! Sigma rules in a zip archive, as rule collections are released: read in memory, within bounds.

use std::io::{Cursor, Read, Seek};
use std::path::Path;

use detect::SourceFile;
use zip::ZipArchive;

/// What a rule file may hold; one byte more is read so that the engine sees that it is too large and says so.
const MAX_MEMBER: u64 = 8 << 20;

/// What the rules of one archive may come to. The largest public collection has about 15 MiB.
const MAX_TOTAL: u64 = 512 << 20;

/// How a zip archive begins that has a member.
const MAGIC: &[u8] = b"PK\x03\x04";

/// Whether a file that was named for its rules is an archive of them; its name does not count.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The members whose names `wanted` takes. Their names are shown and never used as paths. What cannot be read
/// is an error: half of a collection would judge less than its user believes.
pub(crate) fn members(
    bytes: &[u8],
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<SourceFile>, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let mut files = Vec::new();
    let mut total = 0;
    for index in 0..archive.len() {
        if wanted(Path::new(&name(&archive, index)?)) {
            let file = member(&mut archive, index)?;
            total += file.bytes.len() as u64;
            if total > MAX_TOTAL {
                return Err(format!("its rules come to more than {} MiB", MAX_TOTAL >> 20));
            }
            files.push(file);
        }
    }
    Ok(files)
}

fn name<R: Read + Seek>(archive: &ZipArchive<R>, index: usize) -> Result<String, String> {
    match archive.name_for_index(index) {
        Some(Ok(name)) => Ok(name.replace('\\', "/")),
        Some(Err(error)) => Err(format!("the name of member {}: {error}", index + 1)),
        None => Err(format!("member {} is not there", index + 1)),
    }
}

fn member<R: Read + Seek>(archive: &mut ZipArchive<R>, index: usize) -> Result<SourceFile, String> {
    let name = name(archive, index)?;
    let file = archive.by_index(index).map_err(|e| format!("member {name}: {e}"))?;
    let mut bytes = Vec::new();
    // The size that a member states is not believed: it allocates nothing.
    match file.take(MAX_MEMBER + 1).read_to_end(&mut bytes) {
        Ok(_) => Ok(SourceFile { name, bytes }),
        Err(error) => Err(format!("member {name}: {error}")),
    }
}

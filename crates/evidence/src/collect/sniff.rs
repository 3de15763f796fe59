//! What a file is by its first bytes, as far as containers and images are concerned.

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing at all.
    Empty,
    Zip,
    SevenZip,
    Gzip,
    Tar,
    /// A disk image; the word is its format.
    Disk(&'static str),
    /// A memory dump; the word is its format.
    Memory(&'static str),
    /// An archive that this version does not open; the word is its format.
    Packed(&'static str),
    /// None of these.
    Plain,
}

/// Size of a tar block.
pub(crate) const TAR_BLOCK: usize = 512;

const MAGICS: &[(usize, &[u8], Shape)] = &[
    (0, b"PK\x03\x04", Shape::Zip),
    (0, b"PK\x05\x06", Shape::Zip),
    (0, b"PK\x07\x08PK\x03\x04", Shape::Zip),
    (0, b"7z\xbc\xaf\x27\x1c", Shape::SevenZip),
    (0, b"\x1f\x8b\x08", Shape::Gzip),
    (0, b"EVF\x09\x0d\x0a\xff\x00", Shape::Disk("EnCase E01")),
    (0, b"EVF2\x0d\x0a\x81\x00", Shape::Disk("EnCase Ex01")),
    (0, b"LVF\x09\x0d\x0a\xff\x00", Shape::Disk("EnCase L01")),
    (0, b"LEF2\x0d\x0a\x81\x00", Shape::Disk("EnCase Lx01")),
    (0, b"ADSEGMENTEDFILE\x00", Shape::Disk("FTK AD1")),
    (0, b"conectix", Shape::Disk("VHD")),
    (0, b"vhdxfile", Shape::Disk("VHDX")),
    (0, b"KDMV", Shape::Disk("VMDK")),
    (0, b"COWD", Shape::Disk("VMDK")),
    (0, b"# Disk DescriptorFile", Shape::Disk("VMDK")),
    (0, b"QFI\xfb", Shape::Disk("qcow2")),
    (64, b"\x7f\x10\xda\xbe", Shape::Disk("VDI")),
    (3, b"NTFS    ", Shape::Disk("NTFS volume")),
    (3, b"-FVE-FS-", Shape::Disk("BitLocker volume")),
    (512, b"EFI PART", Shape::Disk("raw disk (GPT)")),
    (4096, b"EFI PART", Shape::Disk("raw disk (GPT)")),
    (32769, b"CD001", Shape::Disk("ISO 9660")),
    (0, b"PAGEDU64", Shape::Memory("Windows crash dump")),
    (0, b"PAGEDUMP", Shape::Memory("Windows crash dump")),
    (0, b"EMiL", Shape::Memory("LiME")),
    (0, b"HIBR\x00", Shape::Memory("hibernation file")),
    (0, b"hibr\x00", Shape::Memory("hibernation file")),
    (0, b"Rar!\x1a\x07", Shape::Packed("rar")),
    (0, b"\xfd7zXZ\x00", Shape::Packed("xz")),
    (0, b"\x28\xb5\x2f\xfd", Shape::Packed("zstd")),
    (0, b"BZh", Shape::Packed("bzip2")),
    (0, b"MSCF\x00\x00\x00\x00", Shape::Packed("cab")),
    (0, b"MSWIM\x00\x00\x00", Shape::Packed("wim")),
];

/// Tells the shape of a file from its beginning.
pub(crate) fn shape(prefix: &[u8]) -> Shape {
    if prefix.is_empty() {
        return Shape::Empty;
    }
    if is_tar(prefix) {
        return Shape::Tar;
    }
    let hit = MAGICS
        .iter()
        .find(|(at, magic, _)| prefix.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    match hit {
        Some((_, b"BZh", _)) if !is_bzip2(prefix) => Shape::Plain,
        Some((_, _, shape)) => *shape,
        None if is_boot_record(prefix) => Shape::Disk("raw disk (MBR)"),
        None => Shape::Plain,
    }
}

/// `BZh` alone begins many a word: the block's own magic must follow.
fn is_bzip2(prefix: &[u8]) -> bool {
    prefix.get(4..10).is_some_and(|magic| magic == b"\x31\x41\x59\x26\x53\x59")
}

/// A master boot record with a partition table that could be one, and more than itself behind it.
fn is_boot_record(prefix: &[u8]) -> bool {
    let Some(table) = prefix.get(446..510) else { return false };
    let entries = || table.chunks_exact(16);
    prefix.len() > 4096
        && prefix.get(510..512) == Some(b"\x55\xaa")
        && entries().all(|entry| matches!(entry.first(), Some(0 | 0x80)))
        && entries().any(|entry| entry.get(4).is_some_and(|kind| *kind != 0))
}

/// A block whose stated checksum is its own: no magic is needed, and the oldest tars have none.
pub(crate) fn is_tar(block: &[u8]) -> bool {
    let (Some(block), Some(stated)) = (block.get(..TAR_BLOCK), block.get(148..156)) else {
        return false;
    };
    let sum = |bytes: Option<&[u8]>| -> u64 {
        bytes.unwrap_or_default().iter().map(|b| u64::from(*b)).sum()
    };
    let actual = sum(block.get(..148)) + 8 * u64::from(b' ') + sum(block.get(156..));
    block.first().is_some_and(|b| *b != 0) && octal(stated) == Some(actual)
}

/// An octal number with blanks or zeros around it.
pub(crate) fn octal(field: &[u8]) -> Option<u64> {
    let text = field.split(|b| *b == 0).find(|part| !part.trim_ascii().is_empty())?.trim_ascii();
    text.iter().try_fold(0_u64, |n, b| match b {
        b'0'..=b'7' => n.checked_mul(8)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_tells_the_shape() {
        let mut boot = vec![0_u8; 8192];
        boot[510..512].copy_from_slice(b"\x55\xaa");
        assert_eq!(shape(&boot), Shape::Plain, "no partition");
        boot[450] = 7;
        assert_eq!(shape(&boot), Shape::Disk("raw disk (MBR)"));
        for (bytes, expected) in [
            (&b""[..], Shape::Empty),
            (b"PK\x03\x04....", Shape::Zip),
            (b"EVF\x09\x0d\x0a\xff\x00", Shape::Disk("EnCase E01")),
            (b"PAGEDU64", Shape::Memory("Windows crash dump")),
            (b"BZhang wrote this", Shape::Plain),
            (b"BZh91AY&SY", Shape::Packed("bzip2")),
            (b"#Software: x", Shape::Plain),
            (&[b'0'; 512], Shape::Plain),
        ] {
            assert_eq!(shape(bytes), expected);
        }
    }
}

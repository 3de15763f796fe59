//! Containers: zip, tar, gzip, 7z, nested.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::archive(data);
});

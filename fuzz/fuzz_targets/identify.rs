//! Any bytes under any name: the format is guessed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::any(data);
});

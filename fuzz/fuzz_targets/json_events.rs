//! JSON exports of events.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::file("events.json", data);
});

//! Windows event logs: any bytes behind the magic of a log or of a chunk.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::evtx(data);
});

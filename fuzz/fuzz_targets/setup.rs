//! Exchange Setup logs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::headed("ExchangeSetup.log", assay_fuzz::SETUP_HEAD, data);
});

//! IIS logs behind a sound head.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::headed("u_ex210301.log", assay_fuzz::IIS_HEAD, data);
});

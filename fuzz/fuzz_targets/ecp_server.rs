//! ECP Server logs behind a sound head.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::headed("ECPServer20210301-1.LOG", assay_fuzz::ECP_HEAD, data);
});

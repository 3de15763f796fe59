//! Exchange logs behind a sound head.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::headed("HttpProxy_2021030100-1.LOG", assay_fuzz::HTTPPROXY_HEAD, data);
});

//! The CSV of Test-ProxyLogon behind a sound head.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::headed("EX01-Cve-2021-26855.csv", assay_fuzz::TEST_PROXYLOGON_HEAD, data);
});

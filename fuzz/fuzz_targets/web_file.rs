//! Files that a web server would run.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::file("C/inetpub/wwwroot/x.aspx", data);
});

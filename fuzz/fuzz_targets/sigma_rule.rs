//! Rule files of a user.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::sigma_rule(data);
});

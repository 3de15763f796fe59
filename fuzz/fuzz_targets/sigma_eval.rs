//! A rule and an event: the engine must agree with the plain evaluator.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assay_fuzz::sigma_eval(data);
});

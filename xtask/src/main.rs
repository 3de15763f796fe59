//! House-keeping commands: `cargo xtask ...`.
fn main() {}

//! The binary `cairn`: what a person types.

fn main() {}

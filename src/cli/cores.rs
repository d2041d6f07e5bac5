//! One pool of threads: the one that the kernels are given.
//!
//! candle and tokenizers bring a pool of their own, which they would make as large as the machine. On the CPU only small
//! things are left to them, so theirs gets a single thread, and `threads` under [model] is all that inference takes.

/// Holds the libraries' pool to one thread. Called once, before anything uses it.
pub fn hold_to_one() {
    // Fails only when a pool is there already: then somebody called this twice, and the first call holds.
    drop(rayon::ThreadPoolBuilder::new().num_threads(1).build_global());
}

//! What glibc's allocator keeps for later of memory that was freed: as little as may be, and given back when asked.

/// Gives back what glibc's allocator keeps of freed memory, which may be more than all that is in use after models were put
/// away. Takes milliseconds. Does nothing where there is another allocator.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            // malloc_trim(3): at any time, by any thread; `pad` is how many bytes stay at the top of the heap.
            safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        malloc_trim(0);
    }
}

/// Has all threads share as many heaps as there are processors. glibc would give nearly every thread one of its own, and what
/// one has freed no other may use: a third of what a daemon holds that has nothing to do. Call it before threads begin.
pub fn share_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;
        /// mallopt(3), `malloc.h`.
        const M_ARENA_MAX: c_int = -8;
        unsafe extern "C" {
            // mallopt(3): two numbers go in, and whether they were understood comes out.
            safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        let processors = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
        // Where it is not understood, memory is kept as it would have been.
        let _ = mallopt(M_ARENA_MAX, c_int::try_from(processors).unwrap_or(c_int::MAX));
    }
}

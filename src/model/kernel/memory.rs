//! Memory that was freed and that the allocator keeps for later: given back to the system.

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

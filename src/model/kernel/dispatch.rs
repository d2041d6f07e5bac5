//! Which kernels run here: the best that this CPU has instructions for, found when the program runs.
//!
//! Invariant: a table of kernels is handed out only after `std::is_x86_feature_detected` has found every feature that its
//! functions are compiled with.

use super::{
    attend::{self, Attending},
    cache::{self, Placing},
    dot,
    format::{Float, Format, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0, Unpack, Unpacked},
    matrix::Panels,
    rows::{self, Prepare},
    team::Team,
    tile::{self, Product, by_format},
};

/// A level of instructions, by what it adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// AVX-512 with dot products of small integers.
    Avx512Vnni,
    /// AVX2 with dot products of small integers.
    AvxVnni,
    Avx2,
    /// Whatever the build is for.
    Portable,
}

impl Dispatch {
    pub const ALL: [Dispatch; 4] = [Dispatch::Avx512Vnni, Dispatch::AvxVnni, Dispatch::Avx2, Dispatch::Portable];

    pub fn name(self) -> &'static str {
        match self {
            Dispatch::Avx512Vnni => "avx512-vnni",
            Dispatch::AvxVnni => "avx-vnni",
            Dispatch::Avx2 => "avx2",
            Dispatch::Portable => "portable",
        }
    }

    pub fn named(name: &str) -> Option<Dispatch> {
        Dispatch::ALL.into_iter().find(|d| d.name() == name)
    }

    /// The levels that this CPU has, best first. Never empty: `Portable` is always there.
    pub fn here() -> Vec<Dispatch> {
        Dispatch::ALL.into_iter().filter(|d| d.kernels().is_some()).collect()
    }

    /// The kernels of the best level that this CPU has.
    pub(super) fn best() -> &'static Kernels {
        Dispatch::ALL.into_iter().find_map(Dispatch::kernels).expect("the portable ones are always there")
    }

    #[cfg(target_arch = "x86_64")]
    fn kernels(self) -> Option<&'static Kernels> {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("fma") && has!("f16c");
        let avx512 = avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
        match self {
            Dispatch::Avx512Vnni => (avx512 && has!("avx512vnni")).then_some(&avx512_vnni::KERNELS),
            Dispatch::AvxVnni => (avx2 && has!("avxvnni")).then_some(&avx_vnni::KERNELS),
            Dispatch::Avx2 => avx2.then_some(&avx2::KERNELS),
            Dispatch::Portable => Some(&portable::KERNELS),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn kernels(self) -> Option<&'static Kernels> {
        (self == Dispatch::Portable).then_some(&portable::KERNELS)
    }
}

/// The kernels of one level. Each does one item of a task.
pub(super) struct Kernels {
    pub product: unsafe fn(&Product<'_>, usize),
    pub prepare: unsafe fn(&Prepare<'_>, usize),
    pub place: unsafe fn(&Placing<'_>, usize),
    pub attend: unsafe fn(&Attending<'_>, usize),
    /// Of two rows.
    pub dot: unsafe fn(&[f32], &[f32]) -> f32,
}

macro_rules! kernels {
    ($(#[$when:meta])* $name:ident, $isa:ty, $(#[$features:meta])*, tile: $tile:literal, halves: $halves:literal,
     packed: $packed:literal, queries: $queries:literal) => {
        $(#[$when])*
        mod $name {
            use super::*;

            $(#[$features])*
            unsafe fn product(task: &Product<'_>, item: usize) {
                unsafe { by_format!(task, item, quantized, floats) }
            }

            $(#[$features])*
            unsafe fn quantized<F: Format, U: Unpack<F>>(task: &Product<'_>, blocks: &[F::Block], item: usize) {
                unsafe {
                    if $packed && tile::is_packed(task, item) {
                        packed::<F>(task, blocks, item)
                    } else {
                        tile::unpacked::<$isa, F, U, $tile, $halves>(task, blocks, item)
                    }
                }
            }

            $(#[$features])*
            unsafe fn packed<F: Format>(task: &Product<'_>, blocks: &[F::Block], item: usize) {
                unsafe { tile::packed::<$isa, F, $tile, $halves>(task, blocks, item) }
            }

            $(#[$features])*
            unsafe fn floats<W: Float>(task: &Product<'_>, weights: &[W], item: usize) {
                unsafe { tile::floats::<$isa, W, $tile, $halves>(task, weights, item) }
            }

            $(#[$features])*
            unsafe fn prepare(task: &Prepare<'_>, item: usize) {
                unsafe { rows::prepare::<$isa>(task, item) }
            }

            $(#[$features])*
            unsafe fn place(task: &Placing<'_>, item: usize) {
                unsafe { cache::place::<$isa>(task, item) }
            }

            $(#[$features])*
            unsafe fn attend_to(task: &Attending<'_>, item: usize) {
                unsafe { attend::attend_to::<$isa, $queries>(task, item) }
            }

            $(#[$features])*
            unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
                dot::in_lanes(a, b)
            }

            pub static KERNELS: Kernels = Kernels { product, prepare, place, attend: attend_to, dot };
        }
    };
}

// Tiles are as large as the registers hold: sums of codes, sums in f32, weights and one activation.
kernels!(
    #[cfg(target_arch = "x86_64")]
    avx512_vnni, super::super::isa::X86V4,
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")],
    tile: 6, halves: 2, packed: true, queries: 6
);
kernels!(
    #[cfg(target_arch = "x86_64")]
    avx_vnni, super::super::isa::X86V3<true>, #[target_feature(enable = "avx2,fma,f16c,avxvnni")],
    tile: 3, halves: 1, packed: false, queries: 1
);
kernels!(
    #[cfg(target_arch = "x86_64")]
    avx2, super::super::isa::X86V3<false>, #[target_feature(enable = "avx2,fma,f16c")],
    tile: 2, halves: 1, packed: false, queries: 1
);
kernels!(portable, super::super::isa::Portable, , tile: 2, halves: 1, packed: false, queries: 1);

/// The CPU as inference uses it: its kernels, and the threads that share the work.
pub struct Cpu {
    dispatch: Dispatch,
    kernels: &'static Kernels,
    team: Team,
}

impl Cpu {
    /// The best kernels that this CPU has, on `threads` threads; 0 for one a physical core.
    pub fn new(threads: usize) -> Cpu {
        let best = Dispatch::here()[0];
        Cpu::with(best, threads).expect("a level that is here has kernels")
    }

    /// `None` when this CPU lacks an instruction of `dispatch`.
    pub fn with(dispatch: Dispatch, threads: usize) -> Option<Cpu> {
        let threads = if threads == 0 { physical_cores() } else { threads };
        Some(Cpu { dispatch, kernels: dispatch.kernels()?, team: Team::new(threads) })
    }

    pub fn dispatch(&self) -> Dispatch {
        self.dispatch
    }

    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    pub(super) fn kernels(&self) -> &'static Kernels {
        self.kernels
    }

    /// Does `work(item)` for every item; on all threads when `shared`.
    pub(super) fn run(&self, items: usize, shared: bool, work: &(dyn Fn(usize) + Sync)) {
        if shared && items > 1 && self.threads() > 1 {
            return self.team.run(items, work);
        }
        (0..items).for_each(work);
    }

    /// Does `work(n, chunk)` for each whole chunk of `size` of `all`, on all threads.
    pub(super) fn each_chunk<T: Send>(&self, all: &mut [T], size: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
        struct Start<T>(*mut T);
        // SAFETY: chunks are disjoint, and each item makes a slice of its own chunk alone.
        unsafe impl<T: Send> Sync for Start<T> {}
        impl<T> Start<T> {
            #[allow(clippy::mut_from_ref)] // The contract below is what makes it right.
            /// SAFETY: chunk `n` of `size` lies inside, and nobody else uses it.
            unsafe fn chunk(&self, n: usize, size: usize) -> &mut [T] {
                unsafe { std::slice::from_raw_parts_mut(self.0.add(n * size), size) }
            }
        }
        let chunks = all.len().checked_div(size).unwrap_or(0);
        let start = Start(all.as_mut_ptr());
        self.run(chunks, true, &|n| work(n, unsafe { start.chunk(n, size) }));
    }
}

/// Physical cores, or fewer when the process may not use as many.
fn physical_cores() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    num_cpus::get_physical().clamp(1, allowed)
}

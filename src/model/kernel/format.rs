//! How quantized weights lie in memory, and how a kernel reads them.
//!
//! A matrix `[n, k]` is cut into panels of 32 of its rows, which are columns of the product. Along `k` a panel is cut into
//! groups of 32, and a group's codes lie so that one load brings four neighbours in `k` for each of sixteen columns, the
//! operand of an int8 dot product: eight steps, two halves, 64 codes each. Codes of four bits share a byte with those
//! sixteen further along `k`, which is ggml's own pairing; higher bits lie in planes beside them. Nothing is rounded: a
//! panel holds the numbers of the file (ggml's `ggml-common.h`), only elsewhere.
//!
//! Invariant of every `unsafe fn` here: `panel` points to the blocks of one whole panel, `group` lies inside of it,
//! `half` is 0 or 1, `STEP` below 8, `part` below `PARTS`.

use super::isa::Isa;

/// Columns of a panel.
pub(super) const PANEL: usize = 32;
/// Neighbours in `k` that share a scale.
pub(super) const GROUP: usize = 32;
/// Groups of a block of the K formats.
pub(super) const SUPER: usize = 8;

/// A format of quantized weights: `weight = scale * (code - zero) + min`.
#[allow(clippy::missing_safety_doc)] // One contract for all: see the head of this file.
pub(super) trait Format {
    type Block;
    /// Scales of a group: one, or one for each sixteen.
    const PARTS: usize = 1;
    /// Whether groups have a `min`. Those that have none have a code that stands for zero, a power of two.
    const AFFINE: bool = false;
    /// Whether codes reach 255.
    const WIDE: bool = false;
    /// Bytes of a group, on average.
    const GROUP_BYTES: usize = size_of::<Self::Block>();
    /// Whether it lies in memory rather than in a cache.
    const FROM_MEMORY: bool = true;

    unsafe fn codes<S: Isa, const STEP: usize>(panel: *const Self::Block, group: usize, half: usize) -> S::I;
    unsafe fn scale<S: Isa>(panel: *const Self::Block, group: usize, part: usize, half: usize) -> S::F;
    unsafe fn min<S: Isa>(_panel: *const Self::Block, _group: usize, _half: usize) -> S::F {
        unsafe { S::splat(0.0) }
    }
}

/// Codes of four bits: step `s` in the low halves of bytes, step `s + 4` in the high halves.
#[inline(always)]
unsafe fn nibbles<S: Isa, const STEP: usize>(codes: *const u8, half: usize) -> S::I {
    unsafe {
        let bytes = S::load_i(codes.add((STEP % 4 * 2 + half) * 64));
        if STEP < 4 { S::bits::<0>(bytes, 15) } else { S::bits::<4>(bytes, 15) }
    }
}

/// One bit a code: bit `STEP` of each byte.
#[inline(always)]
unsafe fn fifth_bit<S: Isa, const STEP: usize>(plane: *const u8, half: usize) -> S::I {
    unsafe {
        let bytes = S::load_i(plane.add(half * 64));
        match STEP {
            0 => S::bits::<0>(bytes, 1),
            1 => S::bits::<1>(bytes, 1),
            2 => S::bits::<2>(bytes, 1),
            3 => S::bits::<3>(bytes, 1),
            4 => S::bits::<4>(bytes, 1),
            5 => S::bits::<5>(bytes, 1),
            6 => S::bits::<6>(bytes, 1),
            _ => S::bits::<7>(bytes, 1),
        }
    }
}

/// Two bits a code: bits `2 * (STEP / 2)` of the bytes of plane `STEP % 2`.
#[inline(always)]
unsafe fn two_bits<S: Isa, const STEP: usize>(planes: *const u8, half: usize) -> S::I {
    unsafe {
        let bytes = S::load_i(planes.add((STEP % 2 * 2 + half) * 64));
        match STEP / 2 {
            0 => S::bits::<0>(bytes, 3),
            1 => S::bits::<2>(bytes, 3),
            2 => S::bits::<4>(bytes, 3),
            _ => S::bits::<6>(bytes, 3),
        }
    }
}

macro_rules! blocks {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        #[repr(C, align(64))]
        pub(super) struct $name { $(pub $field: $type),* }

        impl $name {
            // SAFETY: every field is an array of integers, for which all bits zero is a value.
            pub const ZERO: $name = unsafe { std::mem::zeroed() };
        }
    )*};
}

blocks! {
    Q4_0 { scale: [u16; 32], codes: [u8; 512] }
    Q4_1 { scale: [u16; 32], min: [u16; 32], codes: [u8; 512] }
    Q5_0 { scale: [u16; 32], high: [u8; 128], codes: [u8; 512] }
    Q5_1 { scale: [u16; 32], min: [u16; 32], high: [u8; 128], codes: [u8; 512] }
    Q8_0 { scale: [u16; 32], codes: [u8; 1024] }
    /// Eight groups; a group's scale is `scale * factor`, its min `-min * offset`.
    Q4K { scale: [u16; 32], min: [u16; 32], factor: [[u8; 32]; 8], offset: [[u8; 32]; 8], codes: [[u8; 512]; 8] }
    Q5K { scale: [u16; 32], min: [u16; 32], factor: [[u8; 32]; 8], offset: [[u8; 32]; 8], high: [[u8; 128]; 8],
          codes: [[u8; 512]; 8] }
    /// Eight groups with a factor for each sixteen of `k`.
    Q6K { scale: [u16; 32], factor: [[i8; 32]; 16], high: [[u8; 256]; 8], codes: [[u8; 512]; 8] }
}

macro_rules! simple_format {
    ($name:ident, affine: $affine:tt, |$block:ident, $half:ident| $codes:expr) => {
        impl Format for $name {
            type Block = $name;
            const AFFINE: bool = $affine;

            #[inline(always)]
            unsafe fn codes<S: Isa, const STEP: usize>(panel: *const $name, group: usize, $half: usize) -> S::I {
                unsafe {
                    let $block = panel.add(group);
                    $codes
                }
            }

            #[inline(always)]
            unsafe fn scale<S: Isa>(panel: *const $name, group: usize, _part: usize, half: usize) -> S::F {
                unsafe { S::load_f16((&raw const (*panel.add(group)).scale).cast::<u16>().add(half * 16)) }
            }

            simple_format!(@min $affine $name);
        }
    };
    (@min false $name:ident) => {};
    (@min true $name:ident) => {
        #[inline(always)]
        unsafe fn min<S: Isa>(panel: *const $name, group: usize, half: usize) -> S::F {
            unsafe { S::load_f16((&raw const (*panel.add(group)).min).cast::<u16>().add(half * 16)) }
        }
    };
}

simple_format!(Q4_0, affine: false, |b, half| nibbles::<S, STEP>((&raw const (*b).codes).cast(), half));
simple_format!(Q4_1, affine: true, |b, half| nibbles::<S, STEP>((&raw const (*b).codes).cast(), half));
simple_format!(Q5_0, affine: false, |b, half| S::join(
    nibbles::<S, STEP>((&raw const (*b).codes).cast(), half),
    fifth_bit::<S, STEP>((&raw const (*b).high).cast(), half)
));
simple_format!(Q5_1, affine: true, |b, half| S::join(
    nibbles::<S, STEP>((&raw const (*b).codes).cast(), half),
    fifth_bit::<S, STEP>((&raw const (*b).high).cast(), half)
));

impl Format for Q8_0 {
    type Block = Q8_0;
    const WIDE: bool = true;

    #[inline(always)]
    unsafe fn codes<S: Isa, const STEP: usize>(panel: *const Q8_0, group: usize, half: usize) -> S::I {
        unsafe { S::load_i((&raw const (*panel.add(group)).codes).cast::<u8>().add((STEP * 2 + half) * 64)) }
    }

    #[inline(always)]
    unsafe fn scale<S: Isa>(panel: *const Q8_0, group: usize, _part: usize, half: usize) -> S::F {
        unsafe { S::load_f16((&raw const (*panel.add(group)).scale).cast::<u16>().add(half * 16)) }
    }
}

macro_rules! k_format {
    ($name:ident, |$block:ident, $group:ident, $half:ident| $codes:expr) => {
        impl Format for $name {
            type Block = $name;
            const AFFINE: bool = true;
            const GROUP_BYTES: usize = size_of::<$name>() / SUPER;

            #[inline(always)]
            unsafe fn codes<S: Isa, const STEP: usize>(panel: *const $name, group: usize, $half: usize) -> S::I {
                unsafe {
                    let ($block, $group) = (panel.add(group / SUPER), group % SUPER);
                    $codes
                }
            }

            #[inline(always)]
            unsafe fn scale<S: Isa>(panel: *const $name, group: usize, _part: usize, half: usize) -> S::F {
                unsafe {
                    let block = panel.add(group / SUPER);
                    let scale = S::load_f16((&raw const (*block).scale).cast::<u16>().add(half * 16));
                    let factor = (&raw const (*block).factor).cast::<u8>().add(group % SUPER * PANEL + half * 16);
                    S::mul(scale, S::load_u8(factor))
                }
            }

            #[inline(always)]
            unsafe fn min<S: Isa>(panel: *const $name, group: usize, half: usize) -> S::F {
                unsafe {
                    let block = panel.add(group / SUPER);
                    let min = S::load_f16((&raw const (*block).min).cast::<u16>().add(half * 16));
                    let offset = (&raw const (*block).offset).cast::<u8>().add(group % SUPER * PANEL + half * 16);
                    S::sub(S::splat(0.0), S::mul(min, S::load_u8(offset)))
                }
            }
        }
    };
}

k_format!(Q4K, |b, group, half| nibbles::<S, STEP>((&raw const (*b).codes).cast::<u8>().add(group * 512), half));
k_format!(Q5K, |b, group, half| S::join(
    nibbles::<S, STEP>((&raw const (*b).codes).cast::<u8>().add(group * 512), half),
    fifth_bit::<S, STEP>((&raw const (*b).high).cast::<u8>().add(group * 128), half)
));

impl Format for Q6K {
    type Block = Q6K;
    const PARTS: usize = 2;
    const GROUP_BYTES: usize = size_of::<Q6K>() / SUPER;

    #[inline(always)]
    unsafe fn codes<S: Isa, const STEP: usize>(panel: *const Q6K, group: usize, half: usize) -> S::I {
        unsafe {
            let (block, group) = (panel.add(group / SUPER), group % SUPER);
            let low = nibbles::<S, STEP>((&raw const (*block).codes).cast::<u8>().add(group * 512), half);
            S::join(low, two_bits::<S, STEP>((&raw const (*block).high).cast::<u8>().add(group * 256), half))
        }
    }

    #[inline(always)]
    unsafe fn scale<S: Isa>(panel: *const Q6K, group: usize, part: usize, half: usize) -> S::F {
        unsafe {
            let block = panel.add(group / SUPER);
            let scale = S::load_f16((&raw const (*block).scale).cast::<u16>().add(half * 16));
            let factor = (&raw const (*block).factor).cast::<i8>();
            S::mul(scale, S::load_i8(factor.add((group % SUPER * 2 + part) * PANEL + half * 16)))
        }
    }
}

/// A group taken apart for many rows: codes in bytes, scales in f32. One type for all formats that a tile reads alike.
#[repr(C, align(64))]
pub(super) struct Unpacked<const PARTS: usize, const AFFINE: bool, const WIDE: bool> {
    scale: [[f32; PANEL]; PARTS],
    min: [f32; PANEL],
    codes: [u8; GROUP * PANEL],
}

/// A form that panels of `F` are taken apart into.
#[allow(clippy::missing_safety_doc)]
pub(super) trait Unpack<F: Format>: Format<Block = Self> + Sized {
    /// Takes `groups` groups of `panel` apart into `out`, which has room for as many.
    unsafe fn fill<S: Isa>(panel: *const F::Block, groups: usize, out: *mut Self);
}

impl<F: Format, const PARTS: usize, const AFFINE: bool, const WIDE: bool> Unpack<F> for Unpacked<PARTS, AFFINE, WIDE> {
    #[inline(always)]
    unsafe fn fill<S: Isa>(panel: *const F::Block, groups: usize, out: *mut Self) {
        const { assert!(F::PARTS == PARTS && F::AFFINE == AFFINE && F::WIDE == WIDE) };
        macro_rules! steps {
            ($codes:ident, $group:ident, $($step:literal)*) => {$(
                for half in 0..2 {
                    S::store_i($codes.add(($step * 2 + half) * 64), F::codes::<S, $step>(panel, $group, half));
                }
            )*};
        }
        unsafe {
            for group in 0..groups {
                let to = out.add(group);
                let codes = (&raw mut (*to).codes).cast::<u8>();
                steps!(codes, group, 0 1 2 3 4 5 6 7);
                for half in 0..2 {
                    for part in 0..PARTS {
                        let scale = (&raw mut (*to).scale).cast::<f32>().add(part * PANEL + half * 16);
                        S::store(scale, F::scale::<S>(panel, group, part, half));
                    }
                    if AFFINE {
                        let min = (&raw mut (*to).min).cast::<f32>().add(half * 16);
                        S::store(min, F::min::<S>(panel, group, half));
                    }
                }
            }
        }
    }
}

impl<const PARTS: usize, const AFFINE: bool, const WIDE: bool> Format for Unpacked<PARTS, AFFINE, WIDE> {
    type Block = Self;
    const PARTS: usize = PARTS;
    const AFFINE: bool = AFFINE;
    const WIDE: bool = WIDE;
    const FROM_MEMORY: bool = false;

    #[inline(always)]
    unsafe fn codes<S: Isa, const STEP: usize>(panel: *const Self, group: usize, half: usize) -> S::I {
        unsafe { S::load_i((&raw const (*panel.add(group)).codes).cast::<u8>().add((STEP * 2 + half) * 64)) }
    }

    #[inline(always)]
    unsafe fn scale<S: Isa>(panel: *const Self, group: usize, part: usize, half: usize) -> S::F {
        unsafe { S::load((&raw const (*panel.add(group)).scale).cast::<f32>().add(part * PANEL + half * 16)) }
    }

    #[inline(always)]
    unsafe fn min<S: Isa>(panel: *const Self, group: usize, half: usize) -> S::F {
        unsafe { S::load((&raw const (*panel.add(group)).min).cast::<f32>().add(half * 16)) }
    }
}

/// Weights that are floating-point numbers: `k` times 32 of them a panel, the columns side by side.
#[allow(clippy::missing_safety_doc)]
pub(super) trait Float: Copy {
    /// Sixteen neighbours from `p` on.
    unsafe fn load<S: Isa>(p: *const Self) -> S::F;
}

impl Float for f32 {
    #[inline(always)]
    unsafe fn load<S: Isa>(p: *const f32) -> S::F {
        unsafe { S::load(p) }
    }
}

impl Float for half::f16 {
    #[inline(always)]
    unsafe fn load<S: Isa>(p: *const half::f16) -> S::F {
        unsafe { S::load_f16(p.cast()) }
    }
}

impl Float for half::bf16 {
    #[inline(always)]
    unsafe fn load<S: Isa>(p: *const half::bf16) -> S::F {
        unsafe { S::load_bf16(p.cast()) }
    }
}

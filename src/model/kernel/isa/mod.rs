//! What the kernels ask of a CPU: sixteen lanes of 32 bits, and a few things to do with them.
//!
//! Every kernel is written once, over `Isa`, and compiled once for each implementation. Invariants of all
//! implementations: a method is called only from code compiled with the features of its implementation (`super::dispatch`
//! checks them before it hands a table of kernels out), every pointer is valid for the bytes that the method's name says,
//! and none needs to be aligned.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86_256;
#[cfg(target_arch = "x86_64")]
mod x86_512;

pub(super) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(super) use {x86_256::X86V3, x86_512::X86V4};

/// Sixteen 32-bit lanes. `I` holds sixteen integers, or sixty-four codes of one byte, or thirty-two numbers of 16 bits in pairs.
#[allow(clippy::missing_safety_doc)] // One contract for all: see the head of this file.
pub(super) trait Isa: Copy + 'static {
    type I: Copy;
    type F: Copy;

    /// Asks for the 64 bytes at `p`, which need not exist, to be brought near.
    #[inline(always)]
    unsafe fn prefetch(_p: *const u8) {}

    unsafe fn splat_i(x: i32) -> Self::I;
    /// Four bytes of activations (or two numbers of 16 bits), repeated in every lane.
    unsafe fn repeat(p: *const u8) -> Self::I;
    unsafe fn load_i(p: *const u8) -> Self::I;
    unsafe fn store_i(p: *mut u8, x: Self::I);
    /// Each lane shifted left.
    unsafe fn shift_left(x: Self::I, bits: u32) -> Self::I;
    /// Of each byte, the bits from `SHIFT` on that `mask` keeps.
    unsafe fn bits<const SHIFT: u32>(x: Self::I, mask: u8) -> Self::I;
    /// Bytes of at most four bits joined by higher bits: `low | high << 4`.
    unsafe fn join(low: Self::I, high: Self::I) -> Self::I;
    /// In each lane, `acc` and the four products of unsigned `codes` and signed `x`. Codes reach 255 when `WIDE`, else 127.
    unsafe fn dot<const WIDE: bool>(acc: Self::I, codes: Self::I, x: Self::I) -> Self::I;
    unsafe fn to_f(x: Self::I) -> Self::F;

    unsafe fn splat(x: f32) -> Self::F;
    unsafe fn load(p: *const f32) -> Self::F;
    unsafe fn store(p: *mut f32, x: Self::F);
    unsafe fn load_f16(p: *const u16) -> Self::F;
    unsafe fn load_bf16(p: *const u16) -> Self::F;
    unsafe fn load_u8(p: *const u8) -> Self::F;
    unsafe fn load_i8(p: *const i8) -> Self::F;
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn abs(a: Self::F) -> Self::F;
    /// `a * b + c`
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The nearest whole numbers, and two to their power. `x` lies within ±126.
    unsafe fn round_and_power(x: Self::F) -> (Self::F, Self::F);
    unsafe fn sum(x: Self::F) -> f32;
    unsafe fn largest(x: Self::F) -> f32;
    /// Writes the nearest whole numbers, which lie within ±127, as sixteen bytes, and returns their sum.
    unsafe fn store_i8(p: *mut i8, x: Self::F) -> i32;
    /// Writes thirty-two nearest whole numbers, which lie within 16 bits, `low` first.
    unsafe fn store_i16(p: *mut i16, low: Self::F, high: Self::F);
    /// Thirty-two nearest whole numbers of 16 bits, lane by lane: `low` in the low half.
    unsafe fn pair_i16(low: Self::F, high: Self::F) -> Self::I;
    /// Thirty-two bytes at `p` as numbers of 16 bits.
    unsafe fn widen(p: *const u8) -> Self::I;
    /// In each lane, `acc` and the two products of a pair of 16-bit numbers.
    unsafe fn dot_i16(acc: Self::I, pairs: Self::I, x: Self::I) -> Self::I;
    /// Lane `i` when `first + i <= last`, else `hidden`.
    unsafe fn hide_after(x: Self::F, first: i32, last: i32, hidden: f32) -> Self::F;

    /// Two to the power of `x`, to two units in the last place; 2^-126 for what is below. Cephes' `exp2f`.
    #[inline(always)]
    unsafe fn exp2(x: Self::F) -> Self::F {
        unsafe {
            let x = Self::max(x, Self::splat(-126.0));
            let (whole, power) = Self::round_and_power(x);
            let f = Self::sub(x, whole);
            let mut p = Self::splat(1.535_336_2e-4);
            for c in [1.339_887_4e-3, 9.618_437e-3, 5.550_332_5e-2, 2.402_264_8e-1, 6.931_472e-1, 1.0] {
                p = Self::fma(p, f, Self::splat(c));
            }
            Self::mul(p, power)
        }
    }
}

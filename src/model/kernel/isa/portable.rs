//! The lanes as arrays, for every CPU: what the other implementations are checked against.

use half::{bf16, f16};

use super::Isa;

/// Plain Rust, left to the compiler.
#[derive(Clone, Copy)]
pub struct Portable;

type I = [i32; 16];
type F = [f32; 16];

#[inline(always)]
fn each<T: Copy, U: Copy + Default>(x: [T; 16], f: impl Fn(T) -> U) -> [U; 16] {
    let mut y = [U::default(); 16];
    for i in 0..16 {
        y[i] = f(x[i]);
    }
    y
}

#[inline(always)]
fn both(a: F, b: F, f: impl Fn(f32, f32) -> f32) -> F {
    let mut y = [0.0; 16];
    for i in 0..16 {
        y[i] = f(a[i], b[i]);
    }
    y
}

impl Isa for Portable {
    type I = I;
    type F = F;

    #[inline(always)]
    unsafe fn splat_i(x: i32) -> I {
        [x; 16]
    }
    #[inline(always)]
    unsafe fn repeat(p: *const u8) -> I {
        [unsafe { p.cast::<i32>().read_unaligned() }; 16]
    }
    #[inline(always)]
    unsafe fn load_i(p: *const u8) -> I {
        unsafe { p.cast::<I>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_i(p: *mut u8, x: I) {
        unsafe { p.cast::<I>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn shift_left(x: I, bits: u32) -> I {
        each(x, |x| x << bits)
    }
    #[inline(always)]
    unsafe fn bits<const SHIFT: u32>(x: I, mask: u8) -> I {
        each(x, |x| ((x as u32 >> SHIFT) & u32::from_ne_bytes([mask; 4])) as i32)
    }
    #[inline(always)]
    unsafe fn join(low: I, high: I) -> I {
        let mut y = low;
        for i in 0..16 {
            y[i] |= high[i] << 4;
        }
        y
    }
    #[inline(always)]
    unsafe fn dot<const WIDE: bool>(acc: I, codes: I, x: I) -> I {
        let mut y = acc;
        for i in 0..16 {
            let (codes, x) = (codes[i].to_le_bytes(), x[i].to_le_bytes());
            for j in 0..4 {
                y[i] += i32::from(codes[j]) * i32::from(x[j] as i8);
            }
        }
        y
    }
    #[inline(always)]
    unsafe fn to_f(x: I) -> F {
        each(x, |x| x as f32)
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> F {
        [x; 16]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> F {
        unsafe { p.cast::<F>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: F) {
        unsafe { p.cast::<F>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn load_f16(p: *const u16) -> F {
        each(unsafe { p.cast::<[u16; 16]>().read_unaligned() }, |x| f16::from_bits(x).to_f32())
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> F {
        each(unsafe { p.cast::<[u16; 16]>().read_unaligned() }, |x| bf16::from_bits(x).to_f32())
    }
    #[inline(always)]
    unsafe fn load_u8(p: *const u8) -> F {
        each(unsafe { p.cast::<[u8; 16]>().read_unaligned() }, f32::from)
    }
    #[inline(always)]
    unsafe fn load_i8(p: *const i8) -> F {
        each(unsafe { p.cast::<[i8; 16]>().read_unaligned() }, f32::from)
    }
    #[inline(always)]
    unsafe fn add(a: F, b: F) -> F {
        both(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: F, b: F) -> F {
        both(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: F, b: F) -> F {
        both(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(a: F, b: F) -> F {
        both(a, b, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn max(a: F, b: F) -> F {
        both(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn abs(a: F) -> F {
        each(a, f32::abs)
    }
    #[inline(always)]
    unsafe fn fma(a: F, b: F, c: F) -> F {
        // Not `mul_add`: without the instruction it is a call for each lane.
        both(both(a, b, |a, b| a * b), c, |ab, c| ab + c)
    }
    #[inline(always)]
    unsafe fn round_and_power(x: F) -> (F, F) {
        let whole = each(x, f32::round_ties_even);
        (whole, each(whole, |n| f32::from_bits(((n as i32).wrapping_add(127) as u32) << 23)))
    }
    #[inline(always)]
    unsafe fn sum(x: F) -> f32 {
        x.iter().sum()
    }
    #[inline(always)]
    unsafe fn largest(x: F) -> f32 {
        x.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b))
    }
    #[inline(always)]
    unsafe fn store_i8(p: *mut i8, x: F) -> i32 {
        let whole = each(x, |x| x.round_ties_even() as i8);
        unsafe { p.cast::<[i8; 16]>().write_unaligned(whole) };
        whole.iter().map(|&x| i32::from(x)).sum()
    }
    #[inline(always)]
    unsafe fn store_i16(p: *mut i16, low: F, high: F) {
        unsafe {
            p.cast::<[i16; 16]>().write_unaligned(each(low, |x| x.round_ties_even() as i16));
            p.add(16).cast::<[i16; 16]>().write_unaligned(each(high, |x| x.round_ties_even() as i16));
        }
    }
    #[inline(always)]
    unsafe fn pair_i16(low: F, high: F) -> I {
        let mut y = each(low, |x| x.round_ties_even() as i32 & 0xffff);
        for i in 0..16 {
            y[i] |= (high[i].round_ties_even() as i32) << 16;
        }
        y
    }
    #[inline(always)]
    unsafe fn widen(p: *const u8) -> I {
        let pairs = unsafe { p.cast::<[[i8; 2]; 16]>().read_unaligned() };
        let mut y = [0; 16];
        for i in 0..16 {
            y[i] = i32::from(pairs[i][0]) & 0xffff | i32::from(pairs[i][1]) << 16;
        }
        y
    }
    #[inline(always)]
    unsafe fn dot_i16(acc: I, pairs: I, x: I) -> I {
        let (low, high) = (|x: i32| i32::from(x as i16), |x: i32| x >> 16);
        let mut y = acc;
        for i in 0..16 {
            // Sums wrap, as those of the instructions do: only numbers that are none take them so far.
            y[i] = y[i].wrapping_add(low(pairs[i]) * low(x[i])).wrapping_add(high(pairs[i]) * high(x[i]));
        }
        y
    }
    #[inline(always)]
    unsafe fn hide_after(x: F, first: i32, last: i32, hidden: f32) -> F {
        let mut y = x;
        for (i, y) in y.iter_mut().enumerate() {
            *y = if first + i as i32 > last { hidden } else { *y };
        }
        y
    }
}

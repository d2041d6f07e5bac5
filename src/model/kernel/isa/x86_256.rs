//! x86-64 with AVX2, FMA and F16C, with dot products of 8 and 16 bits (AVX-VNNI) or without. Sixteen lanes are two registers.

use std::arch::x86_64::*;

use super::Isa;

/// Haswell, Zen and later; `VNNI` where the CPU has the dot products for 256 bits.
#[derive(Clone, Copy)]
pub struct X86V3<const VNNI: bool>;

type I = [__m256i; 2];
type F = [__m256; 2];

#[inline(always)]
fn each<T: Copy, U>(x: [T; 2], f: impl Fn(T) -> U) -> [U; 2] {
    [f(x[0]), f(x[1])]
}

#[inline(always)]
fn both<T: Copy, U: Copy, V>(a: [T; 2], b: [U; 2], f: impl Fn(T, U) -> V) -> [V; 2] {
    [f(a[0], b[0]), f(a[1], b[1])]
}

impl<const VNNI: bool> Isa for X86V3<VNNI> {
    type I = I;
    type F = F;

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
    #[inline(always)]
    unsafe fn splat_i(x: i32) -> I {
        unsafe { [_mm256_set1_epi32(x); 2] }
    }
    #[inline(always)]
    unsafe fn repeat(p: *const u8) -> I {
        unsafe { [_mm256_set1_epi32(p.cast::<i32>().read_unaligned()); 2] }
    }
    #[inline(always)]
    unsafe fn load_i(p: *const u8) -> I {
        unsafe { [_mm256_loadu_si256(p.cast()), _mm256_loadu_si256(p.add(32).cast())] }
    }
    #[inline(always)]
    unsafe fn store_i(p: *mut u8, x: I) {
        unsafe {
            _mm256_storeu_si256(p.cast(), x[0]);
            _mm256_storeu_si256(p.add(32).cast(), x[1]);
        }
    }
    #[inline(always)]
    unsafe fn shift_left(x: I, bits: u32) -> I {
        unsafe { each(x, |x| _mm256_sll_epi32(x, _mm_cvtsi32_si128(bits as i32))) }
    }
    #[inline(always)]
    unsafe fn bits<const SHIFT: u32>(x: I, mask: u8) -> I {
        unsafe {
            let (mask, shift) = (_mm256_set1_epi8(mask as i8), _mm_cvtsi32_si128(SHIFT as i32));
            each(x, |x| _mm256_and_si256(_mm256_srl_epi16(x, shift), mask))
        }
    }
    #[inline(always)]
    unsafe fn join(low: I, high: I) -> I {
        unsafe { both(low, high, |low, high| _mm256_or_si256(low, _mm256_slli_epi16::<4>(high))) }
    }
    #[inline(always)]
    unsafe fn dot<const WIDE: bool>(acc: I, codes: I, x: I) -> I {
        unsafe {
            if VNNI {
                return [
                    _mm256_dpbusd_avx_epi32(acc[0], codes[0], x[0]),
                    _mm256_dpbusd_avx_epi32(acc[1], codes[1], x[1]),
                ];
            }
            // `maddubs` adds two products in 16 bits: codes of seven bits cannot overflow there, the eighth goes alone.
            let pairs = |codes, x, by| _mm256_madd_epi16(_mm256_maddubs_epi16(codes, x), _mm256_set1_epi16(by));
            if !WIDE {
                return [
                    _mm256_add_epi32(acc[0], pairs(codes[0], x[0], 1)),
                    _mm256_add_epi32(acc[1], pairs(codes[1], x[1], 1)),
                ];
            }
            let seven = _mm256_set1_epi8(0x7f);
            let one = |acc, codes, x| {
                let eighth = _mm256_and_si256(_mm256_srli_epi16::<7>(codes), _mm256_set1_epi8(1));
                let low = _mm256_add_epi32(acc, pairs(_mm256_and_si256(codes, seven), x, 1));
                _mm256_add_epi32(low, pairs(eighth, x, 128))
            };
            [one(acc[0], codes[0], x[0]), one(acc[1], codes[1], x[1])]
        }
    }
    #[inline(always)]
    unsafe fn to_f(x: I) -> F {
        unsafe { each(x, |x| _mm256_cvtepi32_ps(x)) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> F {
        unsafe { [_mm256_set1_ps(x); 2] }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> F {
        unsafe { [_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))] }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: F) {
        unsafe {
            _mm256_storeu_ps(p, x[0]);
            _mm256_storeu_ps(p.add(8), x[1]);
        }
    }
    #[inline(always)]
    unsafe fn load_f16(p: *const u16) -> F {
        unsafe { [_mm256_cvtph_ps(_mm_loadu_si128(p.cast())), _mm256_cvtph_ps(_mm_loadu_si128(p.add(8).cast()))] }
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> F {
        unsafe {
            let wide = |p: *const u16| {
                let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
            };
            [wide(p), wide(p.add(8))]
        }
    }
    #[inline(always)]
    unsafe fn load_u8(p: *const u8) -> F {
        unsafe {
            let wide = |p: *const u8| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast())));
            [wide(p), wide(p.add(8))]
        }
    }
    #[inline(always)]
    unsafe fn load_i8(p: *const i8) -> F {
        unsafe {
            let wide = |p: *const i8| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p.cast())));
            [wide(p), wide(p.add(8))]
        }
    }
    #[inline(always)]
    unsafe fn add(a: F, b: F) -> F {
        unsafe { both(a, b, |a, b| _mm256_add_ps(a, b)) }
    }
    #[inline(always)]
    unsafe fn sub(a: F, b: F) -> F {
        unsafe { both(a, b, |a, b| _mm256_sub_ps(a, b)) }
    }
    #[inline(always)]
    unsafe fn mul(a: F, b: F) -> F {
        unsafe { both(a, b, |a, b| _mm256_mul_ps(a, b)) }
    }
    #[inline(always)]
    unsafe fn div(a: F, b: F) -> F {
        unsafe { both(a, b, |a, b| _mm256_div_ps(a, b)) }
    }
    #[inline(always)]
    unsafe fn max(a: F, b: F) -> F {
        unsafe { both(a, b, |a, b| _mm256_max_ps(a, b)) }
    }
    #[inline(always)]
    unsafe fn abs(a: F) -> F {
        unsafe { each(a, |a| _mm256_andnot_ps(_mm256_set1_ps(-0.0), a)) }
    }
    #[inline(always)]
    unsafe fn fma(a: F, b: F, c: F) -> F {
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }
    #[inline(always)]
    unsafe fn round_and_power(x: F) -> (F, F) {
        unsafe {
            let whole = each(x, |x| _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x));
            let power = each(whole, |n| {
                let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
            });
            (whole, power)
        }
    }
    #[inline(always)]
    unsafe fn sum(x: F) -> f32 {
        unsafe {
            let mut lanes = [0f32; 8];
            _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_add_ps(x[0], x[1]));
            lanes.iter().sum()
        }
    }
    #[inline(always)]
    unsafe fn largest(x: F) -> f32 {
        unsafe {
            let mut lanes = [0f32; 8];
            _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_max_ps(x[0], x[1]));
            lanes.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b))
        }
    }
    #[inline(always)]
    unsafe fn store_i8(p: *mut i8, x: F) -> i32 {
        unsafe {
            let whole = each(x, |x| _mm256_cvtps_epi32(x));
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(whole[0], whole[1]));
            let bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(p.cast(), bytes);
            let mut lanes = [0i32; 8];
            _mm256_storeu_si256(lanes.as_mut_ptr().cast(), _mm256_add_epi32(whole[0], whole[1]));
            lanes.iter().sum()
        }
    }
    #[inline(always)]
    unsafe fn store_i16(p: *mut i16, low: F, high: F) {
        unsafe {
            for (i, x) in [low, high].into_iter().enumerate() {
                let packed = _mm256_packs_epi32(_mm256_cvtps_epi32(x[0]), _mm256_cvtps_epi32(x[1]));
                // Packing works within halves of a register; the permutation puts the four quarters in order.
                let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
                _mm256_storeu_si256(p.add(16 * i).cast(), words);
            }
        }
    }
    #[inline(always)]
    unsafe fn pair_i16(low: F, high: F) -> I {
        unsafe {
            both(low, high, |low, high| {
                let low = _mm256_and_si256(_mm256_cvtps_epi32(low), _mm256_set1_epi32(0xffff));
                _mm256_or_si256(low, _mm256_slli_epi32::<16>(_mm256_cvtps_epi32(high)))
            })
        }
    }
    #[inline(always)]
    unsafe fn widen(p: *const u8) -> I {
        unsafe {
            let half = |p: *const u8| _mm256_cvtepi8_epi16(_mm_loadu_si128(p.cast()));
            [half(p), half(p.add(16))]
        }
    }
    #[inline(always)]
    unsafe fn dot_i16(acc: I, pairs: I, x: I) -> I {
        unsafe {
            if VNNI {
                return [
                    _mm256_dpwssd_avx_epi32(acc[0], pairs[0], x[0]),
                    _mm256_dpwssd_avx_epi32(acc[1], pairs[1], x[1]),
                ];
            }
            [
                _mm256_add_epi32(acc[0], _mm256_madd_epi16(pairs[0], x[0])),
                _mm256_add_epi32(acc[1], _mm256_madd_epi16(pairs[1], x[1])),
            ]
        }
    }
    #[inline(always)]
    unsafe fn hide_after(x: F, first: i32, last: i32, hidden: f32) -> F {
        unsafe {
            let last = _mm256_set1_epi32(last - first);
            let lane = [_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)];
            both(x, lane, |x, lane| {
                let later = _mm256_castsi256_ps(_mm256_cmpgt_epi32(lane, last));
                _mm256_blendv_ps(x, _mm256_set1_ps(hidden), later)
            })
        }
    }
}

//! x86-64 with AVX-512 and its dot products of 8 and 16 bits (VNNI).

use std::arch::x86_64::*;

use super::Isa;

/// Ice Lake, Zen 4 and later.
#[derive(Clone, Copy)]
pub struct X86V4;

impl Isa for X86V4 {
    type I = __m512i;
    type F = __m512;

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
    #[inline(always)]
    unsafe fn splat_i(x: i32) -> __m512i {
        unsafe { _mm512_set1_epi32(x) }
    }
    #[inline(always)]
    unsafe fn repeat(p: *const u8) -> __m512i {
        unsafe { _mm512_set1_epi32(p.cast::<i32>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn load_i(p: *const u8) -> __m512i {
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_i(p: *mut u8, x: __m512i) {
        unsafe { _mm512_storeu_si512(p.cast(), x) }
    }
    #[inline(always)]
    unsafe fn shift_left(x: __m512i, bits: u32) -> __m512i {
        unsafe { _mm512_sll_epi32(x, _mm_cvtsi32_si128(bits as i32)) }
    }
    #[inline(always)]
    unsafe fn bits<const SHIFT: u32>(x: __m512i, mask: u8) -> __m512i {
        unsafe { _mm512_and_si512(_mm512_srli_epi16::<SHIFT>(x), _mm512_set1_epi8(mask as i8)) }
    }
    #[inline(always)]
    unsafe fn join(low: __m512i, high: __m512i) -> __m512i {
        unsafe { _mm512_or_si512(low, _mm512_slli_epi16::<4>(high)) }
    }
    #[inline(always)]
    unsafe fn dot<const WIDE: bool>(acc: __m512i, codes: __m512i, x: __m512i) -> __m512i {
        unsafe { _mm512_dpbusd_epi32(acc, codes, x) }
    }
    #[inline(always)]
    unsafe fn to_f(x: __m512i) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(x) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: __m512) {
        unsafe { _mm512_storeu_ps(p, x) }
    }
    #[inline(always)]
    unsafe fn load_f16(p: *const u16) -> __m512 {
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(p.cast())) }
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> __m512 {
        unsafe {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
        }
    }
    #[inline(always)]
    unsafe fn load_u8(p: *const u8) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(p.cast()))) }
    }
    #[inline(always)]
    unsafe fn load_i8(p: *const i8) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p.cast()))) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn abs(a: __m512) -> __m512 {
        unsafe { _mm512_abs_ps(a) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn round_and_power(x: __m512) -> (__m512, __m512) {
        unsafe {
            let whole = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
            (whole, _mm512_scalef_ps(_mm512_set1_ps(1.0), whole))
        }
    }
    #[inline(always)]
    unsafe fn sum(x: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(x) }
    }
    #[inline(always)]
    unsafe fn largest(x: __m512) -> f32 {
        unsafe { _mm512_reduce_max_ps(x) }
    }
    #[inline(always)]
    unsafe fn store_i8(p: *mut i8, x: __m512) -> i32 {
        unsafe {
            let whole = _mm512_cvtps_epi32(x);
            _mm_storeu_si128(p.cast(), _mm512_cvtepi32_epi8(whole));
            _mm512_reduce_add_epi32(whole)
        }
    }
    #[inline(always)]
    unsafe fn store_i16(p: *mut i16, low: __m512, high: __m512) {
        unsafe {
            _mm256_storeu_si256(p.cast(), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(low)));
            _mm256_storeu_si256(p.add(16).cast(), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(high)));
        }
    }
    #[inline(always)]
    unsafe fn pair_i16(low: __m512, high: __m512) -> __m512i {
        unsafe {
            let low = _mm512_and_si512(_mm512_cvtps_epi32(low), _mm512_set1_epi32(0xffff));
            _mm512_or_si512(low, _mm512_slli_epi32::<16>(_mm512_cvtps_epi32(high)))
        }
    }
    #[inline(always)]
    unsafe fn widen(p: *const u8) -> __m512i {
        unsafe { _mm512_cvtepi8_epi16(_mm256_loadu_si256(p.cast())) }
    }
    #[inline(always)]
    unsafe fn dot_i16(acc: __m512i, pairs: __m512i, x: __m512i) -> __m512i {
        unsafe { _mm512_dpwssd_epi32(acc, pairs, x) }
    }
    #[inline(always)]
    unsafe fn hide_after(x: __m512, first: i32, last: i32, hidden: f32) -> __m512 {
        unsafe {
            let lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let later = _mm512_cmpgt_epi32_mask(lane, _mm512_set1_epi32(last - first));
            _mm512_mask_mov_ps(x, later, _mm512_set1_ps(hidden))
        }
    }
}

//! A row's result is the same, bit for bit, whatever rows are with it, however a text is cut, and on any number of threads.

use proptest::prelude::*;

use super::{
    super::{Finish, Heads, LayerCache, Span},
    FORMATS, Random, Weights,
    attention::{Text, rotary},
    block, check_same_bits, cpu, levels, plain_rows,
};
use crate::model::kernel::Dispatch;

#[test]
fn a_row_of_a_product_is_the_same_alone_and_among_others() {
    let random = &mut Random(1);
    for dtype in FORMATS {
        // 40 rows are unpacked and end in tiles of every size; twelve and fewer are read packed.
        let weights = Weights::random(dtype, 45, block(dtype).max(96), random);
        let x = random.floats(40 * weights.k);
        for cpu in levels() {
            let matrix = weights.matrix(&cpu);
            let multiply = |x: &[f32]| {
                let mut out = vec![0.0; x.len() / weights.k * 45];
                matrix.multiply(&cpu, &plain_rows(&cpu, x, weights.k), Finish::Store, &mut out, 45);
                out
            };
            let together = multiply(&x);
            for size in [1, 2, 5, 12, 13] {
                let apart: Vec<f32> = x.chunks(size * weights.k).flat_map(multiply).collect();
                check_same_bits(&apart, &together, &format_args!("{} {dtype:?} by {size}", cpu.dispatch().name()));
            }
        }
    }
}

#[test]
fn threads_share_a_product_without_changing_it() {
    let random = &mut Random(2);
    // More multiplications than the least that is shared, and more rows than an item has.
    let (n, k, rows) = (150, 1024, 300);
    for dtype in [FORMATS[1], FORMATS[5], FORMATS[7], FORMATS[9]] {
        let (weights, x) = (Weights::random(dtype, n, k, random), random.floats(rows * k));
        for level in
            Dispatch::here().into_iter().filter(|&level| level != Dispatch::Portable || !cfg!(debug_assertions))
        {
            let multiply = |threads: usize| {
                let (cpu, mut out) = (cpu(level, threads), vec![0.0; rows * n]);
                weights.matrix(&cpu).multiply(&cpu, &plain_rows(&cpu, &x, k), Finish::Gelu, &mut out, n);
                out
            };
            let one = multiply(1);
            for threads in [2, 3] {
                check_same_bits(
                    &multiply(threads),
                    &one,
                    &format_args!("{} {dtype:?} {threads} threads", level.name()),
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(super::cases(40))]

    #[test]
    fn a_text_may_be_cut_anywhere(
        seed: u64, width in prop::sample::select(vec![32usize, 64, 80, 128]), group in 1usize..8,
        rows in 2usize..200, cuts in prop::collection::vec(1usize..70, 1..6),
    ) {
        let heads = Heads { queries: 2 * group, kv: 2, width };
        let (text, table) = (Text::random(heads, rows, &mut Random(seed)), rotary(width, rows));
        for cpu in levels() {
            let whole = text.attend(&cpu, Some(&table), &mut LayerCache::default(), 0, true);
            let (mut cache, mut at, mut parts) = (LayerCache::default(), 0, Vec::new());
            for cut in cuts.iter().cycle() {
                let to = (at + cut).min(rows);
                parts.extend(text.part(at..to).attend(&cpu, Some(&table), &mut cache, at, true));
                at = to;
                if at == rows {
                    break;
                }
            }
            check_same_bits(&parts, &whole, &format_args!("{} cut by {cuts:?}", cpu.dispatch().name()));
        }
    }

    #[test]
    fn texts_together_are_like_each_alone(seed: u64, causal: bool, rows in prop::collection::vec(0usize..100, 2..6)) {
        let (random, heads) = (&mut Random(seed), Heads { queries: 6, kv: 2, width: 32 });
        let table = rotary(32, 250);
        // Decoding texts have read something before; an encoder's texts begin here.
        let before: Vec<usize> = rows.iter().map(|_| if causal { random.next() as usize % 150 } else { 0 }).collect();
        let texts: Vec<[Text; 2]> =
            before.iter().zip(&rows).map(|(&a, &b)| [Text::random(heads, a, random), Text::random(heads, b, random)]).collect();
        for cpu in levels() {
            let mut caches = vec![LayerCache::default(); rows.len()];
            for ([earlier, _], cache) in texts.iter().zip(&mut caches) {
                earlier.attend(&cpu, Some(&table), cache, 0, causal);
            }
            let mut apart = Vec::new();
            for (([earlier, text], mut cache), &first) in texts.iter().zip(caches.clone()).zip(&before) {
                prop_assert_eq!(earlier.rows(), first);
                apart.extend(text.attend(&cpu, Some(&table), &mut cache, first, causal));
            }
            let all = texts.iter().fold(Text::random(heads, 0, random), |all, [_, text]| all.then(text));
            let mut spans: Vec<Span<'_>> = caches
                .iter_mut()
                .zip(before.iter().zip(&rows))
                .map(|(cache, (&first, &rows))| Span { cache, first, rows })
                .collect();
            let together = all.attend_spans(&cpu, Some(&table), &mut spans, causal);
            check_same_bits(&together, &apart, &format_args!("{} {before:?} {rows:?}", cpu.dispatch().name()));
        }
    }
}

#[test]
fn reading_token_by_token_is_reading_at_once() {
    let heads = Heads { queries: 9, kv: 3, width: 64 };
    let (text, table) = (Text::random(heads, 140, &mut Random(3)), rotary(64, 140));
    for cpu in levels() {
        let whole = text.attend(&cpu, Some(&table), &mut LayerCache::default(), 0, true);
        let mut cache = LayerCache::default();
        let one = |at: usize| text.part(at..at + 1).attend(&cpu, Some(&table), &mut cache, at, true);
        let singly: Vec<f32> = (0..140).flat_map(one).collect();
        check_same_bits(&singly, &whole, &cpu.dispatch().name());
    }
}

#[test]
fn threads_share_attention_without_changing_it() {
    let heads = Heads { queries: 6, kv: 2, width: 64 };
    let (text, table) = (Text::random(heads, 200, &mut Random(4)), rotary(64, 200));
    for level in Dispatch::here() {
        let attend =
            |threads: usize| text.attend(&cpu(level, threads), Some(&table), &mut LayerCache::default(), 0, true);
        let one = attend(1);
        for threads in [2, 3] {
            check_same_bits(&attend(threads), &one, &format_args!("{} {threads} threads", level.name()));
        }
    }
}

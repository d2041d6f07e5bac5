//! Attention against a softmax in f64, and what a cache promises.

use proptest::prelude::*;

use super::{
    super::{Attention, Balance, Cpu, Heads, LayerCache, Projected, Rotary, Span, Turn},
    Random, check_close, check_same_bits, levels,
};

/// Error over the largest value. Keys and values are rounded to eight bits here too, but turned keys are f64 here and f32
/// there, so now and then one code of a key falls on the other side of a half: 1/127 of a head's largest number.
const TOLERANCE: f64 = 1.0 / 127.0;

/// Queries, keys and values of some rows.
#[derive(Clone)]
pub struct Text {
    heads: Heads,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Text {
    /// Scores differ by a few units, as trained ones do.
    pub fn random(heads: Heads, rows: usize, random: &mut Random) -> Text {
        let mut some =
            |count: usize, size: f32| (0..rows * count * heads.width).map(|_| random.float() * size).collect();
        Text { heads, queries: some(heads.queries, 5.0), keys: some(heads.kv, 1.0), values: some(heads.kv, 2.0) }
    }

    pub fn rows(&self) -> usize {
        self.keys.len() / (self.heads.kv * self.heads.width)
    }

    pub fn part(&self, rows: std::ops::Range<usize>) -> Text {
        let cut = |x: &[f32], heads: usize| {
            x[rows.start * heads * self.heads.width..rows.end * heads * self.heads.width].to_vec()
        };
        let (q, kv) = (self.heads.queries, self.heads.kv);
        Text {
            heads: self.heads,
            queries: cut(&self.queries, q),
            keys: cut(&self.keys, kv),
            values: cut(&self.values, kv),
        }
    }

    pub fn then(mut self, next: &Text) -> Text {
        self.queries.extend(&next.queries);
        self.keys.extend(&next.keys);
        self.values.extend(&next.values);
        self
    }

    /// What attention makes of the rows, which come after the first `first` of `cache`.
    pub fn attend(
        &self,
        cpu: &Cpu,
        rotary: Option<&Rotary>,
        cache: &mut LayerCache,
        first: usize,
        causal: bool,
    ) -> Vec<f32> {
        let span = Span { cache, first, rows: self.rows() };
        self.attend_spans(cpu, rotary, &mut [span], causal)
    }

    pub fn attend_spans(&self, cpu: &Cpu, rotary: Option<&Rotary>, spans: &mut [Span<'_>], causal: bool) -> Vec<f32> {
        let mut out = vec![f32::NAN; self.queries.len()];
        let projected = Projected { queries: &self.queries, keys: &self.keys, values: &self.values };
        Attention::default().run(cpu, self.heads, Turn { rotary, balance: None }, projected, spans, causal, &mut out);
        out
    }

    /// The same in f64, row by row, with what is `kept` of keys and values.
    fn scalar(&self, rates: Option<&[f32]>, causal: bool, kept: impl Fn(Vec<f64>) -> Vec<f64>) -> Vec<f64> {
        let (Heads { queries, kv, width }, rows) = (self.heads, self.rows());
        let head = |x: &[f32], heads: usize, row: usize, n: usize, turned: bool| -> Vec<f64> {
            let x: Vec<f64> = x[(row * heads + n) * width..][..width].iter().map(|&x| f64::from(x)).collect();
            match rates.filter(|_| turned) {
                Some(rates) => turn(&x, row, rates),
                None => x,
            }
        };
        let mut out = Vec::new();
        for (row, query) in (0..rows).flat_map(|row| (0..queries).map(move |n| (row, n))) {
            let (q, n) = (head(&self.queries, queries, row, query, true), query / (queries / kv));
            let sees = if causal { row + 1 } else { rows };
            let score = |at| dot(&q, &kept(head(&self.keys, kv, at, n, true))) / (width as f64).sqrt();
            let scores: Vec<f64> = (0..sees).map(score).collect();
            let most = scores.iter().fold(f64::NEG_INFINITY, |most, &s| most.max(s));
            let total: f64 = scores.iter().map(|s| (s - most).exp()).sum();
            let mut mixed = vec![0.0; width];
            for (at, score) in scores.iter().enumerate() {
                let values = kept(head(&self.values, kv, at, n, false));
                mixed.iter_mut().zip(values).for_each(|(sum, value)| *sum += (score - most).exp() / total * value);
            }
            out.extend(mixed);
        }
        out
    }
}

/// A head as codes of up to 127 and the scale of its largest number, in the f32 of the kernels: half a code is rounded as there.
fn eight_bits(head: Vec<f64>) -> Vec<f64> {
    let most = head.iter().fold(0f32, |most, &x| most.max((x as f32).abs()));
    let by = if most > 0.0 { 127.0 / most } else { 0.0 };
    head.into_iter().map(|x| f64::from((x as f32 * by).round_ties_even()) * f64::from(most) / 127.0).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn turn(x: &[f64], position: usize, rates: &[f32]) -> Vec<f64> {
    let half = x.len() / 2;
    let angle = |i: usize| position as f64 * f64::from(rates[i]);
    let low = (0..half).map(|i| x[i] * angle(i).cos() - x[i + half] * angle(i).sin());
    let high = (0..half).map(|i| x[i] * angle(i).sin() + x[i + half] * angle(i).cos());
    low.chain(high).collect()
}

/// Rates of angles as decoders have them.
pub fn rates(width: usize) -> Vec<f32> {
    (0..width / 2).map(|i| 1e4f32.powf(-2.0 * i as f32 / width as f32)).collect()
}

pub fn rotary(width: usize, positions: usize) -> Rotary {
    let mut rotary = Rotary::new(rates(width));
    rotary.reserve(positions);
    rotary
}

#[track_caller]
fn check(text: &Text, turned: bool, causal: bool) {
    let (heads, rows) = (text.heads, text.rows());
    let (rates, table) = (rates(heads.width), rotary(heads.width, rows));
    let want = text.scalar(turned.then_some(&rates), causal, eight_bits);
    let most = text.values.iter().fold(0f32, |most, x| most.max(x.abs()));
    for cpu in levels() {
        let got = text.attend(&cpu, turned.then_some(&table), &mut LayerCache::default(), 0, causal);
        for (i, (&got, &want)) in got.iter().zip(&want).enumerate() {
            let (row, within) = (i / (heads.queries * heads.width), i % (heads.queries * heads.width));
            let what = format_args!("{} {heads:?} row {row} of {rows}, number {within}", cpu.dispatch().name());
            check_close(got, want, TOLERANCE * f64::from(most), &what);
        }
    }
}

proptest! {
    #![proptest_config(super::cases(60))]

    #[test]
    fn attention_is_the_softmax_of_scores(
        seed: u64, width in prop::sample::select(vec![32usize, 64, 80, 96, 128, 256]),
        group in prop::sample::select(vec![1usize, 3, 4, 6]), kv in 1usize..3, rows in 1usize..150,
        causal: bool, turned: bool,
    ) {
        let heads = Heads { queries: group * kv, kv, width };
        check(&Text::random(heads, rows, &mut Random(seed)), turned, causal);
    }

    #[test]
    fn heads_may_be_of_any_even_width(seed: u64, half in 1usize..70, rows in 1usize..70, turned: bool) {
        let heads = Heads { queries: 2, kv: 1, width: 2 * half };
        check(&Text::random(heads, rows, &mut Random(seed)), turned, true);
    }
}

#[test]
fn the_ends_of_blocks_are_seen_by_those_who_may() {
    let heads = Heads { queries: 3, kv: 1, width: 32 };
    for rows in [1, 63, 64, 65, 127, 128, 129, 193] {
        for causal in [true, false] {
            check(&Text::random(heads, rows, &mut Random(rows as u64)), true, causal);
        }
    }
}

#[test]
fn a_copied_beginning_goes_on_like_the_text_it_was_copied_from() {
    let (random, heads) = (&mut Random(1), Heads { queries: 4, kv: 2, width: 64 });
    let (text, other) = (Text::random(heads, 150, random), Text::random(heads, 40, random));
    let table = rotary(64, 200);
    for cpu in levels() {
        for positions in [0, 1, 63, 64, 65, 150] {
            let mut cache = LayerCache::default();
            text.attend(&cpu, Some(&table), &mut cache, 0, true);
            let mut copy = cache.beginning(heads, positions);
            let got = other.attend(&cpu, Some(&table), &mut copy, positions, true);
            let whole = text.part(0..positions).then(&other);
            let want = whole.attend(&cpu, Some(&table), &mut LayerCache::default(), 0, true);
            check_same_bits(&got, &want[want.len() - got.len()..], &format_args!("{positions} positions"));
            // The text itself goes on as if nothing had been copied.
            let next = other.attend(&cpu, Some(&table), &mut cache, 150, true);
            let want = text.clone().then(&other).attend(&cpu, Some(&table), &mut LayerCache::default(), 0, true);
            check_same_bits(&next, &want[want.len() - next.len()..], &"the text that was copied");
        }
    }
}

#[test]
fn a_beginning_longer_than_the_text_is_the_text() {
    let heads = Heads { queries: 1, kv: 1, width: 32 };
    let (text, cpu) = (Text::random(heads, 70, &mut Random(2)), levels().next().expect("one level is always here"));
    let mut cache = LayerCache::default();
    text.attend(&cpu, None, &mut cache, 0, true);
    let mut copy = cache.beginning(heads, 10_000);
    let (got, want) = (text.attend(&cpu, None, &mut copy, 70, true), text.attend(&cpu, None, &mut cache, 70, true));
    check_same_bits(&got, &want, &"the next seventy");
}

#[test]
fn what_was_forgotten_leaves_no_trace() {
    let (random, heads) = (&mut Random(3), Heads { queries: 3, kv: 1, width: 32 });
    let (kept, mut dropped, next) =
        (Text::random(heads, 30, random), Text::random(heads, 100, random), Text::random(heads, 20, random));
    dropped.values.fill_with(|| f32::INFINITY);
    dropped.keys.fill_with(|| f32::NAN);
    for cpu in levels() {
        let mut cache = LayerCache::default();
        kept.attend(&cpu, None, &mut cache, 0, true);
        dropped.attend(&cpu, None, &mut cache, 30, true);
        let got = next.attend(&cpu, None, &mut cache, 30, true);
        let want = kept.clone().then(&next).attend(&cpu, None, &mut LayerCache::default(), 0, true);
        check_same_bits(&got, &want[want.len() - got.len()..], &cpu.dispatch().name());
    }
}

#[test]
fn numbers_of_any_size_give_finite_rows() {
    let (random, heads) = (&mut Random(4), Heads { queries: 2, kv: 1, width: 64 });
    let text = Text::random(heads, 100, random);
    for cpu in levels() {
        for (query, key, value) in [
            (0.0, 1.0, 1.0),
            (1.0, 0.0, 1.0),
            (1.0, 1.0, 0.0),
            (1e12, 1e12, 1e30),
            (1e-38, 1e-38, 1e-38),
            (1.0, 1.0, 1e-38),
        ] {
            let mut sized = text.clone();
            sized.queries.iter_mut().for_each(|x| *x *= query);
            sized.keys.iter_mut().for_each(|x| *x *= key);
            sized.values.iter_mut().for_each(|x| *x *= value);
            let got = sized.attend(&cpu, None, &mut LayerCache::default(), 0, true);
            // A mean of values is none larger than they are; the rest is what rounding allows.
            let what = (cpu.dispatch().name(), query, key, value);
            assert!(got.iter().all(|x| x.abs() <= 2.001 * value + 1e-35), "{what:?}");
        }
    }
}

#[test]
fn a_block_that_nobody_cares_for_weighs_nothing() {
    // One position draws every query by so much that all other softmax weights have no inverse in f32.
    let heads = Heads { queries: 2, kv: 1, width: 32 };
    let mut text = Text::random(heads, 200, &mut Random(5));
    text.queries.fill(4.0);
    for (at, key) in text.keys.chunks_exact_mut(32).enumerate() {
        key.fill(if at == 0 { 4.0 } else { 0.03 * (at % 40) as f32 });
    }
    text.values[..32].fill(1.0);
    text.values[32..].iter_mut().for_each(|x| *x *= 1e-4);
    check(&text, false, true);
}

#[test]
fn the_longest_sums_fit_into_their_integers() {
    for width in [32, 128, 256, 512, 2048] {
        let mut text = Text::random(Heads { queries: 1, kv: 1, width }, 70, &mut Random(6));
        text.queries.fill(0.1);
        text.keys.fill(0.1);
        text.values.fill(-3.0);
        // One key is less than the others: were their sums to overflow, it would have all the weight.
        text.keys[..width].fill(-0.1);
        text.values[..width].fill(3.0);
        check(&text, false, true);
    }
}

#[test]
fn a_large_bias_of_keys_does_not_drown_the_rest() {
    let heads = Heads { queries: 4, kv: 2, width: 64 };
    let (random, table) = (&mut Random(8), rotary(64, 150));
    let mut text = Text::random(heads, 150, random);
    let mut bias: Vec<f32> = (0..heads.kv * heads.width).map(|_| random.float() * 0.5).collect();
    (bias[20], bias[64 + 51]) = (300.0, -90.0);
    for key in text.keys.chunks_exact_mut(bias.len()) {
        key.iter_mut().zip(&bias).for_each(|(key, bias)| *key += bias);
    }
    // Of a dimension with such a bias a trained query has little.
    for query in text.queries.chunks_exact_mut(64) {
        (query[20], query[52]) = (query[20] * 0.01, query[52] * 0.01);
        (query[19], query[51]) = (query[19] * 0.01, query[51] * 0.01);
    }
    let balance = Balance::of_bias(heads, &bias);
    let exact = text.scalar(Some(&rates(64)), true, |head| head);
    for cpu in levels() {
        let far = |balance: Option<&Balance>| {
            let mut out = vec![f32::NAN; text.queries.len()];
            let projected = Projected { queries: &text.queries, keys: &text.keys, values: &text.values };
            let mut cache = LayerCache::default();
            let span = Span { cache: &mut cache, first: 0, rows: text.rows() };
            let turn = Turn { rotary: Some(&table), balance };
            Attention::default().run(&cpu, heads, turn, projected, &mut [span], true, &mut out);
            let squares = out.iter().zip(&exact).map(|(got, want)| (f64::from(*got) - want).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let (with, without) = (far(Some(&balance)), far(None));
        assert!(with < 0.2 * without, "{}: {with} with, {without} without", cpu.dispatch().name());
    }
}

#[test]
#[should_panic(expected = "rotary table")]
fn a_table_shorter_than_the_text_is_a_mistake_of_the_caller() {
    let (heads, cpu) = (Heads { queries: 1, kv: 1, width: 32 }, levels().next().expect("one level is always here"));
    let text = Text::random(heads, 5, &mut Random(7));
    text.attend(&cpu, Some(&rotary(32, 8)), &mut LayerCache::default(), 4, true);
}

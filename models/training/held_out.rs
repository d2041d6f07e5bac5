//! How good summaries are, as quotes, of threads that the ranker was not trained on.

use std::collections::{BTreeMap, HashMap};

use bluf::{
    domain::summary::{BottomLine, By},
    summarize::{cite, lead, most_words, rank::Family, ranked::Ranked, sections},
    text::words,
};

use super::{Rows, Sample};

/// Threads are held out in so many parts, one part after another.
const PARTS: usize = 4;

/// Prints ROUGE-1 and ROUGE-2 (F, stemmed) of the first words of each summary, as many as a set's human summaries have, by
/// family and penalty: the mean over sets, then each set's.
pub fn judge(read: &HashMap<Family, Vec<Sample>>, penalties: &[f64]) {
    for family in Family::ALL {
        let read = read.get(&family).map_or(&[][..], Vec::as_slice);
        let lengths = lengths(read);
        for &penalty in penalties {
            let mut sums: BTreeMap<&str, ([f64; 2], f64)> = BTreeMap::new();
            for part in 0..PARTS {
                let kept = read.iter().enumerate().filter(|(n, _)| n % PARTS != part).map(|(_, one)| one);
                let (weights, _) = Rows::of(kept).solve(penalty);
                for one in read.iter().skip(part).step_by(PARTS) {
                    let scores = one.features.iter().map(|f| weights.score(f)).collect();
                    let said: Vec<String> =
                        summary(one, scores).split_whitespace().take(lengths[one.set]).map(str::to_owned).collect();
                    let (sum, threads) = sums.entry(one.set).or_default();
                    best(one.golds, &said.join(" ")).iter().zip(sum).for_each(|(rouge, sum)| *sum += rouge);
                    *threads += 1.0;
                }
            }
            let means: Vec<(&str, [f64; 2])> =
                sums.into_iter().map(|(set, (sum, threads))| (set, sum.map(|s| s / threads))).collect();
            let mean = |n: usize| means.iter().map(|(_, rouge)| rouge[n]).sum::<f64>() / means.len() as f64;
            print!("{}, penalty {penalty}: {:.2} {:.2};", family.name(), mean(0), mean(1));
            means.iter().for_each(|(set, rouge)| print!(" {set} {:.2} {:.2}", rouge[0], rouge[1]));
            println!();
        }
    }
}

/// The median of the words of each set's human summaries.
fn lengths<'r>(read: &'r [Sample]) -> HashMap<&'r str, usize> {
    let mut all: HashMap<&str, Vec<usize>> = HashMap::new();
    for one in read {
        all.entry(one.set).or_default().push(one.golds[0].split_whitespace().count());
    }
    let median = |mut lengths: Vec<usize>| {
        lengths.sort_unstable();
        lengths[lengths.len() / 2]
    };
    all.into_iter().map(|(set, lengths)| (set, median(lengths))).collect()
}

/// What a summary would say if its bottom line were quotes: that, the sections, the context.
fn summary(one: &Sample, scores: Vec<f32>) -> String {
    let view = &one.view;
    let ranked = Ranked::new(view, scores, most_words(view.thread, &view.acts));
    let mut heads = Vec::new();
    for choices in &lead::parts(view, &ranked) {
        let next = lead::besides(view, choices, &heads).next();
        heads.extend(next);
    }
    if heads.is_empty() {
        heads = ranked.headline(view);
    }
    let text = |units: &[usize]| units.iter().map(|&n| cite::text(view, n)).collect::<Vec<_>>().join(" ");
    let cites = heads.iter().flat_map(|&n| cite::cites(view.thread, &view.units[n])).collect();
    let line = BottomLine { text: text(&heads), by: By::Extract, cites };
    let shown = [sections::decisions, sections::asks, sections::questions, sections::blockers]
        .map(|section| section(view, &ranked))
        .concat();
    let context = ranked.context(view, &line, shown.iter().copied());
    format!("{} {} {}", line.text, text(&shown), text(&context))
}

/// ROUGE-1 and ROUGE-2 against the human summary that `said` is nearest to.
fn best(golds: &[String], said: &str) -> [f64; 2] {
    let stems =
        |text: &str| -> Vec<String> { words::words(text).iter().map(|w| words::stem(w).into_owned()).collect() };
    let said = stems(said);
    let of = |gold: &String| {
        let gold = stems(gold);
        [1, 2].map(|n| rouge(&gold, &said, n))
    };
    golds.iter().map(of).max_by(|a, b| a[0].total_cmp(&b[0])).unwrap_or_default()
}

/// The F-measure, in percent, of the runs of `n` words that two texts share.
fn rouge(gold: &[String], said: &[String], n: usize) -> f64 {
    let counted = |text: &[String]| -> HashMap<Vec<String>, usize> {
        let mut counts = HashMap::new();
        text.windows(n).for_each(|run| *counts.entry(run.to_vec()).or_default() += 1);
        counts
    };
    let (gold, said) = (counted(gold), counted(said));
    let shared: usize = gold.iter().map(|(run, times)| times.min(said.get(run).unwrap_or(&0))).sum();
    let all = (gold.values().sum::<usize>() + said.values().sum::<usize>()) as f64;
    if all > 0.0 { 200.0 * shared as f64 / all } else { 0.0 }
}

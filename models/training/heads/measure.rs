//! How good the heads are: thresholds from sentences held out in turn, figures on meetings and mails that were left out.

use anyhow::Result;

use bluf::classify::heads::Head;

use crate::{
    blend::{Held, sigmoid},
    corpus::{Part, SIXTHS, Set},
    examples::{ByHead, Examples, HEADS},
    learn::Learned,
};

/// A probability and whether the head should have spoken.
type Judged = (f32, bool);

/// The thresholds that the heads ship with: the best on sentences that the models that judged them were not trained on.
pub fn thresholds(examples: &Examples, held: &[Held]) -> ByHead {
    std::array::from_fn(|head| {
        let own = held.iter().filter(|h| examples.origin[h.at].set == home(head));
        best_f1(&known(examples, head, own.map(|h| (h.at, h.both[head])))).1
    })
}

/// Prints a row for each head: mean and range over the sixths of the training part, each judged by models trained
/// without it, and how good the two voices are apart.
pub fn report_held(examples: &Examples, held: &[Held], thresholds: &ByHead) {
    println!("{:<10} {:>5}  {:>5}  {:>5} {:<13}  {:>6}  {:>6}", "held out", "F1", "best", "AP", "", "net", "linear");
    for (head, &threshold) in thresholds.iter().enumerate() {
        let mut columns: [Vec<f64>; 5] = Default::default();
        for sixth in 0..SIXTHS {
            let origin = |h: &&Held| examples.origin[h.at].set == home(head) && examples.origin[h.at].sixth == sixth;
            let of = |voice: fn(&Held) -> &ByHead| {
                known(examples, head, held.iter().filter(origin).map(|h| (h.at, voice(h)[head])))
            };
            let both = of(|h| &h.both);
            columns[0].push(f1(&both, threshold).2);
            columns[1].push(best_f1(&both).0);
            columns[2].push(average_precision(&both));
            columns[3].push(average_precision(&of(|h| &h.net)));
            columns[4].push(average_precision(&of(|h| &h.linear)));
        }
        let [f1, best, ap, net, linear] = columns.each_ref().map(|c| c.iter().sum::<f64>() / SIXTHS as f64);
        let (low, high) = columns[2].iter().fold((1.0, 0.0), |(low, high), &n| (f64::min(low, n), f64::max(high, n)));
        let name = Head::ALL[head].as_str();
        println!("{name:<10} {f1:>5.3}  {best:>5.3}  {ap:>5.3} {low:.3} to {high:.3}  {net:>6.3}  {linear:>6.3}");
    }
}

/// Prints a row for each head and test.
pub fn report(examples: &Examples, learned: &Learned, thresholds: &ByHead) -> Result<()> {
    println!(
        "{:<10} {:<11} {:>7} {:>6} {:>6}  {:>5} {:>5} {:>5}  {:>5}  {:>5}",
        "head", "test", "train", "n", "true", "P", "R", "F1", "best", "AP"
    );
    for (set, name) in [(Set::EmailIntent, "EmailIntent"), (Set::Ami, "AMI"), (Set::Bc3, "BC3")] {
        let train = examples.rows(set, Part::Train);
        let tests = [(Part::Test, name.to_owned()), (Part::Dev, format!("{name} dev"))];
        let mut judged = Vec::new();
        for (part, what) in tests {
            let rows = examples.rows(set, part);
            judged.push((what, learned.logits(examples, &rows)?, rows));
        }
        for head in 0..HEADS {
            let trained = train.iter().filter(|&&row| examples.labels[row][head].is_some()).count();
            for (what, logits, rows) in &judged {
                let by_row = rows.iter().zip(logits).map(|(&at, l)| (at, sigmoid(l[head])));
                let judged = known(examples, head, by_row);
                if !judged.is_empty() {
                    line(Head::ALL[head], what, trained, &judged, thresholds[head]);
                }
            }
        }
    }
    Ok(())
}

/// The data that taught a head most.
fn home(head: usize) -> Set {
    if head == Head::Request as usize { Set::EmailIntent } else { Set::Ami }
}

/// Those whose label is known, with it.
fn known(examples: &Examples, head: usize, by_row: impl Iterator<Item = (usize, f32)>) -> Vec<Judged> {
    by_row.filter_map(|(at, p)| examples.labels[at][head].map(|is| (p, is))).collect()
}

fn line(head: Head, test: &str, trained: usize, judged: &[Judged], threshold: f32) {
    let wanted = judged.iter().filter(|(_, is)| *is).count();
    let (precision, recall, f1) = f1(judged, threshold);
    let (best, _) = best_f1(judged);
    let ap = average_precision(judged);
    println!(
        "{:<10} {test:<11} {trained:>7} {:>6} {wanted:>6}  {precision:>5.3} {recall:>5.3} {f1:>5.3}  {best:>5.3}  {ap:>5.3}",
        head.as_str(),
        judged.len()
    );
}

/// Precision, recall and F1 at a threshold.
fn f1(judged: &[Judged], threshold: f32) -> (f64, f64, f64) {
    let right = judged.iter().filter(|(p, is)| *is && *p >= threshold).count() as f64;
    let said = judged.iter().filter(|(p, _)| *p >= threshold).count() as f64;
    let wanted = judged.iter().filter(|(_, is)| *is).count() as f64;
    (right / said.max(1.0), right / wanted.max(1.0), 2.0 * right / (said + wanted).max(1.0))
}

/// The highest F1 that a threshold reaches, and that threshold.
fn best_f1(judged: &[Judged]) -> (f64, f32) {
    let wanted = judged.iter().filter(|(_, is)| *is).count() as f64;
    let mut best = (0.0, 0.5);
    let mut right = 0.0;
    for (said, (p, is)) in sorted(judged).into_iter().enumerate() {
        right += f64::from(u8::from(is));
        let f1 = 2.0 * right / (said as f64 + 1.0 + wanted);
        if f1 > best.0 {
            best = (f1, p);
        }
    }
    best
}

/// The mean of the precision at each true item, most probable first.
fn average_precision(judged: &[Judged]) -> f64 {
    let (mut right, mut sum) = (0.0, 0.0);
    for (said, (_, is)) in sorted(judged).into_iter().enumerate() {
        if is {
            right += 1.0;
            sum += right / (said as f64 + 1.0);
        }
    }
    sum / f64::max(right, 1.0)
}

fn sorted(judged: &[Judged]) -> Vec<Judged> {
    let mut sorted = judged.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    sorted
}

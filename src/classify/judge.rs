//! One reading of a sentence from what its heads and its words say: heads know tone, fixed phrases know law.

use crate::domain::{Kind, SpeechAct};

use super::{
    cues::{self, Cue, Cues},
    heads::{Head, Probabilities},
};

/// From this strength on, cue words are a fixed phrase ("RESOLVED:") that no head may overrule.
const FIXED: f32 = 0.95;
/// A cue reading of an ask at least this strong is a request, even when it ends in a question mark.
const REQUESTED: f32 = 0.7;
/// Sentences of this many words or more can carry a summary by themselves.
const SAYING_WORDS: usize = 5;

/// What one sentence does, and how much it matters.
pub struct Verdict {
    pub act: SpeechAct,
    /// Indexed like `SpeechAct::ALL`.
    pub acts: [f32; 11],
    pub salience: f32,
    pub decision: f32,
    pub action: f32,
}

/// Which head speaks for an act, and how far it is trusted against the words in speech and in prose.
const VOICES: [(SpeechAct, Head, f32, f32); 9] = [
    (SpeechAct::Ask, Head::Request, 0.25, 0.4),
    (SpeechAct::Question, Head::Elicit, 0.7, 0.4),
    (SpeechAct::Proposal, Head::Suggest, 0.8, 0.4),
    (SpeechAct::Decision, Head::Decision, 0.4, 0.15),
    (SpeechAct::Commitment, Head::Offer, 0.75, 0.3),
    (SpeechAct::Answer, Head::Answer, 0.7, 0.4),
    (SpeechAct::Acknowledgement, Head::Hear, 0.7, 0.3),
    (SpeechAct::Status, Head::Inform, 0.6, 0.3),
    (SpeechAct::Other, Head::Stall, 0.7, 0.0),
];

/// Judges a sentence of `words` words. `heads`: its probabilities and the heads' thresholds; `None` reads by cues alone.
pub fn judge(cues: &Cues, words: usize, kind: Kind, heads: Option<(&Probabilities, &Probabilities)>) -> Verdict {
    let strengths = cues::strengths(cues, words, kind);
    let mut acts = strengths;
    if let Some((probabilities, thresholds)) = heads {
        for (act, head, in_speech, in_prose) in VOICES {
            let trust = if kind == Kind::Transcript { in_speech } else { in_prose };
            let said = levelled(probabilities[head as usize], thresholds[head as usize]);
            let by_words = strengths[cues::index(act)];
            let blended = trust * said + (1.0 - trust) * by_words;
            acts[cues::index(act)] = if by_words >= FIXED { by_words } else { blended };
        }
    }
    let act = chosen(&acts, cues, &strengths);
    let (salience, decision, action) = weight(&acts, &strengths, words, kind, heads);
    Verdict { act, acts, salience, decision, action }
}

/// Whether an act is one that can be late.
pub fn may_be_due(act: SpeechAct) -> bool {
    use SpeechAct::*;
    matches!(act, Ask | Question | Proposal | Decision | Commitment | Blocker)
}

/// Brings probabilities of heads of unlike rarity onto one scale: a head's threshold becomes one half.
fn levelled(probability: f32, threshold: f32) -> f32 {
    if probability < threshold {
        0.5 * probability / threshold
    } else {
        0.5 + 0.5 * (probability - threshold) / (1.0 - threshold).max(f32::EPSILON)
    }
}

/// The strongest act, where asking for action and asking for information are told apart by the words.
fn chosen(acts: &[f32; 11], cues: &Cues, strengths: &[f32; 11]) -> SpeechAct {
    let best = strongest(acts);
    let requested = strengths[cues::index(SpeechAct::Ask)] >= REQUESTED;
    match best {
        SpeechAct::Question if requested => SpeechAct::Ask,
        SpeechAct::Ask if cues.has(Cue::QuestionMark) && !requested => SpeechAct::Question,
        best => best,
    }
}

/// The act with the highest number, the earlier one where two are equal.
fn strongest(by_act: &[f32; 11]) -> SpeechAct {
    let mut best = SpeechAct::Ask;
    for act in SpeechAct::ALL {
        if by_act[cues::index(act)] > by_act[cues::index(best)] {
            best = act;
        }
    }
    best
}

/// Salience, decision evidence and action evidence.
fn weight(
    acts: &[f32; 11],
    strengths: &[f32; 11],
    words: usize,
    kind: Kind,
    heads: Option<(&Probabilities, &Probabilities)>,
) -> (f32, f32, f32) {
    use SpeechAct::*;
    let of = |act: SpeechAct| acts[cues::index(act)];
    let decided = strengths[cues::index(Decision)];
    let tasked = of(Ask).max(of(Commitment));
    let Some((probabilities, thresholds)) = heads else {
        let telling = decided.max(of(Proposal)).max(of(Blocker)).max(tasked).max(0.6 * of(Status));
        let length = if words < SAYING_WORDS { 0.4 } else { 1.0 };
        return (length * (0.15 + 0.7 * telling), decided, tasked);
    };
    let head = |head: Head| levelled(probabilities[head as usize], thresholds[head as usize]);
    let trust = if kind == Kind::Transcript { 0.9 } else { 0.2 };
    let decision = trust * head(Head::Decision) + (1.0 - trust) * decided;
    let action = trust * head(Head::Action) + (1.0 - trust) * tasked;
    let decision = if decided >= FIXED { decided } else { decision };
    (probabilities[Head::Salience as usize].max(0.5 * decision), decision, action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, act: SpeechAct, sentences: &[&str]) {
        for sentence in sentences {
            let verdict = judge(&Cues::of(sentence), sentence.split_whitespace().count(), kind, None);
            assert_eq!(verdict.act, act, "{sentence} {:?}", verdict.acts);
        }
    }

    #[test]
    fn prose_is_read_by_its_words() {
        use SpeechAct::*;
        check(
            Kind::Email,
            Ask,
            &[
                "Could you send me the pump figures by Friday?",
                "Please review the attached draft.",
                "ACTION: Raj to write the minutes",
                "Let me know what you think.",
            ],
        );
        check(Kind::Email, Question, &["Which valve fits?", "Do we still have the old pumps?"]);
        check(
            Kind::Email,
            Decision,
            &[
                "RESOLVED: the orchard stays closed",
                "Resolution #3: accept the second layout",
                "We agreed to drop the blue variant.",
                "It was decided to wait a year.",
                "Let's go with the smaller pump.",
                "We will not support the old controller.",
            ],
        );
        check(Kind::Email, Proposal, &["PROPOSED: keep the orchard open", "Maybe we could use the well."]);
        check(Kind::Chat, Commitment, &["I'll send it tomorrow.", "I will fix the fence."]);
        check(Kind::Issue, Blocker, &["I'm blocked by the missing licence.", "Still waiting for the keys."]);
        check(Kind::Chat, Acknowledgement, &["ok", "Thanks!", "Sounds good.", "+1", "mm-hmm"]);
        check(Kind::Email, Closing, &["Hi all,", "Best regards", "Dear Ana,", "See you soon"]);
        check(Kind::Chat, Answer, &["Yes, the left one is ours."]);
        check(Kind::Issue, Status, &["The new fence is finished."]);
        check(Kind::Document, Other, &["The river is long.", "# Background"]);
    }

    #[test]
    fn a_threshold_is_one_half() {
        assert_eq!(levelled(0.2, 0.2), 0.5);
        assert_eq!(levelled(0.0, 0.2), 0.0);
        assert_eq!(levelled(1.0, 0.2), 1.0);
        assert!(levelled(1.0, 1.0).is_finite());
    }

    #[test]
    fn no_head_overrules_a_fixed_phrase() {
        let (none, thresholds) = ([0.0; Head::ALL.len()], [0.5; Head::ALL.len()]);
        let sentence = "RESOLVED: the orchard stays closed";
        let verdict = judge(&Cues::of(sentence), 5, Kind::Transcript, Some((&none, &thresholds)));
        assert_eq!(verdict.act, SpeechAct::Decision);
        assert!(verdict.decision >= FIXED);
    }
}

//! Formal proposals that the room carried: "PROPOSED: …" followed by "+1" from others, and no objection.

use super::{
    Sentence,
    cues::{Cue, Cues},
};

/// How far after a proposal votes on it are looked for.
const WITHIN_SENTENCES: usize = 60;
/// Fewer voices than this carry nothing.
const MIN_VOICES: usize = 2;
/// How sure a carried proposal is as evidence of a decision.
const CARRIED: f32 = 0.9;

/// Raises `decision` where a formal proposal was carried. Its act stays a proposal: that is what the sentence does.
/// `sentences` and `cues` go together by position.
pub fn carry(sentences: &mut [Sentence], cues: &[Cues]) {
    for at in (0..sentences.len()).filter(|&at| cues[at].has(Cue::Proposed)) {
        let votes = cues[at + 1..].iter().take(WITHIN_SENTENCES).take_while(|c| !c.has(Cue::Proposed));
        let (mut yes, mut no) = (0, 0);
        for vote in votes {
            no += usize::from(vote.has(Cue::Dissent));
            yes += usize::from(vote.has(Cue::Assent) && !vote.has(Cue::Dissent));
        }
        if yes >= MIN_VOICES && yes > 2 * no {
            sentences[at].decision = sentences[at].decision.max(CARRIED);
            sentences[at].salience = sentences[at].salience.max(CARRIED);
        }
    }
}

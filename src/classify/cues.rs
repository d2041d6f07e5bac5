//! Words that give a speech act away ("could you", "let's go with", "I'll"): features for the heads, and a reading of
//! their own where no encoder is at hand.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use crate::{
    domain::{Kind, SpeechAct},
    pattern::{compiled, compiled_set},
};

/// Speech puts these before the words that matter.
const LEAD: &str = r"^[\W_]*(?:(?:so|and|but|or|well|um+|uh+|ok|okay|yeah|right|then|now|also|just|please|hi|hey|hello|\w+,|@[\w.-]+:?) ?,? ?){0,4}";
const WHO: &str =
    "(?:you|someone|somebody|anyone|anybody|one of you|(?:the )?(?:chairs?|editors?|authors?|maintainers?|reviewers?))";
const DO: &str = "(?:add|address|adjust|allow|apply|approve|arrange|ask|assign|attach|book|bring|build|bump|\
    buy|call|cancel|change|check|choose|clarify|clean|click|close|collect|come|commit|compare|complete|\
    configure|confirm|consider|contact|convert|copy|correct|create|decrease|delete|deploy|describe|design|\
    disable|discuss|do|document|download|draft|drop|email|enable|ensure|estimate|explain|extend|file|fill|\
    find|finish|fix|follow|forward|get|give|go|handle|have|help|implement|include|increase|install|introduce|\
    investigate|invite|join|keep|let|link|list|log|look|lower|mail|make|measure|meet|mention|merge|migrate|\
    monitor|move|note|notify|open|order|organise|organize|own|pay|pick|ping|plan|point|post|prepare|present|\
    print|produce|propose|provide|publish|pull|push|put|raise|read|rebase|reduce|register|release|remember|\
    remind|remove|rename|replace|reply|report|request|rerun|reset|resolve|respond|restart|restore|retry|\
    return|revert|review|revise|revoke|rewrite|roll|run|save|scan|schedule|see|send|set|share|show|sign|split|\
    squash|start|stop|submit|summarise|summarize|support|swap|switch|sync|tag|take|talk|tell|test|track|\
    transfer|translate|try|turn|unblock|undo|update|upgrade|upload|use|validate|verify|visit|wait|watch|write)";

/// Room for the set's lazy automaton: the default overflows, and matching is then many times slower.
const DFA_BYTES: usize = 64 << 20;

/// Declares `Cue` and its patterns side by side, so that neither can be out of step with the other.
macro_rules! cues {
    ($($name:ident => $pattern:expr,)*) => {
        /// One kind of telling words. The order is the order of the features: append, never reorder.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Cue { $($name,)* }

        /// How many cues there are.
        pub const CUES: usize = [$(Cue::$name,)*].len();

        static PATTERNS: LazyLock<RegexSet> = LazyLock::new(|| {
            let patterns: [String; CUES] = [$($pattern.to_owned(),)*];
            compiled_set(&patterns, Some(DFA_BYTES))
        });
    };
}

cues! {
    QuestionMark => r#"\?["')\]*_!?.]*\s*$"#,
    WhWord => format!(r"{LEAD}(?:what|when|where|which|who|whose|whom|why|how|any (?:idea|news|updates?|thoughts|objections?|comments?|questions?|feedback))\b"),
    Inverted => format!(r"{LEAD}(?:is|are|was|were|do|does|did|can|could|would|will|should|shall|has|have|had|am|isn't|aren't|don't|doesn't|didn't|can't|won't) (?:you|we|i|they|he|she|it|there|that|this|these|those|the|an?|any|some|all|my|our|your)\b"),
    Tag => r"(?:, ?|\. ?)(?:right|okay|ok|no|yeah|yes|or not|isn't it|don't you|do you|doesn't it|aren't we)\s*\?",
    RequestOfYou => format!(r"\b(?:can|could|would|will|wouldn't|won't) (?:(?-i:[A-Z])[\w-]+|{WHO}) (?:please |kindly |also |just |maybe |all |perhaps )*{DO}\b"),
    Please => r"\b(?:please|pls|plz|kindly)\b",
    Imperative => format!(r"{LEAD}(?:do not |don't |never |always )?{DO}\b"),
    Obligation => r"\b(?:you(?:'ll)?|someone|somebody|y'all|everyone|everybody|authors?|reviewers?|maintainers?) (?:all )?(?:need|needs|have|has|ought|must|should|will have|want)\b(?: to)?|\bneeds? (?:to be|your|a (?:review|volunteer))\b|\bi(?:'d| would)? (?:need|want|like|love|prefer|appreciate) (?:you|it if|if you|your)\b",
    LetMeKnow => r"\blet (?:me|us) know\b|\b(?:would|'d) (?:be )?(?:appreciate|grateful|great if|nice if|helpful if|good if)|\bis it possible\b|\b(?:do|would) you mind\b|\blooking (?:for|forward to) (?:your|a|feedback|comments)\b|\b(?:awaiting|await) your\b|\bget back to (?:me|us)\b|\bany(?:one|body) (?:able|willing|want|up for)\b|\bvolunteers?\b",
    ActionItem => r"^[\W_]*(?:\[?action(?: items?| point)?\]?|to-?do|task|next steps?|ai)\b ?[:\]#-]|\[ \]|\baction item\b|\bfollow[- ]?up:",
    Propose => r"\b(?:how|what) about\b|\bwhy (?:don't|not)\b|\blet'?s\b|\blet us\b|\b(?:we|you) (?:could|might|should|may want)\b|\bwe can (?:also|just|do|use|add|make|try|start|move|put|go|say)\b|\bi(?:'d| would)? (?:also )?(?:suggest|propose|recommend|move that)|\bmaybe (?:we|you|it|just|a|the)\b|\bshall we\b|\b(?:would|wouldn't) it (?:make sense|be)\b|\b(?:another|one|better) (?:option|idea|approach|way|possibility)\b|\balternatively\b|\b(?:proposal|suggestion|idea) (?:is|would|here)\b|\bi think (?:we|you|it) should\b|\bwe'd better\b|\bor (?:maybe|we could|just)\b|\bperhaps\b",
    Proposed => r"^[\W_]*(?:proposed|proposal|suggestion|motion|straw ?poll|proposed resolution)\b ?[:\]]",
    Opinion => r"\bi (?:think|believe|feel|guess|reckon|suppose|prefer|like|agree|disagree|mean|wonder)\b|\bin my (?:opinion|view)\b|\bim(?:h)?o\b|\bpersonally\b|\bseems?\b",
    Decided => r"^[\W_]*(?:resolved|resolution(?: ?#? ?\d+)?|decision(?: ?#? ?\d+)?|decided|agreed|accepted|approved|adopted|outcome|verdict)\b ?[:\]-]|\b(?:we|they|it was|group|team|board|committee|council|everyone|all|members|chairs?)(?: have| has|'ve| all| both| finally| also| had| then)* (?:agreed|decided|resolved|concluded|settled|chose|chosen|opted|approved|voted|adopted)\b|\b(?:was|were|been|is|are|be) (?:hereby )?(?:agreed|decided|resolved|approved|adopted|ratified|rejected by)\b|\b(?:the|our|final|my|made a) decision\b|\bconsensus (?:is|was|to|that|on|reached)\b|\b(?:rough|reached|have) consensus\b|\bmotion (?:carried|carries|passe[sd])\b|\bmotion was (?:carried|passed)|\b(?:take|took|taking) (?:\S+ ){0,5}decision back\b|\bwe (?:return|go back|revert|switch back) to\b|\bmerge (?:it |this )?now\b|\b(?:is|are) off the table\b",
    GoWith => r"\blet'?s (?:go (?:with|for|ahead)|do (?:that|it|this)|keep|stick|use|drop|ship|merge|close)\b|\bwe(?:'re| are|'ll| will)(?: all| now| just)? (?:go(?:ing)?|gonna go) (?:with|for|ahead)\b|\bgoing (?:with|ahead with)\b|\b(?:settled on|signed off|go ahead|it'?s a go|ship it|greenlit|green light)\b|\bfinal(?:ly)? (?:call|answer|version)\b",
    WeWillNot => r"\bwe(?: will|'ll| won't| are not going to|'re not going to| shall)(?: not)? (?:be |use |have |include |support |ship |do |need |go |make |keep |drop |remove |add |move |adopt |merge |wait |change |start |stop |publish |accept |defer |postpone )|\bwill not be\b|\bno longer\b|\bout of scope\b|\bwont ?fix\b",
    Approved => r"\b(?:approved|accepted|adopted|ratified|rejected|declined|deferred|postponed|withdrawn|carried|lgtm|acked|merged it|closing (?:this|as)|closed as)\b",
    Promise => r"\bi(?:'ll| will| shall|'m going to| am going to|'m gonna| plan to| intend to|'ll try to| promise| volunteer|'d be happy to| would be happy to|'m happy to| can (?:do|take|send|look|write|make|try|help|draft|fix|handle|review|check|prepare|put|share|talk|work|get|add|open|post|update|set))\b|\blet me (?:just |try|check|see|look|get|find|ask|know if i|take|do|send|put|show)|\bon it\b|\bleave (?:it|that) (?:to|with) me\b|\bi(?:'ve)? got (?:it|this)\b|\bwill do\b|\bhappy to\b|\bi(?:'m| am) (?:working|on)\b|\bcount me in\b|\bassign (?:it )?(?:to )?me\b",
    WeWill => r"\bwe(?:'ll| will|'re going to| are going to|'re gonna| plan to| intend to)\b|\b(?:he|she|they|it)(?:'ll| will)\b|\bgonna\b|\bgoing to\b",
    NamedWill => r"^[\W_]*[A-Z][\w-]+(?: [A-Z][\w-]+)? (?:will|to|is going to|has agreed to|shall)\b",
    Blocked => r"\bblock(?:ed|er|ers|ing|s)?\b|\bstuck\b|\bwaiting (?:on|for)\b|\b(?:can't|cannot|can not|unable to|couldn't|could not) (?:proceed|continue|merge|move|start|ship|release|deploy|build|access|finish|reproduce|connect|log|get|run|do)\b|\bheld up\b|\bon hold\b|\bdepends? on\b|\bdependent on\b|\bstalled\b|\bno access\b|\bshow-?stopper\b|\bprevent(?:s|ed|ing)\b",
    Broken => r"\b(?:broken|broke|fails?|failed|failing|failure|crash(?:es|ed|ing)?|outage|regress(?:ed|ion)|error|red|timed? out|down)\b|\b(?:doesn't|does not|don't|didn't|not) work(?:ing)?\b",
    Concern => r"\b(?:problem|issue|bug|concerns?|worr(?:y|ied)|risks?|unclear|not sure|don't know|no idea|unfortunately|confus\w+|difficult|expensive|missing|delay(?:ed)?|late)\b",
    Progress => r"\b(?:done|finished|fixed|merged|deployed|released|shipped|landed|completed?|pushed|published|uploaded|sent|updated|implemented|resolved|opened|in progress|wip|working on|currently|so far|as of|status|progress|no change|ready|still)\b",
    HaveDone => r"\b(?:i|we|they|he|she)(?:'ve| have| has|'d)? (?:just |already |now |also |recently )?(?:\w+ed|sent|made|wrote|written|built|ran|found|got|did|done|put|took|began|had|met|went)\b",
    YesNo => r"^[\W_]*(?:yes|no|yep|nope|yup|nah|yeah|not really|exactly|correct|indeed|of course|definitely|absolutely|sure|maybe|probably|i don't think so|i think so|it depends|true|\w+: yes|\w+: no)\b",
    Because => r"\b(?:because|since|the reason|due to|that's why|as far as i know|afaik|it turns out|which means|in fact|actually|you can find|see (?:the|also|here|above))\b",
    Acknowledge => r"^[\W_]*(?:(?:ok(?:ay)?|thanks?|thank you(?: (?:so|very) much)?|thx|ty|got it|great|cool|sounds? (?:good|great)|makes sense|\+1|lgtm|ack|agreed?|m+-?h?m+|mm|uh-?huh|yeah|yes|yep|right|sure|nice|perfect|noted|understood|good (?:point|idea|catch|job|work)|fair enough|alright|all right|excellent|awesome|will do|no problem|np|i see|true|brilliant|fine|very good|of course|exactly|hmm+|oh|ah|wow|lovely|for (?:that|this|the (?:update|info|help|review))|so|then|well|it|all|everyone|again|that's)[\s,.!:;)'-]*)+$",
    Thanks => r"\b(?:thanks|thank you|thx|appreciated|much obliged)\b",
    Greeting => r"^[\W_]*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|morning|greetings|welcome|howdy|folks)\b(?:[ ,]+[\w.'@-]+){0,4}[\W_]*$",
    Farewell => r"^[\W_]*(?:(?:best|kind|warm|with)(?: kind| best| warm)? ?(?:regards|wishes)?|regards|cheers|sincerely(?: yours)?|yours(?: (?:truly|sincerely|faithfully))?|bye(?:[- ]bye)?|good ?bye|see (?:you|ya)(?: \w+){0,3}|talk (?:soon|later|to you \w+)|have a (?:nice|good|great|lovely)(?: \w+){1,4}|take care|thanks in advance|thank you in advance|thanks again|ttyl|good ?night|br|kr|rgds|many thanks|respectfully|thanks,|thank you,)[\W_]*(?:[A-Z]\w+[\W_]*){0,3}$",
    FirstPerson => r"\b(?:i|i'm|i've|i'd|i'll|me|my)\b",
    We => r"\b(?:we|we're|we've|we'd|we'll|us|our)\b",
    You => r"\b(?:you|you're|you've|you'd|you'll|your|u)\b",
    Negated => r"\b(?:not|no|never|none|nothing|nobody)\b|n't\b",
    Must => r"\b(?:must|should|shall|need to|needs to|have to|has to|ought|required?)\b",
    Number => r"\d|\b(?:two|three|four|five|six|ten|twelve|twenty|thirty|fifty|hundred|percent|euros?|dollars?)\b",
    Link => r"https?://|www\.|\b\w+\.(?:com|org|net|io)\b|#\d+",
    Filler => r"\b(?:um+|uh+|er+m*|hmm+|mm+|kind of|sort of|you know|i mean|gonna|wanna)\b",
    Condition => r"\b(?:if|unless|until|when|once|after|before|as soon as)\b",
    Item => r"^\s*(?:[-*•+]|\d+[.)]) ",
    Heading => r"^\s*#|^[\W_]*(?:topic|subject|agenda|re|subtopic|present|regrets|scribe|chair|attendees?|participants?|date)\b ?:",
    Next => r"\b(?:next (?:time|meeting|week|step|call|release|version|sprint)|by (?:then|tomorrow|monday|friday|eod)|tomorrow|tonight|follow[- ]?up|later today)\b",
    Task => r"\b(?:work(?:ing)? on|look(?:ing)? (?:into|at)|take care of|prepare|responsible|in charge|assign(?:ed)?|your (?:task|job|part|role)|tasks?|minutes|notes|report|questionnaire|e-?mail|draft|write up|homework|deliverable)\b",
    Assent => r"^\s*(?:\+\s?1|aye|agreed?|seconded|so moved|(?:i|we) (?:agree|support|second)|no objections?|works for me|sounds good|lgtm|fine (?:with|by) me|(?:i'm|i am) (?:ok|okay|fine|happy) with)(?:\W|$)",
    Dissent => r"^\s*-\s?1(?:\W|$)|\b(?:i|we) (?:strongly )?(?:object|disagree|oppose)|\bnot (?:ok|okay|fine|happy) with\b|\bveto\b",
    Sum => r"^[\W_]*(?:so|in (?:summary|short|conclusion)|to (?:sum|summari[sz]e|recap|conclude)|basically|overall|tl;?dr|bottom line|summary)\b",
}

/// A please that asks for nothing to be done.
static POLITE: LazyLock<Regex> = LazyLock::new(|| {
    let said = r"(?i)\b(?:please|pls|plz|kindly) (?:do )?(?:excuse|forgive|pardon|bear with|find (?:attached|enclosed|below)|feel free|(?:don't|do not) hesitate|(?:take )?note)\b";
    compiled(said)
});

/// Which cues a sentence has, indexed by `Cue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cues([bool; CUES]);

impl Cues {
    pub fn of(sentence: &str) -> Cues {
        let mut found = [false; CUES];
        for at in PATTERNS.matches(sentence) {
            found[at] = true;
        }
        // Nobody has to do anything about that.
        found[Cue::Please as usize] &= !POLITE.is_match(sentence);
        Cues(found)
    }

    pub fn has(&self, cue: Cue) -> bool {
        self.0[cue as usize]
    }

    pub fn any(&self, cues: &[Cue]) -> bool {
        cues.iter().any(|c| self.has(*c))
    }

    pub fn flags(&self) -> &[bool; CUES] {
        &self.0
    }
}

/// How strongly the words alone speak for each act, 0 to 1, indexed like `SpeechAct::ALL`; 1 is a fixed phrase.
/// `words` is the sentence's length, `kind` where it was said: speech is looser than prose.
pub fn strengths(cues: &Cues, words: usize, kind: Kind) -> [f32; 11] {
    use Cue::*;
    let has = |c| cues.has(c);
    let speech = kind == Kind::Transcript;
    let asked = has(QuestionMark) || (speech && words >= 4 && has(Inverted));
    let request = (has(RequestOfYou) && !has(Condition)) || (has(Please) && (has(Imperative) || asked));
    let mut by_act = [0.0f32; 11];
    let mut raise = |act: SpeechAct, to: f32, when: bool| {
        let at = &mut by_act[index(act)];
        *at = if when { at.max(to) } else { *at };
    };
    raise(SpeechAct::Ask, 1.0, has(ActionItem));
    raise(SpeechAct::Ask, 0.9, request);
    raise(SpeechAct::Ask, 0.75, has(Please) && words > 2);
    raise(SpeechAct::Ask, 0.7, has(LetMeKnow) || (!speech && has(NamedWill) && has(Task)));
    raise(SpeechAct::Ask, 0.55, has(Imperative) && !speech && words > 2 && !has(WeWill));
    raise(SpeechAct::Ask, if speech { 0.2 } else { 0.45 }, has(Obligation));
    raise(SpeechAct::Question, 0.85, has(QuestionMark) && !request);
    raise(SpeechAct::Question, 0.5, has(QuestionMark) || (words >= 4 && has(Inverted) && !request));
    raise(SpeechAct::Question, 0.4, has(WhWord) && words >= 3);
    raise(SpeechAct::Proposal, 1.0, has(Proposed));
    raise(SpeechAct::Proposal, 0.6, has(Propose));
    raise(SpeechAct::Decision, 0.95, has(Decided) && !asked && !has(Condition) && !has(Opinion));
    raise(SpeechAct::Decision, 0.75, has(Decided) && !asked && !has(Opinion));
    raise(SpeechAct::Decision, 0.5, has(Decided) && !asked);
    raise(SpeechAct::Decision, 0.65, has(GoWith) && !asked);
    raise(SpeechAct::Decision, 0.55, (has(Approved) || (has(WeWillNot) && !speech)) && !asked && !has(Condition));
    raise(SpeechAct::Commitment, 0.8, has(Promise) && !asked);
    raise(SpeechAct::Commitment, 0.45, has(WeWill) && has(We) && !asked);
    raise(SpeechAct::Blocker, 0.8, has(Blocked) && !asked);
    raise(SpeechAct::Blocker, 0.4, has(Broken) && !asked);
    raise(SpeechAct::Blocker, 0.28, has(Concern) && !asked);
    raise(SpeechAct::Answer, 0.6, has(YesNo) && words > 2 && !asked);
    raise(SpeechAct::Answer, 0.4, has(Because) && !asked);
    raise(SpeechAct::Acknowledgement, 0.95, has(Acknowledge) && words <= 8 && !asked);
    raise(SpeechAct::Acknowledgement, 0.6, has(Thanks) && words <= 12 && !asked);
    raise(SpeechAct::Acknowledgement, 0.6, has(Assent) && !has(Dissent) && !asked);
    raise(SpeechAct::Closing, 0.97, has(Greeting) || has(Farewell));
    raise(SpeechAct::Status, 0.5, (has(Progress) || has(HaveDone)) && !asked);
    raise(SpeechAct::Other, 0.3, true);
    raise(SpeechAct::Other, 0.9, has(Heading) || words == 0);
    by_act
}

/// The position of an act in `SpeechAct::ALL`.
pub fn index(act: SpeechAct) -> usize {
    act as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_please_that_asks_for_nothing_is_none() {
        let asks = |text| Cues::of(text).has(Cue::Please);
        assert!(asks("Please send the list."));
        assert!(!asks("Please note that the pool has a new limit."));
        assert!(
            !asks("This was dictated, so please excuse any mistakes.") && !asks("Please find attached the minutes.")
        );
    }

    #[test]
    fn acts_are_indexed_as_they_are_listed() {
        for (at, act) in SpeechAct::ALL.into_iter().enumerate() {
            assert_eq!(index(act), at);
        }
    }

    #[test]
    fn every_pattern_compiles_and_empty_text_has_no_cues() {
        assert!(Cues::of("").flags().iter().all(|has| !has));
        assert!(Cues::of("RESOLVED: yes").has(Cue::Decided));
    }
}

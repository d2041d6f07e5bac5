//! The page of a thread: its summary, each claim with links to the messages that it quotes, and the messages.

use std::collections::HashMap;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{item, theme_of, waiting, when};
use crate::{
    domain::summary::{AskState, By, Cite, QuestionState, Summary},
    render::{plain, view},
    store::{
        obligation::{self, Which},
        summary, thread as threads,
        thread::Kept,
    },
    web::{
        App,
        asked::{Path, Query},
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        view::ThreadView,
    },
};

/// Messages of a page.
const MESSAGES: usize = 200;
/// Obligations that a page shows.
const OWED: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct From {
    /// The first message, counted from 0.
    #[serde(default)]
    from: usize,
}

pub(crate) async fn thread(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(From { from }): Query<From>,
) -> Result<Response, ApiError> {
    let listed = reader.may_see(app.read(move |on| threads::find(on, &id)).await?)?;
    app.auditor.note(&reader, "page", Some(listed.key.clone()), &request, app.desk.now())?;
    let row = listed.id;
    let from = from - from % MESSAGES;
    let now = app.desk.now();
    let (made, ids, messages, owed) = app
        .read(move |on| {
            let made = summary::newest(on, row)?;
            let which = Which { thread: Some(row), ..Which::default() };
            let owed = obligation::list(on, &which, None, OWED)?;
            Ok((made, threads::message_ids(on, row)?, threads::messages(on, row, from, MESSAGES)?, owed))
        })
        .await?;
    let summary: Option<Summary> = match made {
        Some(made) => Some(serde_json::from_str(&made.json).map_err(|e| ApiError::internal(&e))?),
        None => None,
    };
    let links = Links { places: ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect(), key: &listed.key };
    let shown = messages.len();
    let values = context! {
        theme => theme_of(&headers),
        back => format!("/threads/{}", listed.key),
        summary => summary.as_ref().map(|s| links.summary(s)),
        messages => messages.iter().enumerate().map(|(at, kept)| message(from + at, kept)).collect::<Vec<_>>(),
        owed => owed.into_iter().map(|kept| waiting::item(kept, now).1).collect::<Vec<_>>(),
        before => (from > 0).then(|| from.saturating_sub(MESSAGES)),
        after => (from + shown < ids.len()).then_some(from + MESSAGES),
        first => from + 1, last => from + shown, all => ids.len(),
        thread => item(&ThreadView::from(listed.clone())),
    };
    app.pages.page("thread.html", values)
}

fn message(at: usize, kept: &Kept) -> Value {
    let message = &kept.message;
    context! {
        at => at,
        author => message.author.as_deref().map(plain::line),
        sent_at => message.sent_at.map(|m| when(&m.to_string())),
        edits => kept.versions,
        bot => message.bot,
        text => plain::lines(&message.text),
    }
}

/// Where the messages of a thread are to be found.
struct Links<'a> {
    places: HashMap<&'a str, usize>,
    key: &'a str,
}

impl Links<'_> {
    fn summary(&self, summary: &Summary) -> Value {
        let made = &summary.provenance;
        let skipped = summary.coverage.skipped.iter().map(|s| {
            context! {
                link => self.link(&s.message_id), reason => plain::line(&s.reason),
            }
        });
        context! {
            headline => view::headline(summary),
            bottom_line => self.claim(&summary.bottom_line.text, &summary.bottom_line.cites, Vec::new()),
            worded => summary.bottom_line.by == By::Model,
            sections => self.sections(summary),
            not_found => view::not_found(summary),
            coverage => view::coverage(summary),
            skipped => skipped.collect::<Vec<_>>(),
            through => summary.through.as_deref().and_then(|id| self.link(id)),
            model => made.model.as_deref().map(plain::line),
            prompt => made.prompt_version.as_deref().map(plain::line),
            dropped => made.dropped_claims,
            made_at => when(&made.made_at),
        }
    }

    fn sections(&self, summary: &Summary) -> Vec<Value> {
        let named = |what: &str, who: &Option<String>| who.as_deref().map(|who| format!("{what} {}", plain::line(who)));
        let decisions = summary
            .decisions
            .iter()
            .map(|d| self.claim(&d.text, &d.cites, named("decided by", &d.decided_by).into_iter().collect()));
        let asks = summary.asks.iter().map(|a| {
            let mut facts = vec![named("for", &a.owner).unwrap_or_else(|| "nobody named".to_owned())];
            facts.extend(named("due:", &a.due));
            facts.push(if a.state == AskState::Done { "done" } else { "open" }.to_owned());
            self.claim(&a.text, &a.cites, facts)
        });
        let questions = |state: QuestionState| {
            summary.questions.iter().filter(move |q| q.state == state).map(|q| {
                let mut facts: Vec<String> = named("asked by", &q.asked_by).into_iter().collect();
                let mut cites = q.cites.clone();
                if let Some(answer) = &q.answer {
                    facts.push(format!("answer: {}", plain::line(&answer.text)));
                    cites.extend(answer.cites.iter().cloned());
                }
                self.claim(&q.text, &cites, facts)
            })
        };
        let blockers = summary
            .blockers
            .iter()
            .map(|b| self.claim(&b.text, &b.cites, named("with", &b.owner).into_iter().collect()));
        let context = summary.context.iter().map(|c| self.claim(&c.text, &c.cites, Vec::new()));
        let all: [(&str, Vec<Value>); 6] = [
            ("Decisions", decisions.collect()),
            ("Asks", asks.collect()),
            ("Open questions", questions(QuestionState::Open).collect()),
            ("Blockers", blockers.collect()),
            ("Answered questions", questions(QuestionState::Answered).collect()),
            ("Context", context.collect()),
        ];
        let filled = all.into_iter().filter(|(_, claims)| !claims.is_empty());
        filled.map(|(heading, claims)| context! { heading => heading, claims => claims }).collect()
    }

    fn claim(&self, text: &str, cites: &[Cite], facts: Vec<String>) -> Value {
        let cites = cites.iter().map(|cite| {
            context! {
                link => self.link(&cite.message_id),
                quote => plain::line(&cite.quote),
                author => cite.author.as_deref().map(plain::line),
                at => cite.sent_at.as_deref().map(when),
            }
        });
        context! { text => plain::line(text), facts => facts, cites => cites.collect::<Vec<_>>() }
    }

    /// The address of a message, made of numbers of ours alone.
    fn link(&self, id: &str) -> Option<String> {
        let at = self.places.get(id)?;
        let page = at - at % MESSAGES;
        Some(if page == 0 {
            format!("/threads/{}#m{at}", self.key)
        } else {
            format!("/threads/{}?from={page}#m{at}", self.key)
        })
    }
}

//! The model's own chat template, filled so that what a thread says cannot steer the model.
//!
//! The template is rendered with a placeholder for each turn's text; the pieces between placeholders are encoded with
//! control tokens, the texts without. Template language: Jinja, as `tokenizer.chat_template` in the GGUF metadata.

use minijinja::{Environment, context};

use super::{ModelError, Role, Turn, gguf::Gguf, tokenizer::TextTokenizer};

/// Opens and closes a placeholder: private-use characters, which no template contains.
const OPEN: char = '\u{F8D1}';
const CLOSE: char = '\u{F8D2}';

/// A chat template that compiled.
pub struct ChatTemplate {
    environment: Environment<'static>,
}

impl ChatTemplate {
    /// # Errors
    /// `BadFile` when the file carries no template or one that does not compile.
    pub fn from_gguf(gguf: &Gguf) -> Result<ChatTemplate, ModelError> {
        let source = gguf.string("tokenizer.chat_template")?;
        let mut environment = Environment::new();
        environment.add_template_owned("chat", source).map_err(|e| gguf.bad(format!("its chat template: {e}")))?;
        Ok(ChatTemplate { environment })
    }

    /// The prompt's ids: the turns, then the opening of the assistant's, then `answer_start`.
    pub fn encode(
        &self,
        turns: &[Turn],
        answer_start: &str,
        tokenizer: &TextTokenizer,
    ) -> Result<Vec<u32>, ModelError> {
        let frame = self.render(turns)?;
        let mut ids: Vec<u32> = tokenizer.bos().into_iter().collect();
        for (n, piece) in frame.split(OPEN).enumerate() {
            let rest = match (n, piece.split_once(CLOSE)) {
                (0, _) | (_, None) => piece,
                (_, Some((turn, rest))) => {
                    let text = turn.parse().ok().and_then(|i: usize| turns.get(i)).map_or("", |t| t.text.trim());
                    ids.extend(tokenizer.encode_text(text)?);
                    rest
                }
            };
            ids.extend(tokenizer.encode_template(rest)?);
        }
        ids.extend(tokenizer.encode_text(answer_start)?);
        Ok(ids)
    }

    fn render(&self, turns: &[Turn]) -> Result<String, ModelError> {
        let failed = |e: minijinja::Error| ModelError::Compute(candle_core::Error::Msg(format!("chat template: {e}")));
        let messages: Vec<_> = turns
            .iter()
            .enumerate()
            .map(|(n, turn)| context! { role => turn.role.as_str(), content => format!("{OPEN}{n}{CLOSE}") })
            .collect();
        let template = self.environment.get_template("chat").map_err(failed)?;
        template.render(context! { messages, add_generation_prompt => true }).map_err(failed)
    }
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

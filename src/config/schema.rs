//! The configuration's shape as JSON Schema, for editors that complete and check TOML.

use serde_json::{Map, Value as Json, json};

use super::{
    check::check,
    key::{Holds, KEYS, Key, Value},
    load::DEFAULT,
};
use crate::{sink::registry::SinkConfig, source::connector::registry::SourceConfig};

const NAMED_KINDS: &[(&str, &[&str])] = &[("source", &SourceConfig::KINDS), ("sink", &SinkConfig::KINDS)];

/// A JSON Schema (draft 2020-12) of the configuration file.
pub fn schema() -> Json {
    let (defaults, _) = check("default.toml", DEFAULT);
    let mut sections = Map::new();
    for key in KEYS {
        let section = sections
            .entry(key.section())
            .or_insert_with(|| json!({ "type": "object", "additionalProperties": false, "properties": {} }));
        section["properties"][key.name()] = property(key, defaults.get(key.path).map(|(value, _)| value));
    }
    for (word, kinds) in NAMED_KINDS {
        sections.insert((*word).to_owned(), named(kinds));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bluf configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

/// Sections that people name, each of a type; what else one may set is for its type to say.
fn named(kinds: &[&str]) -> Json {
    let section = json!({ "type": "object", "required": ["type"], "properties": { "type": { "enum": kinds } } });
    json!({ "type": "object", "additionalProperties": section })
}

fn property(key: &Key, default: Option<&Value>) -> Json {
    let mut property = match key.holds {
        Holds::Text => json!({ "type": "string" }),
        Holds::OneOf(words) => json!({ "enum": words }),
        Holds::Flag => json!({ "type": "boolean" }),
        Holds::List => json!({ "type": "array", "items": { "type": "string" } }),
        Holds::Whole { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
    };
    property["description"] = json!(key.help);
    property["default"] = match default {
        Some(Value::Text(text)) => json!(text),
        Some(Value::Whole(n)) => json!(n),
        Some(Value::Flag(yes)) => json!(yes),
        Some(Value::List(words)) => json!(words),
        None => Json::Null,
    };
    property
}

#[cfg(test)]
mod tests {
    use super::{super::check::NAMED, schema};

    #[test]
    fn sections_that_people_name_are_in_it() {
        let schema = schema();
        for word in NAMED {
            let kinds = &schema["properties"][word]["additionalProperties"]["properties"]["type"]["enum"];
            assert!(kinds.as_array().is_some_and(|kinds| kinds.len() > 3), "{word}: {kinds}");
        }
    }
}

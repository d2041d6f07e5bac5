//! The configuration's shape as JSON Schema, for editors that complete and check TOML.

use serde_json::{Map, Value as Json, json};

use super::{
    check::{NAMED, check},
    key::{Holds, KEYS, Key, Value},
    load::DEFAULT,
};
use crate::{sink::registry::SinkConfig, source::connector::registry::SourceConfig};

/// Sections that people name and whose keys depend on their `type`.
const TYPED: [(&str, &[&str]); 2] = [("source", &SourceConfig::KINDS), ("sink", &SinkConfig::KINDS)];

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
    for word in NAMED {
        sections.insert(word.to_owned(), json!({ "type": "object" }));
    }
    for (word, kinds) in TYPED {
        sections[word]["additionalProperties"] = typed(kinds);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bluf configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

/// What a section of a type may set besides is for its type to say.
fn typed(kinds: &[&str]) -> Json {
    json!({ "type": "object", "required": ["type"], "properties": { "type": { "enum": kinds } } })
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
    use super::{NAMED, TYPED, schema};

    #[test]
    fn sections_that_people_name_are_in_it() {
        let schema = schema();
        assert!(NAMED.iter().all(|word| schema["properties"][word]["type"] == "object"), "{schema}");
        for (word, kinds) in TYPED {
            let known = &schema["properties"][word]["additionalProperties"]["properties"]["type"]["enum"];
            assert_eq!(known.as_array().map(Vec::len), Some(kinds.len()), "{word}");
        }
    }
}

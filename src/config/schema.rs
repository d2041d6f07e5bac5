//! The configuration's shape as JSON Schema, for editors that complete and check TOML.

use serde_json::{Map, Value as Json, json};

use super::{
    check::{NAMED, check},
    key::{Holds, KEYS, Key, Value},
    load::DEFAULT,
};

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
    // Their names are people's own, and their keys their readers'.
    for named in NAMED {
        let of_tables = json!({ "type": "object", "additionalProperties": { "type": "object" } });
        sections.insert(named.to_string(), of_tables);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bluf configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
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

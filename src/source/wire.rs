//! JSON as people's programs write it: a field of the wrong type is noticed, and never costs the whole item.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess},
};

use crate::domain::Moment;

/// A field that should be text.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Text {
    /// Not there.
    #[default]
    Absent,
    Null,
    Given(String),
    /// A list or an object.
    Other,
}

impl Text {
    pub(super) fn given(self) -> Option<String> {
        match self {
            Text::Given(text) => Some(text),
            _ => None,
        }
    }

    /// The text, unless it is only white space.
    pub(super) fn filled(self) -> Option<String> {
        self.given().filter(|text| !text.trim().is_empty())
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Text::Given(text) => text,
            _ => "",
        }
    }

    pub(super) fn moment(&self) -> Option<Moment> {
        moment(self.as_str())
    }
}

/// A moment in any form, also milliseconds since 1970, which many programs write.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    if (12..=14).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        let (secs, millis) = text.split_at_checked(text.len() - 3)?;
        return Moment::parse(&format!("{secs}.{millis}"));
    }
    Moment::parse(text)
}

/// A list whose broken members do not cost the good ones; anything but a list is `None`.
#[derive(Debug)]
pub(super) struct Items<T>(pub Option<Vec<T>>);

/// Where an object should be.
#[derive(Debug)]
pub(super) enum Loose<T> {
    Object(Box<T>),
    List(Vec<Loose<T>>),
    Other,
}

/// An object read field by field.
pub(super) trait Object: Default {
    /// Takes the value of `key` out of `fields`; `false`, and nothing taken, where it has no use for it.
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<bool, A::Error>;
}

impl<T> Default for Items<T> {
    fn default() -> Items<T> {
        Items(None)
    }
}

struct TextVisitor;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
        from.deserialize_any(TextVisitor)
    }
}

impl<'de> de::Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text::Given(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text::Given(text))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text::Given(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text::Given(number.to_string()))
    }

    // Seconds since 1970 with a fraction: a double holds them to a quarter of a microsecond, so six places are exact.
    fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
        Ok(Text::Given(format!("{number:.6}")))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text::Given(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Text, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::Other)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Items<T>, D::Error> {
        from.deserialize_any(ItemsVisitor(PhantomData))
    }
}

impl<'de, T: Object> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Loose<T>, D::Error> {
        from.deserialize_any(LooseVisitor(PhantomData))
    }
}

/// The visits of every JSON scalar, all with the same answer.
macro_rules! scalars_are {
    ($value:ty, $answer:expr) => {
        fn visit_str<E>(self, _: &str) -> Result<$value, E> {
            Ok($answer)
        }

        fn visit_i64<E>(self, _: i64) -> Result<$value, E> {
            Ok($answer)
        }

        fn visit_u64<E>(self, _: u64) -> Result<$value, E> {
            Ok($answer)
        }

        fn visit_f64<E>(self, _: f64) -> Result<$value, E> {
            Ok($answer)
        }

        fn visit_bool<E>(self, _: bool) -> Result<$value, E> {
            Ok($answer)
        }

        fn visit_unit<E>(self) -> Result<$value, E> {
            Ok($answer)
        }
    };
}

struct ItemsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for ItemsVisitor<T> {
    type Value = Items<T>;

    scalars_are!(Items<T>, Items(None));

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Items<T>, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element()? {
            out.push(item);
        }
        Ok(Items(Some(out)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Items<T>, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Items(None))
    }
}

struct LooseVisitor<T>(PhantomData<T>);

impl<'de, T: Object> de::Visitor<'de> for LooseVisitor<T> {
    type Value = Loose<T>;

    scalars_are!(Loose<T>, Loose::Other);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose<T>, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element()? {
            out.push(item);
        }
        Ok(Loose::List(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Loose<T>, A::Error> {
        let mut object = T::default();
        while let Some(key) = fields.next_key::<String>()? {
            if !object.field(&key, &mut fields)? {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Loose::Object(Box::new(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Text) {
        assert_eq!(serde_json::from_str::<Text>(json).unwrap(), expected);
    }

    #[test]
    fn any_type_is_taken_for_what_it_is() {
        check("\"a\"", Text::Given("a".into()));
        check("12", Text::Given("12".into()));
        check("1455642000.000003", Text::Given("1455642000.000003".into()));
        check("null", Text::Null);
        check("[1,{}]", Text::Other);
        check("{\"a\":1}", Text::Other);
    }

    #[test]
    fn milliseconds_are_a_moment_too() {
        assert_eq!(moment("1455642000123").unwrap().to_string(), "2016-02-16T17:00:00.123+00:00");
    }
}

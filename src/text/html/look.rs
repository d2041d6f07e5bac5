//! What an element's attributes say about whether a reader sees its text.

/// What an element's own attributes say about being seen.
#[derive(Default)]
pub(super) struct Look {
    pub hidden: bool,
    pub white: bool,
    pub coloured: bool,
}

impl Look {
    pub fn of<'a>(attr: &impl Fn(&str) -> Option<&'a str>) -> Look {
        let mut look = Look { hidden: attr("hidden").is_some(), ..Look::default() };
        look.white = attr("color").is_some_and(is_white);
        look.coloured = attr("bgcolor").is_some_and(|c| !is_white(c)) || attr("background").is_some();
        let style = attr("style").unwrap_or_default().to_ascii_lowercase();
        let mut clipped = false;
        let mut flat = false;
        for (key, value) in style.split(';').filter_map(|d| d.split_once(':')) {
            let value = value.trim().trim_end_matches("!important").trim();
            match key.trim() {
                "display" => look.hidden |= value == "none",
                "visibility" => look.hidden |= value == "hidden",
                "mso-hide" => look.hidden |= value == "all",
                "font-size" | "opacity" => look.hidden |= is_zero(value),
                "text-indent" | "left" | "top" => look.hidden |= value.starts_with("-999"),
                "max-height" | "max-width" | "height" | "width" => flat |= is_zero(value),
                "overflow" => clipped |= value == "hidden",
                "color" => look.white = is_white(value),
                "background-color" | "background" => {
                    look.coloured |= !is_white(value) && value != "transparent" && value != "none"
                }
                _ => {}
            }
        }
        look.hidden |= clipped && flat;
        look
    }
}

fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.parse::<f32>().is_ok_and(|n| n == 0.0)
}

fn is_white(value: &str) -> bool {
    let value: String = value.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    matches!(value.as_str(), "white" | "#fff" | "#ffffff" | "rgb(255,255,255)" | "rgba(255,255,255,1)")
}

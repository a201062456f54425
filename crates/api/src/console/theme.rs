//! Light or dark: as the system wants it, or as the visitor has chosen.

use axum::http::HeaderMap;

use super::cookies;

/// The cookie that remembers a choice.
pub const THEME_COOKIE: &str = "augur_theme";

/// A theme of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the visitor's system wants it.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The theme that a visitor has chosen.
    pub fn of(headers: &HeaderMap) -> Theme {
        cookies::value(headers, THEME_COOKIE).and_then(Theme::of_name).unwrap_or(Theme::System)
    }

    /// The theme of a name.
    pub fn of_name(name: &str) -> Option<Theme> {
        [Theme::System, Theme::Light, Theme::Dark].into_iter().find(|theme| theme.name() == name)
    }

    /// The name of this theme, as the stylesheet knows it.
    pub fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

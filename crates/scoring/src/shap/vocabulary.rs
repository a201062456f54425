//! Words for the values of columns that many telephone companies have, in English and Russian, and which of
//! these columns a company can move.

use crate::names;

use super::words::Language;

/// A column whose values have words.
pub(super) struct Known {
    name: &'static str,
    /// Whether a company can move it with an offer.
    is_lever: bool,
    words: Words,
}

/// A text in English and in Russian.
type Both = (&'static str, &'static str);

enum Words {
    /// What stands before and behind the number.
    Number(Both, Both),
    /// By value.
    Values(&'static [(&'static str, Both)]),
    /// A service that a customer has, has not, or cannot have without the one it is part of.
    Service { has: Both, lacks: Both, without: (&'static str, Both) },
}

const NO_PHONE: (&str, Both) = ("No phone service", ("has no phone line", "нет телефонной линии"));
const NO_INTERNET: (&str, Both) = ("No internet service", ("has no internet", "не подключён интернет"));

const fn service(name: &'static str, has: Both, lacks: Both) -> Known {
    Known { name, is_lever: true, words: Words::Service { has, lacks, without: NO_INTERNET } }
}

const fn given(name: &'static str, values: &'static [(&'static str, Both)]) -> Known {
    Known { name, is_lever: false, words: Words::Values(values) }
}

const fn lever(name: &'static str, values: &'static [(&'static str, Both)]) -> Known {
    Known { name, is_lever: true, words: Words::Values(values) }
}

const KNOWN: &[Known] = &[
    given("gender", &[("Female", ("is a woman", "женщина")), ("Male", ("is a man", "мужчина"))]),
    given(
        "SeniorCitizen",
        &[
            ("No", ("is not a senior citizen", "не пенсионного возраста")),
            ("Yes", ("is a senior citizen", "пенсионного возраста")),
        ],
    ),
    given(
        "Partner",
        &[("No", ("has no partner", "живёт без партнёра")), ("Yes", ("has a partner", "живёт с партнёром"))],
    ),
    given(
        "Dependents",
        &[("No", ("has no dependents", "нет иждивенцев")), ("Yes", ("has dependents", "есть иждивенцы"))],
    ),
    Known {
        name: "tenure",
        is_lever: false,
        words: Words::Number(("has been here ", "с компанией "), (" months", " мес.")),
    },
    lever("PhoneService", &[("No", NO_PHONE.1), ("Yes", ("has a phone line", "есть телефонная линия"))]),
    Known {
        name: "MultipleLines",
        is_lever: true,
        words: Words::Service {
            has: ("has several phone lines", "несколько телефонных линий"),
            lacks: ("has no second phone line", "нет второй телефонной линии"),
            without: NO_PHONE,
        },
    },
    lever(
        "InternetService",
        &[
            ("No", NO_INTERNET.1),
            ("DSL", ("has DSL internet", "интернет по DSL")),
            ("Fiber optic", ("has fiber internet", "интернет по оптоволокну")),
        ],
    ),
    service(
        "OnlineSecurity",
        ("has online security", "подключена онлайн-защита"),
        ("has no online security", "не подключена онлайн-защита"),
    ),
    service(
        "OnlineBackup",
        ("has online backup", "подключено резервное копирование"),
        ("has no online backup", "не подключено резервное копирование"),
    ),
    service(
        "DeviceProtection",
        ("has device protection", "подключена защита устройств"),
        ("has no device protection", "не подключена защита устройств"),
    ),
    service(
        "TechSupport",
        ("has tech support", "подключена техподдержка"),
        ("has no tech support", "не подключена техподдержка"),
    ),
    service(
        "StreamingTV",
        ("has streaming TV", "подключено онлайн-ТВ"),
        ("has no streaming TV", "не подключено онлайн-ТВ"),
    ),
    service(
        "StreamingMovies",
        ("has streaming movies", "подключено онлайн-кино"),
        ("has no streaming movies", "не подключено онлайн-кино"),
    ),
    lever(
        "Contract",
        &[
            ("Month-to-month", ("pays month to month", "платит помесячно")),
            ("One year", ("has a one-year contract", "договор на год")),
            ("Two year", ("has a two-year contract", "договор на два года")),
        ],
    ),
    lever(
        "PaperlessBilling",
        &[
            ("No", ("gets bills on paper", "получает бумажные счета")),
            ("Yes", ("gets bills online", "получает электронные счета")),
        ],
    ),
    lever(
        "PaymentMethod",
        &[
            ("Electronic check", ("pays by electronic check", "платит электронным чеком")),
            ("Mailed check", ("pays by mailed check", "платит чеком по почте")),
            (
                "Bank transfer (automatic)",
                ("pays by automatic bank transfer", "платит автопереводом из банка"),
            ),
            ("Credit card (automatic)", ("pays by card automatically", "платит картой автоматически")),
        ],
    ),
    Known {
        name: "MonthlyCharges",
        is_lever: true,
        words: Words::Number(("pays ", "платит "), (" a month", " в месяц")),
    },
    Known {
        name: "TotalCharges",
        is_lever: false,
        words: Words::Number(("has paid ", "всего заплачено "), (" in total", "")),
    },
];

/// What is known of a column; nothing of most.
pub(super) fn known(feature: &str) -> Option<&'static Known> {
    let key = names::key(feature);
    KNOWN.iter().find(|known| names::key(known.name) == key)
}

impl Known {
    pub(super) fn is_lever(&self) -> bool {
        self.is_lever
    }

    /// The words for a category's value.
    pub(super) fn of_value(&self, value: &str, language: Language) -> Option<&'static str> {
        let key = names::key(value);
        let found = match &self.words {
            Words::Number(..) => None,
            Words::Values(values) => {
                values.iter().find(|(value, _)| names::key(value) == key).map(|(_, words)| *words)
            }
            Words::Service { has, lacks, without } => match key.as_str() {
                "yes" => Some(*has),
                "no" => Some(*lacks),
                _ => Some(without.1).filter(|_| names::key(without.0) == key),
            },
        };
        found.map(|both| language.of(both))
    }

    /// What stands before and behind a number.
    pub(super) fn around_number(&self, language: Language) -> Option<(&'static str, &'static str)> {
        match &self.words {
            Words::Number(before, behind) => Some((language.of(*before), language.of(*behind))),
            Words::Values(_) | Words::Service { .. } => None,
        }
    }
}

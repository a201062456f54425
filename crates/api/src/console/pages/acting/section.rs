//! What to do about the customers of a result, on its page.

use askama::Template;
use platform::plans::{self, Plan};
use platform::predictions::RankedResult;
use platform::{Access, Page, PlanId, risk_tiers};

use super::form::{PlanFields, PlanForm};
use crate::console::charts::TiersPicture;
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::shell::Shell;
use crate::console::text::{Acting, fill};
use crate::state::Api;

/// Plans that are shown beside the form; there are rarely more.
const PLANS_SHOWN: u32 = 5;

/// The section of a result's page.
#[derive(Template)]
#[template(path = "console/_what_to_do.html")]
pub struct WhatToDo {
    t: &'static Acting,
    tiers: TiersPicture,
    form: PlanForm,
    plans: Vec<Line>,
}

/// A plan that was made.
struct Line {
    id: PlanId,
    title: String,
    profit: Option<String>,
}

impl WhatToDo {
    /// Reads the tiers and plans of a ranked result.
    pub async fn read(
        api: &Api,
        access: &Access,
        shell: &Shell,
        ranked: &RankedResult,
    ) -> Result<WhatToDo, PageError> {
        let tiers = risk_tiers::get(&api.platform, access).await?;
        let counts = risk_tiers::counts(&ranked.ranking, tiers.thresholds).await?;
        let page = Page { limit: PLANS_SHOWN, cursor: None };
        let id = ranked.prediction.id;
        let plans = plans::list(&api.platform, access, id, &page).await?;
        let fields = PlanFields::first(ranked.ranking.rows());
        Ok(WhatToDo {
            t: Acting::of(shell.language),
            tiers: TiersPicture::new(shell, &tiers, &counts),
            form: PlanForm::new(shell, id, ranked.ranking.columns(), fields, FieldErrors::default()),
            plans: plans.data.iter().map(|plan| line(shell, plan)).collect(),
        })
    }
}

/// What a plan is called.
pub fn title(shell: &Shell, plan: &Plan) -> String {
    let t = Acting::of(shell.language);
    match plan.figures.plan.contacts {
        0 => t.title_nobody.to_owned(),
        contacts => fill(t.title, &[("customers", &shell.count(contacts, t.title_customers))]),
    }
}

fn line(shell: &Shell, plan: &Plan) -> Line {
    let profit = plan.figures.plan.money.as_ref().map(|money| shell.estimate(money.profit as f64));
    Line { id: plan.id, title: title(shell, plan), profit }
}

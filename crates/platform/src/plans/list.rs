//! The list of a plan: made anew from the result, in bounded memory.

use super::{Plan, Terms, permit};
use crate::objects::blocking_reader;
use crate::predictions::{self, RankedResult};
use crate::{Access, Error, PlanId, Platform};
use object_store::{GetResult, GetResultPayload};
use scoring::campaign::Group;
use scoring::{ContactList, ContactOrder, Ranking, ValueColumn, names};
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

/// A plan's list, ready to be read. It holds a place among those who plan.
pub struct PlanList {
    /// The plan.
    pub plan: Plan,
    /// What the customer calls the file.
    pub file_name: String,
    /// What separates the columns.
    pub delimiter: char,
    pub(super) order: ContactOrder,
    pub(super) ranking: Arc<Ranking>,
    /// The result, open, or a copy of it without a name: whatever becomes of it, the list is whole.
    pub(super) result: File,
    _permit: OwnedSemaphorePermit,
}

/// The list of a plan of the caller's tenant.
///
/// # Errors
/// [`Error::Gone`] where the result has expired or was deleted; [`Error::Busy`] where too many are made at a time.
pub async fn list_file(platform: &Platform, access: &Access, id: PlanId) -> Result<PlanList, Error> {
    let plan = super::get(platform, access, id).await?;
    let permit = permit(platform)?;
    let ranked = predictions::ranking(platform, access, plan.prediction).await?;
    let order = order(platform, access, &ranked, &plan.terms, plan.value_column.as_deref()).await?;
    let reader = ranked.reader(platform, access).await?;
    let result = opened(reader).await?;
    Ok(PlanList {
        file_name: ranked.prediction.file_name.clone(),
        delimiter: ranked.delimiter,
        ranking: ranked.ranking,
        plan,
        order,
        result,
        _permit: permit,
    })
}

impl PlanList {
    /// Writes the customers' records, most profitable first, with a column `group`; of one group or of both. It
    /// reads files and may wait for whoever takes what is written.
    pub fn write(&self, wanted: Option<Group>, output: impl Write) -> io::Result<()> {
        self.contacts().write(wanted, output)
    }

    pub(super) fn contacts(&self) -> ContactList<'_> {
        ContactList {
            ranking: &self.ranking,
            order: &self.order,
            listed: self.plan.figures.plan.listed,
            control: self.plan.terms.control,
            result: &self.result,
        }
    }
}

/// The order in which customers are worth contacting under these terms.
pub(super) async fn order(
    platform: &Platform,
    access: &Access,
    ranked: &RankedResult,
    terms: &Terms,
    value_column: Option<&str>,
) -> Result<ContactOrder, Error> {
    let ranking = ranked.ranking.clone();
    let (Some(units), Some(economics)) = (terms.value_units, terms.economics) else {
        return Ok(ContactOrder::Likeliest(ranking, terms.value.unwrap_or(0) as f64));
    };
    let name = value_column.ok_or(Error::Gone("the result has expired or was deleted"))?;
    let is_wanted = |column: &String| names::key(column) == names::key(name);
    let position = ranking
        .columns()
        .iter()
        .position(is_wanted)
        .ok_or_else(|| Error::invalid("customer_value_column", "the file has no column of this name"))?;
    let column = ValueColumn { position, decimal: ranked.decimal, units };
    let (delimiter, runtime) = (ranked.delimiter, Handle::current());
    let result = ranked.reader(platform, access).await?;
    let order = spawn_blocking(move || {
        let input = blocking_reader(result, &runtime);
        ContactOrder::by_value(delimiter, input, &column, |candidate| economics.gain(candidate))
    });
    let order = order.await.map_err(Error::internal)?.map_err(unreadable)?;
    if order.customers() == 0 {
        return Err(Error::invalid("customer_value_column", "the column holds no number for any customer"));
    }
    Ok(order)
}

/// What reading a result or writing a temporary file may say.
pub(super) fn unreadable(error: io::Error) -> Error {
    Error::Unavailable { dependency: "temporary files", detail: error.to_string() }
}

/// A result as a file that is read at any place: what comes over a network is copied.
async fn opened(result: GetResult) -> Result<File, Error> {
    if let GetResultPayload::File(file, _) = result.payload {
        return Ok(file);
    }
    let runtime = Handle::current();
    let copied = spawn_blocking(move || {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut blocking_reader(result, &runtime), &mut file)?;
        Ok(file)
    });
    copied.await.map_err(Error::internal)?.map_err(unreadable)
}

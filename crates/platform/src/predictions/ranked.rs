//! The customers of a result, riskiest first, a page at a time.

use super::rankings::Ranked;
use super::{Prediction, db, read};
use crate::objects::result_path;
use crate::{Access, Error, Platform, PredictionId, TenantTx};
use object_store::{GetResult, path::Path};
use scoring::{Cells, Manifest, Place, RankedCustomer, Ranking};
use std::{ops::Range, sync::Arc};
use tokio::task::spawn_blocking;

/// What is read for a customer at first; nearly all records are shorter.
const RECORD_BYTES: u64 = 8 * 1024;

/// A result that can be read in the order of its ranking.
pub struct RankedResult {
    /// The prediction whose result it is.
    pub prediction: Prediction,
    /// The order.
    pub ranking: Arc<Ranking>,
    /// What separates the result's columns.
    pub delimiter: char,
    /// The result's decimal mark.
    pub decimal: char,
    path: Path,
    bytes: u64,
}

/// Ranks the result of a prediction of the caller's tenant; at once where it was ranked before. Whoever stops
/// waiting finds it ready later.
///
/// # Errors
/// Those of [`super::result`]; [`Error::Busy`] where too many results are being ranked.
pub async fn ranking(platform: &Platform, access: &Access, id: PredictionId) -> Result<RankedResult, Error> {
    let (prediction, located) = read::locate(platform, access, id).await?;
    let (attempt, delimiter) = (located.attempt, located.delimiter);
    let ranked = Ranked { id, attempt, delimiter, rows: prediction.rows_total };
    let ranking = match platform.rankings.get(&platform.objects, ranked).await {
        Err(Error::NotFound(_)) => return Err(read::why_missing(platform, access, id).await),
        ranking => ranking?,
    };
    Ok(RankedResult {
        prediction,
        ranking,
        delimiter,
        decimal: located.decimal,
        path: result_path(id, attempt),
        bytes: located.bytes,
    })
}

/// What the model of a prediction of the caller's tenant says of itself, in the version that scored it.
pub async fn manifest(platform: &Platform, access: &Access, id: PredictionId) -> Result<Manifest, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select_manifest(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("prediction"))
}

impl RankedResult {
    /// The result itself.
    ///
    /// # Errors
    /// [`Error::Gone`] where it was erased meanwhile.
    pub(crate) async fn reader(&self, platform: &Platform, access: &Access) -> Result<GetResult, Error> {
        match platform.objects.reader(&self.path).await {
            Err(Error::NotFound(_)) => Err(read::why_missing(platform, access, self.prediction.id).await),
            reader => reader,
        }
    }

    /// Up to `rows` customers after the first `skipped`, with the cells that are wanted.
    ///
    /// # Errors
    /// [`Error::Gone`] where the result was erased meanwhile.
    pub async fn page(
        &self,
        platform: &Platform,
        access: &Access,
        skipped: u64,
        rows: usize,
        cells: &Cells,
    ) -> Result<Vec<(Place, RankedCustomer)>, Error> {
        let ranking = self.ranking.clone();
        let places = spawn_blocking(move || ranking.places(skipped, rows)).await.map_err(Error::internal)?;
        let places = places.map_err(|error| Error::Unavailable {
            dependency: "temporary files",
            detail: error.to_string(),
        })?;
        match self.read(platform, &places, cells).await {
            Err(Error::NotFound(_)) => Err(read::why_missing(platform, access, self.prediction.id).await),
            customers => customers,
        }
    }

    async fn read(
        &self,
        platform: &Platform,
        places: &[Place],
        cells: &Cells,
    ) -> Result<Vec<(Place, RankedCustomer)>, Error> {
        let longest = self.ranking.record_bytes_max();
        let beginnings: Vec<_> =
            places.iter().map(|place| self.range(place, longest.min(RECORD_BYTES))).collect();
        let records = platform.objects.ranges(&self.path, &beginnings).await?;
        let mut customers = Vec::with_capacity(places.len());
        for ((&place, range), bytes) in places.iter().zip(beginnings).zip(records) {
            let customer = match self.ranking.customer(&bytes, range.end == self.bytes, cells) {
                Some(customer) => customer,
                None => self.read_long(platform, &place, cells).await?,
            };
            customers.push((place, customer));
        }
        Ok(customers)
    }

    /// Reads a long record, one at a time because of the memory.
    async fn read_long(
        &self,
        platform: &Platform,
        place: &Place,
        cells: &Cells,
    ) -> Result<RankedCustomer, Error> {
        let range = self.range(place, self.ranking.record_bytes_max());
        let bytes = platform.objects.ranges(&self.path, std::slice::from_ref(&range)).await?;
        // It goes on to the longest record's length or to the end.
        let bytes = bytes.first().ok_or_else(|| Error::Internal("a range was not read".to_owned()))?;
        self.ranking
            .customer(bytes, range.end == self.bytes, cells)
            .ok_or_else(|| Error::Internal("a result is not what it was when it was ranked".to_owned()))
    }

    fn range(&self, place: &Place, bytes: u64) -> Range<u64> {
        place.offset..self.bytes.min(place.offset.saturating_add(bytes))
    }
}

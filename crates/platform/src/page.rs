//! Lists, newest first, in pages.

use crate::Error;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub struct Page {
    /// How many entries, from 1 to 100.
    pub limit: u32,
    /// Where the last page ended, as that page said.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct List<T> {
    /// The entries, newest first.
    pub data: Vec<T>,
    /// What continues the list; none at its end.
    pub next_cursor: Option<String>,
}

/// The name of a list, which its cursors carry so that one list refuses another's.
pub(crate) type ListName = &'static str;

impl Page {
    /// How many rows to read: one more than wanted tells whether there is a next page.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The id below which the page begins; without a cursor, above every id.
    pub(crate) fn before_id(&self, list: ListName) -> Result<Uuid, Error> {
        let Some(cursor) = &self.cursor else { return Ok(Uuid::max()) };
        Ok(Uuid::from_bytes(decode(list, cursor)?))
    }

    /// The number below which the page begins.
    pub(crate) fn before_number(&self, list: ListName) -> Result<Option<i64>, Error> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes: [u8; 16] = decode(list, cursor)?;
        let number = i128::from_be_bytes(bytes);
        i64::try_from(number).map(Some).map_err(|_| Error::BadCursor)
    }

    /// Makes a page of up to `rows()` entries, whose `position` the next cursor holds.
    pub(crate) fn cut<T>(
        &self,
        list: ListName,
        mut data: Vec<T>,
        position: impl Fn(&T) -> [u8; 16],
    ) -> List<T> {
        let limit = self.limit as usize;
        let more = data.len() > limit;
        data.truncate(limit);
        let next_cursor = data.last().filter(|_| more).map(|last| encode(list, position(last)));
        List { data, next_cursor }
    }
}

impl Page {
    /// Makes a page of what a search found in the part of a list down to `floor`: a page that is not
    /// full is continued below it. None where the search came to the list's end.
    pub(crate) fn cut_searched<T>(
        &self,
        list: ListName,
        found: Vec<T>,
        position: impl Fn(&T) -> [u8; 16],
        floor: Option<Uuid>,
    ) -> List<T> {
        let mut page = self.cut(list, found, position);
        if page.next_cursor.is_none() {
            page.next_cursor = floor.map(|floor| encode(list, *floor.as_bytes()));
        }
        page
    }
}

/// The position of a numbered entry, for [`Page::cut`].
pub(crate) fn position_of_number(number: i64) -> [u8; 16] {
    i128::from(number).to_be_bytes()
}

fn encode(list: ListName, position: [u8; 16]) -> String {
    format!("{}{}", hex::encode(position), hex::encode(seal(list, position)))
}

fn decode(list: ListName, cursor: &str) -> Result<[u8; 16], Error> {
    let bytes = hex::decode(cursor).map_err(|_| Error::BadCursor)?;
    let (position, sealed) = bytes.split_first_chunk::<16>().ok_or(Error::BadCursor)?;
    if sealed != seal(list, *position) {
        return Err(Error::BadCursor);
    }
    Ok(*position)
}

/// Tells a cursor that was edited, or taken from another list, from one given out. It guards
/// against mistakes; what a page may show is decided by its query.
fn seal(list: ListName, position: [u8; 16]) -> [u8; 8] {
    let digest: [u8; 32] =
        Sha256::new().chain_update(list.as_bytes()).chain_update(position).finalize().into();
    let mut sealed = [0; 8];
    sealed.copy_from_slice(&digest[..8]);
    sealed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_on_and_an_edited_one_is_refused() {
        let page = Page { limit: 2, cursor: None };
        let list = page.cut("orders", vec![9_i64, 8, 7], |n| position_of_number(*n));
        assert_eq!(list.data, [9, 8]);
        let cursor = list.next_cursor.unwrap();
        let next = Page { limit: 2, cursor: Some(cursor.clone()) };
        assert_eq!(next.before_number("orders").unwrap(), Some(8));
        assert!(next.before_number("predictions").is_err());
        let edited = Page { limit: 2, cursor: Some(cursor.replacen('0', "1", 1)) };
        assert!(edited.before_number("orders").is_err());
        assert!(page.cut("orders", vec![9_i64, 8], |n| position_of_number(*n)).next_cursor.is_none());
    }

    #[test]
    fn a_search_that_found_too_little_goes_on_where_it_stopped() {
        let page = Page { limit: 2, cursor: None };
        let [floor, other] = [Uuid::from_u128(7), Uuid::from_u128(9)];
        let cut = |found: Vec<Uuid>, floor| page.cut_searched("orders", found, |id| *id.as_bytes(), floor);
        let next = Page { limit: 2, cursor: cut(vec![other], Some(floor)).next_cursor };
        assert_eq!(next.before_id("orders").unwrap(), floor);
        let full = Page { limit: 2, cursor: cut(vec![other; 3], Some(floor)).next_cursor };
        assert_eq!(full.before_id("orders").unwrap(), other);
        assert!(cut(vec![other], None).next_cursor.is_none());
    }
}

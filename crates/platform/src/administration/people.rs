//! Who is meant by ids, and what ids are meant by words.

use super::db;
use crate::{Error, TenantId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Somebody who signs in.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user's id.
    pub user: UserId,
    /// Their tenant's.
    pub tenant: TenantId,
    /// Their address; of a closed account, one that leads nowhere.
    pub email: String,
    /// Whether their account is closed and nothing personal is left.
    pub closed: bool,
}

/// Everybody whom a list names.
#[derive(Clone, Debug, Default)]
pub struct People(pub(super) Vec<Person>);

impl People {
    /// The user of this id.
    pub fn user(&self, id: UserId) -> Option<&Person> {
        self.0.iter().find(|person| person.user == id)
    }

    /// The first user of this tenant.
    pub fn of_tenant(&self, id: TenantId) -> Option<&Person> {
        self.0.iter().find(|person| person.tenant == id)
    }

    pub(super) async fn of(
        connection: &mut PgConnection,
        users: impl Iterator<Item = Uuid>,
        tenants: impl Iterator<Item = Uuid>,
    ) -> Result<People, Error> {
        let [mut users, mut tenants]: [Vec<Uuid>; 2] = [users.collect(), tenants.collect()];
        for ids in [&mut users, &mut tenants] {
            ids.sort_unstable();
            ids.dedup();
        }
        if users.is_empty() && tenants.is_empty() {
            return Ok(People::default());
        }
        db::select_people(connection, &users, &tenants).await.map(People)
    }
}

/// What the words of a search stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Meant {
    pub(super) users: Vec<Uuid>,
    pub(super) tenants: Vec<Uuid>,
    /// The words themselves, where they are an id.
    pub(super) id: Option<Uuid>,
}

impl Meant {
    /// The users and tenants whose id this is, or whose address or name has it as a part.
    pub(super) async fn by(
        connection: &mut PgConnection,
        words: Option<&str>,
    ) -> Result<Option<Meant>, Error> {
        let Some(words) = searchable(words) else { return Ok(None) };
        let id = Uuid::parse_str(&words).ok();
        let people = db::select_people_by_words(connection, &words, id).await?;
        let (users, tenants) = people.into_iter().map(|(user, tenant)| (user.0, tenant.0)).unzip();
        Ok(Some(Meant { users, tenants, id }))
    }
}

/// Words to look for: trimmed, and without what a text of the database cannot hold.
pub(super) fn searchable(words: Option<&str>) -> Option<String> {
    words.map(|words| words.replace('\0', "").trim().to_lowercase()).filter(|words| !words.is_empty())
}

//! What `augur serve --demo` makes: a user with money, an administrator and an API key. They are made
//! once and kept in the data directory, so that a restart shows the same.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use ledger::Money;
use platform::accounts::{self, Email, Password, Registration};
use platform::api_keys::{self, Scope};
use platform::money::{self, Deposit, Recipient};
use platform::{Access, Credential, Error, Platform, sessions};
use rand::TryRngCore;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::data_directory::DataDirectory;
use crate::output::{print_json, print_line};

const FILE: &str = "demo.json";
const USER: &str = "demo@augur.example";
const ADMINISTRATOR: &str = "admin@augur.example";
/// Enough for many orders of every model.
const BALANCE_MINOR_UNITS: i64 = 1_000_000;
const REQUEST_ID: &str = "demo";

/// The logins of the demo.
#[derive(Serialize, Deserialize)]
pub struct Demo {
    user: Login,
    administrator: Login,
    api_key: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Login {
    email: String,
    password: String,
}

/// What is printed.
#[derive(Serialize)]
struct Shown<'a> {
    address: String,
    documentation: String,
    #[serde(flatten)]
    demo: &'a Demo,
    balance: Balance<'a>,
}

#[derive(Serialize)]
struct Balance<'a> {
    amount: i64,
    currency: &'a str,
}

impl Demo {
    /// Makes the demo's users where they are missing. Passwords are kept before they are used, so
    /// that a crash in between leaves nobody locked out.
    pub async fn ensure(platform: &Platform, directory: &DataDirectory) -> Result<Self> {
        let path = directory.path().join(FILE);
        let mut demo = match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Self::new()?,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        if demo.api_key.is_none() {
            demo.keep(directory)?;
            create(platform, &demo.administrator, "Administrator", true).await?;
            create(platform, &demo.user, "Demo", false).await?;
            demo.api_key = Some(prepare(platform, &demo.user).await?);
            demo.keep(directory)?;
        }
        Ok(demo)
    }

    /// Prints address, logins, key and balance to standard output.
    pub async fn show(&self, platform: &Platform, address: SocketAddr, json: bool) -> Result<()> {
        let key = self.api_key.as_deref().unwrap_or_default();
        let balance = match money::balance(platform, &access(Credential::of_api_key(key))).await {
            Ok(balance) => balance.minor_units(),
            Err(Error::Unauthenticated) => {
                bail!(
                    "{FILE} in the data directory belongs to another database; remove it to have a new demo made"
                )
            }
            Err(error) => return Err(error.into()),
        };
        let address = format!("http://{}", reached_at(address));
        let shown = Shown {
            documentation: format!("{address}/docs/"),
            address,
            demo: self,
            balance: Balance { amount: balance, currency: &platform.currency },
        };
        if json { print_json(&shown) } else { shown.print() }
    }

    fn new() -> Result<Self> {
        let login = |email: &str| -> Result<Login> {
            Ok(Login { email: email.to_owned(), password: random_password()? })
        };
        Ok(Self { user: login(USER)?, administrator: login(ADMINISTRATOR)?, api_key: None })
    }

    fn keep(&self, directory: &DataDirectory) -> Result<()> {
        directory.write_private(FILE, &serde_json::to_vec_pretty(self)?)
    }
}

impl Shown<'_> {
    /// What to open first, then what else there is.
    fn print(&self) -> Result<()> {
        let Demo { user, administrator, api_key } = self.demo;
        let balance = api::english_money(self.balance.amount, self.balance.currency);
        let lines = [
            ("Open", self.address.clone()),
            ("Sign in as", format!("{}  password {}", user.email, user.password)),
            ("Balance", balance),
            ("API key", api_key.clone().unwrap_or_default()),
            ("", String::new()),
            ("Administrator", format!("{}  password {}", administrator.email, administrator.password)),
            ("Documentation", self.documentation.clone()),
        ];
        print_line("\n  Augur is up.\n")?;
        for (name, value) in lines {
            print_line(format!("  {name:<15}{value}").trim_end())?;
        }
        print_line("")
    }
}

/// Where a browser on this machine finds a server: one that listens on every address also at this one.
fn reached_at(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(any) if any.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(any) if any.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

async fn create(platform: &Platform, login: &Login, name: &str, is_admin: bool) -> Result<()> {
    let registration = Registration {
        email: Email::parse(&login.email)?,
        password: Password::parse("password", login.password.clone().into())?,
        name: Some(name.to_owned()),
    };
    match accounts::create_on_command_line(platform, registration, is_admin).await {
        // Made by an earlier start that was interrupted.
        Ok(_) | Err(Error::Conflict { code: "email_taken", .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Gives the user money and a key.
async fn prepare(platform: &Platform, login: &Login) -> Result<String> {
    let password = SecretString::from(login.password.clone());
    let session = sessions::log_in(platform, &login.email, password, REQUEST_ID)
        .await
        .context("the demo user exists already, with another password")?
        .session;
    let access = access(Credential::Session(session));
    if money::balance(platform, &access).await?.minor_units() == 0 {
        let deposit = Deposit {
            recipient: Recipient::Email(login.email.clone()),
            amount: Money::from_minor_units(BALANCE_MINOR_UNITS)?,
            note: Some("Money of the demo".to_owned()),
        };
        money::deposit_on_command_line(platform, deposit).await?;
    }
    let made = api_keys::create(platform, &access, "Demo", Scope::Write).await?;
    sessions::log_out(platform, &access).await?;
    Ok(made.key.expose_secret().to_owned())
}

fn access(credential: Credential) -> Access {
    Access { credential, request_id: REQUEST_ID.to_owned() }
}

fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 10];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).context("the system gives no random bytes")?;
    Ok(hex::encode(bytes))
}

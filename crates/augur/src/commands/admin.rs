//! `augur admin`: what the installation's owner does without a login.

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use ledger::Money;
use platform::accounts::{self, Email, Password, Registration};
use platform::money::{self, Deposit, Recipient};
use platform::{Error, Platform};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Global;
use crate::environment::Environment;
use crate::installation::Installation;
use crate::output::{print_json, print_line};

/// Make users and pay money in, without a login
///
/// Works on DATABASE_URL, else on the data directory, also beside a running `augur serve`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a user, with a tenant and an account of their own
    CreateUser {
        /// The address to sign in with
        #[arg(long)]
        email: String,
        /// The password, 8 characters at least; AUGUR_PASSWORD keeps it out of the process list
        #[arg(long, env = "AUGUR_PASSWORD", hide_env_values = true)]
        password: SecretString,
        /// What the user wants to be called
        #[arg(long)]
        name: Option<String>,
        /// What the user may do
        #[arg(long, value_enum, default_value_t)]
        role: Role,
    },
    /// Pay money into a user's account
    Deposit {
        /// The user's address
        #[arg(long)]
        email: String,
        /// How much, in minor units (kopecks, cents)
        #[arg(long)]
        amount: i64,
        /// A remark
        #[arg(long)]
        note: Option<String>,
    },
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Role {
    /// A customer
    #[default]
    User,
    /// Administers the platform
    Admin,
}

/// Runs the command.
pub async fn run(arguments: Arguments, global: Global) -> Result<()> {
    let installation = Installation::open(&Environment::of_process(), &global).await?;
    let done = act(&installation.platform, arguments.action).await;
    installation.close().await?;
    let (line, value) = done?;
    if global.json { print_json(&value) } else { print_line(&line) }
}

async fn act(platform: &Platform, action: Action) -> Result<(String, Value)> {
    match action {
        Action::CreateUser { email, password, name, role } => {
            let registration = Registration {
                email: Email::parse(&email).map_err(explain)?,
                password: Password::parse("password", password).map_err(explain)?,
                name,
            };
            let created = accounts::create_on_command_line(platform, registration, role == Role::Admin).await;
            let user = created.map_err(explain)?;
            let value = json!({
                "id": user.id,
                "email": user.email,
                "name": user.name,
                "role": if user.is_admin { "admin" } else { "user" },
                "tenant_id": user.tenant,
                "created_at": user.created_at,
            });
            Ok((format!("created {} ({})", user.email, user.id), value))
        }
        Action::Deposit { email, amount, note } => {
            let amount = Money::from_minor_units(amount).context("--amount")?;
            let deposit = Deposit { recipient: Recipient::Email(email.clone()), amount, note };
            let transaction = money::deposit_on_command_line(platform, deposit).await.map_err(explain)?;
            let balance = transaction.balance_after.minor_units();
            let value = json!({
                "id": transaction.id,
                "amount": transaction.amount.minor_units(),
                "balance_after": balance,
                "currency": platform.currency,
                "created_at": transaction.created_at,
            });
            Ok((format!("{email} has {balance} minor units of {} now", platform.currency), value))
        }
    }
}

/// An error with the fields at fault, which a form would show beside them.
fn explain(error: Error) -> anyhow::Error {
    let Error::Invalid(problems) = &error else { return error.into() };
    let fields: Vec<String> =
        problems.iter().map(|problem| format!("--{}: {}", problem.field, problem.message)).collect();
    anyhow!(fields.join("; "))
}
